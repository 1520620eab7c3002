import { rmSync } from 'node:fs';
import type { CollectionModel, Target } from '../store.js';
import { replaceFile } from './database.js';
import { graphFile, readManifest, writeManifest, type GraphEntry } from './manifest.js';
import type { NearestIndex } from './nearest.js';

export interface SavingOptions {
  folder: string;
  model: CollectionModel;
  indexes: Record<Target, NearestIndex>;
  /** Runs `run` while no other process writes to the collection. */
  withLock: (run: () => void) => void;
}

/** Saves the graphs that are better than those on disk, and what was measured of those that are the same. */
export function saveGraphs({ folder, model, indexes, withLock }: SavingOptions): void {
  const targets = (Object.keys(indexes) as Target[]).filter((target) => indexes[target].hasNews);
  if (targets.length === 0) return;
  withLock(() => {
    const onDisk = readManifest(folder, model);
    const saved: [Target, GraphEntry][] = [];
    const written: Target[] = [];
    try {
      for (const target of targets) {
        const index = indexes[target];
        const entry = index.write(temporaryFile(folder, target), onDisk[target] ?? null);
        const same = onDisk[target];
        if (entry) {
          saved.push([target, entry]);
          written.push(target);
        } else if (same && index.isSaved(same)) {
          saved.push([target, { ...same, measured: index.measured }]);
        }
      }
      for (const target of written) replaceFile(temporaryFile(folder, target), graphFile(folder, target));
      writeManifest(folder, model, { ...onDisk, ...Object.fromEntries(saved) });
      for (const [target, entry] of saved) indexes[target].markSaved(entry);
    } finally {
      for (const target of targets) rmSync(temporaryFile(folder, target), { force: true });
    }
  });
}

function temporaryFile(folder: string, target: Target): string {
  return `${graphFile(folder, target)}.new`;
}
