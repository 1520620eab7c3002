import path from 'node:path';
import { readHead } from './head.js';
import { readJsonList } from './json.js';
import type { Reader, SourceOptions } from './reader.js';
import { asRecord } from './record.js';
import { openTable, type TableRecord } from './table.js';

/**
 * The JSON of ALBEF and BLIP: a list of objects with `image` and `caption`, a text or a list of them; one image may have
 * several. The split is in the name of the file: `coco_karpathy_train.json`.
 *
 * @throws PatchwordError FILE_NOT_FOUND, SOURCE_INVALID
 */
export function readAlbef(options: SourceOptions & { path: string }): Promise<Reader> {
  const file = path.resolve(options.path);
  const split = /_(train|val|test)\.json$/i.exec(file)?.[1].toLowerCase();
  return openTable({
    ...options,
    format: 'albef',
    path: file,
    values: 'json',
    split,
    records: () => readObjects(file),
  });
}

export async function looksLikeAlbef(file: string): Promise<boolean> {
  return /^\s*\[\s*\{/.test(await readHead(file));
}

async function* readObjects(file: string): AsyncGenerator<TableRecord> {
  const base = path.basename(file);
  const layout = '[{"image": "…", "caption": "…"}, …]';
  for await (const { index, line, ...entry } of readJsonList({ file, layout })) {
    yield { at: `${base}:${line}: [${index}]`, ...('value' in entry ? asRecord(entry.value) : entry) };
  }
}
