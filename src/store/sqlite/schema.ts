/**
 * The steps that bring catalog.sqlite from one version to the next; `PRAGMA user_version` counts those taken.
 * A step that was ever released does not change: append another.
 *
 * - Ids are AUTOINCREMENT, so never reused, and serve as HNSW labels.
 * - `revision` numbers every vector written, in one sequence over both tables: what an index of vectors lacks is what
 *   has a higher revision than the index.
 * - Embeddings are little-endian float32, unit length, `meta.dimension` of them; one that is missing (an image that could
 *   not be read when the collection was reindexed) is empty and of revision 0, which no written one has.
 * - `meta` counts images and captions, by triggers: counting a million rows takes longer than a search.
 * - `files.location` is JSON, NULL where it is {"file": file}; `files.attributes` a JSON object of scalars; `sources.options`
 *   JSON. `file_captions` says which captions a file gives, in its order; a caption that no file gives is removed.
 * - `images.hash0` … `hash3` are the perceptual hash in words of 16 bits. duplicates.ts says why the indexes run in a ring.
 * - `caption_words` are the words of captions, kept by triggers; `caption_vocabulary` says how many captions hold each.
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
  // One image for each content, whatever files it lies in. Those of equal content become the one of the lowest id.
  `
  ALTER TABLE sources RENAME TO old_sources;
  ALTER TABLE images RENAME TO old_images;
  ALTER TABLE captions RENAME TO old_captions;
  DROP INDEX images_by_revision;
  DROP INDEX captions_by_revision;

  CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    root TEXT NOT NULL,
    format TEXT NOT NULL,
    options TEXT NOT NULL
  ) STRICT;
  INSERT INTO sources (id, path, root, format, options) SELECT id, root, root, '', '{}' FROM old_sources;

  CREATE TABLE merged (id INTEGER PRIMARY KEY, kept INTEGER NOT NULL);
  INSERT INTO merged SELECT id, min(id) OVER (PARTITION BY content_hash) FROM old_images;
  CREATE INDEX merged_by_kept ON merged (kept);

  CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content_hash TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    hash0 INTEGER,
    hash1 INTEGER,
    hash2 INTEGER,
    hash3 INTEGER,
    revision INTEGER NOT NULL,
    embedding BLOB NOT NULL
  ) STRICT;
  INSERT INTO images (id, content_hash, bytes, width, height, revision, embedding)
    SELECT id, content_hash, bytes, width, height, revision, embedding
    FROM old_images WHERE id IN (SELECT kept FROM merged) ORDER BY id;
  UPDATE images SET (revision, embedding) = (
    SELECT (SELECT revision FROM meta) + images.id, old.embedding FROM old_images old JOIN merged USING (id)
    WHERE kept = images.id AND old.revision > 0 ORDER BY old.id LIMIT 1
  ) WHERE revision = 0 AND EXISTS (
    SELECT 1 FROM old_images old JOIN merged USING (id) WHERE kept = images.id AND old.revision > 0
  );
  -- Also where nothing was merged: whoever keeps vectors then looks whether any are gone.
  UPDATE meta SET revision = revision + 1 + (SELECT ifnull(max(id), 0) FROM images);
  CREATE INDEX images_by_revision ON images (revision);
  CREATE INDEX images_by_hash0 ON images (hash0, hash1, hash2, hash3) WHERE hash0 IS NOT NULL;
  CREATE INDEX images_by_hash1 ON images (hash1, hash2, hash3, hash0) WHERE hash1 IS NOT NULL;
  CREATE INDEX images_by_hash2 ON images (hash2, hash3, hash0, hash1) WHERE hash2 IS NOT NULL;
  CREATE INDEX images_by_hash3 ON images (hash3, hash0, hash1, hash2) WHERE hash3 IS NOT NULL;

  CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    location TEXT,
    modified REAL NOT NULL,
    split TEXT,
    attributes TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source_id, file)
  ) STRICT;
  INSERT INTO files (id, source_id, image_id, file, modified, split, attributes)
    SELECT id, source_id, kept, file, modified, split, '{}' FROM old_images JOIN merged USING (id) ORDER BY id;
  CREATE INDEX files_by_source ON files (source_id);
  CREATE INDEX files_by_image ON files (image_id);

  CREATE TABLE captions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    revision INTEGER NOT NULL,
    embedding BLOB NOT NULL,
    UNIQUE (image_id, text)
  ) STRICT;
  INSERT OR IGNORE INTO captions (id, image_id, text, revision, embedding)
    SELECT old.id, kept, text, revision, embedding FROM old_captions old JOIN merged ON merged.id = image_id ORDER BY old.id;
  CREATE INDEX captions_by_revision ON captions (revision);

  CREATE TABLE file_captions (
    file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    caption_id INTEGER NOT NULL REFERENCES captions (id) ON DELETE CASCADE,
    PRIMARY KEY (file_id, position)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO file_captions (file_id, position, caption_id)
    SELECT old.image_id, old.position, captions.id FROM old_captions old JOIN merged ON merged.id = old.image_id
    JOIN captions ON captions.image_id = kept AND captions.text = old.text;
  CREATE INDEX file_captions_by_caption ON file_captions (caption_id);

  DELETE FROM sqlite_sequence WHERE name IN ('sources', 'images', 'captions');
  UPDATE sqlite_sequence SET name = substr(name, 5) WHERE name IN ('old_sources', 'old_images', 'old_captions');
  DROP TABLE merged;
  DROP TABLE old_captions; -- Those that refer to others first.
  DROP TABLE old_images;
  DROP TABLE old_sources;

  CREATE TABLE near_duplicates (
    image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    other_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    distance INTEGER NOT NULL,
    PRIMARY KEY (image_id, other_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX near_duplicates_by_other ON near_duplicates (other_id);

  CREATE TABLE removed (content_hash TEXT PRIMARY KEY, file TEXT NOT NULL, removed REAL NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE quarantine (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    file TEXT NOT NULL,
    reason TEXT NOT NULL,
    bytes INTEGER,
    modified REAL,
    tried REAL NOT NULL,
    PRIMARY KEY (source_id, file)
  ) STRICT, WITHOUT ROWID;

  CREATE VIRTUAL TABLE caption_words USING fts5(
    text, content='captions', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
  );
  CREATE VIRTUAL TABLE caption_vocabulary USING fts5vocab(caption_words, 'row');
  INSERT INTO caption_words (caption_words) VALUES ('rebuild');
  CREATE TRIGGER captions_words_insert AFTER INSERT ON captions BEGIN
    INSERT INTO caption_words (rowid, text) VALUES (NEW.id, NEW.text);
  END;
  CREATE TRIGGER captions_words_delete AFTER DELETE ON captions BEGIN
    INSERT INTO caption_words (caption_words, rowid, text) VALUES ('delete', OLD.id, OLD.text);
  END;
  CREATE TRIGGER captions_words_update AFTER UPDATE OF text ON captions BEGIN
    INSERT INTO caption_words (caption_words, rowid, text) VALUES ('delete', OLD.id, OLD.text);
    INSERT INTO caption_words (rowid, text) VALUES (NEW.id, NEW.text);
  END;

  ALTER TABLE meta ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE meta ADD COLUMN searchable_images INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE meta ADD COLUMN captions INTEGER NOT NULL DEFAULT 0;
  UPDATE meta SET (images, searchable_images) = (SELECT count(*), ifnull(sum(revision > 0), 0) FROM images),
    captions = (SELECT count(*) FROM captions);
  CREATE TRIGGER images_count_insert AFTER INSERT ON images BEGIN
    UPDATE meta SET images = images + 1, searchable_images = searchable_images + (NEW.revision > 0);
  END;
  CREATE TRIGGER images_count_delete AFTER DELETE ON images BEGIN
    UPDATE meta SET images = images - 1, searchable_images = searchable_images - (OLD.revision > 0);
  END;
  CREATE TRIGGER images_count_update AFTER UPDATE OF revision ON images WHEN (OLD.revision > 0) <> (NEW.revision > 0) BEGIN
    UPDATE meta SET searchable_images = searchable_images + (NEW.revision > 0) - (OLD.revision > 0);
  END;
  CREATE TRIGGER captions_count_insert AFTER INSERT ON captions BEGIN
    UPDATE meta SET captions = captions + 1;
  END;
  CREATE TRIGGER captions_count_delete AFTER DELETE ON captions BEGIN
    UPDATE meta SET captions = captions - 1;
  END;
  `,
];

/** How the catalog's `caption_words` splits captions into words. A text to be looked up there is split alike. */
export const CAPTION_TOKENIZER = 'unicode61 remove_diacritics 2';

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
