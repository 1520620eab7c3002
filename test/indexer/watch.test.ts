import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSource } from '../../indexer/readers/source.js';
import type { IngestResult } from '../../indexer/ingestion.js';
import { watchSource } from '../../indexer/watch.js';
import { startServer, type RunningServer } from '../../server/main.js';
import { openEngine } from '../../src/engine.js';
import { type Command, startPatchword } from '../command.js';
import { temporaryFolder } from '../fixture.js';
import { picture } from '../hostile.js';
import { filesOf, writePictures } from './pictures.js';

const TIMING = { quiet: 50, most: 1000, poll: 100 };

describe('watchSource', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);

  it('goes on where a pass fails, and takes up what was half written', async () => {
    const source = at('pictures');
    await writePictures(source, { 'a.png': 1 });
    const engine = await openEngine({ collection: 'watched', data: at('data'), create: true });
    const controller = new AbortController();
    const passes: IngestResult[] = [];
    const failures: string[] = [];
    let tell = () => {};
    const watching = watchSource({
      engine,
      reader: await openSource({ source }),
      except: [at('data')],
      signal: controller.signal,
      timing: TIMING,
      onPass: (result) => (passes.push(result), tell()),
      onFailure: ({ message }) => (failures.push(message), tell()),
    });
    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise<void>((resolve) => (tell = resolve));
    };
    await until(() => passes.length === 1);
    assert.equal(passes[0].added, 1);

    const whole = await picture(2);
    writeFileSync(path.join(source, 'b.png'), whole.subarray(0, 1500));
    await until(() => passes.at(-1)?.quarantined === 1);
    writeFileSync(path.join(source, 'b.png'), whole);
    await until(() => passes.at(-1)?.added === 1);
    assert.equal(passes.at(-1)?.quarantined, 0);

    renameSync(source, `${source}-away`);
    await until(() => failures.length > 0);
    assert.match(failures[0], /does not exist/);
    renameSync(`${source}-away`, source);
    const before = passes.length;
    await until(() => passes.length > before);
    assert.equal(passes.at(-1)?.unchanged, 2);
    rmSync(path.join(source, 'a.png'));
    await until(() => passes.at(-1)?.missing === 1);
    controller.abort();
    await watching;
    await engine.close();
  });
});

describe('watchSource of a list', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();

  it('begins with what the list has by then, however long ago it was opened', async () => {
    const source = path.join(temporary.path, 'pictures');
    await writePictures(source, { 'a.png': 1, 'b.png': 2 });
    const file = path.join(source, 'list.jsonl');
    const row = (name: string) => `${JSON.stringify({ image: name, caption: name })}\n`;
    writeFileSync(file, row('a.png'));
    const reader = await openSource({ source: file });
    const data = path.join(temporary.path, 'data');
    const engine = await openEngine({ collection: 'listed', data, create: true });
    writeFileSync(file, row('a.png') + row('b.png'));
    const controller = new AbortController();
    let added = 0;
    await watchSource({
      engine,
      reader,
      except: [],
      signal: controller.signal,
      timing: TIMING,
      onPass: (result) => ((added = result.added), controller.abort()),
      onFailure: ({ message }) => assert.fail(message),
    });
    assert.equal(added, 2);
    await engine.close();
  });
});

describe('watchSource of what holds the collection', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);

  it('passes over what is written there, also where the source is reached through a link', async () => {
    await writePictures(at('pictures'), { 'a.png': 1 });
    symlinkSync(at('pictures'), at('link'));
    const data = at('link', 'data');
    const engine = await openEngine({ collection: 'own', data, create: true });
    const controller = new AbortController();
    const except = [path.join(data, 'collections')];
    const passes: IngestResult[] = [];
    let tell = () => {};
    const watching = watchSource({
      engine,
      reader: await openSource({ source: at('link'), except }),
      except,
      signal: controller.signal,
      timing: TIMING,
      onPass: (result) => (passes.push(result), tell()),
      onFailure: ({ message }) => assert.fail(message),
    });
    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise<void>((resolve) => (tell = resolve));
    };
    await until(() => passes.length === 1);
    await writePictures(path.join(data, 'collections', 'own', 'thumbnails'), { '1.webp': 2 });
    await sleep(5 * TIMING.quiet);
    assert.equal(passes.length, 1, 'what is written there is no change');
    await writePictures(at('pictures'), { 'b.png': 3 });
    await until(() => passes.reduce((sum, { added }) => sum + added, 0) >= 2);
    controller.abort();
    await watching;
    const [{ path: source }] = await engine.store.sources();
    assert.deepEqual([...(await filesOf(engine, source)).keys()].sort(), ['a.png', 'b.png']);
    await engine.close();
  });
});

describe('patchword index --watch', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let child: Command | undefined;
  let server: RunningServer | undefined;
  after(async () => {
    child?.kill('SIGKILL');
    await server?.close();
  });

  it('prints a line a pass; a running server finds new pictures; Ctrl-C ends it with 0', async () => {
    await writePictures(at('pictures'), { 'a.png': { number: 1, captions: ['the first'] } });
    const data = ['--data', at('data')];
    const parameters = ['index', at('pictures'), '--collection', 'watched', '--watch', '--json', ...data];
    child = startPatchword(parameters);
    child.stderr.resume();
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const nextPass = async () => JSON.parse((await lines.next()).value as string) as IngestResult;
    assert.equal((await nextPass()).added, 1);

    server = await startServer({ collection: 'watched', data: at('data'), host: '127.0.0.1', port: 0 });
    const search = async () => {
      const body = JSON.stringify({ text: 'the second', rerankPairs: 0 });
      const headers = { 'content-type': 'application/json', accept: 'application/json' };
      const response = await fetch(`${server!.url}/v1/search`, { method: 'POST', headers, body });
      const { hits } = (await response.json()) as { hits: { file: string }[] };
      return hits.map(({ file }) => file).sort();
    };
    assert.deepEqual(await search(), ['a.png']);
    await writePictures(at('pictures', 'new'), { 'b.png': { number: 2, captions: ['the second'] } });
    for (let added = 0; added < 1;) added += (await nextPass()).added;
    assert.deepEqual(await search(), ['a.png', 'new/b.png']);

    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0);
  });
});
