import assert from 'node:assert/strict';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer } from '../../server/main.js';
import { temporaryFolder } from '../fixture.js';
import { type Answer, type Failed, lines, serveSmallCollection } from './collection.js';

const KEY = 'a-key-of-more-than-sixteen-characters';

describe('startServer', () => {
  const folder = temporaryFolder();

  it('refuses an address that others reach, without a key', async () => {
    const start = startServer({ collection: 'small', data: folder.path, host: '0.0.0.0', port: 0, apiKeys: [] });
    await assert.rejects(start, { code: 'ADDRESS_REFUSED', hint: /PATCHWORD_API_KEYS/ });
  });

  it('refuses an address that is not of this machine', async () => {
    const start = startServer({ collection: 'small', data: folder.path, host: '192.0.2.1', port: 0, apiKeys: [KEY] });
    await assert.rejects(start, { code: 'ADDRESS_REFUSED', message: /192\.0\.2\.1/ });
  });

  it('refuses a level of logging that is none', async () => {
    process.env.PATCHWORD_LOG = 'loud';
    try {
      const start = startServer({ collection: 'small', data: folder.path, host: '127.0.0.1', port: 0 });
      await assert.rejects(start, { code: 'INVALID_ARGUMENT', message: /PATCHWORD_LOG.*warn.*"loud"/ });
    } finally {
      delete process.env.PATCHWORD_LOG;
    }
  });

  describe('where another program listens', () => {
    let other: Server;
    let port: number;
    before((done) => {
      other = createServer().listen(0, '127.0.0.1', () => {
        ({ port } = other.address() as AddressInfo);
        done();
      });
    });
    after(() => void other.close());

    it('names the port and how to choose another', async () => {
      const start = startServer({ collection: 'small', data: folder.path, host: '127.0.0.1', port });
      await assert.rejects(start, { code: 'PORT_IN_USE', message: new RegExp(`${port}`), hint: /--port/ });
    });
  });

  it('lets the port go when the collection cannot be opened', async () => {
    const options = { collection: 'nothing', data: folder.path, host: '127.0.0.1', port: 0 };
    await assert.rejects(startServer(options), { code: 'COLLECTION_NOT_FOUND' });
  });
});

describe('a server on this machine', () => {
  const served = serveSmallCollection();

  /** fetch would not send another Host header. */
  function statusFor(host: string, path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(served.url + path, { setHost: false, headers: { host } }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode!, body }));
      });
      asked.on('error', reject).end();
    });
  }

  for (const host of [
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.1.5',
    '',
  ]) {
    it(`does not answer under the name "${host}"`, async () => {
      for (const path of ['/', '/healthz', '/v1/search?text=a']) {
        const { status, body } = await statusFor(host, path);
        assert.equal(status, 403);
        assert.equal((JSON.parse(body) as Failed).error.code, 'ADDRESS_REFUSED');
      }
    });
  }

  const fromElsewhere = async (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(
        served.url + path,
        { method, headers: { 'sec-fetch-site': 'cross-site', ...headers } },
        (response) => resolve(response.resume().statusCode!),
      );
      asked.on('error', reject).end();
    });

  it('does no work for a page of another site', async () => {
    for (const mode of ['no-cors', 'cors', 'navigate']) {
      const headers = { 'sec-fetch-mode': mode, 'sec-fetch-dest': mode === 'navigate' ? 'iframe' : 'empty' };
      assert.equal(await fromElsewhere('/v1/search?text=a', headers), 403, mode);
      assert.equal(await fromElsewhere('/v1/images/1/thumbnail', headers), 403, mode);
    }
  });

  it('takes no form that a page of another site sends', async () => {
    const sent = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    assert.equal(await fromElsewhere('/v1/search', sent, 'POST'), 403);
  });

  it('answers who follows a link from another site, and pages of its own', async () => {
    const followed = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    assert.equal(await fromElsewhere('/?q=a+fox', followed), 200);
    assert.equal(await fromElsewhere('/v1/images/1', followed), 200);
    assert.equal(await fromElsewhere('/v1/search?text=a', { 'sec-fetch-site': 'same-origin' }), 200);
  });

  for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:8080']) {
    it(`answers under the name ${host}`, async () => assert.equal((await statusFor(host, '/healthz')).status, 200));
  }

  it('serves the page under a policy that runs only its own files', async () => {
    const response = await fetch(served.url);
    const page = await response.text();
    assert.match(page, /<div id="page">/);
    assert.doesNotMatch(page, /<script(?![^>]*src=)|<style|style=|onload=/);
    const policy = response.headers.get('content-security-policy')!;
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|upgrade-insecure-requests|\*/);
    assert.equal(response.headers.get('x-powered-by'), null);
  });
});

describe('a server with API keys', () => {
  const served = serveSmallCollection({ apiKeys: ['another-key-that-is-long', KEY] });
  const get = (path: string, authorization?: string) =>
    fetch(served.url + path, { headers: authorization === undefined ? {} : { authorization } });

  const basic = (password: string) => `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`;
  const wrong = [undefined, 'Bearer', 'Bearer ', `Bearer ${KEY}x`, KEY, `Token ${KEY}`, basic('wrong'), 'Basic %%%'];
  for (const authorization of wrong) {
    it(`refuses "${authorization}" everywhere but on /healthz`, async () => {
      for (const path of ['/', '/v1/collection', '/v1/search?text=a']) {
        const response = await get(path, authorization);
        assert.equal(response.status, 401);
        assert.match(response.headers.get('www-authenticate')!, /Basic.*Bearer/);
      }
      assert.equal((await get('/healthz', authorization)).status, 200);
    });
  }

  it('takes a key as Bearer, and from a browser as password', async () => {
    assert.equal((await get('/v1/collection', `Bearer ${KEY}`)).status, 200);
    assert.equal((await get('/', basic(KEY))).status, 200);
  });
});

describe('close', () => {
  // A picture looks for some 500 captions, each a pair to rerank: not over before the server closes.
  const served = serveSmallCollection({ pictures: 100 });

  it('ends what is under way and lets the port go', async () => {
    const search = (parameters: string) =>
      fetch(`${served.url}/v1/search?${parameters}`, { headers: { accept: 'application/x-ndjson' } });
    const [{ imageId }] = (await lines<Answer>(await search('text=a+fox')))[0].hits;
    const response = await search(`imageId=${imageId}&target=captions&candidates=500&rerankPairs=500`);
    await served.server.close();
    const last = (await lines<Answer & Failed>(response)).at(-1)!;
    assert.deepEqual(last.error, { code: 'CANCELLED', message: 'The server is closing.', hint: null });
    await assert.rejects(fetch(`${served.url}/healthz`));
  });
});
