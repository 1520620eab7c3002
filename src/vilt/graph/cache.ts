import { statSync } from 'node:fs';
import path from 'node:path';
import type { Tensor } from '../checkpoint/tensor.js';
import type { ViltConfig } from '../config.js';
import type { Precision } from '../device.js';
import { isWhole } from './contents.js';
import type { FeatureSource } from './encoder.js';
import type { HeadGraph } from './head.js';
import { BUILDER_VERSION } from './version.js';

/**
 * `layerFeatures` gives what a prefilter may be fitted on (every candidate layer), `features` what a fitted one reads.
 */
export type GraphKind = 'text' | 'image' | 'encoder' | FeatureGraph | HeadGraph;

export type FeatureGraph = 'layerFeatures' | 'features';

export interface GraphSource {
  /** The model's own folder, where graphs are kept when it can be written. */
  folder: string;
  /** Where they are kept when it cannot. */
  cache: string;
  /** Hash of the weights. */
  hash: string;
  /** Hash of what was fitted to them, where that is among the tensors: where links cannot be made, its copy is told by this. */
  fit?: string;
  config: ViltConfig;
  tensors: ReadonlyMap<string, Tensor>;
  kinds: readonly GraphKind[];
  precision: Precision;
  /** What the feature graphs give, where they are among the kinds. */
  features?: Partial<Record<FeatureGraph, FeatureSource>>;
}

/**
 * Writes the ONNX graphs of a checkpoint, unless they are there already, and returns their folder: one `KIND.onnx` each.
 *
 * The weights are not copied. A graph names them by file and offset, and ONNX Runtime wants those files inside the
 * graph's folder, so they are hard-linked there; only where that cannot be done (another file system) are they copied,
 * and only what is not float32, in the checkpoint or in the precision asked for, is converted.
 *
 * @throws PatchwordError DISK_FULL, READ_ONLY
 */
export async function buildGraphs(source: GraphSource): Promise<string> {
  const { config, kinds, precision, features = {}, tensors } = source;
  // A link shows what is later written into its file: graphs belong to one file as much as to its content.
  const files = new Set([...tensors.values()].map(({ file }) => file));
  const inodes = [...files].map((file) => String(statSync(file, { bigint: true }).ino));
  const shape = JSON.stringify([config, kinds, precision, features, inodes, ...(source.fit ? [source.fit] : [])]);
  const key = `${source.hash.slice(0, 16)}-${BUILDER_VERSION}-${fingerprint(shape)}`;
  const places = [path.join(source.folder, '.graphs'), path.join(source.cache, 'graphs')] as const;
  const built = places.map((place) => path.join(place, key)).find(isWhole);
  if (built) return built;
  // Seldom needed, and what builds graphs takes far longer to load than what finds them.
  const { writeGraphs } = await import('./folder.js');
  return writeGraphs(source, { places, key });
}

/** FNV-1a, for telling apart the configurations and files of one set of weights. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
