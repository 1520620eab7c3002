import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ingest } from '../../../indexer/ingestion.js';
import { openEngine } from '../../../src/engine.js';
import { runPatchword } from '../../command.js';
import { temporaryFolder } from '../../fixture.js';
import { writePictures } from '../pictures.js';

describe('patchword remove, restore and quarantine', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);

  /** The result, or the error, as JSON. */
  async function patchword(...parameters: string[]) {
    const { code, stdout, stderr } = await runPatchword([...parameters, '--json', '--data', at('data')]);
    return {
      code,
      value: JSON.parse(code === 0 ? stdout : stderr.trim().split('\n').at(-1)!) as Record<string, unknown>,
    };
  }
  const failure = (outcome: { code: number | null; value: Record<string, unknown> }) => {
    const { error } = outcome.value as { error: { code: string; message: string } };
    return [outcome.code, error.code, error.message] as const;
  };

  before(async () => {
    await writePictures(at('pictures'), {
      'a.png': 1,
      'b.png': { number: 2, captions: ['a fox'] },
      'sub/c.png': 3,
      'sub/d.png': 4,
    });
    const engine = await openEngine({ collection: 'photos', data: at('data'), create: true });
    await ingest({ engine, source: at('pictures') });
    await engine.close();
  });

  it('refuses what names no image, and removes nothing then', async () => {
    const remove = (...parameters: string[]) => patchword('remove', '--collection', 'photos', ...parameters);
    assert.deepEqual(failure(await remove()).slice(0, 2), [2, 'INVALID_ARGUMENT']);
    assert.deepEqual(failure(await remove('1', '--filter', '{"field":"file","eq":"a.png"}')).slice(0, 2), [
      2,
      'INVALID_ARGUMENT',
    ]);
    assert.deepEqual(failure(await remove('a.png')).slice(0, 2), [2, 'INVALID_ARGUMENT']);
    assert.deepEqual(failure(await remove('--filter', '{')).slice(0, 2), [2, 'INVALID_ARGUMENT']);
    assert.deepEqual(failure(await remove('1', '99')), [
      3,
      'NOT_FOUND',
      'There is no image 99 in this collection; nothing is removed.',
    ]);
    assert.deepEqual(failure(await patchword('restore', '--collection', 'photos', 'abc')).slice(0, 2), [
      2,
      'INVALID_ARGUMENT',
    ]);
    assert.deepEqual(failure(await patchword('quarantine', 'list', 'none')).slice(0, 2), [3, 'COLLECTION_NOT_FOUND']);
  });

  it('removes by id and by filter; indexing keeps out what was removed until it is restored', async () => {
    assert.deepEqual((await patchword('remove', '1', '--collection', 'photos')).value, { removed: 1 });
    const below = '{"field":"file","contains":"sub/"}';
    assert.deepEqual((await patchword('remove', '--filter', below, '--collection', 'photos')).value, { removed: 2 });
    const index = async () => (await patchword('index', at('pictures'), '--collection', 'photos')).value;
    const again = await index();
    assert.deepEqual([again.added, again.unchanged, again.removed], [0, 1, 3]);
    assert.deepEqual((await patchword('restore', '--collection', 'photos')).value, { restored: 3 });
    const restored = await index();
    assert.deepEqual([restored.added, restored.removed], [3, 0]);
  });

  it('lists, retries and clears what is in quarantine', async () => {
    await writePictures(at('bad'), { 'a.png': 10 });
    writeFileSync(at('bad', 'b.png'), 'words');
    const { value } = await patchword('index', at('bad'), '--collection', 'photos');
    assert.equal(value.quarantined, 1);
    const listed = (await patchword('quarantine', 'list', 'photos')).value.quarantined as Record<string, string>[];
    assert.deepEqual(
      listed.map(({ source, file }) => [source, file]),
      [[at('bad'), 'b.png']],
    );
    await writePictures(at('bad'), { 'b.png': 11 });
    const retried = (await patchword('quarantine', 'retry', 'photos')).value;
    assert.deepEqual([retried.added, retried.quarantined], [1, 0]);
    assert.deepEqual((await patchword('quarantine', 'clear', 'photos')).value, { cleared: 0 });
  });
});
