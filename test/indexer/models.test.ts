import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { modelFolder, resolveModel, writePin } from '../../indexer/models.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { COMMIT, ID, refused, tinyHub, weights } from './tinyhub.js';

describe('resolveModel', () => {
  const temporary = temporaryFolder();
  const tiny = tinyHub();

  it('says how to add what was not added', async () => {
    await assert.rejects(
      resolveModel('someone/other', { cache: tiny.cache }),
      (error: Error & { code: string; hint: string }) => {
        assert.equal(error.code, 'MODEL_NOT_FOUND');
        assert.match(error.message, /no folder someone\/other, and no hub model of that id/);
        assert.equal(error.hint, 'Add it first: patchword model add someone/other');
        return true;
      },
    );
    for (const text of ['', '/no/such/folder', '../../x', 'vilt']) {
      await refused(resolveModel(text, { cache: tiny.cache }), 'MODEL_NOT_FOUND', /no model at/);
    }
  });

  it('gives a path that exists as it is', async () => {
    assert.equal(await resolveModel(fixture('tiny-vilt'), { cache: tiny.cache }), fixture('tiny-vilt'));
    assert.equal(await resolveModel('.', { cache: tiny.cache }), '.');
  });

  it('finds what was added, by id and by revision', async () => {
    const main = await tiny.add();
    const other = await tiny.add({ id: `${ID}@refs/pr/1` });
    assert.equal(await resolveModel(ID, { cache: tiny.cache }), main.folder);
    assert.equal(await resolveModel(`${ID}@${COMMIT}`, { cache: tiny.cache }), main.folder);
    assert.equal(await resolveModel(`${ID}@refs/pr/1`, { cache: tiny.cache }), other.folder);
    await refused(resolveModel(`${ID}@v2`, { cache: tiny.cache }), 'MODEL_NOT_FOUND', /tiny-vilt@v2/);
  });

  it('does not find a model that has lost a file, until it is added again', async () => {
    const { folder: added } = await tiny.add();
    writeFileSync(path.join(added, 'model.safetensors'), weights.subarray(0, 1000));
    await refused(resolveModel(ID, { cache: tiny.cache }), 'MODEL_NOT_FOUND', /no hub model of that id/);
    await tiny.add();
    assert.equal(await resolveModel(ID, { cache: tiny.cache }), added);
  });

  it('passes over a pin that is damaged or leads elsewhere', async () => {
    await tiny.add();
    const pin = tiny.pin;
    for (const content of ['{', '[]', JSON.stringify({ id: ID, revision: 'main', commit: '../../..', files: [] })]) {
      writeFileSync(pin, content);
      await refused(resolveModel(ID, { cache: tiny.cache }), 'MODEL_NOT_FOUND', /no hub model of that id/);
    }
  });

  it('still finds a hub model that was calibrated, but not one that was damaged', async () => {
    const cache = temporary.path;
    const folder = modelFolder(cache, 'owner/name', COMMIT);
    mkdirSync(folder, { recursive: true });
    const files = ['model.safetensors', 'patchword.json'].map((name) => ({ name, size: 4, sha256: '' }));
    for (const { name } of files) writeFileSync(path.join(folder, name), 'came');
    await writePin(cache, { id: 'owner/name', revision: 'main', commit: COMMIT, files });
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
