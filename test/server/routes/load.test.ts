import assert from 'node:assert/strict';
import { type Failed, json, serveSmallCollection } from '../collection.js';

describe('/v1/search under load', () => {
  const served = serveSmallCollection({ limits: { searches: { running: 1, queued: 0 } } });
  const search = (signal?: AbortSignal) =>
    fetch(`${served.url}/v1/search?text=a+fox`, { headers: { accept: 'application/x-ndjson' }, signal });

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

  it('gives up the search of a caller who goes away', async () => {
    const controller = new AbortController();
    const response = await search(controller.signal);
    await response.body!.getReader().read();
    controller.abort();
    // Its place is free again, and the log says that it was not answered whole.
    for (let status = 503, tries = 0; status !== 200; tries++) {
      assert.ok(tries < 100);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const next = await search();
      await next.text();
      status = next.status;
    }
    assert.ok(served.log.some((line) => line.includes('"complete":false')));
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
