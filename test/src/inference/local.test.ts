import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Device, Inference, Pair } from '../../../src/inference/inference.js';
import { openInference, type InferenceOptions } from '../../../src/inference/local.js';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { perceptualHash } from '../../../src/perceptual.js';
import { prepareImage } from '../../../src/vilt/image.js';
import { ViltModel } from '../../../src/vilt/model.js';
import { matchScores } from '../../../src/vilt/pair.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { writeStripped } from '../prefilter/checkpoint.js';
import { readSample } from '../sample.js';
import { largestDifference, noise, writeVariant } from '../vilt/variant.js';

const SIZE = { width: 112, height: 112 };

describe('openInference', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let inference: Inference;

  before(async () => void (inference = await openInference({ model: BUNDLED_MODEL })));
  after(() => inference?.close());

  /** So many pairs that they take several runs. */
  const pairs = (count: number): Pair[] =>
    Array.from({ length: count }, (_, i) => ({ text: `${i} foxes`, image: noise(i, SIZE) }));

  describe('refuses', () => {
    it('a model that is not there, or whose calibration is damaged', async () => {
      await assert.rejects(openInference({ model: path.join(folder.path, 'nowhere') }), { code: 'MODEL_NOT_FOUND' });
      const model = await writeVariant(path.join(folder.path, 'miscalibrated'), { from: fixture('tiny-vilt') });
      writeFileSync(path.join(model, 'patchword.json'), '{"calibration": {"matchScore": "much"}}');
      await assert.rejects(openInference({ model }), { code: 'MODEL_INCOMPLETE', message: /patchword\.json/ });
    });

    it('scores that are not finite, which nothing can be ranked by', async () => {
      const model = await writeStripped(path.join(folder.path, 'nan'), (name, values) =>
        name === 'rank_output.weight' ? values.fill(NaN) : values,
      );
      const broken = await openInference({ model });
      try {
        await assert.rejects(broken.matchScores(pairs(2)), {
          code: 'MODEL_UNSUPPORTED',
          message: /nan gives match scores that are not finite numbers/,
          hint: /model verify/,
        });
      } finally {
        await broken.close();
      }
    });

    it('a device that does not exist', async () => {
      await assert.rejects(openInference({ model: BUNDLED_MODEL, device: 'gpu' as Device }), {
        code: 'INVALID_ARGUMENT',
      });
    });

    it('one bad item without harm to its neighbours', async () => {
      const results = await Promise.allSettled([
        inference.embedTexts(['a fox']),
        inference.embedTexts(['a fox', ' ']),
        inference.embedTexts(['a dog']),
        inference.matchScores([{ text: '', image: noise(1, SIZE) }]),
      ]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
      );
      for (const result of results) {
        if (result.status === 'rejected') assert.equal((result.reason as { code: string }).code, 'EMPTY_TEXT');
      }
    });

    it('what is not an image, and goes on', async () => {
      const small = fixture('preprocess', 'small_90x60.png');
      const results = await Promise.allSettled([
        inference.prepare(path.join(folder.path, 'nowhere.png')),
        inference.prepare(Buffer.from('not a picture')),
        inference.prepare(small),
      ]);
      assert.deepEqual(
        results.map((result) => (result.status === 'rejected' ? (result.reason as { code: string }).code : 'fine')),
        ['FILE_NOT_FOUND', 'IMAGE_UNREADABLE', 'fine'],
      );
    });
  });

  it('describes the model as it runs', () => {
    const { info } = inference;
    assert.equal(info.folder, BUNDLED_MODEL);
    assert.match(info.hash, /^[0-9a-f]{64}$/);
    assert.deepEqual(info.heads, ['rank', 'mlm']);
    assert.equal(info.prefilter?.dimension, 128);
    assert.deepEqual([info.device, info.precision, info.notes], ['cpu', 'fp32', []]);
    assert.equal(info.config.maxTextLength, 40);
  });

  it('gives what the model gives, in order, however the work is divided', async () => {
    const model = await ViltModel.open({ model: BUNDLED_MODEL });
    const batch = pairs(60);
    const expected = await matchScores(model, batch);
    await model.close();
    const scores = await inference.matchScores(batch);
    assert.ok(scores instanceof Float32Array);
    assert.ok(largestDifference(scores, expected) <= 1e-4);
    const calls = await Promise.all(batch.slice(0, 12).map((pair) => inference.matchScores([pair])));
    assert.ok(
      largestDifference(
        calls.map(([score]) => score),
        expected.subarray(0, 12),
      ) <= 1e-4,
    );
    assert.equal((await inference.matchScores([])).length, 0);
  });

  it('prepares a file, or its bytes, as the model reads it', async () => {
    const { file } = readSample()[0];
    const prepared = await prepareImage(file, { shortestEdge: 112, sizeDivisor: 16 });
    const expected = { ...prepared, perceptualHash: perceptualHash(prepared.modelInput) };
    const bytes = readFileSync(file);
    assert.deepEqual(await inference.prepare(file), expected);
    assert.deepEqual(await inference.prepare(bytes), expected);
    assert.ok(bytes.length > 0); // copied, not moved
    assert.deepEqual([expected.width, expected.height], [320, 320]);
  });

  it('reads tokens, embeds texts and images, fills and explains', async () => {
    const { modelInput: image } = await inference.prepare(readSample()[12].file);
    const { tokens, truncated } = await inference.tokenize('A skull!');
    assert.deepEqual([tokens, truncated], [['[CLS]', 'a', 'skull', '[UNK]', '[SEP]'], false]);
    const [text] = await inference.embedTexts(['a skull']);
    assert.deepEqual([text.embedding.length, text.truncated], [128, false]);
    const [embedding] = await inference.embedImages([image]);
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
    const [choices] = await inference.fill({ text: 'a [MASK]', image });
    assert.equal(choices[0].label, 'skull');
    const { heatmaps, grid } = await inference.explain({ text: 'a skull', image });
    assert.deepEqual([heatmaps.length, heatmaps[0].length], [2, grid.rows * grid.columns]);
    await assert.rejects(inference.answer({ text: 'what is it?', image }), { code: 'HEAD_MISSING' });
    await assert.rejects(inference.compare({ text: 'a skull', images: [image, image] }), { code: 'HEAD_MISSING' });
    assert.ok(image.pixels.length > 0); // still the caller's
  });

  it('drops work whose caller went away, and goes on', async () => {
    const left = new AbortController();
    const options = { signal: left.signal };
    const dropped = [
      inference.matchScores(pairs(60), options),
      inference.embedTexts(['a fox'], { ...options, priority: 'background' }),
      inference.explain(pairs(1)[0], options),
    ];
    left.abort();
    for (const job of dropped) await assert.rejects(job, { code: 'CANCELLED' });
    assert.equal((await inference.matchScores(pairs(2))).length, 2);
  });

  it('holds two models at once', async () => {
    const tiny = await openInference({ model: fixture('tiny-vilt-end-to-end') });
    const { modelInput } = await tiny.prepare(fixture('preprocess', 'small_90x60.png'));
    assert.equal(modelInput.width, 144);
    const [[a], [b]] = await Promise.all([
      tiny.matchScores([{ text: 'a giraffe', image: modelInput }]),
      inference.matchScores([{ text: 'a fox', image: modelInput }]),
    ]);
    assert.notEqual(a, b);
    await tiny.close();
    assert.equal((await inference.matchScores(pairs(1))).length, 1);
  });

  describe('close', () => {
    it('lets the run under way finish, settles every call and takes no more', async () => {
      const closed = await openInference({ model: BUNDLED_MODEL });
      const calls = [closed.matchScores(pairs(60)), closed.embedTexts(['a fox']), closed.matchScores(pairs(1))];
      const settled = Promise.allSettled(calls);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await Promise.all([closed.close(), closed.close()]);
      for (const result of await settled) {
        if (result.status === 'rejected') assert.equal((result.reason as Error).name, 'PatchwordError');
      }
      await assert.rejects(closed.matchScores(pairs(1)), { name: 'PatchwordError' });
      await assert.rejects(closed.prepare(readSample()[0].file), { name: 'PatchwordError' });
    });
  });

  describe('leaves nothing that keeps the process alive', () => {
    const model = fixture('tiny-vilt-end-to-end');

    /** Opens a model in a process of its own, from a script on its command line; it ends by itself, or fails the test. */
    async function openAndLeave(options: Partial<InferenceOptions>, use = ''): Promise<string> {
      const script = `
        const { openInference } = await import(${JSON.stringify(new URL('../../../src/inference/local.js', import.meta.url))});
        try {
          const inference = await openInference(${JSON.stringify(options)});
          ${use}
        } catch (error) {
          console.log(error.code);
        }`;
      const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 });
      const { stdout, stderr } = await run; // rejects for a signal or an exit code
      assert.equal(stderr, '');
      return stdout.trim();
    }

    it('when there is no model', async () => {
      assert.equal(await openAndLeave({ model: path.join(folder.path, 'nowhere') }), 'MODEL_NOT_FOUND');
    });

    it('when the model fails to open in its worker', async () => {
      assert.equal(await openAndLeave({ model, device: 'gpu' as Device }), 'INVALID_ARGUMENT');
    });

    const score = `
      const image = { width: 16, height: 16, pixels: new Uint8Array(3 * 16 * 16) };
      const scores = await inference.matchScores([{ text: 'a giraffe', image }]);`;

    it('when it is never closed', async () => {
      assert.equal(await openAndLeave({ model }, `${score} console.log(scores.length);`), '1');
    });

    it('when it is closed', async () => {
      assert.equal(await openAndLeave({ model }, `${score} await inference.close(); console.log(scores.length);`), '1');
    });
  });
});
