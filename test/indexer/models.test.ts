import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { modelFolder, resolveModel, writePin } from '../../indexer/models.js';
import { temporaryFolder } from '../fixture.js';

describe('resolveModel', () => {
  const temporary = temporaryFolder();
  const commit = '0123456789abcdef0123456789abcdef01234567';

  it('still finds a hub model that was calibrated, but not one that was damaged', async () => {
    const cache = temporary.path;
    const folder = modelFolder(cache, 'owner/name', commit);
    mkdirSync(folder, { recursive: true });
    const files = ['model.safetensors', 'patchword.json'].map((name) => ({ name, size: 4, sha256: '' }));
    for (const { name } of files) writeFileSync(path.join(folder, name), 'came');
    await writePin(cache, { id: 'owner/name', revision: 'main', commit, files });
    assert.equal(await resolveModel('owner/name', { cache }), folder);
    writeFileSync(path.join(folder, 'patchword.json'), '{"calibration": null}');
    assert.equal(await resolveModel('owner/name', { cache }), folder);
    rmSync(path.join(folder, 'patchword.json'));
    await assert.rejects(resolveModel('owner/name', { cache }), { code: 'MODEL_NOT_FOUND' });
    writeFileSync(path.join(folder, 'patchword.json'), '{}');
    writeFileSync(path.join(folder, 'model.safetensors'), 'cut');
    await assert.rejects(resolveModel('owner/name', { cache }), { code: 'MODEL_NOT_FOUND' });
  });
});
