import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { explainSystemError } from '../../errors.js';
import { makeFolder } from '../../folder.js';
import { GraphBuilder } from './builder.js';
import type { GraphSource } from './cache.js';
import { isWhole, writeContents } from './contents.js';
import { imageEmbedding, textEmbedding } from './embedding.js';
import { encoder, encoderFeatures } from './encoder.js';
import { head } from './head.js';
import { WeightFiles } from './weights.js';

/** A key and a UUID. */
const PARTIAL = /^[^.]+\.[0-9a-f]{8}-[0-9a-f-]{27}(\.aside)?$/;

const ABANDONED = 3_600_000; // milliseconds

/**
 * Writes the graphs of a checkpoint into a new folder `key` of the first place that takes it.
 *
 * @param places the model's own folder of graphs, where its weights can be linked; and the cache's
 * @returns that folder
 * @throws PatchwordError DISK_FULL, READ_ONLY
 */
export function writeGraphs(source: GraphSource, at: { places: readonly [string, string]; key: string }): string {
  const [beside, cache] = at.places;
  try {
    return writeFolder(source, beside, at.key, linkSync);
  } catch {
    // A read-only model folder, or a file system without hard links.
    try {
      return writeFolder(source, cache, at.key, linkOrCopy);
    } catch (error) {
      throw explainSystemError(error, path.join(cache, at.key));
    }
  }
}

/** Written beside and renamed, so that a folder of that name is whole, whoever wrote it. */
function writeFolder(
  source: GraphSource,
  place: string,
  key: string,
  bring: (from: string, to: string) => void,
): string {
  const folder = path.join(place, `${key}.${randomUUID()}`);
  makeFolder(folder); // not mkdtemp, which shuts out other users of the model
  removeAbandoned(place);
  try {
    const files = new Map<string, string>();
    for (const { file } of source.tensors.values()) {
      if (files.has(file)) continue;
      files.set(file, `weights-${files.size}${path.extname(file)}`);
      bring(realpathSync(file), path.join(folder, files.get(file)!)); // of a symbolic link the link itself would be linked
    }
    const weights = new WeightFiles(source.tensors, files, folder);
    for (const kind of source.kinds) {
      const encodes = kind === 'encoder' || kind === 'features';
      const graph = new GraphBuilder(weights, encodes ? source.precision : 'fp32');
      if (kind === 'text') textEmbedding(graph, source.config);
      else if (kind === 'image') imageEmbedding(graph, source.config);
      else if (kind === 'encoder') encoder(graph, source.config);
      else if (kind === 'layerFeatures' || kind === 'features')
        encoderFeatures(graph, source.config, source.features![kind]!);
      else head(graph, source.config, kind);
      writeFileSync(path.join(folder, `${kind}.onnx`), graph.build());
    }
    writeContents(folder);
    const target = path.join(place, key);
    try {
      publish(folder, target);
    } catch (error) {
      if (!isWhole(target)) throw error; // else another process was faster
      rmSync(folder, { recursive: true, force: true });
    }
    return target;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What a process that was killed was writing, which may be as large as the weights. Graphs are written in seconds. */
function removeAbandoned(place: string): void {
  for (const name of readdirSync(place).filter((name) => PARTIAL.test(name))) {
    const folder = path.join(place, name);
    const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity };
    if (Date.now() - mtimeMs <= ABANDONED) continue;
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another user's.
    }
  }
}

/** A folder that something was taken out of makes room; a whole one, also one that has just come, stays. */
function publish(folder: string, target: string): void {
  try {
    renameSync(folder, target);
  } catch (error) {
    if (isWhole(target)) throw error;
    const aside = `${folder}.aside`;
    renameSync(target, aside);
    rmSync(aside, { recursive: true, force: true });
    renameSync(folder, target);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
