import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { hashFiles } from '../../../src/vilt/checkpoint/checkpoint.js';
import type { Pooling } from '../../../src/vilt/graph/encoder.js';
import { inspectModel } from '../../../src/vilt/inspection.js';
import { readModel } from '../../../src/vilt/files.js';
import { ViltModel } from '../../../src/vilt/model.js';
import { embedImages, embedTexts, imageFeatures, textFeatures } from '../../../src/vilt/pair.js';
import { writePrefilter, type Fit, type Projection } from '../../../src/vilt/prefilter.js';
import { temporaryFolder } from '../../fixture.js';
import { writeStripped } from '../prefilter/checkpoint.js';

const TEXTS = ['a fox', 'a much longer text about two birds on a wire in the rain', 'an owl'];
const IMAGES = [96, 200].map((value) => ({ width: 64, height: 64, pixels: new Uint8Array(3 * 64 * 64).fill(value) }));

function closeTo(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-4): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) assert.ok(Math.abs(found[i] - expected[i]) < tolerance, `${i}: ${found[i]}`);
}

function normalized(values: number[]): number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

describe('a fitted prefilter', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  let count = 0;

  before(() => writeStripped(path.join(temporary.path, 'stripped')));

  /** The bundled model without its heads: six layers, so that one is at three quarters. */
  function copyModel(): string {
    const folder = path.join(temporary.path, `model-${count++}`);
    cpSync(path.join(temporary.path, 'stripped'), folder, { recursive: true });
    return folder;
  }

  /** A fit that keeps the last three features, with a bias. */
  async function write(folder: string, layer: number, pooling: Pooling, cache = path.join(temporary.path, 'cache')) {
    const files = await readModel(folder);
    const hash = await hashFiles(files.checkpoint.files);
    const width = files.config.hiddenSize * (pooling === 'both' ? 2 : 1);
    const projection: Projection = { weight: new Float32Array(3 * width), bias: Float32Array.of(0.5, -0.5, 0.25) };
    for (const d of [0, 1, 2]) projection.weight[d * width + width - 3 + d] = 1;
    const table = { '1': 10, '5': 20, '10': 30, '32': 40, '100': 50 };
    const recall = { textToImage: table, imageToText: table };
    const fit: Omit<Fit, 'weights'> = {
      version: 1,
      method: 'regularised canonical correlation analysis',
      model: hash,
      ...{ layer, pooling, regularisation: 0.1, power: 1, dimension: 3, pictures: 9, pairs: 9, seed: 1 },
      validation: { pictures: 1, captions: 1 },
      data: hash,
      ...{ recall, unfitted: recall, control: recall, chance: recall },
    };
    return writePrefilter({ files, hash, cache }, fit, { image: projection, text: projection });
  }

  for (const pooling of ['first', 'mean', 'both'] as const) {
    for (const last of [false, true]) {
      it(`projects the ${pooling} states of ${last ? 'the last' : 'an earlier'} layer, as they were fitted`, async () => {
        const folder = copyModel();
        const { config } = await readModel(folder);
        const { hiddenSize: hidden, layers } = config;
        const layer = last ? layers : Math.ceil((3 * layers) / 4);
        assert.equal(layer === layers, last);
        await write(folder, layer, pooling);
        const model = await ViltModel.open({ model: folder, threads: 1 });
        // Rows of features: layer 0, the earlier, the last; of each token 0 and mean.
        const end = (last ? 4 : 2) * hidden + (pooling === 'first' ? hidden : 2 * hidden);
        const expected = (row: Float32Array) => normalized([0.5, -0.5, 0.25].map((bias, d) => bias + row[end - 3 + d]));
        const texts = await embedTexts(model, TEXTS);
        const images = await embedImages(model, IMAGES);
        (await textFeatures(model, TEXTS)).forEach((row, i) => closeTo(texts[i].embedding, expected(row)));
        (await imageFeatures(model, IMAGES)).forEach((row, i) => closeTo(images[i], expected(row)));
        await model.close();
      });
    }
  }

  it('has features that do not depend on what is in the batch', async () => {
    const model = await ViltModel.open({ model: copyModel(), threads: 1 });
    const together = await textFeatures(model, TEXTS);
    for (const [i, text] of TEXTS.entries()) closeTo((await textFeatures(model, [text]))[0], together[i]);
    const { hiddenSize: hidden } = model.files.config;
    const { data } = await model.pass({ texts: [model.tokenizer.encode(TEXTS[0], { maxLength: 40 })] }, 'all');
    const rows = data.length / hidden;
    const mean = Array.from({ length: hidden }, (_, j) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += data[row * hidden + j] / rows;
      return sum;
    });
    const row = together[0];
    closeTo(row.subarray(row.length - 2 * hidden), [...data.subarray(0, hidden), ...mean]);
    await model.close();
  });

  it('is not used where its two files do not belong together', async () => {
    const folder = copyModel();
    await write(folder, 1, 'mean');
    const bytes = readFileSync(path.join(folder, 'prefilter.safetensors'));
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(path.join(folder, 'prefilter.safetensors'), bytes);
    const { prefilter, notes } = await inspectModel(folder);
    assert.equal(prefilter, null);
    assert.match(notes[0], /prefilter\.safetensors is not the file that it was made with/);
  });

  it('goes to the cache where the folder of the model cannot be written, and is found there', async function () {
    if (process.platform === 'win32') this.skip();
    const [folder, cache] = [copyModel(), path.join(temporary.path, 'other-cache')];
    const root = process.getuid?.() === 0;
    mkdirSync(cache);
    chmodSync(cache, 0o777);
    chmodSync(temporary.path, 0o755);
    chmodSync(folder, 0o555);
    if (root) process.seteuid?.(65534); // a superuser may write anywhere
    let written: string;
    try {
      written = await write(folder, 1, 'mean', cache);
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(folder, 0o755);
    }
    assert.ok(written.startsWith(path.join(cache, 'prefilters')), written);
    assert.equal((await inspectModel(folder, { cache })).prefilter?.source, 'fit');
    assert.equal((await inspectModel(folder, { cache: path.join(cache, 'none') })).prefilter, null);
    // Written beside the model later, the fit in the cache goes.
    await write(folder, 1, 'first', cache);
    assert.equal((await inspectModel(folder, { cache })).prefilter?.pooling, 'first');
    assert.equal(existsSync(path.join(written, 'prefilter.json')), false);
  });
});
