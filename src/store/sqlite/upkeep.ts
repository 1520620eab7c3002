import { runChecks, type Verification } from './audit.js';
import { backupCatalog, type CatalogCopy } from './backup.js';
import type { Catalog } from './catalog.js';
import { compact, type Compaction } from './compaction.js';
import type { Connection, Lock } from './database.js';
import { derivedChecks } from './derived.js';
import type { InputCache } from './inputs.js';
import { catalogInvariants } from './invariants.js';
import type { Tables } from './tables.js';

export interface UpkeepOptions {
  database: Connection;
  catalog: Catalog;
  tables: Tables;
  inputs: InputCache;
  folder: string;
  exactBelow: number;
  /** Runs `run` as the one process that may write. @throws PatchwordError COLLECTION_BUSY */
  writing: <T>(run: () => Promise<T>) => Promise<T>;
  /** The lock to write, unless this process has it anyway. @throws PatchwordError COLLECTION_BUSY */
  lock: () => Lock;
  rebuildVectors: () => Promise<void>;
}

/** Looks after a collection that is open. */
export class Upkeep {
  constructor(private readonly options: UpkeepOptions) {}

  backup(file: string): CatalogCopy {
    return backupCatalog(this.options.database, file);
  }

  verify({ repair = false }: { repair?: boolean } = {}): Promise<Verification> {
    const checks = [...catalogInvariants(this.options), ...derivedChecks(this.options)];
    return repair ? this.options.writing(() => runChecks(checks, { repair })) : runChecks(checks, {});
  }

  compact(): Promise<Compaction> {
    return this.options.writing(() => compact(this.options));
  }
}
