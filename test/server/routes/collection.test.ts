import assert from 'node:assert/strict';
import { type Failed, json, PICTURES, samplePicture, serveSmallCollection } from '../collection.js';

describe('/v1/collection and /healthz', () => {
  const served = serveSmallCollection();

  it('says what is searched here, without where it lies', async () => {
    const response = await fetch(`${served.url}/v1/collection`);
    const text = await response.text();
    const { name, images, captions, model } = JSON.parse(text) as {
      name: string;
      images: number;
      captions: number;
      model: { calibrated: boolean };
    };
    let expected = 1; // the hostile picture has one caption
    for (let i = 0; i < PICTURES - 1; i++) expected += new Set((await samplePicture(i)).captions).size;
    assert.deepEqual({ name, images, captions }, { name: 'small', images: PICTURES, captions: expected });
    assert.equal(model.calibrated, true);
    assert.ok(!text.includes(served.source));
  });

  it('is healthy once it answers searches', async () => {
    const response = await fetch(`${served.url}/healthz`);
    assert.deepEqual([response.status, await response.json()], [200, { status: 'ok' }]);
  });

  it('answers what it does not have in JSON, on every path', async () => {
    for (const address of ['/v1', '/v1/nothing', '/nothing', '/%2e%2e/package.json', '/..%2fpackage.json']) {
      const response = await fetch(served.url + address);
      assert.deepEqual([response.status, (await json<Failed>(response)).error.code], [404, 'NOT_FOUND'], address);
    }
    const response = await fetch(`${served.url}/v1/images/%E0%A4%A`);
    assert.deepEqual([response.status, (await json<Failed>(response)).error.code], [400, 'INVALID_ARGUMENT']);
  });
});
