import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSource } from '../../../indexer/readers/source.js';
import { readOriginal } from '../../../src/original.js';
import { IMAGE_LIMITS } from '../../../src/vilt/limits.js';
import { temporaryFolder } from '../../fixture.js';
import { LARGE, largePicture } from './largefile.js';

/** Over what there was before; the files have 300 MB. */
const MOST_BYTES = 64 * 2 ** 20;

describe('reading a file of 300 MB', () => {
  const temporary = temporaryFolder();

  for (const kind of ['tar', 'parquet', 'arrow']) {
    it(`takes little memory, and so does reading its pictures again (${kind})`, async () => {
      const file = path.join(temporary.path, `large.${kind}`);
      execFileSync(process.execPath, [fileURLToPath(new URL('./largefile.js', import.meta.url)), kind, file]);
      assert.ok(statSync(file).size > LARGE.pictures * LARGE.bytes);
      const used = () => process.memoryUsage().heapUsed + process.memoryUsage().external;
      const before = used();
      let most = 0;
      const reader = await openSource({ source: file });
      let count = 0;
      for await (const entry of reader.entries()) {
        assert.ok('name' in entry);
        assert.deepEqual(entry.captions, [`caption ${count}`]);
        const bytes = await readOriginal({ root: reader.root, location: entry.location }, IMAGE_LIMITS);
        assert.ok(largePicture(count).equals(bytes) && (!entry.bytes || largePicture(count).equals(entry.bytes)));
        count += 1;
        most = Math.max(most, used() - before);
      }
      assert.equal(count, LARGE.pictures);
      assert.ok(most < MOST_BYTES, `${(most / 2 ** 20).toFixed(0)} MiB`);
    });
  }
});
