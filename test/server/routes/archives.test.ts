import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { ingest } from '../../../indexer/ingestion.js';
import { type RunningServer, startServer } from '../../../server/main.js';
import { openEngine } from '../../../src/engine.js';
import { fixture, temporaryFolder } from '../../fixture.js';
import { type ArrowColumns, writeArrow } from '../../indexer/readers/arrowfile.js';
import { writeParquet } from '../../indexer/readers/parquetfile.js';
import { writeTar } from '../../indexer/readers/tarfile.js';
import { type Answer, json, samplePicture } from '../collection.js';

describe('/v1/images of archives and tables', () => {
  const folder = temporaryFolder();
  const at = (name: string) => path.join(folder.path, name);
  /** What was put there, by the name of the image. */
  const originals = new Map<string, Buffer>();
  let server: RunningServer;
  let hits: Answer['hits'];

  before(async function () {
    this.timeout(60_000);
    const pictures = await Promise.all([0, 1].map(async (i) => readFile((await samplePicture(i)).file)));
    const png = await readFile(fixture('preprocess', 'small_90x60.png'));
    for (const name of ['tar', 'arrow', 'parquet']) await mkdir(at(name));
    await writeTar(at('tar/shard.tar'), [
      ['1.jpg', pictures[0]],
      ['1.txt', 'a first picture'],
      ['2.png', png],
      ['3.gif', 'no picture'],
    ]);
    const columns: ArrowColumns = {
      image: { type: 'binary', batches: [[pictures[1]]] },
      image_id: { type: 'utf8', batches: [['4.jpg']] },
    };
    writeArrow(at('arrow/f30k_caption_karpathy_test.arrow'), columns);
    const other = await readFile((await samplePicture(2)).file);
    writeParquet(at('parquet/00000.parquet'), { columns: [{ name: 'jpg', type: 'bytes' }], groups: [[[other]]] });
    originals.set('shard.tar/1.jpg', pictures[0]).set('shard.tar/2.png', png);
    originals.set('f30k_caption_karpathy_test.arrow/4.jpg', pictures[1]).set('00000.parquet:0', other);

    const engine = await openEngine({ collection: 'archives', data: at('data'), create: true });
    for (const source of ['tar', 'arrow', 'parquet']) {
      const { added, skipped } = await ingest({ engine, source: at(source) });
      assert.deepEqual([added, skipped.length], source === 'tar' ? [2, 1] : [1, 0], source);
      // The same again finds all as it was.
      assert.equal((await ingest({ engine, source: at(source) })).unchanged, added);
    }
    await engine.close();
    const logger = pino({ level: 'silent' });
    server = await startServer({ collection: 'archives', data: at('data'), host: '127.0.0.1', port: 0, logger });
    ({ hits } = await json<Answer>(await fetch(`${server.url}/v1/search?text=a+picture&rerankPairs=0`)));
  });
  after(() => server?.close());

  it('serves each byte for byte, with its own type', async () => {
    assert.deepEqual(hits.map(({ file }) => file).sort(), [...originals.keys()].sort());
    for (const { imageUrl, file } of hits) {
      const response = await fetch(server.url + imageUrl);
      assert.equal(response.status, 200, file);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), originals.get(file), file);
      const type = file.endsWith('.png') ? 'image/png' : 'image/jpeg';
      assert.equal(response.headers.get('content-type'), type, file);
      assert.equal(response.headers.get('content-security-policy'), "default-src 'none'; sandbox");
    }
  });

  it('serves parts of what is in an archive, and of nothing beside it', async () => {
    const { imageUrl } = hits.find(({ file }) => file === 'shard.tar/1.jpg')!;
    const whole = originals.get('shard.tar/1.jpg')!;
    const part = await fetch(server.url + imageUrl, { headers: { range: 'bytes=10-19' } });
    assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer())], [206, whole.subarray(10, 20)]);
    const rest = await fetch(server.url + imageUrl, { headers: { range: `bytes=${whole.length - 5}-99999999` } });
    assert.deepEqual(Buffer.from(await rest.arrayBuffer()), whole.subarray(-5));
    const beyond = await fetch(server.url + imageUrl, { headers: { range: `bytes=${whole.length}-` } });
    assert.equal(beyond.status, 416);
  });

  it('answers 304 to a browser that has it, and shows thumbnails', async () => {
    for (const { imageUrl, thumbnailUrl, file } of hits) {
      const etag = (await fetch(server.url + imageUrl)).headers.get('etag')!;
      const headers = { 'if-none-match': etag, 'cache-control': 'max-age=0' };
      assert.equal((await fetch(server.url + imageUrl, { headers })).status, 304, file);
      const response = await fetch(server.url + thumbnailUrl);
      assert.equal(response.headers.get('content-type'), 'image/webp', file);
      const hash = createHash('sha256').update(originals.get(file)!).digest('hex').slice(0, 16);
      assert.ok(thumbnailUrl.endsWith(`v=${hash}`));
      assert.match(response.headers.get('cache-control')!, /immutable/);
    }
  });

  it('searches by any of them, and scores them without their files being decoded anew', async () => {
    for (const { imageId, file } of hits) {
      const answer = await json<Answer>(await fetch(`${server.url}/v1/search?imageId=${imageId}&target=images`));
      assert.equal(answer.hits[0].imageId, imageId, file);
    }
  });

  it('says so of what an archive that was cut does not hold any more', async () => {
    await truncate(at('tar/shard.tar'), 600);
    const { imageUrl } = hits.find(({ file }) => file === 'shard.tar/1.jpg')!;
    const response = await fetch(server.url + imageUrl);
    assert.equal(response.status, 404);
    assert.ok(!(await response.text()).includes(folder.path));
  });
});
