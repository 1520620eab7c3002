import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SqliteStore } from '../../src/store/sqlite/store.js';
import { imageRecord, upsertTo } from '../src/store/records.js';

/** Images whose files an import might have unpacked into the collection's folder: `images/0.jpg` holds "content 0". */
export async function fillUnpacked(store: SqliteStore, count: number): Promise<void> {
  const { folder, model } = await store.info();
  const root = path.join(folder, 'imported');
  mkdirSync(path.join(root, 'images'), { recursive: true });
  const images = Array.from({ length: count }, (_, i) => {
    const file = `images/${i}.jpg`;
    writeFileSync(path.join(root, file), `content ${i}`);
    const contentHash = createHash('sha256').update(`content ${i}`).digest('hex');
    return imageRecord(i, model.dimension, { file, contentHash });
  });
  await upsertTo(store, { path: root, images });
  await store.flush();
}
