import type { Target } from '../store.js';
import type { Check } from './audit.js';
import type { Catalog } from './catalog.js';
import { column, type Connection, type Lock } from './database.js';
import { bitCount, MAX_DISTANCE } from './duplicates.js';
import type { InputCache } from './inputs.js';
import { findLeftovers, removeLeftovers } from './leftovers.js';
import { readGraph, readManifest, type GraphEntry } from './manifest.js';
import type { Tables } from './tables.js';
import type { VectorGraph } from './vectors.js';

export interface DerivedOptions {
  database: Connection;
  catalog: Catalog;
  tables: Tables;
  inputs: InputCache;
  folder: string;
  /** Of fewer vectors than this there is no graph. */
  exactBelow: number;
  /** The lock to write, unless this process has it anyway. @throws PatchwordError COLLECTION_BUSY */
  lock: () => Lock;
  /** Makes the files of vectors anew. */
  rebuildVectors: () => Promise<void>;
}

/** How far a value of a vector in a graph may be from the catalog's: both are float32. */
const SAME = 1e-6;

/** What must hold of all that is made from the catalog, and can be made again. */
export function derivedChecks(options: DerivedOptions): Check[] {
  return [
    counts(options),
    words(options),
    nearDuplicates(options),
    ...vectors(options),
    inputs(options),
    leftovers(options),
  ];
}

function counts({ database, catalog }: DerivedOptions): Check {
  const actual = `(SELECT count(*) FROM images) AS images, (SELECT count(*) FROM images WHERE revision > 0) AS searchable_images,
    (SELECT count(*) FROM captions) AS captions`;
  return {
    name: 'counts',
    what: 'the catalog knows how many images and captions it has',
    count: () => 3,
    find: () =>
      column<[], string>(
        database,
        `SELECT 'counted ' || meta.images || ', ' || meta.searchable_images || ', ' || meta.captions ||
           '; there are ' || a.images || ', ' || a.searchable_images || ', ' || a.captions
         FROM meta, (SELECT ${actual}) a WHERE (meta.images, meta.searchable_images, meta.captions)
           IS NOT (a.images, a.searchable_images, a.captions)`,
      ).iterate(),
    repair: () =>
      catalog.write(
        () => void database.exec(`UPDATE meta SET (images, searchable_images, captions) = (SELECT ${actual})`),
      ),
  };
}

function words({ database, catalog }: DerivedOptions): Check {
  const command = (name: string) => `INSERT INTO caption_words (caption_words, rank) VALUES ('${name}', 1)`;
  return {
    name: 'words',
    what: 'the words of captions are those of the captions',
    count: () => catalog.count('captions'),
    *find() {
      try {
        database.exec(command('integrity-check'));
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'SQLITE_CORRUPT_VTAB') throw error;
        yield 'the index of words differs from the captions';
      }
    },
    repair: () => catalog.write(() => void database.exec(command('rebuild'))),
  };
}

interface PairRow {
  imageId: number;
  otherId: number;
  distance: number;
  [word: `${'a' | 'b'}${number}`]: number | null;
}

function nearDuplicates({ database, catalog, tables }: DerivedOptions): Check {
  return {
    name: 'near duplicates',
    what: 'images that look nearly the same are linked, once, at the distance of their hashes',
    count: () => column<[], number>(database, 'SELECT count(*) FROM near_duplicates').get()!,
    *find() {
      const rows = database.prepare<[], PairRow>(
        `SELECT image_id AS imageId, other_id AS otherId, distance, a.hash0 AS a0, a.hash1 AS a1, a.hash2 AS a2, a.hash3 AS a3,
           b.hash0 AS b0, b.hash1 AS b1, b.hash2 AS b2, b.hash3 AS b3 FROM near_duplicates
         LEFT JOIN images a ON a.id = image_id LEFT JOIN images b ON b.id = other_id`,
      );
      for (const row of rows.iterate()) {
        const fault = pairFault(row);
        if (fault) yield `images ${row.imageId} and ${row.otherId}: ${fault}`;
      }
      for (const [id, other] of tables.duplicates.unlinked()) yield `images ${id} and ${other} are not linked`;
    },
    repair: () => catalog.write(() => tables.duplicates.linkAll()),
  };
}

