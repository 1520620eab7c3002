import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: the same for the sources and for dist/. */
export const PACKAGE_FOLDER = findPackageFolder(path.dirname(fileURLToPath(import.meta.url)));

/** Of this program, as package.json says. */
export const PACKAGE_VERSION = readVersion();

export const BUNDLED_MODEL = path.join(PACKAGE_FOLDER, 'data', 'model');
export const BUNDLED_SAMPLE = path.join(PACKAGE_FOLDER, 'data', 'sample', 'dataset.json');
export const BUNDLED_VOCABULARY = path.join(PACKAGE_FOLDER, 'data', 'vocabulary', 'bert-base-uncased.txt');

/** Where collections live: what the caller says, else PATCHWORD_DATA, else .patchword below the current folder. */
export function dataFolder(data?: string): string {
  return path.resolve(data ?? (process.env.PATCHWORD_DATA || '.patchword'));
}

/** Where downloaded models and, for read-only model folders, built graphs live: PATCHWORD_CACHE, else the user's cache. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return path.resolve(process.env.PATCHWORD_CACHE || path.join(base, 'patchword'));
}

function findPackageFolder(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`No package.json above ${start}.`);
  }
}

function readVersion(): string {
  const json = readFileSync(path.join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(json) as { version: string }).version;
}
