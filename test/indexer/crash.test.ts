import assert from 'node:assert/strict';
import path from 'node:path';
import { ingest } from '../../indexer/ingestion.js';
import { openEngine } from '../../src/engine.js';
import { temporaryFolder } from '../fixture.js';
import { startIngestion } from './child.js';
import { counting, filesOf, writePictures } from './pictures.js';

const TOTAL = 160;

describe('ingest, killed', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();

  it('loses nothing that was kept, and goes on from there', async () => {
    const at = (...parts: string[]) => path.join(temporary.path, ...parts);
    const where = { data: at('data'), collection: 'killed' };
    const source = at('pictures');
    const pictures: Parameters<typeof writePictures>[1] = {};
    for (let i = 0; i < TOTAL; i++) pictures[`${i}.png`] = { number: i, captions: [`picture ${i}`] };
    await writePictures(source, pictures);

    let kept = 0;
    for (const least of [1, 40, 80]) {
      const ingestion = startIngestion({ ...where, source });
      const acknowledged = await ingestion.done(Math.max(least, kept + 1));
      ingestion.child.kill('SIGKILL');
      await ingestion.ended;
      assert.ok(acknowledged !== null, 'it ended before it could be killed');
      const engine = await openEngine(where);
      const files = await filesOf(engine, source);
      kept = files.size;
      assert.ok(kept >= acknowledged && kept < TOTAL, `${kept} kept, ${acknowledged} acknowledged`);
      for (const [file, { captions }] of files) assert.deepEqual(captions, [`picture ${path.parse(file).name}`]);
      await engine.close();
    }

    const engine = await openEngine(where);
    const { engine: counted, asked } = counting(engine);
    const { added, unchanged } = await ingest({ engine: counted, source });
    assert.deepEqual({ added, unchanged }, { added: TOTAL - kept, unchanged: kept });
    assert.deepEqual([asked.prepared, asked.images], [TOTAL - kept, TOTAL - kept]);
    const { images, captions } = await engine.info();
    assert.deepEqual({ images, captions }, { images: TOTAL, captions: TOTAL });
    await engine.close();
  });
});
