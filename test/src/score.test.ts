import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Inference } from '../../src/inference/inference.js';
import { openInference } from '../../src/inference/local.js';
import { BUNDLED_MODEL } from '../../src/paths.js';
import { scorePair } from '../../src/score.js';
import { dot } from '../../src/vector.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { readSample } from './sample.js';
import { writeVariant } from './vilt/variant.js';

/** Far below what is promised (0.02 for PNG, 0.1 for JPEG), so that any difference in preparation shows. */
const EXACT = 1e-4;

interface Expected {
  image: string;
  text: string;
  logit: number;
}

describe('scorePair', () => {
  const folder = temporaryFolder();
  const sample = readSample();
  let tiny: Inference;
  let bundled: Inference;

  before(async () => {
    tiny = await openInference({ model: fixture('tiny-vilt-end-to-end') });
    bundled = await openInference({ model: BUNDLED_MODEL });
  });
  after(() => Promise.all([tiny?.close(), bundled?.close()]));

  describe('refuses', () => {
    const image = fixture('preprocess', 'small_90x60.png');
    const refuses = (text: string, image: string | Uint8Array, expected: { code: string; message: RegExp }) =>
      assert.rejects(scorePair(bundled, { text, image }), expected);

    it('a text without words', async () => {
      await refuses('', image, { code: 'EMPTY_TEXT', message: /no words/ });
      await refuses(' \t\n', image, { code: 'EMPTY_TEXT', message: /no words/ });
    });

    it('a file that is not there, or is a folder', async () => {
      const nowhere = path.join(folder.path, 'nowhere.png');
      await refuses('a fox', nowhere, { code: 'FILE_NOT_FOUND', message: /nowhere\.png does not exist/ });
      await refuses('a fox', folder.path, { code: 'IMAGE_UNREADABLE', message: /is a folder/ });
    });

    it('a file that is not an image, or only its beginning', async () => {
      const text = path.join(folder.path, 'text.jpg');
      writeFileSync(text, 'not a picture');
      await refuses('a fox', text, {
        code: 'IMAGE_UNREADABLE',
        message: /text\.jpg does not begin as a picture does; expected one of JPEG, PNG/,
      });
      const cut = readFileSync(image).subarray(0, 2000);
      await refuses('a fox', cut, { code: 'IMAGE_UNREADABLE', message: /damaged, cut short/ });
    });

    it('an image that claims to be huge', async () => {
      const huge = Buffer.from(readFileSync(image));
      huge.writeUInt32BE(30_000, 16); // width and height of the header chunk, and its checksum
      huge.writeUInt32BE(30_000, 20);
      huge.writeUInt32BE(crc32(huge.subarray(12, 29)), 29);
      await refuses('a fox', huge, { code: 'IMAGE_TOO_LARGE', message: /30000x30000 \(900\.0 megapixels\)/ });
    });

    it('a model with no means of scoring, naming one that has', async () => {
      const model = await writeVariant(path.join(folder.path, 'headless'), {
        from: fixture('tiny-vilt-end-to-end'),
        change: (tensors) => ['rank_output.weight', 'rank_output.bias'].forEach((name) => tensors.delete(name)),
      });
      const headless = await openInference({ model });
      await assert.rejects(scorePair(headless, { text: 'a fox', image }), {
        code: 'HEAD_MISSING',
        message: /no rank, ITM or prefilter head/,
        hint: /vilt-b32-finetuned-coco/,
      });
      await headless.close();
    });

    it('to go on for a caller who went away', async () => {
      const signal = AbortSignal.abort();
      await assert.rejects(scorePair(bundled, { text: 'a fox', image, signal }), { code: 'CANCELLED' });
    });
  });

  it("gives the reference's logits, from file and text to score", async () => {
    const expected = JSON.parse(readFileSync(fixture('tiny-vilt-end-to-end', 'expected.json'), 'utf8')) as Expected[];
    assert.equal(expected.length, 28);
    let spread = 0;
    for (const { image, text, logit } of expected) {
      const { matchScore } = await scorePair(tiny, { text, image: fixture(image) });
      assert.ok(Math.abs(matchScore! - logit) <= EXACT, `${image}, "${text}": ${matchScore}, not ${logit}`);
      spread = Math.max(spread, Math.abs(logit - expected[0].logit));
    }
    assert.ok(spread > 0.3); // far more than the tolerance
  });

  it('gives no similarity without a prefilter, and no probability without a calibration', async () => {
    const image = fixture('preprocess', 'small_90x60.png');
    const { matchScore, similarity, matchProbability, notes } = await scorePair(tiny, { text: 'a giraffe', image });
    assert.equal(typeof matchScore, 'number');
    assert.deepEqual({ similarity, matchProbability, notes }, { similarity: null, matchProbability: null, notes: [] });
  });

  it('gives similarity alone where there is a prefilter and no head for matches', async () => {
    const model = await writeVariant(path.join(folder.path, 'prefilter'), {
      from: BUNDLED_MODEL,
      change: (tensors) => ['rank_output.weight', 'rank_output.bias'].forEach((name) => tensors.delete(name)),
    });
    const inference = await openInference({ model });
    const { file, captions } = sample[3];
    const { matchScore, similarity, matchProbability } = await scorePair(inference, { text: captions[0], image: file });
    await inference.close();
    assert.deepEqual({ matchScore, matchProbability }, { matchScore: null, matchProbability: null });
    const whole = await scorePair(bundled, { text: captions[0], image: file });
    assert.ok(Math.abs(similarity! - whole.similarity!) < 1e-5);
  });

  it('gives the bundled model all three, by its calibration', async () => {
    const { file, captions } = sample[3];
    const { matchScore, similarity, matchProbability, notes } = await scorePair(bundled, {
      text: captions[0],
      image: readFileSync(file),
    });
    const { calibration } = bundled.info;
    const logit = calibration!.matchScore * matchScore! + calibration!.similarity * similarity! + calibration!.bias;
    assert.ok(Math.abs(matchProbability! - 1 / (1 + Math.exp(-logit))) < 1e-12);
    assert.ok(matchProbability! > 0.5 && matchProbability! <= 1);
    assert.ok(similarity! > 0.2 && similarity! <= 1);
    assert.deepEqual(notes, []);
    const wrong = await scorePair(bundled, { text: sample[9].captions[0], image: file });
    assert.ok(wrong.matchProbability! < 0.1 && wrong.matchScore! < matchScore! && wrong.similarity! < similarity!);
  });

  for (const [index, caption, swapped] of [
    [3, 'a biscuit to the right of an orange train', 'an orange train to the right of a biscuit'],
    [5, 'a hammer over a ship', 'a ship over a hammer'],
    [11, 'a pig in front of a factory', 'a factory in front of a pig'],
    [16, 'a big octopus beside a small hammer', 'a small octopus beside a big hammer'],
  ] as const) {
    it(`prefers "${caption}" to "${swapped}"`, async () => {
      const image = sample[index].file;
      const right = await scorePair(bundled, { text: caption, image });
      const wrong = await scorePair(bundled, { text: swapped, image });
      assert.ok(right.matchScore! > wrong.matchScore! + 0.1, `${right.matchScore} and ${wrong.matchScore}`);
    });
  }

  it('names words that the model does not know, not too many and not at length', async () => {
    const image = fixture('preprocess', 'small_90x60.png');
    const notesOf = async (text: string) => (await scorePair(bundled, { text, image })).notes;
    assert.deepEqual(await notesOf('a zyzzyva, a fox and a qophs'), ['The model does not know "zyzzyva" and "qophs".']);
    const many = Array.from('stuvwxyz', (letter) => letter.repeat(50)).join(' ');
    const [note, ...others] = await notesOf(many);
    assert.match(note, /^The model does not know "s{40}…", "t{40}…", .*"w{40}…" and 3 more words\.$/);
    assert.deepEqual(others, []);
  });

  it('cuts a long text at forty tokens and says so', async () => {
    const image = fixture('preprocess', 'small_90x60.png');
    const words = Array.from({ length: 60 }, (_, i) => ['fox', 'dog', 'owl', 'boat'][i % 4]);
    const long = await scorePair(bundled, { text: words.join(' '), image });
    assert.deepEqual(long.notes, [
      'The text is longer than the 40 tokens that the model reads: only its beginning counts.',
    ]);
    const cut = await scorePair(bundled, { text: words.slice(0, 38).join(' '), image });
    assert.deepEqual(cut.notes, []);
    assert.ok(Math.abs(long.matchScore! - cut.matchScore!) < 1e-5);
    assert.ok(Math.abs(long.similarity! - cut.similarity!) < 1e-5);
  });
});

describe('dot', () => {
  it('is the sum of the products', () => {
    assert.equal(dot(Float32Array.of(1, 2, 3), Float32Array.of(4, -5, 0.5)), -4.5);
    assert.equal(dot(new Float32Array(0), new Float32Array(0)), 0);
  });
});
