import assert from 'node:assert/strict';
import path from 'node:path';
import { readConfig } from '../../../src/vilt/config.js';
import { ViltModel, type ModelOptions, type TextInput } from '../../../src/vilt/model.js';
import type { Device, Precision } from '../../../src/vilt/device.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { readGolden } from '../../safetensors.js';
import { referenceLogits, referenceStates } from './reference.js';
import { largestDifference, noise, normalizePixels, readValues, rounded, writeVariant } from './variant.js';

const TINY = fixture('tiny-vilt');
const TEXT: TextInput = { ids: [2, 45, 678, 9, 3] };

describe('ViltModel', () => {
  const folder = temporaryFolder();
  const open = new Set<ViltModel>();
  const at = (...parts: string[]) => path.join(folder.path, ...parts);
  const tiny = readValues(TINY);
  const config = readConfig(path.join(TINY, 'config.json'));
  let model: ViltModel;

  async function openModel(options: ModelOptions): Promise<ViltModel> {
    const model = await ViltModel.open({ cache: at('cache'), ...options });
    open.add(model);
    return model;
  }

  /** The rank logit of one pair. */
  async function logitOf(model: ViltModel): Promise<number> {
    const states = await model.pass({ texts: [TEXT], images: [square(model)] }, 'first');
    return (await model.head('rank', states.data)).data[0];
  }

  before(async () => void (model = await openModel({ model: TINY })));
  after(() => Promise.all([...open].map((model) => model.close())));

  describe('refuses', () => {
    it('a device or a precision that does not exist', async () => {
      await assert.rejects(openModel({ model: TINY, device: 'gpu' as Device }), {
        code: 'INVALID_ARGUMENT',
        message: /cpu, cuda, webgpu, auto/,
      });
      await assert.rejects(openModel({ model: TINY, precision: 'int4' as Precision }), {
        code: 'INVALID_ARGUMENT',
        message: /fp32, int8, fp16/,
      });
    });

    it('a vocabulary that is not that of the checkpoint, when a text is first read', () => {
      assert.throws(() => model.tokenizer, {
        code: 'MODEL_INCOMPLETE',
        message: /knows 30522 word pieces, the model only 1000/,
      });
    });
  });

  it('has the patch grid of a picture', () => {
    assert.deepEqual(model.grid({ width: 144, height: 96 }), { rows: 6, columns: 9 });
  });

  describe('pass', () => {
    // The last block works out only the positions that are asked for, which must not show.
    const inputs = {
      'a pair': () => ({ texts: [TEXT], images: [square(model)] }),
      'a text alone': () => ({ texts: [TEXT] }),
      'an image alone': () => ({ images: [square(model)] }),
      'a batch': () => ({ texts: [TEXT, { ids: [2, 7, 3] }], images: [square(model), square(model, 2)] }),
    };
    for (const [name, batch] of Object.entries(inputs)) {
      it(`gives ${name} the same first state alone as among all`, async () => {
        const all = await model.pass(batch(), 'all');
        const first = await model.pass(batch(), 'first');
        assert.equal(first.positions, 1);
        assert.equal(all.positions, all.textLength + (name === 'a text alone' ? 0 : 37));
        for (let row = 0; row < all.batch; row++) {
          const own = all.data.subarray(row * all.positions * 64).subarray(0, 64);
          assert.ok(largestDifference(first.data.subarray(row * 64, (row + 1) * 64), own) <= 1e-5);
        }
      });
    }

    it('gives the text the same states alone as among all', async () => {
      const batch = { texts: [TEXT], images: [square(model)] };
      const all = await model.pass(batch, 'all');
      const text = await model.pass(batch, 'text');
      assert.equal(text.positions, TEXT.ids.length);
      assert.ok(largestDifference(text.data, all.data.subarray(0, text.data.length)) <= 1e-5);
    });

    it('gives a text beside a longer one the states that it has alone', async () => {
      const long = { ids: [2, ...Array.from({ length: 38 }, (_, i) => 100 + i), 3] };
      const images = [square(model)];
      const alone = await model.pass({ texts: [TEXT], images }, 'first');
      const padded = await model.pass({ texts: [long, TEXT], images }, 'first');
      assert.equal(padded.textLength, 40);
      assert.ok(largestDifference(padded.data.subarray(64), alone.data) <= 1e-5);
      assert.ok(largestDifference(padded.data.subarray(0, 64), alone.data) > 0.01); // another text is another score
    });

    it('shares one text among images, and one image among texts', async () => {
      const [a, b] = [square(model, 1), square(model, 2)];
      const other = { ids: [2, 7, 3] };
      const oneText = await model.pass({ texts: [TEXT], images: [a, b] }, 'first');
      const twice = await model.pass({ texts: [TEXT, TEXT], images: [a, b] }, 'first');
      assert.ok(largestDifference(oneText.data, twice.data) <= 1e-6);
      const oneImage = await model.pass({ texts: [TEXT, other], images: [a] }, 'first');
      const both = await model.pass({ texts: [TEXT, other], images: [a, a] }, 'first');
      assert.ok(largestDifference(oneImage.data, both.data) <= 1e-6);
    });

    it('gives each of passes that overlap its own, whatever order they come in', async () => {
      const batches = [1, 2, 3, 4, 5].map((seed) => ({
        texts: [TEXT],
        images: Array.from({ length: seed % 3 || 3 }, (_, i) => noise(10 * seed + i, { width: 96, height: 16 * seed })),
      }));
      const alone: Float32Array[] = [];
      for (const batch of batches) alone.push((await model.pass(batch, 'all')).data.slice());
      const together = await Promise.all([...batches, ...batches].map((batch) => model.pass(batch, 'all')));
      together.forEach(({ data }, i) => assert.deepEqual(data, alone[i % batches.length]));
    });

    it('takes pixels as they are and normalised, for the same states', async () => {
      const image = noise(4, { width: 96, height: 96 });
      const raw = await model.pass({ texts: [TEXT], images: [image] }, 'first');
      const images = [normalizePixels(image, model.files.imageConfig)];
      assert.deepEqual((await model.pass({ texts: [TEXT], images }, 'first')).data, raw.data);
    });

    it('runs any grid, down to one patch', async () => {
      for (const size of [
        { width: 16, height: 16 },
        { width: 304, height: 16 },
        { width: 96, height: 304 },
      ]) {
        const images = [noise(3, size)];
        const { data } = await model.pass({ texts: [TEXT], images }, 'all');
        assert.equal(data.length, (TEXT.ids.length + 1 + (size.width * size.height) / 256) * 64);
        assert.ok(data.every(Number.isFinite));
      }
    });
  });

  describe('agrees with a plain computation of', () => {
    // That computation itself agrees with the reference implementation.
    it('a golden case', () => {
      const golden = readGolden(path.join(TINY, 'cases', 'square.safetensors'));
      const ids = Array.from(golden.get('in.input_ids')!.data as BigInt64Array, Number).slice(0, 7);
      const mask = Array.from(golden.get('in.attention_mask')!.data as BigInt64Array, Number).slice(0, 7);
      const pixels = (golden.get('in.pixel_values')!.data as Float32Array).slice(0, 3 * 96 * 96);
      const kept = ids.filter((_, i) => mask[i] === 1);
      const [cls] = referenceStates(tiny, config, { ids: kept, image: { width: 96, height: 96, pixels } });
      const expected = (golden.get('out.cls_hidden')!.data as Float32Array).subarray(0, 64);
      assert.ok(largestDifference(cls, expected) <= 2e-5);
      const [logit] = referenceLogits(tiny, cls, 'rank_output');
      assert.ok(Math.abs(logit - Number(golden.get('out.logits')!.data[0])) <= 2e-5);
    });

    const results = new Map<string, Float32Array>();
    for (const hidden_act of ['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu']) {
      for (const qkv_bias of [true, false]) {
        it(`${hidden_act} with${qkv_bias ? '' : 'out'} biases of query, key and value`, async () => {
          const variant = await openModel({
            model: await writeVariant(at(`${hidden_act}-${qkv_bias}`), {
              from: TINY,
              config: { hidden_act, qkv_bias },
              change: (tensors) => {
                // Large enough for the two forms of Gelu to differ, which they hardly do about zero.
                for (const [name, { values }] of tensors) {
                  if (/layer\.\d\.(intermediate|output)\.dense\.weight$/.test(name))
                    values.set(values.map((value) => 8 * value));
                }
                const biases = [...tensors.keys()].filter((name) => /\.(query|key|value)\.bias$/.test(name));
                if (!qkv_bias) biases.forEach((name) => tensors.delete(name));
              },
            }),
          });
          const image = square(variant);
          const { data } = await variant.pass({ texts: [TEXT], images: [image] }, 'all');
          const states = referenceStates(readValues(variant.files.folder), variant.files.config, {
            ids: TEXT.ids,
            image,
          });
          assert.ok(largestDifference(data, states.flat()) <= 1e-5);
          results.set(`${hidden_act} ${qkv_bias}`, data);
        });
      }
    }

    it('each, which shows when one is taken for another', () => {
      const difference = (a: string, b: string) => largestDifference(results.get(a)!, results.get(b)!);
      assert.ok(difference('gelu true', 'gelu_new true') > 5e-5);
      assert.ok(difference('gelu true', 'relu true') > 1e-2);
      assert.ok(difference('gelu true', 'gelu false') > 1e-2);
      assert.equal(difference('gelu_new true', 'gelu_pytorch_tanh true'), 0);
    });
  });

  describe('weights kept as', () => {
    for (const [dtype, tolerance] of [
      ['F64', 1e-6],
      ['F16', 0.01],
      ['BF16', 0.1],
    ] as const) {
      it(`${dtype} score as their values do`, async () => {
        const stored = await openModel({ model: await writeVariant(at(dtype), { from: TINY, dtype }) });
        const values = await openModel({
          model: await writeVariant(at(`${dtype}-values`), {
            from: TINY,
            change: (tensors) => {
              for (const [name, { shape, values }] of tensors) {
                tensors.set(name, { shape, values: rounded(values, dtype) });
              }
            },
          }),
        });
        const logit = await logitOf(stored);
        assert.ok(Math.abs(logit - (await logitOf(values))) <= 1e-6);
        assert.ok(Math.abs(logit - (await logitOf(model))) <= tolerance);
      });
    }
  });

  it('decodes masked words with its own weights where the checkpoint has them, else with the word embeddings', async () => {
    const words = 'vilt.embeddings.text_embeddings.word_embeddings.weight';
    const from = fixture('tiny-vilt-mlm');
    const doubled = await writeVariant(at('untied'), {
      from,
      change(tensors) {
        const { shape, values } = tensors.get(words)!;
        tensors.set('mlm_score.decoder.weight', { shape, values: values.map((value) => 2 * value) });
      },
    });
    const bias = readValues(from).get('mlm_score.decoder.bias')!.values;
    const states = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const logits = async (folder: string) => {
      const model = await openModel({ model: folder });
      return (await model.head('mlm', states)).data;
    };
    const tied = await logits(from);
    const own = await logits(doubled);
    own.forEach((logit, i) => assert.ok(Math.abs(logit - (2 * (tied[i] - bias[i]) + bias[i])) < 1e-4));
  });

  describe('precision', () => {
    for (const [precision, tolerance] of [
      ['fp16', 0.01],
      ['int8', 0.1],
    ] as const) {
      it(`${precision} stays near fp32`, async () => {
        const rough = await openModel({ model: TINY, precision });
        assert.equal(rough.precision, precision);
        const texts = [TEXT, { ids: [2, 7, 3] }, { ids: [2, 11, 12, 13, 14, 15, 16, 3] }];
        const logits = async (model: ViltModel) => {
          const states = await model.pass({ texts, images: [1, 2, 3].map((seed) => square(model, seed)) }, 'first');
          return (await model.head('rank', states.data)).data;
        };
        const difference = largestDifference(await logits(rough), await logits(model));
        assert.ok(difference <= tolerance, String(difference));
        assert.ok(difference > 0); // it is not fp32 under another name
      });
    }
  });
});

function square(model: ViltModel, seed = 1) {
  return normalizePixels(noise(seed, { width: 96, height: 96 }), model.files.imageConfig);
}
