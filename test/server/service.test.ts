import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createApp } from '../../server/app.js';
import { SERVER_DEFAULTS } from '../../server/main.js';
import type { Service } from '../../server/service.js';
import { type Failed, json } from './collection.js';

describe('a service that prepares its collection', () => {
  const service: Service = {
    engine: null,
    preparing: { done: 3, total: 600 },
    limits: SERVER_DEFAULTS.limits,
    logger: pino({ level: 'silent' }),
    closing: new AbortController().signal,
  };
  let server: Server;
  before((done) => {
    server = createApp({ service, apiKeys: [], onlyLoopback: true }).listen(0, '127.0.0.1', () => done());
  });
  after(() => void server.close());
  const get = (path: string) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);

  for (const path of ['/v1/search?text=a', '/v1/collection', '/v1/images/1', '/v1/images/1/thumbnail']) {
    it(`says how far it is at ${path}, and when to come back`, async () => {
      const response = await get(path);
      const { error } = await json<Failed>(response);
      assert.deepEqual([response.status, response.headers.get('retry-after'), error.code], [503, '1', 'PREPARING']);
      assert.match(error.message, /: 3 of 600 images\.$/);
    });
  }

  it('tells the page', async () => {
    const response = await get('/healthz');
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), { status: 'preparing', done: 3, total: 600 });
  });

  it('says what is done where nobody knows of how many', async () => {
    service.preparing = { done: 3, total: null };
    const { error } = await json<Failed>(await get('/v1/search?text=a'));
    assert.match(error.message, /: 3 images so far\.$/);
  });
});
