import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { AddModelProgress } from '../../indexer/hub.js';
import { PACKAGE_FOLDER } from '../../src/paths.js';
import { sendBytes } from '../hub.js';
import { ID, refused, tinyHub, weights } from './tinyhub.js';

describe('download', () => {
  const tiny = tinyHub();

  it('tries again when the connection breaks, from the byte where it broke', async () => {
    const cuts = [100_000, 300_000];
    tiny.hub.intercept = (request, response) => {
      const cut = cuts[tiny.requestsOf('model.safetensors').length - 1];
      if (!request.storage || cut === undefined) return false;
      const start = Number(/\d+/.exec(request.range ?? '0')![0]);
      const headers = {
        'content-length': weights.length - start,
        'content-range': `bytes ${start}-/${weights.length}`,
      };
      response.writeHead(request.range ? 206 : 200, headers);
      response.write(weights.subarray(start, cut));
      // What is still under way would be lost with the connection.
      const arriving = setInterval(() => {
        if (statSync(tiny.fileOf('model.safetensors.part'), { throwIfNoEntry: false })?.size !== cut) return;
        clearInterval(arriving);
        response.destroy();
      }, 5);
      return true;
    };
    await tiny.add();
    assert.deepEqual(
      tiny.requestsOf('model.safetensors').map(({ range }) => range),
      [undefined, 'bytes=100000-', 'bytes=300000-'],
    );
    assert.ok(readFileSync(tiny.fileOf('model.safetensors')).equals(weights));
  });

  it('tries again when the hub is overloaded, and gives up when it stays so', async () => {
    let failures = 2;
    tiny.hub.intercept = (_, response) => failures-- > 0 && !!response.writeHead(503).end();
    await tiny.add();
    failures = Infinity;
    await refused(tiny.add({ revision: 'refs/pr/1' }), 'DOWNLOAD_FAILED', /answered with status 503/);
  });

  it('begins again where the server cannot skip', async () => {
    mkdirSync(tiny.fileOf(''), { recursive: true });
    writeFileSync(tiny.fileOf('model.safetensors.part'), weights.subarray(0, 5000));
    tiny.hub.intercept = (request, response) => {
      if (request.storage) sendBytes(response, weights);
      return request.storage;
    };
    await tiny.add();
    assert.ok(readFileSync(tiny.fileOf('model.safetensors')).equals(weights));
  });

  it('keeps the bytes so far when cancelled, and continues from them', async () => {
    const controller = new AbortController();
    tiny.hub.intercept = (request, response) => {
      if (!request.storage || request.range) return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 250_000));
      return true;
    };
    const onProgress = ({ bytes }: AddModelProgress) => bytes > 250_000 && controller.abort();
    await refused(tiny.add({ signal: controller.signal, onProgress }), 'CANCELLED', /cancelled/);
    const kept = statSync(tiny.fileOf('model.safetensors.part')).size;
    assert.ok(kept > 0 && kept <= 250_000, `${kept} bytes`);
    assert.equal(existsSync(tiny.pin), false);
    await tiny.add();
    assert.equal(tiny.requestsOf('model.safetensors').at(-1)?.range, `bytes=${kept}-`);
    assert.ok(readFileSync(tiny.fileOf('model.safetensors')).equals(weights));
  });

  it('continues after a kill', async () => {
    tiny.hub.intercept = (request, response) => {
      if (!request.storage || request.range) return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 250_000));
      return true;
    };
    const module = pathToFileURL(path.join(PACKAGE_FOLDER, 'dist', 'indexer', 'hub.js')).href;
    const script = `(await import('${module}')).addModel(${JSON.stringify({ id: ID, cache: tiny.cache, hubUrl: tiny.hub.url })})`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const part = tiny.fileOf('model.safetensors.part');
    while ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) < 250_000) {
      assert.equal(child.exitCode, null, 'the download ended by itself');
      await sleep(20);
    }
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await tiny.add();
    assert.equal(tiny.requestsOf('model.safetensors').at(-1)?.range, 'bytes=250000-');
    assert.ok(readFileSync(tiny.fileOf('model.safetensors')).equals(weights));
  });

  it('replaces a file that has been altered, or a part that is too long', async () => {
    mkdirSync(tiny.fileOf(''), { recursive: true });
    writeFileSync(tiny.fileOf('model.safetensors'), Buffer.alloc(weights.length));
    writeFileSync(tiny.fileOf('vocab.txt.part'), 'much more than the twelve bytes that the vocabulary has');
    await tiny.add();
    assert.ok(readFileSync(tiny.fileOf('model.safetensors')).equals(weights));
    assert.ok(readFileSync(tiny.fileOf('vocab.txt')).equals(tiny.repository.files.get('vocab.txt')!));
  });
});