function pairFault({ imageId, otherId, distance, ...words }: PairRow): string | null {
  if (imageId >= otherId) return 'the lower id should come first';
  let actual = 0;
  for (const word of [0, 1, 2, 3]) {
    const [one, other] = [words[`a${word}`], words[`b${word}`]];
    if (one === null || other === null) return 'one of them has no hash';
    actual += bitCount(one ^ other);
  }
  if (actual !== distance) return `distance ${distance}, and their hashes differ in ${actual} bits`;
  return distance > MAX_DISTANCE ? `distance ${distance}, more than ${MAX_DISTANCE}` : null;
}

/** A file that cannot be used is made anew by whoever next opens the collection; one that lies would not be noticed. */
function vectors({ catalog, folder, exactBelow, lock, rebuildVectors }: DerivedOptions): Check[] {
  const wanted = (['images', 'captions'] as Target[]).filter(
    (target) => catalog.searchableCount(target) >= Math.max(1, exactBelow),
  );
  function* find(faultsOf: (graph: GraphOnDisk) => Iterable<string>): Generator<string> {
    const held = lock();
    try {
      const entries = readManifest(folder, catalog.model);
      for (const target of wanted) yield* faultsOf(readOne({ catalog, folder, target, entry: entries[target] }));
    } finally {
      held.release();
    }
  }
  return [
    {
      name: 'vector files',
      what: 'the files of vectors are those that the manifest describes',
      count: () => wanted.length,
      find: () => find(({ target, graph }) => (typeof graph === 'string' ? [`${target}.hnsw ${graph}`] : [])),
      repair: rebuildVectors,
      settles: true,
    },
    {
      name: 'vectors',
      what: 'the graphs that searches use hold the vectors of the catalog',
      count: () => wanted.reduce((sum, target) => sum + catalog.searchableCount(target), 0),
      find: () => find((graph) => graphFaults(catalog, graph)),
      repair: rebuildVectors,
    },
  ];
}

interface GraphOnDisk {
  target: Target;
  entry: GraphEntry | null;
  graph: VectorGraph | string;
}

function readOne({
  catalog,
  folder,
  ...file
}: { catalog: Catalog; folder: string } & Pick<GraphOnDisk, 'target' | 'entry'>): GraphOnDisk {
  return {
    ...file,
    graph: readGraph({ ...file, folder, dimension: catalog.model.dimension, newest: catalog.revision() }),
  };
}

function* graphFaults(catalog: Catalog, { target, entry, graph }: GraphOnDisk): Generator<string> {
  if (typeof graph === 'string') return;
  const newer = new Set(catalog.idsSince(target, entry!.revision));
  for (const { id, vector } of catalog.vectorsSince(target, 0)) {
    if (newer.has(id)) continue;
    const kept = graph.has(id) ? graph.vectorOf(id) : null;
    if (!kept) yield `${target}.hnsw lacks the vector of ${id}`;
    else if (vector.some((value, i) => Math.abs(value - kept[i]) > SAME))
      yield `${target}.hnsw has another vector of ${id}`;
  }
}

function inputs({ inputs }: DerivedOptions): Check {
  return {
    name: 'model inputs',
    what: 'the cache of model inputs can be read, and each has the size that it says',
    count: () => inputs.count(),
    find: () => inputs.faults(),
    repair: () => inputs.discard(),
  };
}

function leftovers({ folder, catalog, lock }: DerivedOptions): Check {
  return {
    name: 'leftovers',
    what: 'no process that died left files behind',
    count: () => 1,
    *find() {
      const held = lock();
      try {
        yield* findLeftovers(folder, catalog.model);
      } finally {
        held.release();
      }
    },
    repair() {
      const held = lock();
      try {
        removeLeftovers(folder, catalog.model);
      } finally {
        held.release();
      }
    },
    settles: true,
  };
}
