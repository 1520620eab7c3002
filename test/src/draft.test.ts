import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withDraft } from '../../src/draft.js';
import { temporaryFolder } from '../fixture.js';

describe('withDraft', () => {
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const write = ({ place }: { place: string }) => Promise.resolve(writeFileSync(place, 'new'));

  it('refuses what is there, of any kind, and changes nothing', async () => {
    writeFileSync(at('file'), 'mine');
    mkdirSync(at('full'));
    writeFileSync(at('full', 'a'), 'mine');
    mkdirSync(at('empty'));
    for (const [name, emptyFolder] of [
      ['file', false],
      ['file', true],
      ['full', true],
      ['empty', false],
    ] as const) {
      const refused = withDraft({ target: at(name), emptyFolder }, write);
      await assert.rejects(refused, { code: 'INVALID_ARGUMENT', message: new RegExp(name) });
    }
    assert.equal(readFileSync(at('file'), 'utf8'), 'mine');
    assert.deepEqual(readdirSync(temporary.path).sort(), ['empty', 'file', 'full']);
  });

  it('leaves nothing of what failed', async () => {
    const failing = withDraft({ target: at('failed') }, async (draft) => {
      await write(draft);
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.ok(readdirSync(temporary.path).every((name) => !name.startsWith('failed')));
  });

  it('does not write over what came meanwhile', async () => {
    const late = withDraft({ target: at('late') }, async (draft) => {
      await write(draft);
      writeFileSync(at('late'), 'mine');
    });
    await assert.rejects(late, { code: 'INVALID_ARGUMENT' });
    assert.equal(readFileSync(at('late'), 'utf8'), 'mine');
  });

  it('refuses what is being made at the same time, which is made whole', async () => {
    const first = withDraft({ target: at('twice') }, async (draft) => {
      const second = withDraft({ target: at('twice') }, write);
      await assert.rejects(second, { code: 'INVALID_ARGUMENT', message: /Another process is writing .*twice/ });
      await write(draft);
    });
    await first;
    assert.equal(readFileSync(at('twice'), 'utf8'), 'new');
    assert.ok(!existsSync(at('twice.patchword-draft')));
  });

  it('begins again where a process died, and is not seen until it is whole', async () => {
    mkdirSync(at('target.patchword-draft'));
    writeFileSync(at('target.patchword-draft', 'whole'), 'half');
    const value = await withDraft({ target: at('target') }, async ({ place, scratch }) => {
      assert.ok(!existsSync(place) && !existsSync(at('target')));
      writeFileSync(path.join(scratch, 'notes'), '');
      await write({ place });
      return 7;
    });
    assert.equal(value, 7);
    assert.equal(readFileSync(at('target'), 'utf8'), 'new');
    assert.ok(!existsSync(at('target.patchword-draft')));
  });

  it('makes a folder where an empty one is', async () => {
    mkdirSync(at('folder'));
    await withDraft({ target: at('folder'), emptyFolder: true }, ({ place }) => {
      mkdirSync(place);
      writeFileSync(path.join(place, 'a'), 'new');
      return Promise.resolve();
    });
    assert.deepEqual(readdirSync(at('folder')), ['a']);
  });
});
