import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, copyFile, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Answer, type Failed, HOSTILE_FILE, json, serveSmallCollection } from '../collection.js';

describe('/v1/images', () => {
  const served = serveSmallCollection();
  let hits: Answer['hits'];
  before(async () => {
    ({ hits } = await json<Answer>(await fetch(`${served.url}/v1/search?text=a+fox&k=12&rerankPairs=0`)));
  });
  const get = (address: string, headers: Record<string, string> = {}) => fetch(served.url + address, { headers });

  for (const id of ['0', '-1', '1.5', 'abc', '4294967296', '..%2f..%2fpackage.json', '%00']) {
    it(`refuses ${id} for an id`, async () => {
      for (const address of [`/v1/images/${id}`, `/v1/images/${id}/thumbnail`]) {
        const response = await get(address);
        assert.equal(response.status, 400, address);
        assert.equal((await json<Failed>(response)).error.code, 'INVALID_ARGUMENT');
      }
    });
  }

  it('has no image that was never indexed', async () => {
    for (const address of ['/v1/images/4000000000', '/v1/images/4000000000/thumbnail']) {
      const response = await get(address);
      assert.deepEqual([response.status, (await json<Failed>(response)).error.code], [404, 'NOT_FOUND']);
    }
  });

  it('refuses other methods', async () => {
    const response = await fetch(`${served.url}${hits[0].imageUrl}`, { method: 'DELETE' });
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET']);
  });

  it('serves the original byte for byte, such that a browser runs nothing of it', async () => {
    const { imageUrl, file } = hits.find((hit) => hit.file !== HOSTILE_FILE)!;
    const response = await get(imageUrl);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), await readFile(path.join(served.source, file)));
    assert.equal(response.headers.get('content-type'), 'image/jpeg');
    assert.equal(response.headers.get('content-disposition'), `inline; filename="${file}"`);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('content-security-policy'), "default-src 'none'; sandbox");
    assert.equal(response.headers.get('cross-origin-resource-policy'), 'same-origin');
  });

  it('answers 304 to a browser that has it', async () => {
    const etag = (await get(hits[0].imageUrl)).headers.get('etag')!;
    // Without this header fetch adds one that asks for a new answer.
    const headers = { 'if-none-match': etag, 'cache-control': 'max-age=0' };
    assert.equal((await get(hits[0].imageUrl, headers)).status, 304);
  });

  it('serves a part on request, and refuses one that is not there', async () => {
    const part = await get(hits[0].imageUrl, { range: 'bytes=0-9' });
    assert.deepEqual([part.status, (await part.arrayBuffer()).byteLength], [206, 10]);
    const response = await get(hits[0].imageUrl, { range: 'bytes=99999999-' });
    assert.deepEqual([response.status, (await json<Failed>(response)).error.code], [416, 'INVALID_ARGUMENT']);
    for (const [name, value] of [
      ['range', 'bytes=99999999-'],
      ['if-match', '"another"'],
    ]) {
      const { headers: sent } = await get(hits[0].imageUrl, { [name]: value });
      assert.equal(sent.get('content-type'), 'application/json; charset=utf-8');
      assert.equal(sent.get('content-disposition'), null);
    }
  });

  it('serves a file with a hostile name under a harmless one', async () => {
    const { imageUrl } = hits.find((hit) => hit.file === HOSTILE_FILE)!;
    const response = await get(imageUrl);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-disposition')!, /^inline; filename="[\w.-]+"$/);
  });

  it('serves a thumbnail as WebP, to be kept forever under its content', async () => {
    const { thumbnailUrl, imageId } = hits[0];
    for (const round of ['made', 'kept']) {
      const response = await get(thumbnailUrl);
      const bytes = Buffer.from(await response.arrayBuffer());
      assert.equal(bytes.subarray(8, 12).toString(), 'WEBP', round);
      assert.equal(response.headers.get('content-type'), 'image/webp');
      assert.match(response.headers.get('cache-control')!, /immutable/);
    }
    for (const address of [`/v1/images/${imageId}/thumbnail`, `/v1/images/${imageId}/thumbnail?v=0000000000000000`]) {
      assert.equal((await get(address)).headers.get('cache-control'), 'private, no-cache', address);
    }
  });

  describe('whose file is no longer what was indexed', () => {
    let file: string;
    let hit: Answer['hits'][number];
    beforeEach(async () => {
      hit = hits[1];
      file = path.join(served.source, hit.file);
      await rename(file, `${file}.kept`);
    });
    afterEach(() => rename(`${file}.kept`, file));

    it('says so when it is gone, without telling where it was', async () => {
      const response = await get(hit.imageUrl);
      assert.equal(response.status, 404);
      assert.ok(!(await response.text()).includes(served.source));
    });

    it('says the same where it may not be read', async function () {
      if (process.getuid?.() === 0 || process.platform === 'win32') this.skip();
      await copyFile(`${file}.kept`, file);
      await chmod(file, 0);
      for (const address of [hit.imageUrl, `/v1/images/${hit.imageId}/thumbnail`]) {
        assert.equal((await get(address)).status, 404, address);
      }
      await rm(file);
    });

    it('never follows a link out of the source', async () => {
      await symlink('/etc/hostname', file);
      for (const address of [hit.imageUrl, `/v1/images/${hit.imageId}/thumbnail`]) {
        assert.equal((await get(address)).status, 404, address);
      }
      await rm(file);
    });

    it('offers HTML or SVG only as a download of unknown type', async () => {
      for (const content of ['<html><script>alert(1)</script>', '<svg xmlns="http://www.w3.org/2000/svg"/>']) {
        await writeFile(file, content);
        const response = await get(hit.imageUrl);
        assert.equal(response.headers.get('content-type'), 'application/octet-stream');
        assert.match(response.headers.get('content-disposition')!, /^attachment/);
      }
      await rm(file);
    });

    it('is searched with as it was', async () => {
      const similar = async () => {
        const answer = await json<Answer>(await get(`/v1/search?imageId=${hit.imageId}&target=images`));
        return answer.hits.map(({ imageId, similarity }) => [imageId, similarity?.toFixed(4)]);
      };
      await rename(`${file}.kept`, file);
      const before = await similar();
      await rename(file, `${file}.kept`);
      assert.deepEqual(before[0], [hit.imageId, '1.0000']);
      assert.deepEqual(await similar(), before);
      await writeFile(file, await readFile(path.join(served.source, hits[2].file)));
      assert.deepEqual(await similar(), before);
      await rm(file);
    });

    it('shows a thumbnail of what is there now, not to be kept', async () => {
      const other = await readFile(path.join(served.source, hits[2].file));
      await writeFile(file, other);
      const address = hit.thumbnailUrl.replace(
        /v=.*/,
        `v=${createHash('sha256').update(other).digest('hex').slice(0, 16)}`,
      );
      const response = await get(address);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('cache-control'), 'private, no-cache');
      await rm(file);
    });
  });
});
