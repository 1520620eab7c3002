/**
 * The steps that bring catalog.sqlite from one version to the next; `PRAGMA user_version` counts those taken.
 * A step that was ever released does not change: append another.
 *
 * - Ids are AUTOINCREMENT, so never reused, and serve as HNSW labels.
 * - `revision` numbers every vector written, in one sequence over both tables: what an index of vectors lacks is what
 *   has a higher revision than the index.
 * - Embeddings are little-endian float32, unit length, `meta.dimension` of them; one that is missing (an image that could
 *   not be read when the collection was reindexed) is empty and of revision 0, which no written one has.
 */
export const CATALOG_STEPS: readonly string[] = [
  `
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    model_path TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    prefilter_hash TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    root TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    file TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    modified REAL NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    split TEXT,
    revision INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    UNIQUE (source_id, file)
  ) STRICT;
  CREATE INDEX images_by_revision ON images (revision);

  CREATE TABLE captions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    revision INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    UNIQUE (image_id, position)
  ) STRICT;
  CREATE INDEX captions_by_revision ON captions (revision);
  `,
  `ALTER TABLE meta ADD COLUMN input_size TEXT NOT NULL DEFAULT '';`,
];

/**
 * The same for reindex.sqlite, the embeddings of the model that a collection is being reindexed with. Embedded is an image
 * that has its row here, of the content that the catalog says, and all of its captions.
 */
export const REINDEX_STEPS: readonly string[] = [
  `
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    model_path TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    prefilter_hash TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    input_size TEXT NOT NULL
  ) STRICT;

  CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    content_hash TEXT NOT NULL,
    embedding BLOB NOT NULL
  ) STRICT;

  CREATE TABLE captions (
    id INTEGER PRIMARY KEY,
    embedding BLOB NOT NULL
  ) STRICT;
  `,
];

/**
 * The same for inputs.sqlite, the cache of model inputs. Keyed by content and by the size that a model reads, so that
 * neither an image that changed nor a collection that got another model is given a stale one.
 */
export const INPUTS_STEPS: readonly string[] = [
  `
  CREATE TABLE inputs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content_hash TEXT NOT NULL UNIQUE,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    pixels BLOB NOT NULL
  ) STRICT;
  `,
  `
  DROP TABLE inputs;
  CREATE TABLE inputs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content_hash TEXT NOT NULL,
    input_size TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    pixels BLOB NOT NULL,
    UNIQUE (content_hash, input_size)
  ) STRICT;
  `,
];
