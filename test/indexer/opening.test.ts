import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { nameOf } from '../../indexer/lookup.js';
import { openAsked } from '../../indexer/opening.js';
import { temporaryFolder } from '../fixture.js';

describe('openAsked', () => {
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);

  it('leaves out the folder that collections live in, of a source that holds it', async () => {
    const files = ['a.png', 'data/b.png', 'data/collections/mine/thumbnails/c.png'];
    mkdirSync(at('data/collections/mine/thumbnails'), { recursive: true });
    for (const file of files) writeFileSync(at(file), '');
    const names = async (data: string) => {
      const found: string[] = [];
      for await (const entry of (await openAsked(temporary.path, { data })).entries()) found.push(nameOf(entry));
      return found.sort();
    };
    assert.deepEqual(await names(at('data')), files.slice(0, 2));
    assert.deepEqual(await names(at('elsewhere')), files);
  });
});
