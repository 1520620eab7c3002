import assert from 'node:assert/strict';
import path from 'node:path';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { cosineCost, heatmaps, HEATMAP_STEPS, ipot } from '../../../src/vilt/alignment.js';
import { prepareImage, type ModelInput } from '../../../src/vilt/image.js';
import { ViltModel } from '../../../src/vilt/model.js';
import { pairStates } from '../../../src/vilt/pair.js';
import { CHOICES, type Choice } from '../../../src/vilt/choice.js';
import { answer, compare, explain, fill } from '../../../src/vilt/task.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { readSample } from '../sample.js';
import { readCase, type CaseOptions } from './golden.js';
import { largestDifference, noise, weights } from './variant.js';

/** Pictures are rounded to eight bits here; the golden case's are not. The largest logits, of MLM, feel it most. */
const ROUNDING = { vqa: 2e-4, nlvr2: 2e-4, mlm: 2e-3 };
const SQUARE = { width: 96, height: 96 };

describe('tasks', () => {
  const folder = temporaryFolder();
  const open: ViltModel[] = [];
  const sample = readSample();
  let bundled: ViltModel;

  async function openModel(model: string): Promise<ViltModel> {
    open.push(await ViltModel.open({ model, cache: path.join(folder.path, 'cache') }));
    return open.at(-1)!;
  }

  before(async () => void (bundled = await openModel(BUNDLED_MODEL)));
  after(() => Promise.all(open.map((model) => model.close())));

  /** A picture of the sample as the bundled model sees it. */
  async function picture(index: number): Promise<ModelInput> {
    return (await prepareImage(sample[index].file, bundled.files.imageConfig)).modelInput;
  }

  const goldenCase = (name: string, options: CaseOptions = {}) => {
    return readCase(fixture(name), { ...options, target: path.join(folder.path, `golden-${open.length}`), openModel });
  };

  describe('a checkpoint without the head', () => {
    const image = noise(1, SQUARE);
    for (const [name, run, message] of [
      [
        'answers nothing',
        () => answer(bundled, { text: 'what is it?', image }),
        {
          message: /cannot answer questions: it lacks the VQA head \(it has rank, mlm\)/,
          hint: /vilt-b32-finetuned-vqa/,
        },
      ],
      [
        'compares nothing',
        () => compare(bundled, 'both show a fox', [image, image]),
        { message: /cannot compare images: it lacks the NLVR2 head/, hint: /vilt-b32-finetuned-nlvr2/ },
      ],
      [
        'fills nothing',
        async () => fill(await openModel(fixture('tiny-vilt-end-to-end')), { text: 'a [MASK]', image }),
        { message: /cannot fill masks: it lacks the MLM head \(it has rank\)/, hint: /vilt-b32-mlm/ },
      ],
    ] as const) {
      it(`${name}, and names one that does`, () => assert.rejects(run, { code: 'HEAD_MISSING', ...message }));
    }
  });

  describe('answer', () => {
    it('refuses a question without words', async () => {
      const { model, images } = await goldenCase('tiny-vilt-vqa');
      await assert.rejects(answer(model, { text: ' ', image: images[0] }), { code: 'EMPTY_TEXT' });
    });

    it("gives the reference's answers, best first, each with a probability of its own", async () => {
      const { model, text, images, logits } = await goldenCase('tiny-vilt-vqa');
      const choices = await answer(model, { text, image: images[0] });
      const expected = expectedChoices(
        logits,
        (logit) => 1 / (1 + Math.exp(-logit)),
        (i) => `LABEL_${i}`,
      );
      assert.equal(choices.length, logits.length);
      assertChoices(choices.slice(0, 10), expected, ROUNDING.vqa);
    });
  });

  describe('compare', () => {
    it('gives the chances of False and True as the reference does, the likelier first', async () => {
      const { model, text, images, logits } = await goldenCase('tiny-vilt-nlvr2');
      const sum = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      const choices = await compare(model, text, [images[0], images[1]]);
      assertChoices(
        choices,
        expectedChoices(
          logits,
          (logit) => Math.exp(logit) / sum,
          (i) => ['False', 'True'][i],
        ),
        ROUNDING.nlvr2,
      );
      assert.ok(Math.abs(choices[0].probability + choices[1].probability - 1) < 1e-6);
      const swapped = await compare(model, text, [images[1], images[0]]);
      assert.ok(Math.abs(swapped[0].probability - choices[0].probability) > 1e-3); // the order of the images counts
    });

    it('reads the second image under a modality of its own', async () => {
      const { model, text, images } = await goldenCase('tiny-vilt-nlvr2', {
        change(tensors) {
          // The fixture's rows are so alike that the two would hardly differ.
          const { values } = tensors.get('vilt.embeddings.token_type_embeddings.weight')!;
          values.set(weights(7, [64], 2).values, 2 * 64);
        },
      });
      const trueOf = async (modalities: number[]) => {
        const states = new Float32Array(2 * 64); // (2, hidden)
        for (const [i, modality] of modalities.entries()) {
          const { data } = await pairStates(model, { text, image: images[i] }, { keep: 'first', modality });
          states.set(data, i * 64);
        }
        const { data } = await model.head('nlvr2', states);
        return 1 / (1 + Math.exp(data[0] - data[1]));
      };
      const choices = await compare(model, text, [images[0], images[1]]);
      const { probability } = choices.find(({ label }) => label === 'True')!;
      assert.ok(Math.abs(probability - (await trueOf([1, 2]))) < 1e-5);
      assert.ok(Math.abs(probability - (await trueOf([1, 1]))) > 1e-3);
    });

    it('takes images of two sizes', async () => {
      const { model, text } = await goldenCase('tiny-vilt-nlvr2');
      const choices = await compare(model, text, [noise(1, SQUARE), noise(2, { width: 160, height: 96 })]);
      assert.deepEqual(choices.map(({ label }) => label).sort(), ['False', 'True']);
    });
  });

  describe('fill', () => {
    it('refuses a text without [MASK], or with all of them cut off', async () => {
      const image = await picture(8);
      await assert.rejects(fill(bundled, { text: 'a lizard', image }), {
        code: 'INVALID_ARGUMENT',
        message: /no \[MASK\]/,
        hint: /a \[MASK\] on a table/,
      });
      await assert.rejects(fill(bundled, { text: `${'a '.repeat(60)} [MASK]`, image }), {
        code: 'INVALID_ARGUMENT',
        message: /beyond the 40 tokens/,
      });
    });

    it("gives the reference's word pieces, with their shares of all", async () => {
      const mask = 4;
      const { model, text, images, logits } = await goldenCase('tiny-vilt-mlm', { mask });
      const row = logits.subarray(mask * 1000, (mask + 1) * 1000);
      const sum = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
      const masks = await fill(model, { text, image: images[0] });
      assert.equal(masks.length, 1);
      const expected = expectedChoices(
        row,
        (logit) => Math.exp(logit) / sum,
        (i) => model.tokenizer.token(i),
      );
      assert.equal(masks[0].length, CHOICES);
      assertChoices(masks[0].slice(0, 10), expected, ROUNDING.mlm);
    });

    // Pictures of one object that the small bundled model knows well.
    for (const [index, text, noun] of [
      [12, 'a [MASK] among green hills', 'skull'],
      [45, 'a [MASK] in front of a pineapple in the sky', 'pizza'],
      [15, 'there is an [MASK] inside a house', 'alien'],
      [17, 'an [MASK]', 'apple'],
    ] as const) {
      it(`sees ${noun} in "${text}"`, async () => {
        assert.equal(sample[index].objects[0].noun, noun);
        const [choices] = await fill(bundled, { text, image: await picture(index) });
        const best = choices.slice(0, 3).map(({ label }) => label);
        assert.ok(best.includes(noun), best.join(', '));
      });
    }

    it('gives each of several masks its own words, in order', async () => {
      const text = 'a [MASK] to the left of a fish at the [MASK]';
      const masks = await fill(bundled, { text, image: await picture(32) });
      assert.equal(masks.length, 2);
      assert.ok(
        masks[0].slice(0, 3).some(({ label }) => label === 'sword'),
        JSON.stringify(masks[0]),
      );
      assert.equal(masks[1][0].label, 'lake');
      for (const choices of masks) {
        assert.equal(choices.length, CHOICES);
        const sum = choices.reduce((sum, { probability }) => sum + probability, 0);
        assert.ok(sum > 0.5 && sum <= 1 + 1e-6);
      }
    });
  });

  describe('explain', () => {
    it('refuses a text without words', async () => {
      await assert.rejects(explain(bundled, { text: '', image: noise(1, SQUARE) }), { code: 'EMPTY_TEXT' });
    });

    it('has the tokens between [CLS] and the last [SEP], the grid, and heat between 1 and 3', async () => {
      const image = { ...noise(2, { width: 176, height: 112 }) };
      const { tokens, grid, heatmaps, distance } = await explain(bundled, { text: 'A fox at night', image });
      assert.deepEqual(tokens, ['a', 'fox', 'at', 'night']);
      assert.deepEqual(grid, { rows: 7, columns: 11 });
      assert.equal(heatmaps.length, 4);
      for (const heatmap of heatmaps) {
        assert.equal(heatmap.length, 77);
        assert.ok(heatmap.every((heat) => heat >= 1 && heat <= 3));
        assert.ok(heatmap.some((heat) => heat > 1));
      }
      assert.ok(distance > 0 && distance < 2);
    });

    it('aligns the states of words with those of patches, and of nothing else', async () => {
      const image = noise(2, { width: 112, height: 112 });
      const all = await bundled.pass(
        {
          texts: [bundled.tokenizer.encode('a fox at night', { maxLength: 40 })],
          images: [image],
        },
        'all',
      );
      assert.deepEqual([all.textLength, all.positions], [6, 6 + 1 + 49]);
      const hidden = 192;
      const text = all.data.subarray(hidden, 5 * hidden); // [CLS] a fox at night [SEP]
      const patches = all.data.subarray(7 * hidden);
      const cost = cosineCost({ text, patches, hidden });
      const plan = ipot({ cost, words: 4, patches: 49, steps: HEATMAP_STEPS });
      const expected = heatmaps(plan, 49);
      const explanation = await explain(bundled, { text: 'a fox at night', image });
      explanation.heatmaps.forEach((heatmap, i) => assert.ok(largestDifference(heatmap, expected[i]) < 1e-3));
    });

    it('explains a long text by what was read of it, and one word on one patch', async () => {
      const long = await explain(bundled, { text: 'fox '.repeat(60), image: noise(3, { width: 112, height: 112 }) });
      assert.equal(long.tokens.length, 38);
      assert.ok(long.tokens.every((token) => token === 'fox'));
      const small = await explain(bundled, { text: 'fox', image: noise(3, { width: 16, height: 16 }) });
      assert.deepEqual([small.tokens, small.grid], [['fox'], { rows: 1, columns: 1 }]);
      assert.deepEqual(small.heatmaps, [Float32Array.of(1)]);
    });

    it("lays each noun's heat on its object", async () => {
      const found: string[] = [];
      const missed: string[] = [];
      for (const index of [5, 7, 9, 11, 12, 15, 16, 17, 20, 28, 32]) {
        const { captions, objects } = sample[index];
        const { tokens, grid, heatmaps } = await explain(bundled, { text: captions[0], image: await picture(index) });
        for (const { noun, boxes } of objects) {
          const heat = heatmaps[tokens.indexOf(noun)];
          const inside = (patch: number) => {
            const x = ((patch % grid.columns) + 0.5) / grid.columns;
            const y = (Math.floor(patch / grid.columns) + 0.5) / grid.rows;
            return boxes.some(
              ([left, top, width, height]) => Math.abs(x - left) < width / 2 && Math.abs(y - top) < height / 2,
            );
          };
          const mean = (patches: Float32Array) => patches.reduce((sum, value) => sum + value, 0) / patches.length;
          const within = mean(heat.filter((_, patch) => inside(patch)));
          const outside = mean(heat.filter((_, patch) => !inside(patch)));
          (within > outside + 0.2 ? found : missed).push(`${index} ${noun}`);
        }
      }
      assert.ok(found.length >= 0.9 * (found.length + missed.length), `missed ${missed.join(', ')}`);
    });
  });
});

/** All outputs of a head, best first. */
function expectedChoices(logits: Float32Array, probability: (logit: number) => number, label: (i: number) => string) {
  return Array.from(logits, (logit, i) => ({ label: label(i), probability: probability(logit) })).sort(
    (a, b) => b.probability - a.probability,
  );
}

/** The same choices in the same order, and nearly the same probabilities. */
function assertChoices(choices: Choice[], expected: Choice[], rounding: number): void {
  const best = expected.slice(0, choices.length);
  const labels = (choices: Choice[]) => choices.map(({ label }) => label);
  const probabilities = (choices: Choice[]) => choices.map(({ probability }) => probability);
  assert.deepEqual(labels(choices), labels(best));
  assert.ok(largestDifference(probabilities(choices), probabilities(best)) <= rounding);
}
