import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { addModel, type AddModelOptions, type AddModelProgress } from '../../indexer/hub.js';
import { resolveModel } from '../../indexer/models.js';
import { PACKAGE_FOLDER } from '../../src/paths.js';
import { openCheckpoint } from '../../src/vilt/checkpoint/checkpoint.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { Hub, sendBytes, type HubRepository } from '../hub.js';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const NEXT_COMMIT = '89abcdef0123456789abcdef0123456789abcdef';
const ID = 'someone/tiny-vilt';

const config = readFileSync(fixture('tiny-vilt', 'config.json'));
const weights = readFileSync(fixture('tiny-vilt', 'model.safetensors'));

describe('addModel', () => {
  const folder = temporaryFolder();
  let repository: HubRepository;
  let hub: Hub;
  let cache: string;

  beforeEach(async () => {
    repository = {
      id: ID,
      revisions: { main: COMMIT, 'refs/pr/1': NEXT_COMMIT },
      files: new Map([
        ['.gitattributes', Buffer.from('*.bin filter=lfs')],
        ['README.md', Buffer.from('# Tiny ViLT')],
        ['config.json', config],
        ['model.safetensors', weights],
        ['pytorch_model.bin', readFileSync(fixture('tiny-vilt', 'pytorch_model.bin'))],
        ['training_args.bin', Buffer.alloc(20_000, 1)],
        ['vocab.txt', Buffer.from('[PAD]\n[CLS]\n')],
      ]),
    };
    hub = new Hub([repository]);
    await hub.start();
    cache = mkdtempSync(path.join(folder.path, 'cache-'));
  });
  afterEach(() => hub.stop());

  const add = (options: Partial<AddModelOptions> = {}) =>
    addModel({ id: ID, cache, hubUrl: hub.url, token: '', retryDelay: 5, ...options });
  const fileOf = (name: string) => path.join(cache, 'models', 'someone--tiny-vilt', COMMIT, name);
  const requestsOf = (name: string) => hub.requests.filter(({ path, storage }) => storage && path.endsWith(`/${name}`));

  async function refused(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
    await assert.rejects(promise, (error: Error & { code: string }) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }

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
        await refused(add({ id }), 'INVALID_ARGUMENT', /is not the id of a hub model/);
      }
      await refused(add({ revision: '../x' }), 'INVALID_ARGUMENT', /not a branch, tag or commit/);
      await refused(add({ hubUrl: 'file:///etc' }), 'INVALID_ARGUMENT', /not the URL of a hub/);
      await refused(add({ token: 'secret' }), 'INVALID_ARGUMENT', /does not begin with "hf_"/);
      assert.equal(hub.requests.length, 0);
      assert.deepEqual(readdirSync(cache), []);
    });

    it('a model or a revision that the hub does not have', async () => {
      await refused(add({ id: 'someone/else' }), 'MODEL_NOT_FOUND', /has no someone\/else at main/);
      await refused(add({ revision: 'v9' }), 'MODEL_NOT_FOUND', /has no someone\/tiny-vilt at v9/);
      assert.deepEqual(readdirSync(cache), []);
    });

    it('a model that may not be downloaded', async () => {
      for (const [status, message] of [
        [401, /anyone without a token \(401\)/],
        [403, /without a token \(403\)/],
      ] as const) {
        hub.intercept = (_, response) => !!response.writeHead(status).end();
        await refused(add(), 'DOWNLOAD_FAILED', message);
      }
      hub.intercept = (request, response) => request.path.includes('/resolve/') && !!response.writeHead(403).end();
      await refused(
        add({ token: 'hf_mine' }),
        'DOWNLOAD_FAILED',
        /config\.json of someone\/tiny-vilt.*holder of this token/,
      );
    });

    it('a model without a configuration, without weights, or of another architecture', async () => {
      repository.files.set('config.json', Buffer.from('{"model_type":"bert"}'));
      await refused(add(), 'MODEL_UNSUPPORTED', /"bert"/);
      assert.equal(requestsOf('model.safetensors').length, 0);
      repository.files.set('config.json', config);
      repository.files.delete('model.safetensors');
      repository.files.delete('pytorch_model.bin');
      await refused(
        add(),
        'MODEL_INCOMPLETE',
        /no model\.safetensors, model\.safetensors\.index\.json, pytorch_model\.bin/,
      );
      repository.files.delete('config.json');
      await refused(add(), 'MODEL_INCOMPLETE', /has no config\.json/);
    });

    it('bytes that are not those listed, and deletes them', async () => {
      hub.intercept = (request, response) => {
        if (request.path.endsWith('/README.md')) sendBytes(response, Buffer.from('# Tiny V1LT'));
        return request.path.endsWith('/README.md');
      };
      await refused(add(), 'DOWNLOAD_FAILED', /README\.md came with other bytes/);
      hub.intercept = () => false;
      repository.lies = { sha256: '0'.repeat(64) };
      await refused(add(), 'DOWNLOAD_FAILED', /model\.safetensors came with other bytes/);
      for (const name of ['README.md.part', 'model.safetensors', 'model.safetensors.part']) {
        assert.equal(existsSync(fileOf(name)), false, name);
      }
    });

    it('a file longer or shorter than listed', async () => {
      repository.lies = { size: weights.length - 1 };
      await refused(add(), 'DOWNLOAD_FAILED', /announced \d+ bytes for .*model\.safetensors\.part but sends more/);
      assert.equal(existsSync(fileOf('model.safetensors.part')), false);
      repository.lies = { size: weights.length + 1 };
      await refused(add(), 'DOWNLOAD_FAILED', /could not be downloaded/);
    });

    it('names that lead out of the folder', async () => {
      const evil = { type: 'file', size: 4, oid: '0'.repeat(40) };
      repository.lies = {
        entries: ['../../../evil', '/etc/evil', 'a\\..\\evil', '..'].map((path) => ({ ...evil, path })),
      };
      await add();
      const index = JSON.stringify({ weight_map: { x: '../../../model.safetensors' } });
      repository.files.set('model.safetensors.index.json', Buffer.from(index));
      repository.files.delete('model.safetensors');
      repository.revisions.main = NEXT_COMMIT;
      await refused(add(), 'MODEL_INCOMPLETE', /"\.\.\/\.\.\/\.\.\/model\.safetensors" is not the name/);
      assert.deepEqual(readdirSync(cache), ['models']);
      assert.deepEqual(readdirSync(path.join(cache, 'models')), ['someone--tiny-vilt']);
    });

    it('a commit that is not one', async () => {
      repository.revisions.main = '../../..';
      await refused(add(), 'DOWNLOAD_FAILED', /names no commit for main/);
    });

    it('answers from another host, or without end', async () => {
      hub.intercept = (request, response) =>
        !request.storage && !!response.writeHead(302, { location: `${hub.storageUrl}${request.path}` }).end();
      await refused(add(), 'DOWNLOAD_FAILED', /on to another host, http:\/\/127\.0\.0\.1:/);
      hub.intercept = (request, response) => {
        if (!request.path.includes('/tree/')) return false;
        response.setHeader('link', `<${hub.storageUrl}/more>; rel="next"`);
        return !!response.writeHead(200).end('[]');
      };
      await refused(add({ token: 'hf_mine' }), 'DOWNLOAD_FAILED', /on to another host/);
      assert.equal(
        hub.requests.some(({ storage, authorization }) => storage && authorization),
        false,
      );
      hub.intercept = (_, response) => !!response.writeHead(200).end(`["${'x'.repeat(17 * 2 ** 20)}"]`);
      await refused(add(), 'DOWNLOAD_FAILED', /an answer of more than 16777216 bytes/);
    });

    it('what is not JSON, such as the page of a hotel', async () => {
      hub.intercept = (_, response) => !!response.writeHead(200).end('<html>Welcome</html>');
      await refused(add(), 'DOWNLOAD_FAILED', /could not be downloaded/);
    });

    it('to go on without a network, when nothing was added before', async () => {
      await hub.stop();
      await refused(add(), 'DOWNLOAD_FAILED', /fetch failed \(.*ECONNREFUSED/);
    });

    it('to go on when the disk is full', async function () {
      if (!existsSync('/dev/full')) this.skip();
      mkdirSync(path.dirname(fileOf('')), { recursive: true });
      mkdirSync(fileOf(''), { recursive: true });
      symlinkSync('/dev/full', fileOf('model.safetensors.part'));
      await refused(add(), 'DISK_FULL', /No space is left/);
      assert.equal(requestsOf('model.safetensors').length, 1);
    });

    it('to go on where it may not write', async () => {
      const file = path.join(folder.path, 'a-file');
      writeFileSync(file, '');
      await refused(add({ cache: file }), 'FILE_NOT_FOUND', /a-file/);
    });
  });

  it('downloads what Patchword reads, and nothing else', async () => {
    const progress: AddModelProgress[] = [];
    const model = await add({ onProgress: (update) => progress.push(update) });
    assert.equal(model.folder, path.dirname(fileOf('x')));
    assert.equal(model.commit, COMMIT);
    assert.equal(model.offline, false);
    const names = ['README.md', 'config.json', 'model.safetensors', 'vocab.txt'];
    assert.deepEqual(readdirSync(model.folder).sort(), names);
    for (const name of names) assert.ok(readFileSync(fileOf(name)).equals(repository.files.get(name)!), name);
    assert.equal((await openCheckpoint(model.folder)).tensors.size, 64);

    const pin = JSON.parse(
      readFileSync(path.join(cache, 'models', 'someone--tiny-vilt', 'main.json'), 'utf8'),
    ) as object;
    const files = ['config.json', 'vocab.txt', 'README.md', 'model.safetensors'].map((name) => {
      const content = repository.files.get(name)!;
      return { name, size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    });
    assert.deepEqual(pin, { id: ID, revision: 'main', commit: COMMIT, files });

    const totalBytes = files.reduce((total, { size }) => total + size, 0);
    assert.ok(progress.every((update, i) => i === 0 || update.bytes >= progress[i - 1].bytes));
    assert.deepEqual(progress.at(-1), { file: 'model.safetensors', bytes: totalBytes, totalBytes });
  });

  it('downloads shards, and pytorch_model.bin where there is no safetensors file', async () => {
    repository.files.delete('model.safetensors');
    const { folder: bin } = await add();
    assert.ok(existsSync(path.join(bin, 'pytorch_model.bin')));

    repository.revisions.main = NEXT_COMMIT;
    const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
    repository.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify(index)));
    repository.files.set('model-00001-of-00002.safetensors', weights);
    await refused(add(), 'MODEL_INCOMPLETE', /no model-00002-of-00002\.safetensors/);
    repository.files.set('model-00002-of-00002.safetensors', Buffer.alloc(20_000));
    const { files } = await add();
    const names = files.map(({ name }) => name).slice(-3);
    assert.deepEqual(names, ['model.safetensors.index.json', ...Object.values(index.weight_map)]);
  });

  it('gives the token to the hub and to nobody else', async () => {
    await add({ token: 'hf_mine' });
    const [own, foreign] = [false, true].map((storage) =>
      hub.requests.filter((request) => request.storage === storage),
    );
    assert.ok(own.every(({ authorization }) => authorization === 'Bearer hf_mine'));
    assert.equal(foreign.length, 1);
    assert.equal(foreign[0].authorization, undefined);
  });

  it('downloads nothing the second time, and asks only what the revision is', async () => {
    const first = await add();
    hub.requests.length = 0;
    assert.deepEqual(await add(), first);
    assert.deepEqual(
      hub.requests.map(({ path }) => path.split('?')[0]),
      [`/api/models/${ID}/revision/main`],
    );
  });

  it('makes do with what was added before when the hub cannot be reached', async () => {
    const first = await add();
    await hub.stop();
    assert.deepEqual(await add(), { ...first, offline: true });
    assert.deepEqual(await add({ revision: COMMIT }), first);
  });

  it('adds the commit that the revision is now, and keeps the one before', async () => {
    const first = await add();
    repository.revisions.main = NEXT_COMMIT;
    const second = await add();
    assert.equal(second.commit, NEXT_COMMIT);
    assert.equal(await resolveModel(ID, { cache }), second.folder);
    assert.ok(existsSync(first.folder));
  });

  it('tries again when the connection breaks, from the byte where it broke', async () => {
    const cuts = [100_000, 300_000];
    hub.intercept = (request, response) => {
      const cut = cuts[requestsOf('model.safetensors').length - 1];
      if (!request.storage || cut === undefined) return false;
      const start = Number(/\d+/.exec(request.range ?? '0')![0]);
      const headers = {
        'content-length': weights.length - start,
        'content-range': `bytes ${start}-/${weights.length}`,
      };
      response.writeHead(request.range ? 206 : 200, headers);
      response.write(weights.subarray(start, cut), () => setTimeout(() => response.destroy(), 20));
      return true;
    };
    await add();
    assert.deepEqual(
      requestsOf('model.safetensors').map(({ range }) => range),
      [undefined, 'bytes=100000-', 'bytes=300000-'],
    );
    assert.ok(readFileSync(fileOf('model.safetensors')).equals(weights));
  });

  it('tries again when the hub is overloaded, and gives up when it stays so', async () => {
    let failures = 2;
    hub.intercept = (_, response) => failures-- > 0 && !!response.writeHead(503).end();
    await add();
    failures = Infinity;
    await refused(add({ revision: 'refs/pr/1' }), 'DOWNLOAD_FAILED', /answered with status 503/);
  });

  it('begins again where the server cannot skip', async () => {
    mkdirSync(fileOf(''), { recursive: true });
    writeFileSync(fileOf('model.safetensors.part'), weights.subarray(0, 5000));
    hub.intercept = (request, response) => {
      if (request.storage) sendBytes(response, weights);
      return request.storage;
    };
    await add();
    assert.ok(readFileSync(fileOf('model.safetensors')).equals(weights));
  });

  it('keeps the bytes so far when cancelled, and continues from them', async () => {
    const controller = new AbortController();
    hub.intercept = (request, response) => {
      if (!request.storage || request.range) return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 250_000));
      return true;
    };
    const onProgress = ({ bytes }: AddModelProgress) => bytes > 250_000 && controller.abort();
    await refused(add({ signal: controller.signal, onProgress }), 'CANCELLED', /cancelled/);
    const kept = statSync(fileOf('model.safetensors.part')).size;
    assert.ok(kept > 0 && kept <= 250_000, `${kept} bytes`);
    assert.equal(existsSync(path.join(cache, 'models', 'someone--tiny-vilt', 'main.json')), false);
    await add();
    assert.equal(requestsOf('model.safetensors').at(-1)?.range, `bytes=${kept}-`);
    assert.ok(readFileSync(fileOf('model.safetensors')).equals(weights));
  });

  it('continues after a kill', async () => {
    hub.intercept = (request, response) => {
      if (!request.storage || request.range) return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 250_000));
      return true;
    };
    const module = pathToFileURL(path.join(PACKAGE_FOLDER, 'dist', 'indexer', 'hub.js')).href;
    const script = `(await import('${module}')).addModel(${JSON.stringify({ id: ID, cache, hubUrl: hub.url })})`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    const part = fileOf('model.safetensors.part');
    while ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) < 250_000) {
      assert.equal(child.exitCode, null, 'the download ended by itself');
      await sleep(20);
    }
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await add();
    assert.equal(requestsOf('model.safetensors').at(-1)?.range, 'bytes=250000-');
    assert.ok(readFileSync(fileOf('model.safetensors')).equals(weights));
  });

  it('replaces a file that has been altered, or a part that is too long', async () => {
    mkdirSync(fileOf(''), { recursive: true });
    writeFileSync(fileOf('model.safetensors'), Buffer.alloc(weights.length));
    writeFileSync(fileOf('vocab.txt.part'), 'much more than the twelve bytes that the vocabulary has');
    await add();
    assert.ok(readFileSync(fileOf('model.safetensors')).equals(weights));
    assert.ok(readFileSync(fileOf('vocab.txt')).equals(repository.files.get('vocab.txt')!));
  });

  describe('resolveModel', () => {
    it('says how to add what was not added', async () => {
      await assert.rejects(
        resolveModel('someone/other', { cache }),
        (error: Error & { code: string; hint: string }) => {
          assert.equal(error.code, 'MODEL_NOT_FOUND');
          assert.match(error.message, /no folder someone\/other, and no hub model of that id/);
          assert.equal(error.hint, 'Add it first: patchword model add someone/other');
          return true;
        },
      );
      for (const text of ['', '/no/such/folder', '../../x', 'vilt']) {
        await refused(resolveModel(text, { cache }), 'MODEL_NOT_FOUND', /no model at/);
      }
    });

    it('gives a path that exists as it is', async () => {
      assert.equal(await resolveModel(fixture('tiny-vilt'), { cache }), fixture('tiny-vilt'));
      assert.equal(await resolveModel('.', { cache }), '.');
    });

    it('finds what was added, by id and by revision', async () => {
      const main = await add();
      const other = await add({ id: `${ID}@refs/pr/1` });
      assert.equal(await resolveModel(ID, { cache }), main.folder);
      assert.equal(await resolveModel(`${ID}@${COMMIT}`, { cache }), main.folder);
      assert.equal(await resolveModel(`${ID}@refs/pr/1`, { cache }), other.folder);
      await refused(resolveModel(`${ID}@v2`, { cache }), 'MODEL_NOT_FOUND', /tiny-vilt@v2/);
    });

    it('does not find a model that has lost a file, until it is added again', async () => {
      const { folder: added } = await add();
      writeFileSync(path.join(added, 'model.safetensors'), weights.subarray(0, 1000));
      await refused(resolveModel(ID, { cache }), 'MODEL_NOT_FOUND', /no hub model of that id/);
      await add();
      assert.equal(await resolveModel(ID, { cache }), added);
    });

    it('passes over a pin that is damaged or leads elsewhere', async () => {
      await add();
      const pin = path.join(cache, 'models', 'someone--tiny-vilt', 'main.json');
      for (const content of ['{', '[]', JSON.stringify({ id: ID, revision: 'main', commit: '../../..', files: [] })]) {
        writeFileSync(pin, content);
        await refused(resolveModel(ID, { cache }), 'MODEL_NOT_FOUND', /no hub model of that id/);
      }
    });
  });
});
