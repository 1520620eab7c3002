import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AddModelProgress } from '../../indexer/hub.js';
import { resolveModel } from '../../indexer/models.js';
import { openCheckpoint } from '../../src/vilt/checkpoint/checkpoint.js';
import { sendBytes } from '../hub.js';
import { COMMIT, config, ID, NEXT_COMMIT, refused, tinyHub, weights } from './tinyhub.js';

describe('addModel', () => {
  const tiny = tinyHub();

  describe('refuses', () => {
    it('ids, revisions, hubs and tokens that are not', async () => {
      for (const id of [
        '',
        'vilt',
        '../../etc',
        'a/..',
        '../b',
        'a/b/c',
        'a/b--c',
        '/a/b',
        'a\\b/c',
        'a/b@../x',
        'a/b@',
        `a/${'b'.repeat(200)}`,
      ]) {
        await refused(tiny.add({ id }), 'INVALID_ARGUMENT', /is not the id of a hub model/);
      }
      await refused(tiny.add({ revision: '../x' }), 'INVALID_ARGUMENT', /not a branch, tag or commit/);
      await refused(tiny.add({ hubUrl: 'file:///etc' }), 'INVALID_ARGUMENT', /not the URL of a hub/);
      await refused(tiny.add({ token: 'secret' }), 'INVALID_ARGUMENT', /does not begin with "hf_"/);
      assert.equal(tiny.hub.requests.length, 0);
      assert.deepEqual(readdirSync(tiny.cache), []);
    });

    it('a model or a revision that the hub does not have', async () => {
      await refused(tiny.add({ id: 'someone/else' }), 'MODEL_NOT_FOUND', /has no someone\/else at main/);
      await refused(tiny.add({ revision: 'v9' }), 'MODEL_NOT_FOUND', /has no someone\/tiny-vilt at v9/);
      assert.deepEqual(readdirSync(tiny.cache), []);
    });

    it('a model that may not be downloaded', async () => {
      for (const [status, message] of [
        [401, /anyone without a token \(401\)/],
        [403, /without a token \(403\)/],
      ] as const) {
        tiny.hub.intercept = (_, response) => !!response.writeHead(status).end();
        await refused(tiny.add(), 'DOWNLOAD_FAILED', message);
      }
      tiny.hub.intercept = (request, response) => request.path.includes('/resolve/') && !!response.writeHead(403).end();
      await refused(
        tiny.add({ token: 'hf_mine' }),
        'DOWNLOAD_FAILED',
        /config\.json of someone\/tiny-vilt.*holder of this token/,
      );
    });

    it('a model without a configuration, without weights, or of another architecture', async () => {
      tiny.repository.files.set('config.json', Buffer.from('{"model_type":"bert"}'));
      await refused(tiny.add(), 'MODEL_UNSUPPORTED', /"bert"/);
      assert.equal(tiny.requestsOf('model.safetensors').length, 0);
      tiny.repository.files.set('config.json', config);
      tiny.repository.files.delete('model.safetensors');
      tiny.repository.files.delete('pytorch_model.bin');
      await refused(
        tiny.add(),
        'MODEL_INCOMPLETE',
        /no model\.safetensors, model\.safetensors\.index\.json, pytorch_model\.bin/,
      );
      tiny.repository.files.delete('config.json');
      await refused(tiny.add(), 'MODEL_INCOMPLETE', /has no config\.json/);
    });

    it('bytes that are not those listed, and deletes them', async () => {
      tiny.hub.intercept = (request, response) => {
        if (request.path.endsWith('/README.md')) sendBytes(response, Buffer.from('# Tiny V1LT'));
        return request.path.endsWith('/README.md');
      };
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /README\.md came with other bytes/);
      tiny.hub.intercept = () => false;
      tiny.repository.lies = { sha256: '0'.repeat(64) };
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /model\.safetensors came with other bytes/);
      for (const name of ['README.md.part', 'model.safetensors', 'model.safetensors.part']) {
        assert.equal(existsSync(tiny.fileOf(name)), false, name);
      }
    });

    it('a file longer or shorter than listed', async () => {
      tiny.repository.lies = { size: weights.length - 1 };
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /announced \d+ bytes for .*model\.safetensors\.part but sends more/);
      assert.equal(existsSync(tiny.fileOf('model.safetensors.part')), false);
      tiny.repository.lies = { size: weights.length + 1 };
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /could not be downloaded/);
    });

    it('names that lead out of the folder', async () => {
      const evil = { type: 'file', size: 4, oid: '0'.repeat(40) };
      tiny.repository.lies = {
        entries: ['../../../evil', '/etc/evil', 'a\\..\\evil', '..'].map((path) => ({ ...evil, path })),
      };
      await tiny.add();
      const index = JSON.stringify({ weight_map: { x: '../../../model.safetensors' } });
      tiny.repository.files.set('model.safetensors.index.json', Buffer.from(index));
      tiny.repository.files.delete('model.safetensors');
      tiny.repository.revisions.main = NEXT_COMMIT;
      await refused(tiny.add(), 'MODEL_INCOMPLETE', /"\.\.\/\.\.\/\.\.\/model\.safetensors" is not the name/);
      assert.deepEqual(readdirSync(tiny.cache), ['models']);
      assert.deepEqual(readdirSync(path.join(tiny.cache, 'models')), ['someone--tiny-vilt']);
    });

    it('a commit that is not one', async () => {
      tiny.repository.revisions.main = '../../..';
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /names no commit for main/);
    });

    it('answers from another host, or without end', async () => {
      tiny.hub.intercept = (request, response) =>
        !request.storage && !!response.writeHead(302, { location: `${tiny.hub.storageUrl}${request.path}` }).end();
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /on to another host, http:\/\/127\.0\.0\.1:/);
      tiny.hub.intercept = (request, response) => {
        if (!request.path.includes('/tree/')) return false;
        response.setHeader('link', `<${tiny.hub.storageUrl}/more>; rel="next"`);
        return !!response.writeHead(200).end('[]');
      };
      await refused(tiny.add({ token: 'hf_mine' }), 'DOWNLOAD_FAILED', /on to another host/);
      assert.equal(
        tiny.hub.requests.some(({ storage, authorization }) => storage && authorization),
        false,
      );
      tiny.hub.intercept = (_, response) => !!response.writeHead(200).end(`["${'x'.repeat(17 * 2 ** 20)}"]`);
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /an answer of more than 16777216 bytes/);
    });

    it('what is not JSON, such as the page of a hotel', async () => {
      tiny.hub.intercept = (_, response) => !!response.writeHead(200).end('<html>Welcome</html>');
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /could not be downloaded/);
    });

    it('to go on without a network, when nothing was added before', async () => {
      await tiny.hub.stop();
      await refused(tiny.add(), 'DOWNLOAD_FAILED', /fetch failed \(.*ECONNREFUSED/);
    });

    it('a model that is being downloaded by another', async () => {
      let second: Promise<void> | undefined;
      tiny.hub.intercept = ({ path, storage }, response) => {
        if (!storage || !path.endsWith('/model.safetensors') || second) return false;
        second = refused(tiny.add(), 'MODEL_BUSY', /Another process/);
        void second.catch(() => undefined).finally(() => sendBytes(response, weights));
        return true;
      };
      await tiny.add();
      await second;
      assert.ok(second);
      assert.equal((await tiny.add()).commit, COMMIT);
    });

    it('to go on when the disk is full', async function () {
      if (!existsSync('/dev/full')) this.skip();
      mkdirSync(path.dirname(tiny.fileOf('')), { recursive: true });
      mkdirSync(tiny.fileOf(''), { recursive: true });
      symlinkSync('/dev/full', tiny.fileOf('model.safetensors.part'));
      await refused(tiny.add(), 'DISK_FULL', /No space is left/);
      assert.equal(tiny.requestsOf('model.safetensors').length, 1);
    });

    it('to go on where it may not write', async () => {
      const file = path.join(tiny.cache, 'a-file');
      writeFileSync(file, '');
      await refused(tiny.add({ cache: file }), 'FILE_NOT_FOUND', /a-file/);
    });
  });

  it('downloads what Patchword reads, and nothing else', async () => {
    const progress: AddModelProgress[] = [];
    const model = await tiny.add({ onProgress: (update) => progress.push(update) });
    assert.equal(model.folder, path.dirname(tiny.fileOf('x')));
    assert.equal(model.commit, COMMIT);
    assert.equal(model.offline, false);
    const names = ['README.md', 'config.json', 'model.safetensors', 'vocab.txt'];
    assert.deepEqual(readdirSync(model.folder).sort(), names);
    for (const name of names) assert.ok(readFileSync(tiny.fileOf(name)).equals(tiny.repository.files.get(name)!), name);
    assert.equal((await openCheckpoint(model.folder)).tensors.size, 64);

    const pin = JSON.parse(readFileSync(tiny.pin, 'utf8')) as object;
    const files = ['config.json', 'vocab.txt', 'README.md', 'model.safetensors'].map((name) => {
      const content = tiny.repository.files.get(name)!;
      return { name, size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    });
    assert.deepEqual(pin, { id: ID, revision: 'main', commit: COMMIT, files });

    const totalBytes = files.reduce((total, { size }) => total + size, 0);
    assert.ok(progress.every((update, i) => i === 0 || update.bytes >= progress[i - 1].bytes));
    assert.deepEqual(progress.at(-1), { file: 'model.safetensors', bytes: totalBytes, totalBytes });
  });

  it('downloads shards, and pytorch_model.bin where there is no safetensors file', async () => {
    tiny.repository.files.delete('model.safetensors');
    const { folder: bin } = await tiny.add();
    assert.ok(existsSync(path.join(bin, 'pytorch_model.bin')));

    tiny.repository.revisions.main = NEXT_COMMIT;
    const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
    tiny.repository.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify(index)));
    tiny.repository.files.set('model-00001-of-00002.safetensors', weights);
    await refused(tiny.add(), 'MODEL_INCOMPLETE', /no model-00002-of-00002\.safetensors/);
    tiny.repository.files.set('model-00002-of-00002.safetensors', Buffer.alloc(20_000));
    const { files } = await tiny.add();
    const names = files.map(({ name }) => name).slice(-3);
    assert.deepEqual(names, ['model.safetensors.index.json', ...Object.values(index.weight_map)]);
  });

  it('gives the token to the hub and to nobody else', async () => {
    await tiny.add({ token: 'hf_mine' });
    const [own, foreign] = [false, true].map((storage) =>
      tiny.hub.requests.filter((request) => request.storage === storage),
    );
    assert.ok(own.every(({ authorization }) => authorization === 'Bearer hf_mine'));
    assert.equal(foreign.length, 1);
    assert.equal(foreign[0].authorization, undefined);
  });

  it('downloads nothing the second time, and asks only what the revision is', async () => {
    const first = await tiny.add();
    tiny.hub.requests.length = 0;
    assert.deepEqual(await tiny.add(), first);
    assert.deepEqual(
      tiny.hub.requests.map(({ path }) => path.split('?')[0]),
      [`/api/models/${ID}/revision/main`],
    );
  });

  it('makes do with what was added before when the hub cannot be reached', async () => {
    const first = await tiny.add();
    await tiny.hub.stop();
    assert.deepEqual(await tiny.add(), { ...first, offline: true });
    assert.deepEqual(await tiny.add({ revision: COMMIT }), first);
  });

  it('adds the commit that the revision is now, and keeps the one before', async () => {
    const first = await tiny.add();
    tiny.repository.revisions.main = NEXT_COMMIT;
    const second = await tiny.add();
    assert.equal(second.commit, NEXT_COMMIT);
    assert.equal(await resolveModel(ID, { cache: tiny.cache }), second.folder);
    assert.ok(existsSync(first.folder));
  });
});
