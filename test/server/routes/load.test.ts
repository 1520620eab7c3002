import assert from 'node:assert/strict';
import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { type Answer, type Failed, json, lines, serveSmallCollection } from '../collection.js';
import { form, whitePng } from '../upload.js';

describe('/v1/search under load', () => {
  const served = serveSmallCollection({ limits: { searches: { running: 1, queued: 0 } } });
  const search = () => fetch(`${served.url}/v1/search?text=a+fox`, { headers: { accept: 'application/x-ndjson' } });

  it('turns away what it cannot take, and says when to come back', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => search()));
    const bodies = await Promise.all(responses.map((response) => response.text()));
    const statuses = responses.map(({ status }) => status);
    assert.ok(statuses.includes(200), statuses.join());
    const refused = statuses.indexOf(503);
    assert.ok(refused >= 0, statuses.join());
    assert.equal(responses[refused].headers.get('retry-after'), '1');
    assert.match(bodies[refused], /"TOO_BUSY"/);
  });
});

describe('/v1/search of a caller who goes away', () => {
  const log: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) });
  // A picture looks for some 500 captions, each a pair to rerank: not over before the caller is gone.
  const served = serveSmallCollection({ pictures: 100, logger, limits: { searches: { running: 1, queued: 0 } } });
  const search = (parameters: string, signal?: AbortSignal) =>
    fetch(`${served.url}/v1/search?${parameters}`, { headers: { accept: 'application/x-ndjson' }, signal });

  it('is given up, and its place is free again', async () => {
    const controller = new AbortController();
    const [{ imageId }] = (await lines<Answer>(await search('text=a+fox')))[0].hits;
    const response = await search(
      `imageId=${imageId}&target=captions&candidates=500&rerankPairs=500`,
      controller.signal,
    );
    await response.body!.getReader().read();
    assert.equal((await search('text=a+fox')).status, 503);
    controller.abort();
    for (let tries = 0; !log.some((line) => line.includes('search given up')); tries++) {
      assert.ok(tries < 500);
      await setTimeout(20);
    }
    const next = await search('text=a+fox');
    await next.text();
    assert.equal(next.status, 200);
  });
});

describe('/v1/search with uploads', () => {
  const served = serveSmallCollection({ limits: { uploads: { running: 1, queued: 0 } } });
  const upload = async () => {
    const response = await fetch(`${served.url}/v1/search`, { method: 'POST', body: form(whitePng(16)) });
    return { status: response.status, body: await response.text() };
  };

  it('receives no more at once than it may, and forgets one that breaks off', async () => {
    const { hostname, port } = new URL(served.url);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const begin = () => {
      const begun = request({ hostname, port, path: '/v1/search', method: 'POST', headers });
      begun.on('error', () => {}); // It is broken off below.
      begun.on('response', () => void (slow = begin())); // Another was there before it.
      begun.write('--x\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n');
      return begun;
    };
    let slow = begin();
    let answer = await upload();
    for (; answer.status === 200; answer = await upload()) await setTimeout(5); // until the slow one has arrived
    assert.equal(answer.status, 503);
    assert.match(answer.body, /"TOO_BUSY"/);
    slow.destroy();
    while (answer.status === 503) {
      await setTimeout(20);
      answer = await upload();
    }
    assert.equal(answer.status, 200, answer.body);
  });
});

describe('/v1/search out of time', () => {
  const served = serveSmallCollection({ limits: { searchMilliseconds: 1 } });

  it('gives up, and says so', async () => {
    const response = await fetch(`${served.url}/v1/search?text=a+fox`);
    const { error } = await json<Failed>(response);
    assert.deepEqual([response.status, error.code], [503, 'TOO_BUSY']);
    assert.match(error.message, /given up after 0.001 seconds/);
  });
});
