import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { evaluateVqa } from '../../../indexer/evaluation/vqa.js';
import { PatchwordError } from '../../../src/errors.js';
import type { Inference } from '../../../src/inference/inference.js';
import { openInference } from '../../../src/inference/local.js';
import { temporaryFolder } from '../../fixture.js';
import { samplePicture } from '../../server/collection.js';
import { writeVariant } from '../../src/vilt/variant.js';
import { ANSWERS, writeTiny } from './models.js';

const QUESTIONS = [
  { image_id: 42, question: 'how many dogs are there ?', question_id: 42000 },
  { image_id: 42, question: 'what colour is the fox ?', question_id: 42001 },
  { image_id: 262148, question: 'is the fox red ?', question_id: 262148000 },
  { image_id: 581929, question: 'is the dog left ?', question_id: 581929002 },
];

describe('VQAv2 from its standard files', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const images = () => at('val2014');
  let inference: Inference;
  /** What the model answers to each question. */
  const said = new Map<number, string>();

  function write(name: string, value: unknown): string {
    writeFileSync(at(name), typeof value === 'string' ? value : JSON.stringify(value));
    return at(name);
  }
  /** Ten people each: how many of them say what the model says, and the others something else. */
  function annotations(agreeing: Record<number, number>, types: Record<number, string> = {}) {
    return {
      data_subtype: 'val2014',
      annotations: Object.entries(agreeing).map(([id, count]) => ({
        question_id: Number(id),
        question_type: 'what',
        answer_type: types[Number(id)] ?? 'other',
        multiple_choice_answer: 'x',
        answers: [...Array(10).keys()].map((person) => ({
          answer_id: person + 1,
          answer_confidence: 'yes',
          answer: person < count ? said.get(Number(id))! : `something else ${person}`,
        })),
      })),
    };
  }

  before(async () => {
    inference = await openInference({ model: await writeTiny(at('model'), 'tiny-vilt-vqa') });
    mkdirSync(images());
    const names = ['COCO_val2014_000000000042.jpg', '000000262148.jpg', 'COCO_val2014_000000581929.jpg'];
    for (const [place, name] of names.entries())
      copyFileSync((await samplePicture(place)).file, path.join(images(), name));
    writeFileSync(path.join(images(), 'readme.txt'), 'not a picture');
    for (const { image_id, question, question_id } of QUESTIONS) {
      const name = names.find((one) => one.includes(`${image_id}.jpg`))!;
      const { modelInput } = await inference.prepare(path.join(images(), name));
      said.set(question_id, (await inference.answer({ text: question, image: modelInput }))[0].label);
    }
    write('questions.json', { info: {}, data_subtype: 'val2014', questions: QUESTIONS });
  });
  after(() => inference.close());

  const files = () => ({ questions: at('questions.json'), images: images() });

  it('counts as the official evaluation does, by kind of answer', async () => {
    // Of ten people 10, 3, 1 and 0 agree: 1, 0.9, 0.3 and 0.
    const file = write(
      'annotations.json',
      annotations({ 42000: 10, 42001: 3, 262148000: 1, 581929002: 0 }, { 42000: 'number', 262148000: 'yes/no' }),
    );
    const progress: number[] = [];
    const result = await evaluateVqa({
      inference,
      ...files(),
      annotations: file,
      predictions: at('predictions.json'),
      onProgress: ({ done, total }) => progress.push(done / total!),
    });
    assert.deepEqual([result.kind, result.questions, result.answered, result.missing], ['vqa', 4, 4, []]);
    assert.ok(Math.abs(result.accuracy! - 55) < 1e-9, `${result.accuracy}`);
    const { 'yes/no': yes, number, other } = result.answerTypes;
    assert.deepEqual([yes.questions, number.questions, other.questions], [1, 1, 2]);
    assert.deepEqual([yes.accuracy, number.accuracy, other.accuracy].map(Math.round), [30, 100, 45]);
    assert.deepEqual(progress, [0.25, 0.5, 0.75, 1]);
    assert.match(result.model.hash, /^[0-9a-f]{64}$/);

    const predictions = JSON.parse(readFileSync(at('predictions.json'), 'utf8')) as unknown;
    assert.deepEqual(
      predictions,
      [...said].map(([question_id, answer]) => ({ question_id, answer })),
    );
  });

  it('answers without annotations, and never writes over predictions', async () => {
    const result = await evaluateVqa({ inference, ...files(), predictions: at('test.json') });
    assert.deepEqual([result.questions, result.accuracy, result.answered], [0, null, 4]);
    await assert.rejects(evaluateVqa({ inference, ...files(), predictions: at('test.json') }), {
      code: 'INVALID_ARGUMENT',
    });
  });

  it('names pictures that are not there, and goes on without them on request', async () => {
    const more = [{ image_id: 7, question: 'is it red ?', question_id: 7000 }, ...QUESTIONS];
    const questions = write('more.json', { questions: more });
    const file = write(
      'more-annotations.json',
      annotations({ 7000: 0, 42000: 10, 42001: 10, 262148000: 10, 581929002: 10 }),
    );
    const options = { inference, questions, images: images(), annotations: file };
    await assert.rejects(evaluateVqa({ ...options, predictions: at('none.json') }), (error: Error) => {
      assert.match(error.message, /1 picture cannot be found in .*val2014: 000000000007\.jpg\./);
      return (error as { code?: string }).code === 'FILE_NOT_FOUND';
    });
    assert.ok(!existsSync(at('none.json')));
    const { accuracy, questions: count, missing } = await evaluateVqa({ ...options, allowMissing: true });
    assert.deepEqual([accuracy, count], [100, 4]);
    assert.deepEqual(
      missing.map(({ file }) => file),
      ['000000000007.jpg'],
    );

    const damaged = path.join(images(), 'COCO_val2014_000000000007.jpg');
    writeFileSync(damaged, 'no picture');
    await assert.rejects(evaluateVqa(options), { code: 'IMAGE_UNREADABLE' });
    const without = await evaluateVqa({ ...options, allowMissing: true });
    assert.deepEqual([without.questions, without.missing.map(({ file }) => file)], [4, [damaged]]);
    rmSync(damaged);
  });

  it('never takes a fault of its own for a missing picture', async () => {
    const prepare = () => Promise.reject(new PatchwordError('INTERNAL', 'The worker ended.'));
    const failing = { ...inference, prepare };
    await assert.rejects(evaluateVqa({ ...files(), inference: failing, allowMissing: true }), { code: 'INTERNAL' });
  });

  it('refuses a model whose answers have no names, before it asks anything', async () => {
    for (const labels of [undefined, Object.fromEntries(ANSWERS.map((_, at) => [at, `LABEL_${at}`]))]) {
      const model = at(`nameless-${labels ? 'placeholders' : 'nothing'}`);
      await writeVariant(model, { from: at('model'), config: { id2label: labels } });
      const nameless = await openInference({ model });
      try {
        await assert.rejects(evaluateVqa({ ...files(), inference: nameless }), {
          code: 'MODEL_INCOMPLETE',
          message: /nothing there names its answers/,
        });
      } finally {
        await nameless.close();
      }
    }
  });

  it('refuses files that are something else', async () => {
    const bad = {
      'no JSON': '{"questions": [',
      'no list': '{"annotations": []}',
      'no ids': { questions: [{ question: 'what ?' }] },
    };
    for (const [name, value] of Object.entries(bad)) {
      const questions = write('bad.json', value);
      await assert.rejects(evaluateVqa({ inference, questions, images: images() }), { code: 'SOURCE_INVALID' }, name);
    }
    const file = write('few.json', annotations({ 42000: 10 }));
    await assert.rejects(evaluateVqa({ inference, ...files(), annotations: file }), {
      code: 'SOURCE_INVALID',
      message: /lack 3 of the questions/,
    });
    await assert.rejects(evaluateVqa({ inference, questions: at('absent.json'), images: images() }), {
      code: 'FILE_NOT_FOUND',
    });
    await assert.rejects(evaluateVqa({ inference, questions: at('questions.json'), images: at('absent') }), {
      code: 'FILE_NOT_FOUND',
    });
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(evaluateVqa({ inference, ...files(), signal }), { code: 'CANCELLED' });
  });
});
