import assert from 'node:assert/strict';
import path from 'node:path';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { prepareImage } from '../../../src/vilt/image.js';
import { ViltModel } from '../../../src/vilt/model.js';
import { embedImages, embedTexts, encodeText, matchScores, pairStates, type Pair } from '../../../src/vilt/pair.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { readSample } from '../sample.js';
import { largestDifference, noise, weights, writeVariant } from './variant.js';

const TINY = fixture('tiny-vilt-end-to-end');
const SIZES = [
  { width: 96, height: 96 },
  { width: 144, height: 96 },
  { width: 96, height: 144 }, // as many patches as the one before
  { width: 96, height: 160 },
];
const TEXTS = [
  'A giraffe next to the umbrella.',
  '¿Qué?',
  'a frisbee',
  'a very very very very very long caption',
  'A skateboarder next to the café, a frisbee, an umbrella and a giraffe',
];

describe('pairs', () => {
  const folder = temporaryFolder();
  const open: ViltModel[] = [];
  let tiny: ViltModel;
  let bundled: ViltModel;

  async function openModel(model: string): Promise<ViltModel> {
    open.push(await ViltModel.open({ model, cache: path.join(folder.path, 'cache') }));
    return open.at(-1)!;
  }

  before(async () => {
    tiny = await openModel(TINY);
    bundled = await openModel(BUNDLED_MODEL);
  });
  after(() => Promise.all(open.map((model) => model.close())));

  describe('encodeText', () => {
    for (const [name, text] of Object.entries({
      nothing: '',
      blanks: ' \n\t ',
      'a null character': '\u0000',
      'characters without width': '\u200b\u200d',
    })) {
      it(`refuses ${name}, for want of words`, async () => {
        assert.throws(() => encodeText(tiny, text), { code: 'EMPTY_TEXT' });
        await assert.rejects(matchScores(tiny, [{ text, image: noise(1, SIZES[0]) }]), { code: 'EMPTY_TEXT' });
        await assert.rejects(embedTexts(bundled, ['a fox', text]), { code: 'EMPTY_TEXT' });
      });
    }

    it('cuts at 40 tokens, the last still [SEP]', () => {
      const { ids, tokens, truncated } = encodeText(bundled, 'fox '.repeat(60));
      assert.equal(truncated, true);
      assert.equal(ids.length, 40);
      assert.equal(tokens[0], '[CLS]');
      assert.equal(tokens[39], '[SEP]');
      assert.equal(encodeText(bundled, 'fox '.repeat(38)).truncated, false);
    });
  });

  describe('matchScores', () => {
    it('refuses a model with neither a rank nor an ITM head, naming one that has it', async () => {
      const headless = await openModel(
        await writeVariant(path.join(folder.path, 'headless'), {
          from: TINY,
          change: (tensors) => ['rank_output.weight', 'rank_output.bias'].forEach((name) => tensors.delete(name)),
        }),
      );
      await assert.rejects(matchScores(headless, [{ text: 'a fox', image: noise(1, SIZES[0]) }]), {
        code: 'HEAD_MISSING',
        message: /headless has neither a rank nor an ITM head/,
        hint: /vilt-b32-finetuned-coco/,
      });
    });

    it('scores nothing as nothing', async () => {
      assert.equal((await matchScores(tiny, [])).length, 0);
    });

    // A score must not depend on what else is scored: nothing pads an image, and padding of texts is masked.
    const pairs = (count: number): Pair[] =>
      Array.from({ length: count }, (_, i) => ({
        text: TEXTS[i % TEXTS.length],
        image: noise(i, SIZES[Math.floor(i / 2) % SIZES.length]),
      }));
    const image = noise(9, SIZES[1]);
    const batches: Record<string, Pair[]> = {
      'mixed texts and grids': pairs(15),
      'one text and many images': pairs(9).map(({ image }) => ({ text: TEXTS[0], image })),
      'many texts and one image': TEXTS.map((text) => ({ text, image })),
      'one pair over and over': Array.from({ length: 3 }, () => ({ text: TEXTS[0], image })),
      'more pairs than one pass holds': pairs(60).map(({ text }, i) => ({ text, image: noise(i, SIZES[2]) })),
    };
    for (const [name, batch] of Object.entries(batches)) {
      it(`gives ${name} the scores that each pair has alone`, async () => {
        const together = await matchScores(tiny, batch);
        const alone: number[] = [];
        for (const pair of batch) alone.push((await matchScores(tiny, [pair]))[0]);
        assert.ok(largestDifference(together, alone) <= 1e-5);
        if (name !== 'one pair over and over') assert.ok(new Set(alone).size === batch.length);
      });
    }

    it('gives the bundled model the same scores in any company', async () => {
      const sample = readSample();
      const inputs = await Promise.all(
        [3, 6, 4].map((i) => prepareImage(sample[i].file, bundled.files.imageConfig).then((p) => p.modelInput)),
      );
      const batch = inputs.flatMap((image) =>
        ['a fox', 'a biscuit beside an orange train', 'two buses against a plain gray background'].map((text) => ({
          text,
          image,
        })),
      );
      const together = await matchScores(bundled, batch);
      const alone = await Promise.all(batch.map(async (pair) => (await matchScores(bundled, [pair]))[0]));
      assert.ok(largestDifference(together, alone) <= 1e-5 * Math.max(...together.map(Math.abs)));
    });

    describe('of a checkpoint with an ITM head', () => {
      const itm = { weight: weights(11, [2, 64]), bias: weights(12, [2]) };
      const batch = pairs(6);

      it('are its logits of "match", the second row, where there is no rank head', async () => {
        const model = await openModel(
          await writeVariant(path.join(folder.path, 'itm'), {
            from: TINY,
            change(tensors) {
              tensors.delete('rank_output.weight');
              tensors.delete('rank_output.bias');
              tensors.set('itm_score.fc.weight', itm.weight).set('itm_score.fc.bias', itm.bias);
            },
          }),
        );
        assert.deepEqual(model.files.heads, ['itm']);
        const expected: number[] = [];
        for (const pair of batch) {
          const states = await pairStates(tiny, pair, { keep: 'first' });
          const { data: pooled } = await tiny.head('pooler', states.data); // (1, hidden)
          const row = itm.weight.values.subarray(64, 128);
          expected.push(pooled.reduce((sum, value, i) => sum + value * row[i], itm.bias.values[1]));
        }
        assert.ok(largestDifference(await matchScores(model, batch), expected) <= 1e-5);
      });

      it('are those of the rank head where it has that too', async () => {
        const model = await openModel(
          await writeVariant(path.join(folder.path, 'both'), {
            from: TINY,
            change: (tensors) => void tensors.set('itm_score.fc.weight', itm.weight).set('itm_score.fc.bias', itm.bias),
          }),
        );
        assert.deepEqual(model.files.heads, ['rank', 'itm']);
        assert.ok(largestDifference(await matchScores(model, batch), await matchScores(tiny, batch)) <= 1e-6);
      });
    });
  });

  describe('embedTexts and embedImages', () => {
    it('refuse a model without prefilter heads, naming what it lacks', async () => {
      const refused = {
        code: 'PREFILTER_MISSING',
        message: /no prefilter\.image_projection and prefilter\.text_projection \(weight and bias\)/,
      };
      await assert.rejects(embedTexts(tiny, ['a fox']), refused);
      await assert.rejects(embedImages(tiny, [noise(1, SIZES[0])]), refused);
    });

    it('give unit vectors, each the same in any company', async () => {
      const texts = [...TEXTS, 'fox '.repeat(60), ...Array.from({ length: 90 }, (_, i) => `${i} foxes`)];
      const embedded = await embedTexts(bundled, texts);
      assert.deepEqual(
        embedded.flatMap(({ truncated }, i) => (truncated ? [i] : [])),
        [TEXTS.length],
      );
      for (const [i, { embedding }] of embedded.entries()) {
        assert.equal(embedding.length, 128);
        assert.ok(Math.abs(Math.hypot(...embedding) - 1) <= 1e-5);
        if (i % 10 > 0) continue;
        const [alone] = await embedTexts(bundled, [texts[i]]);
        assert.ok(largestDifference(alone.embedding, embedding) <= 1e-5);
      }

      const images = Array.from({ length: 7 }, (_, i) =>
        noise(
          i,
          [
            { width: 112, height: 112 },
            { width: 176, height: 112 },
          ][i % 2],
        ),
      );
      const pictures = await embedImages(bundled, images);
      for (const [i, embedding] of pictures.entries()) {
        assert.ok(Math.abs(Math.hypot(...embedding) - 1) <= 1e-5);
        const [alone] = await embedImages(bundled, [images[i]]);
        assert.ok(largestDifference(alone, embedding) <= 1e-5);
      }
    });

    it('bring a picture and its caption together', async () => {
      const sample = readSample().slice(0, 8);
      const images = await Promise.all(sample.map(({ file }) => prepareImage(file, bundled.files.imageConfig)));
      const pictures = await embedImages(
        bundled,
        images.map(({ modelInput }) => modelInput),
      );
      const captions = await embedTexts(
        bundled,
        sample.map(({ captions }) => captions[0]),
      );
      const nearest = captions.map(({ embedding }) => {
        const cosines = pictures.map((picture) => picture.reduce((sum, value, i) => sum + value * embedding[i], 0));
        return cosines.indexOf(Math.max(...cosines));
      });
      assert.deepEqual(nearest, [0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('embed nothing as nothing', async () => {
      assert.deepEqual(await embedTexts(bundled, []), []);
      assert.deepEqual(await embedImages(bundled, []), []);
    });
  });
});
