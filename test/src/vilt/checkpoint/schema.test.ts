import assert from 'node:assert/strict';
import path from 'node:path';
import { BUNDLED_MODEL } from '../../../../src/paths.js';
import { openCheckpoint } from '../../../../src/vilt/checkpoint/checkpoint.js';
import { checkShapes, headsOf } from '../../../../src/vilt/checkpoint/schema.js';
import { readConfig } from '../../../../src/vilt/config.js';
import { fixture } from '../../../fixture.js';

async function shapesOf(folder: string) {
  const { tensors } = await openCheckpoint(folder);
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  return { shapes, config: readConfig(path.join(folder, 'config.json')) };
}

describe('checkShapes', () => {
  it('lists every tensor that is missing or of another shape in one error', async () => {
    const { shapes, config } = await shapesOf(fixture('tiny-vilt'));
    shapes.delete('vilt.pooler.dense.bias');
    shapes.delete('rank_output.bias');
    shapes.set('vilt.embeddings.cls_token', [1, 1, 32]);
    assert.throws(() => checkShapes(shapes, config, 'it'), {
      code: 'MODEL_INCOMPLETE',
      message:
        /^it does not fit its configuration in 3 tensors: vilt\.embeddings\.cls_token is \(1, 1, 32\), expected \(1, 1, 64\); vilt\.pooler\.dense\.bias is missing; rank_output\.bias is missing\.$/,
    });
  });

  it('sees weights of another depth and width than config.json says', async () => {
    const { shapes, config } = await shapesOf(fixture('tiny-vilt'));
    assert.throws(() => checkShapes(shapes, { ...config, layers: 4 }, 'it'), { message: /in 16 tensors.*layer\.3\./ });
  });

  it('sees tables that are too short for a text, or for the second image of NLVR2', async () => {
    const { shapes, config } = await shapesOf(fixture('tiny-vilt-nlvr2'));
    const table = 'vilt.embeddings.text_embeddings.position_embeddings.weight';
    const short = new Map(shapes).set(table, [5, config.hiddenSize]);
    assert.throws(() => checkShapes(short, config, 'it'), { message: /is \(5, \d+\), expected \(40 or more, \d+\)/ });
    const modalities = 'vilt.embeddings.token_type_embeddings.weight';
    const two = new Map(shapes).set(modalities, [2, config.hiddenSize]);
    assert.throws(() => checkShapes(two, { ...config, modalities: 2 }, 'it'), {
      message: /token_type_embeddings\.weight is \(2, \d+\), expected \(3 or more, /,
    });
  });

  it('accepts the bundled model and tells its heads', async () => {
    const { shapes, config } = await shapesOf(BUNDLED_MODEL);
    checkShapes(shapes, config, 'it');
    assert.deepEqual(headsOf(shapes, config), ['rank', 'mlm']);
  });

  it('tells VQA from NLVR2 by what the classifier reads', async () => {
    for (const [name, head] of [
      ['tiny-vilt-vqa', 'vqa'],
      ['tiny-vilt-nlvr2', 'nlvr2'],
    ]) {
      const { shapes, config } = await shapesOf(fixture(name));
      checkShapes(shapes, config, 'it');
      assert.deepEqual(headsOf(shapes, config), [head]);
    }
  });
});
