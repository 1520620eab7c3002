import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingest } from '../../../indexer/ingestion.js';
import { calibrate } from '../../../src/calibration/calibrate.js';
import { drawQueries } from '../../../src/calibration/queries.js';
import { openEngine, type Engine } from '../../../src/engine.js';
import { openInference } from '../../../src/inference/local.js';
import { temporaryFolder } from '../../fixture.js';
import { readSample } from '../sample.js';
import { writeVariant } from '../vilt/variant.js';
import { writeOneLayer } from './model.js';

const PICTURES = 48;
describe('calibrate', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const sample = readSample().slice(0, PICTURES);
  let engine: Engine;

  async function index(name: string, model: string, captionsOf: (index: number) => string[]): Promise<Engine> {
    mkdirSync(at(name));
    sample.forEach(({ file }, i) => {
      copyFileSync(file, at(name, path.basename(file)));
      writeFileSync(at(name, `${path.parse(file).name}.txt`), captionsOf(i).join('\n'));
    });
    const made = await openEngine({ collection: name, data: at('data'), create: true, model });
    await ingest({ engine: made, source: at(name) });
    return made;
  }

  before(async () => {
    const model = await writeOneLayer(at('model'));
    engine = await index('photos', model, (i) => sample[i].captions);
  });
  after(() => engine?.close());

  describe('refuses', () => {
    it('a model that scores no pairs', async () => {
      const { info } = engine.inference;
      const headless = { ...engine, inference: { ...engine.inference, info: { ...info, heads: [] } } };
      await assert.rejects(calibrate({ engine: headless }), { code: 'HEAD_MISSING', message: /match score/ });
    });

    it('too few texts, and a split that is not there', async () => {
      await assert.rejects(calibrate({ engine, queries: 39 }), {
        code: 'SOURCE_INVALID',
        message: /at least 40 .* got 39, of 48 pictures\./,
      });
      await assert.rejects(calibrate({ engine, split: 'val' }), {
        code: 'SOURCE_INVALID',
        message: /got 0, of 0 pictures of split "val"/,
      });
    });

    it('captions that do not tell the pictures apart', async () => {
      const same = await index('same', at('model'), () => ['a picture']);
      await assert.rejects(calibrate({ engine: same }), { code: 'SOURCE_INVALID', message: /got 1, of 48 pictures/ });
      await same.close();
    });

    it('to go on once it is cancelled, and writes nothing', async () => {
      const before = readFileSync(at('model', 'patchword.json'), 'utf8');
      const stop = new AbortController();
      const onProgress = ({ done }: { done: number }) => void (done === 2 && stop.abort());
      await assert.rejects(calibrate({ engine, onProgress, signal: stop.signal }), {
        code: 'CANCELLED',
        message: /after 2 of 48 texts/,
      });
      assert.equal(readFileSync(at('model', 'patchword.json'), 'utf8'), before);
    });
  });

  it('fits to half of the texts and measures on the others, the same every time; whoever opens the model next has it', async () => {
    const ticks: number[] = [];
    const first = await calibrate({ engine, onProgress: ({ done }) => ticks.push(done) });
    assert.deepEqual(ticks, [...Array(PICTURES + 1).keys()]);
    assert.equal(first.file, at('model', 'patchword.json'));
    const { measured } = first;
    assert.deepEqual([measured.pictures, measured.split, measured.candidates], [PICTURES, null, 32]);
    assert.deepEqual([measured.queries, measured.pairs], [24, 24 * 32]);
    assert.deepEqual([measured.validation.queries, measured.validation.pairs], [24, 24 * 32]);
    assert.ok(measured.matches > 12 && measured.matches <= 24, `${measured.matches} matches`);
    assert.ok(measured.calibrationError.pairs < 0.05, `${measured.calibrationError.pairs}`);
    assert.ok(first.similarity > 0, 'what is more similar is more probable');

    const { file } = first;
    const written = readFileSync(file, 'utf8');
    const again = await calibrate({ engine });
    assert.equal(readFileSync(again.file, 'utf8'), written);

    const reopened = await openEngine({ collection: 'photos', data: at('data') });
    const { matchScore, similarity, bias } = reopened.inference.info.calibration!;
    assert.deepEqual({ matchScore, similarity, bias }, {
      matchScore: first.matchScore,
      similarity: first.similarity,
      bias: first.bias,
    }); // prettier-ignore
    const { hits } = await reopened.search({ text: sample[0].captions[0], k: 1 }).final();
    const logit = matchScore * hits[0].matchScore! + similarity * hits[0].similarity! + bias;
    assert.ok(Math.abs(hits[0].matchProbability! - 1 / (1 + Math.exp(-logit))) < 1e-12);
    await reopened.close();
  });

  it('says so where a higher match score makes a match less probable', async () => {
    const negated = await writeVariant(at('negated'), {
      from: at('model'),
      change: (tensors) => {
        for (const name of ['rank_output.weight', 'rank_output.bias']) {
          tensors.get(name)!.values.forEach((value, i, values) => (values[i] = -value));
        }
      },
    });
    const other = await index('upside-down', negated, (i) => sample[i].captions);
    const [right, wrong] = [await calibrate({ engine, queries: 40 }), await calibrate({ engine: other, queries: 40 })];
    await other.close();
    assert.ok(Math.abs(right.matchScore + wrong.matchScore) < 1e-3, `${right.matchScore} and ${wrong.matchScore}`);
    for (const { matchScore, notes } of [right, wrong]) {
      assert.equal(
        notes.some((note) => note.startsWith('A higher match score')),
        matchScore <= 0,
      );
    }
  });

  it('draws one caption a picture, each text once, with its rarest word', async () => {
    const one = await drawQueries(engine.store, { queries: 10, seed: 1 });
    assert.deepEqual(await drawQueries(engine.store, { queries: 10, seed: 1 }), one);
    assert.notDeepEqual((await drawQueries(engine.store, { queries: 10, seed: 2 })).drawn, one.drawn);
    assert.equal(one.pictures, PICTURES);
    assert.equal(new Set(one.drawn.map(({ text }) => text)).size, 10);
    for (const { text, rarest } of one.drawn) {
      assert.ok(text.includes(rarest.word));
      const having = sample.filter(({ captions }) => captions.join(' ').split(/[ ,]+/).includes(rarest.word));
      assert.equal(rarest.pictures, having.length, rarest.word);
    }
  });

  it('is not used for other weights', async () => {
    const info = await openInference({ model: at('model') }).then(async (i) => (await i.close(), i.info));
    assert.ok(info.calibration?.measured);
    const other = await writeVariant(at('other'), {
      from: at('model'),
      change: (t) => t.get('rank_output.bias')!.values.fill(3),
    });
    const opened = await openInference({ model: other });
    await opened.close();
    assert.equal(opened.info.calibration, null);
    assert.match(
      opened.info.notes[0],
      /patchword\.json is not used: it was made for other weights.*patchword calibrate/,
    );
  });
});
