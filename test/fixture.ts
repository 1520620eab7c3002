import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../src/paths.js';

/** Path of a file below test/fixtures. */
export function fixture(...parts: string[]): string {
  return path.join(PACKAGE_FOLDER, 'test', 'fixtures', ...parts);
}

/** A new empty folder, removed when the surrounding suite ends. Call it inside `describe`. */
export function temporaryFolder(): { path: string } {
  const folder = { path: '' };
  before(() => void (folder.path = mkdtempSync(path.join(tmpdir(), 'patchword-test-'))));
  after(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}
