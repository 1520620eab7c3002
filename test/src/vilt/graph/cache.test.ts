import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { hashFiles } from '../../../../src/vilt/checkpoint/checkpoint.js';
import { writeSafetensors } from '../../../../src/vilt/checkpoint/safetensors.js';
import { buildGraphs, type GraphSource } from '../../../../src/vilt/graph/cache.js';
import { candidateLayers } from '../../../../src/vilt/graph/encoder.js';
import { readModel } from '../../../../src/vilt/files.js';
import { ViltModel } from '../../../../src/vilt/model.js';
import { fixture, temporaryFolder } from '../../../fixture.js';
import { readValues, weights, writeVariant } from '../variant.js';

const TINY = fixture('tiny-vilt');

describe('buildGraphs', () => {
  const folder = temporaryFolder();
  const at = (...parts: string[]) => path.join(folder.path, ...parts);

  /** A model folder of its own. */
  function copyModel(name: string): string {
    mkdirSync(at(name));
    for (const file of ['config.json', 'model.safetensors']) copyFileSync(path.join(TINY, file), at(name, file));
    return at(name);
  }

  /** One for each model, or the graphs of one would serve another of the same weights. */
  const cacheOf = (model: string) => at('caches', path.basename(model));

  async function sourceOf(model: string, options: Partial<GraphSource> = {}): Promise<GraphSource> {
    const { checkpoint, config, folder, heads } = await readModel(model);
    const hash = await hashFiles(checkpoint.files);
    const kinds = ['text', 'image', 'encoder', 'pooler', 'layerFeatures', ...heads] as const;
    return {
      folder,
      cache: cacheOf(model),
      hash,
      config,
      tensors: checkpoint.tensors,
      kinds,
      precision: 'fp32',
      features: { layerFeatures: { layers: candidateLayers(config), pooling: 'both' } },
      ...options,
    };
  }

  /** The rank logit of a short text, or what opening or running the model fails with. */
  async function logitOf(model: string): Promise<number> {
    const open = await ViltModel.open({ model, cache: cacheOf(model) });
    try {
      const states = await open.pass({ texts: [{ ids: [2, 5, 6, 3] }] }, 'first');
      return (await open.head('rank', states.data)).data[0];
    } finally {
      await open.close();
    }
  }

  /** Other weights than the fixture's. */
  const retrain = (name: string) =>
    writeVariant(at(name), {
      from: TINY,
      change: (tensors) => void tensors.set('rank_output.weight', weights(1, [1, 64])),
    });

  it('clears away what a process that was killed was writing, and nothing that one may still write', async () => {
    const model = copyModel('killed');
    const partial = (name: string) => path.join(model, '.graphs', `0123456789abcdef-1-01234567.${name}`);
    const [old, young] = [partial(randomUUID()), partial(randomUUID())];
    for (const one of [old, young]) {
      mkdirSync(one, { recursive: true });
      writeFileSync(path.join(one, 'converted.bin'), 'x');
    }
    const yesterday = Date.now() / 1000 - 86_400;
    utimesSync(old, yesterday, yesterday);
    const built = await buildGraphs(await sourceOf(model));
    const left = readdirSync(path.join(model, '.graphs')).sort();
    assert.deepEqual(left, [path.basename(young), path.basename(built)].sort());
  });

  it('says so where neither place can be written, and leaves nothing behind', async () => {
    const model = copyModel('sealed');
    writeFileSync(path.join(model, '.graphs'), '');
    const source = await sourceOf(model, { cache: '/sys/patchword' });
    await assert.rejects(buildGraphs(source), { code: 'READ_ONLY', message: /\/sys\/patchword/ });
    assert.deepEqual(readdirSync(model).sort(), ['.graphs', 'config.json', 'model.safetensors']);
  });

  it('leaves no half-written folder when it fails', async () => {
    const source = await sourceOf(copyModel('incomplete'));
    const tensors = new Map(source.tensors);
    tensors.delete('rank_output.weight');
    await assert.rejects(buildGraphs({ ...source, tensors }), /rank_output\.weight/);
    assert.deepEqual(readdirSync(at('incomplete', '.graphs')), []);
    assert.deepEqual(readdirSync(at('caches', 'incomplete', 'graphs')), []);
  });

  it('keeps graphs beside the weights, and no copy of these', async () => {
    const model = copyModel('plain');
    const graphs = await buildGraphs(await sourceOf(model));
    assert.equal(path.dirname(graphs), path.join(model, '.graphs'));
    assert.deepEqual(readdirSync(graphs).sort(), [
      'contents.json',
      'encoder.onnx',
      'image.onnx',
      'layerFeatures.onnx',
      'pooler.onnx',
      'rank.onnx',
      'text.onnx',
      'weights-0.safetensors',
    ]);
    const { ino, nlink } = statSync(path.join(graphs, 'weights-0.safetensors'));
    assert.equal(ino, statSync(path.join(model, 'model.safetensors')).ino);
    assert.equal(nlink, 2);
    const size = readdirSync(graphs).reduce(
      (sum, name) => sum + (name.endsWith('.onnx') ? statSync(path.join(graphs, name)).size : 0),
      0,
    );
    assert.ok(size < 50_000, `${size} bytes of graphs`);
  });

  it('lets others read what one user built', async () => {
    const model = copyModel('common');
    const graphs = await buildGraphs(await sourceOf(model));
    mkdirSync(at('ordinary'));
    assert.equal(statSync(graphs).mode, statSync(at('ordinary')).mode);
  });

  it('finds graphs that are there, and builds others for another precision, configuration or set of heads', async () => {
    const model = copyModel('again');
    const source = await sourceOf(model);
    const graphs = await buildGraphs(source);
    const written = statSync(path.join(graphs, 'encoder.onnx')).mtimeMs;
    assert.equal(await buildGraphs(source), graphs);
    assert.equal(statSync(path.join(graphs, 'encoder.onnx')).mtimeMs, written);
    const others = [
      await buildGraphs({ ...source, precision: 'int8' }),
      await buildGraphs({ ...source, precision: 'fp16' }),
      await buildGraphs({ ...source, config: { ...source.config, layerNormEpsilon: 1e-6 } }),
      await buildGraphs({ ...source, kinds: ['text', 'encoder'] }),
      await buildGraphs({ ...source, fit: 'a fit' }),
    ];
    assert.equal(new Set([graphs, ...others]).size, 6);
    assert.ok(existsSync(path.join(others[0], 'converted.bin')));
    assert.ok(!existsSync(path.join(others[2], 'converted.bin')));
    assert.equal(readdirSync(path.join(model, '.graphs')).length, 6);
  });

  it('builds again where a file was taken out of its folder, or cut short', async () => {
    const model = copyModel('broken');
    const graphs = await buildGraphs(await sourceOf(model));
    const expected = await logitOf(model);
    rmSync(path.join(graphs, 'rank.onnx'));
    assert.equal(await logitOf(model), expected);
    writeFileSync(path.join(graphs, 'encoder.onnx'), '');
    assert.equal(await logitOf(model), expected);
  });

  it('falls back to the cache folder where the model folder cannot hold graphs', async () => {
    const model = copyModel('locked');
    writeFileSync(path.join(model, '.graphs'), 'not a folder');
    const graphs = await buildGraphs(await sourceOf(model));
    assert.equal(path.dirname(graphs), at('caches', 'locked', 'graphs'));
    assert.equal(await buildGraphs(await sourceOf(model)), graphs);
    assert.equal(await logitOf(model), await logitOf(TINY));
    assert.equal(readFileSync(path.join(model, '.graphs'), 'utf8'), 'not a folder');
  });

  it('copies weights into a cache on another file system', async function () {
    const elsewhere = '/dev/shm';
    if (!existsSync(elsewhere) || statSync(elsewhere).dev === statSync(folder.path).dev) return this.skip();
    const model = copyModel('far');
    writeFileSync(path.join(model, '.graphs'), '');
    const cache = path.join(elsewhere, path.basename(folder.path));
    try {
      const graphs = await buildGraphs(await sourceOf(model, { cache }));
      const copy = path.join(graphs, 'weights-0.safetensors');
      assert.deepEqual(readFileSync(copy), readFileSync(path.join(model, 'model.safetensors')));
      const open = await ViltModel.open({ model, cache });
      assert.equal(open.graphs, graphs);
      await open.pass({ texts: [{ ids: [2, 3] }] }, 'first');
      await open.close();
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });

  it('follows links to weights, as the folders of the Hugging Face hub cache are', async () => {
    mkdirSync(at('hub', 'blobs'), { recursive: true });
    mkdirSync(at('hub', 'snapshots', 'main'), { recursive: true });
    copyFileSync(path.join(TINY, 'model.safetensors'), at('hub', 'blobs', '6a1f'));
    copyFileSync(path.join(TINY, 'config.json'), at('hub', 'blobs', 'c02e'));
    symlinkSync('../../blobs/6a1f', at('hub', 'snapshots', 'main', 'model.safetensors'));
    symlinkSync('../../blobs/c02e', at('hub', 'snapshots', 'main', 'config.json'));
    assert.equal(await logitOf(at('hub', 'snapshots', 'main')), await logitOf(TINY));
  });

  it('points into every file of weights that come in parts', async () => {
    const parts = ['model-1.safetensors', 'model-2.safetensors'];
    mkdirSync(at('parts'));
    copyFileSync(path.join(TINY, 'config.json'), at('parts', 'config.json'));
    const tensors = [...readValues(TINY)];
    const partOf = (i: number) => parts[i % 2];
    for (const part of parts) {
      const own = tensors.filter((_, i) => partOf(i) === part);
      await writeSafetensors(
        at('parts', part),
        own.map(([name, { shape, values }]) => ({ name, dtype: 'F32', shape, data: values })),
      );
    }
    const weight_map = Object.fromEntries(tensors.map(([name], i) => [name, partOf(i)]));
    writeFileSync(at('parts', 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
    const graphs = await buildGraphs(await sourceOf(at('parts')));
    assert.equal(readdirSync(graphs).filter((name) => name.startsWith('weights-')).length, 2);
    assert.equal(await logitOf(at('parts')), await logitOf(TINY));
  });

  describe('rebuilds when the weights change', () => {
    it('by another file of the same name', async () => {
      const model = copyModel('replaced');
      const before = await logitOf(model);
      const other = await retrain('replacement');
      const expected = await logitOf(other);
      renameSync(path.join(other, 'model.safetensors'), path.join(model, 'model.safetensors'));
      assert.notEqual(expected, before);
      assert.equal(await logitOf(model), expected);
    });

    it('inside the same file', async () => {
      const model = copyModel('overwritten');
      await logitOf(model);
      const other = await retrain('overwriting');
      copyFileSync(path.join(other, 'model.safetensors'), path.join(model, 'model.safetensors'));
      assert.equal(await logitOf(model), await logitOf(other));
    });

    it('inside the same file, and back by another file', async () => {
      const model = copyModel('restored');
      const before = await logitOf(model);
      const other = await retrain('passing');
      copyFileSync(path.join(other, 'model.safetensors'), path.join(model, 'model.safetensors'));
      assert.notEqual(await logitOf(model), before);
      const backup = copyModel('backup');
      renameSync(path.join(backup, 'model.safetensors'), path.join(model, 'model.safetensors'));
      assert.equal(await logitOf(model), before);
    });
  });

  it('builds once when two processes open a model at the same time', async () => {
    const model = copyModel('contended');
    const script = `
      const { ViltModel } = await import(${JSON.stringify(new URL('../../../../src/vilt/model.js', import.meta.url))});
      const model = await ViltModel.open(${JSON.stringify({ model, cache: cacheOf(model) })});
      console.log(model.graphs);
      await model.close();`;
    const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    const outputs = await Promise.all([run(), run()]);
    assert.equal(outputs[0].stdout, outputs[1].stdout);
    assert.deepEqual(readdirSync(path.join(model, '.graphs')), [path.basename(outputs[0].stdout.trim())]);
  });
});
