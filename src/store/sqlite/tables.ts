import type { CollectionStatistics } from '../store.js';
import type { Catalog } from './catalog.js';
import type { Connection } from './database.js';
import { Duplicates } from './duplicates.js';
import { Files } from './files.js';
import { Images } from './images.js';
import type { Places } from './places.js';
import { Quarantine } from './quarantine.js';
import { Records } from './records.js';
import { Removal } from './removal.js';
import { Sources } from './sources.js';

/** What catalog.sqlite holds, and all that is done with it but searching. */
export class Tables {
  readonly images: Images;
  readonly files: Files;
  readonly sources: Sources;
  readonly quarantine: Quarantine;
  readonly removal: Removal;
  readonly duplicates: Duplicates;
  readonly records: Records;

  constructor(
    catalog: Catalog,
    private readonly database: Connection,
    places: Places,
  ) {
    this.images = new Images(catalog, database, places);
    this.files = new Files(catalog, database);
    this.sources = new Sources(catalog, database, places);
    this.quarantine = new Quarantine(catalog, database);
    this.duplicates = new Duplicates(database);
    this.removal = new Removal(catalog, this.duplicates, database);
    this.records = new Records({ catalog, duplicates: this.duplicates, removal: this.removal }, database);
  }

  statistics(): Omit<CollectionStatistics, 'bytes'> {
    return this.database.prepare<[], Omit<CollectionStatistics, 'bytes'>>(STATISTICS).get()!;
  }
}

const STATISTICS = `SELECT (SELECT count(*) FROM files) AS files, (SELECT count(*) FROM files WHERE missing) AS missing,
  (SELECT count(*) FROM quarantine) AS quarantined, (SELECT count(*) FROM removed) AS removed,
  (SELECT count(*) FROM near_duplicates) AS nearDuplicates`;
