import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { CheckResult, Verification } from '../../../../src/store/sqlite/audit.js';
import { openStore } from '../../../../src/store/sqlite/store.js';
import { temporaryFolder } from '../../../fixture.js';
import { imageRecord, modelOf } from '../records.js';

const DIMENSION = 16;
export const NAME = 'foxes';
const IMAGES = 12;

export const record = (seed: number) => imageRecord(seed, DIMENSION);

export const failed = ({ checks }: Verification) => checks.filter((check) => check.failed > 0);

export const resultOf = ({ checks }: Verification, name: string): CheckResult =>
  checks.find((check) => check.name === name)!;

/** A collection to damage and to verify, another copy of it for each test. */
export function auditedCollection() {
  const temporary = temporaryFolder();
  const whole = () => path.join(temporary.path, 'whole');
  let data: string;
  let count = 0;

  const at = (name: string) => path.join(data, 'collections', NAME, name);

  /** A collection with everything in it: files of one content, near duplicates, removed ones, attributes, a graph, a cache. */
  before(async () => {
    const store = await openStore({ data: whole(), name: NAME, create: modelOf(DIMENSION), exactBelow: 0 });
    const own = path.join(whole(), 'collections', NAME, 'imported');
    mkdirSync(own);
    writeFileSync(path.join(own, '1.png'), 'a picture');
    const [first, second] = await Promise.all(
      ['/pictures', own].map((root) => store.addSource({ path: root, root, format: 'folder', options: {} })),
    );
    const images = Array.from({ length: IMAGES }, (_, i) => ({
      ...record(i + 1),
      perceptualHash: Uint16Array.of(i < 4 ? 7 : 1000 * i, 5 * i, i, 9),
      attributes: { rating: i, kind: i % 2 ? 'fox' : null },
    }));
    await store.upsert({ sourceId: first.sourceId, images });
    const copy = { ...images[0], file: 'copy.png', embedding: null, modelInput: null };
    const range = { ...record(50), file: 'a.tar/1.png', location: { file: 'a.tar', offset: 512, bytes: 30 } };
    const contentHash = createHash('sha256').update('a picture').digest('hex');
    await store.upsert({ sourceId: first.sourceId, images: [copy, range] });
    await store.upsert({
      sourceId: second.sourceId,
      images: [{ ...record(60), file: '1.png', location: { file: '1.png' }, contentHash }],
    });
    const [gone] = await store.upsert({ sourceId: first.sourceId, images: [record(70)] });
    await store.remove([gone]);
    await store.quarantine({
      sourceId: first.sourceId,
      files: [{ file: 'bad.png', reason: 'bad', bytes: 1, modified: 1 }],
    });
    await store.flush();
    await store.close();
  });

  beforeEach(() => {
    data = path.join(temporary.path, String(count++));
    cpSync(whole(), data, { recursive: true });
  });

  async function verify(options: { repair?: boolean } = {}): Promise<Verification> {
    const store = await openStore({ data, name: NAME, exactBelow: 0, warm: false });
    try {
      return await store.verify(options);
    } finally {
      await store.close();
    }
  }

  function damage(sql: string, file = 'catalog.sqlite'): void {
    const database = new Database(at(file));
    database.unsafeMode();
    database.pragma('foreign_keys = OFF');
    database.pragma('ignore_check_constraints = ON');
    database.pragma('writable_schema = ON');
    database.exec(sql);
    database.close();
  }

  /** What cannot be made anew. */
  const truth = () => {
    const database = new Database(at('catalog.sqlite'), { readonly: true });
    const rows = ['sources', 'images', 'files', 'captions', 'file_captions', 'removed', 'quarantine'].map((table) =>
      database.prepare(`SELECT * FROM ${table}`).all(),
    );
    database.close();
    return rows;
  };

  return { data: () => data, at, verify, damage, truth };
}
