import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openPictures } from '../../../indexer/fitting.js';
import { ingest } from '../../../indexer/ingestion.js';
import { openSource } from '../../../indexer/readers/source.js';
import { openEngine } from '../../../src/engine.js';
import { openInference } from '../../../src/inference/local.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../../../src/paths.js';
import { fitPrefilter, type FitOptions, type FitResult } from '../../../src/prefilter/fit.js';
import { inspectModel } from '../../../src/vilt/inspection.js';
import { temporaryFolder } from '../../fixture.js';
import { untrained, writeStripped } from './checkpoint.js';

interface Dataset {
  images: { filename: string; sentences: { raw: string }[] }[];
}

const SAMPLE = (JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as Dataset).images;

describe('fitPrefilter', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const weightsOf = (model: string) => readFileSync(path.join(at(model), 'prefilter.safetensors'));

  /** The first pictures of the bundled sample, with captions of one's own where they are given. */
  function writeSource(name: string, count: number, caption?: (index: number) => string): string {
    const images = SAMPLE.slice(0, count).map(({ filename, sentences }, i) => ({
      filename,
      sentences: caption ? [{ raw: caption(i) }] : sentences.slice(0, 1).map(({ raw }) => ({ raw })),
    }));
    writeFileSync(at(`${name}.json`), JSON.stringify({ images }));
    return at(`${name}.json`);
  }

  async function fit(
    model: string,
    source: string,
    options: Partial<FitOptions> = {},
    images = path.join(path.dirname(BUNDLED_SAMPLE), 'images'),
  ): Promise<FitResult> {
    const inference = await openInference({ model: path.resolve(temporary.path, model), threads: 2 });
    try {
      const reader = await openSource({ source, images });
      const pictures = await openPictures({ inference, reader, seed: 1 });
      return await fitPrefilter({ inference, source: pictures, cache: at('cache'), validation: 0.15, ...options });
    } finally {
      await inference.close();
    }
  }

  let source: string;
  let result: FitResult;
  before(async () => {
    source = writeSource('captions', 200);
    await writeStripped(at('model'));
    result = await fit('model', source);
  });

  it('finds pictures far better than chance, raw features, or words and patches alone', () => {
    const { recall, unfitted, control, chance, useless, folder } = result;
    assert.deepEqual({ useless, folder }, { useless: false, folder: at('model') });
    assert.deepEqual(result.validation, { pictures: 30, captions: 30 });
    for (const way of ['textToImage', 'imageToText'] as const) {
      assert.ok(recall[way]['10'] >= 85, JSON.stringify(recall));
      assert.ok(recall[way]['1'] > 2 * control[way]['1'] && recall[way]['1'] > 4 * unfitted[way]['1']);
      assert.ok(recall[way]['1'] > 10 * chance[way]['1']);
    }
    assert.match(result.notes.join(' '), /instead of 256/);
    const left = readdirSync(at('cache', 'features')).filter((name) => !name.includes('.lock.'));
    assert.deepEqual(left, [], 'features are cleared away');
  });

  it('is told by the model from then on, and makes it searchable', async () => {
    const { prefilter, notes } = await inspectModel(at('model'));
    assert.deepEqual(notes, []);
    assert.equal(prefilter?.source, 'fit');
    assert.equal(prefilter?.recall?.textToImage['32'], result.recall.textToImage['32']);
    assert.equal(prefilter?.pairs, result.pairs);

    const engine = await openEngine({ collection: 'c', data: at('data'), model: at('model'), create: true });
    try {
      await ingest({ engine, source, options: { images: path.join(path.dirname(BUNDLED_SAMPLE), 'images') } });
      const info = await engine.info();
      assert.equal(info.model.prefilterHash, prefilter?.hash);
      assert.equal(info.model.dimension, result.dimension);
      const [image] = SAMPLE;
      const { hits } = await engine.search({ text: image.sentences[0].raw, k: 10, rerank: { pairs: 0 } }).final();
      assert.ok(hits.some((hit) => 'file' in hit && hit.file.endsWith(image.filename)));
    } finally {
      await engine.close();
    }
  });

  it('binds a collection to itself: another fit is refused', async () => {
    cpSync(at('model'), at('refitted'), { recursive: true });
    await fit('refitted', writeSource('fewer', 60), { seed: 2 });
    const opened = openEngine({ collection: 'c', data: at('data'), model: at('refitted') });
    await assert.rejects(opened, {
      code: 'MODEL_MISMATCH',
      message: /built with another fit of .*than the one there now/,
      hint: /reindex c --model .*refitted$/,
    });
  });

  it('gives the same bytes for the same seed, also where a run was interrupted in the middle', async () => {
    cpSync(at('model'), at('again'), { recursive: true, filter: (file) => !file.includes('prefilter') });
    const controller = new AbortController();
    const states: number[] = [];
    const stop = ({ done }: { done: number }) => void (done > 60 && controller.abort());
    const interrupted = fit('again', source, { onProgress: stop, signal: controller.signal });
    await assert.rejects(interrupted, { code: 'CANCELLED', hint: 'Run the same command again to continue.' });
    assert.equal(existsSync(at('again', 'prefilter.json')), false);

    await fit('again', source, { onProgress: ({ done }) => void states.push(done) });
    assert.ok(states[0] >= 64 && states[0] < 200, `continued at ${states[0]}`);
    assert.deepEqual(weightsOf('again'), weightsOf('model'));
  });

  it('says that a fit to an untrained encoder is useless, and writes nothing', async () => {
    await writeStripped(at('untrained'), untrained(7));
    const useless = await fit('untrained', source);
    assert.deepEqual({ useless: useless.useless, folder: useless.folder }, { useless: true, folder: null });
    assert.equal((await inspectModel(at('untrained'))).prefilter, null);
    assert.equal(existsSync(at('untrained', 'prefilter.safetensors')), false);
  });

  it('is refused for other weights, in one line', async () => {
    await writeStripped(at('other'), (name, values) =>
      name === 'rank_output.bias' ? values.map((x) => x + 1) : values,
    );
    for (const name of ['prefilter.json', 'prefilter.safetensors']) cpSync(at('model', name), at('other', name));
    const { prefilter, notes } = await inspectModel(at('other'));
    assert.equal(prefilter, null);
    assert.equal(notes.length, 1);
    assert.match(notes[0], /prefilter\.json is not used: it was made for other weights \([0-9a-f]{12}, these are/);
    const lines: string[] = [];
    const opened = openEngine({
      collection: 'other',
      data: at('data'),
      model: at('other'),
      create: true,
      onNote: (line) => lines.push(line),
    });
    await assert.rejects(opened, { code: 'PREFILTER_MISSING', hint: /patchword fit --model/ });
    assert.deepEqual(lines, notes);

    writeFileSync(at('other', 'prefilter.json'), '{"version": 2}');
    assert.match((await inspectModel(at('other'))).notes[0], /damaged, or of another version of Patchword \(version: /);
  });

  it('leaves heads that were trained with a checkpoint alone', async () => {
    await assert.rejects(fit(BUNDLED_MODEL, source), { code: 'INVALID_ARGUMENT', message: /trained with it/ });
  });

  it('needs enough pictures, and captions that differ', async () => {
    const few = fit('model', writeSource('few', 30));
    await assert.rejects(few, { code: 'SOURCE_INVALID', message: /at least 50 captioned pictures; the source has 30/ });
    const same = fit(
      'model',
      writeSource('same', 60, () => 'a picture'),
    );
    await assert.rejects(same, { code: 'SOURCE_INVALID', message: /All captions of the source are the same/ });
  });

  it('fits to fewer pairs than dimensions and to captions that repeat, and says so', async () => {
    cpSync(at('model'), at('small'), { recursive: true });
    const repeated = await fit(
      'small',
      writeSource('repeated', 60, (i) => SAMPLE[i % 50].sentences[0].raw),
      { dimension: 5000 },
    );
    assert.match(repeated.notes[0], /^1\d of 60 captions repeat another/);
    assert.match(repeated.notes[1], /at most 39 dimensions instead of 5000: there are only 40 pictures/);
    assert.ok(repeated.dimension <= 39);
  });

  it('refuses copies of a few pictures, of which none is left to validate on', async () => {
    const images = Array.from({ length: 60 }, (_, i) => ({
      filename: SAMPLE[i % 2].filename,
      filepath: `copy${i}`,
      sentences: [{ raw: SAMPLE[i].sentences[0].raw }],
    }));
    for (const { filepath, filename } of images) {
      mkdirSync(at('copies', filepath), { recursive: true });
      cpSync(path.join(path.dirname(BUNDLED_SAMPLE), 'images', filename), at('copies', filepath, filename));
    }
    writeFileSync(at('copies', 'copies.json'), JSON.stringify({ images }));
    const refused = fit('model', at('copies', 'copies.json'), {}, at('copies'));
    await assert.rejects(refused, {
      code: 'SOURCE_INVALID',
      message: /60 pictures of the source are too few different/,
    });
  });

  it('names the picture where the model gives numbers that are not finite', async () => {
    await writeStripped(at('nan'), (name, values) => (name === 'vilt.layernorm.bias' ? values.fill(NaN) : values));
    const broken = fit('nan', writeSource('broken', 60));
    await assert.rejects(broken, {
      code: 'MODEL_UNSUPPORTED',
      message: /states for the picture .*jpg that are not finite numbers/,
    });
  });

  it('says that constant features tell nothing apart', async () => {
    const zero = (name: string, values: Float32Array) =>
      /^vilt\.layernorm|layer\.5\.output/.test(name) ? values.fill(0) : values;
    await writeStripped(at('constant'), (name, values) =>
      /encoder|embeddings/.test(name) ? values.fill(0) : zero(name, values),
    );
    await assert.rejects(fit('constant', writeSource('constant', 60)), {
      code: 'SOURCE_INVALID',
      message: /constant features/,
    });
  });
});
