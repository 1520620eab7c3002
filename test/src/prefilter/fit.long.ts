import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { openPictures } from '../../../indexer/fitting.js';
import { openSource } from '../../../indexer/readers/source.js';
import { openInference } from '../../../src/inference/local.js';
import { BUNDLED_MODEL, PACKAGE_FOLDER } from '../../../src/paths.js';
import { fitPrefilter, type FitResult } from '../../../src/prefilter/fit.js';
import { measureRecall } from '../../../src/prefilter/recall.js';
import { splitPictures } from '../../../src/prefilter/validation.js';
import { temporaryFolder } from '../../fixture.js';
import { untrained, writeStripped } from './checkpoint.js';

const VALIDATION = { validation: 200 / 2200, seed: 1 };

describe('fitPrefilter on 2,000 generated pictures, validated on 200', function () {
  const temporary = temporaryFolder();
  const at = (name: string) => path.join(temporary.path, name);
  const pictures = async (inference: Awaited<ReturnType<typeof openInference>>) =>
    openPictures({ inference, reader: await openSource({ source: at('scenes') }), seed: 1 });

  async function fit(model: string): Promise<FitResult> {
    const inference = await openInference({ model });
    try {
      return await fitPrefilter({ inference, source: await pictures(inference), cache: at('cache'), ...VALIDATION });
    } finally {
      await inference.close();
    }
  }

  /** What the heads trained with the bundled model find among the same 200. */
  async function measureTrained() {
    const inference = await openInference({ model: BUNDLED_MODEL });
    const all = [];
    for await (const picture of (await pictures(inference)).from(0)) if (!('reason' in picture)) all.push(picture);
    const { validates, relevance } = splitPictures(all, VALIDATION);
    const held = all.filter((_, i) => validates[i]);
    const images = await inference.embedImages(held.map(({ modelInput }) => modelInput));
    const texts = await inference.embedTexts(held.flatMap(({ captions }) => captions));
    await inference.close();
    return measureRecall({ images, texts: texts.map(({ embedding }) => embedding), relevance }).recall;
  }

  before(() => {
    const generator = path.join(PACKAGE_FOLDER, 'dist', 'data', 'scenes', 'main.js');
    const scenes = '--count 2200 --size 112 --seed 4242 --styles noto,noto-v1 --pairs any --split train';
    execFileSync(process.execPath, [generator, ...scenes.split(' '), '--output', at('scenes')], { stdio: 'ignore' });
  });

  it('comes within three points of the heads trained with the model', async () => {
    const { recall, unfitted, validation } = await fit(await writeStripped(at('model')));
    const trained = await measureTrained();
    assert.equal(validation.pictures, 200);
    assert.ok(recall.textToImage['1'] >= trained.textToImage['1'] - 3, JSON.stringify({ recall, trained }));
    assert.ok(recall.textToImage['10'] >= 98, JSON.stringify(recall));
    assert.ok(unfitted.textToImage['10'] < 10, JSON.stringify(unfitted));
  });

  it('calls a fit to random weights useless, though it finds far more than chance', async () => {
    const { useless, folder, recall, chance } = await fit(await writeStripped(at('random'), untrained(7)));
    assert.deepEqual({ useless, folder }, { useless: true, folder: null });
    assert.ok(recall.textToImage['10'] > 3 * chance.textToImage['10']);
  });
});
