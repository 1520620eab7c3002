import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readArchive } from '../../../../src/vilt/checkpoint/archive.js';
import { readRange } from '../../../../src/vilt/checkpoint/range.js';
import { fixture, temporaryFolder } from '../../../fixture.js';
import { zip } from './torch.js';

describe('readArchive', () => {
  const folder = temporaryFolder();

  function fileOf(bytes: Uint8Array): string {
    const file = path.join(folder.path, 'archive.bin');
    writeFileSync(file, bytes);
    return file;
  }

  const refused = (bytes: Uint8Array, message: RegExp) =>
    assert.rejects(readArchive(fileOf(bytes)), { code: 'MODEL_INCOMPLETE', message });

  const data = Buffer.from('some bytes');

  it('refuses an archive that is cut short', async () => {
    const whole = readFileSync(fixture('tiny-vilt', 'pytorch_model.bin'));
    await refused(whole.subarray(0, whole.length - 30), /damaged: as a zip archive it cannot be read/);
    await refused(whole.subarray(0, 1000), /End of central directory/);
  });

  it('refuses entries that claim more than the file holds', async () => {
    await refused(zip([{ name: 'model/data/0', data, size: 4_000_000_000 }]), /overflows file bounds/);
    await refused(zip([{ name: 'model/data/0', data, size: 2 ** 32 + 5 }], { zip64: true }), /overflows file bounds/);
  });

  it('refuses two entries of one name, and names that leave the archive', async () => {
    await refused(
      zip([
        { name: 'model/data/0', data },
        { name: 'other/data/0', data },
      ]),
      /two entries named "data\/0"/,
    );
    await refused(zip([{ name: '../../etc/passwd', data }]), /invalid relative path/);
  });

  for (const zip64 of [false, true]) {
    it(`finds the bytes of each entry${zip64 ? ' of a zip64 archive' : ''}`, async () => {
      const entries = [
        { name: 'model/data.pkl', data: Buffer.from('pickle') },
        { name: 'model/data/0', data, padding: 51 },
        { name: 'model/data/empty', data: Buffer.alloc(0) },
      ];
      const file = fileOf(zip(entries, { zip64 }));
      const found = await readArchive(file);
      assert.deepEqual([...found.keys()], ['data.pkl', 'data/0', 'data/empty']);
      const { offset, byteLength, stored } = found.get('data/0')!;
      assert.equal(Buffer.from(readRange(file, offset, byteLength)).toString(), 'some bytes');
      assert.ok(stored);
      assert.equal(found.get('data/empty')!.byteLength, 0);
    });
  }

  it('tells entries that are compressed or encrypted', async () => {
    const deflated = await readArchive(fileOf(zip([{ name: 'model/data/0', data, method: 8 }])));
    assert.equal(deflated.get('data/0')!.stored, false);
    // A header of twelve bytes comes first; one without room for it contradicts itself.
    const encrypted = (plain: number) =>
      readArchive(fileOf(zip([{ name: 'model/data/0', data: Buffer.alloc(22), plain }], { flags: 1 })));
    assert.equal((await encrypted(10)).get('data/0')!.stored, false);
    await assert.rejects(encrypted(22), { code: 'MODEL_INCOMPLETE' });
  });
});
