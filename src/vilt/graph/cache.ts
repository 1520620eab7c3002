import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { explainSystemError } from '../../errors.js';
import { makeFolder } from '../../folder.js';
import { readTensor, type Tensor } from '../checkpoint/tensor.js';
import type { ViltConfig } from '../config.js';
import type { Precision } from '../device.js';
import { BUILDER_VERSION, GraphBuilder, type ExternalData, type Form, type Weights } from './builder.js';
import { imageEmbedding, textEmbedding } from './embedding.js';
import { encoder, encoderFeatures, type FeatureSource } from './encoder.js';
import { head, type HeadGraph } from './head.js';
import { quantize, toHalf } from './quantization.js';

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
  config: ViltConfig;
  tensors: ReadonlyMap<string, Tensor>;
  kinds: readonly GraphKind[];
  precision: Precision;
  /** What the feature graphs give, where they are among the kinds. */
  features?: Partial<Record<FeatureGraph, FeatureSource>>;
}

const CONVERTED = 'converted.bin';
const ALIGNMENT = 64;
/** Names and sizes of the other files of a folder of graphs. */
const CONTENTS = 'contents.json';

/**
 * Writes the ONNX graphs of a checkpoint, unless they are there already, and returns their folder: one `KIND.onnx` each.
 *
 * The weights are not copied. A graph names them by file and offset, and ONNX Runtime wants those files inside the
 * graph's folder, so they are hard-linked there; only where that cannot be done (another file system) are they copied,
 * and only what is not float32, in the checkpoint or in the precision asked for, is converted.
 *
 * @throws PatchwordError DISK_FULL, READ_ONLY
 */
export function buildGraphs(source: GraphSource): string {
  const { config, kinds, precision, features = {}, tensors } = source;
  // A link shows what is later written into its file: graphs belong to one file as much as to its content.
  const files = new Set([...tensors.values()].map(({ file }) => file));
  const inodes = [...files].map((file) => String(statSync(file, { bigint: true }).ino));
  const shape = JSON.stringify([config, kinds, precision, features, inodes]);
  const key = `${source.hash.slice(0, 16)}-${BUILDER_VERSION}-${fingerprint(shape)}`;
  const places = [path.join(source.folder, '.graphs'), path.join(source.cache, 'graphs')];
  const built = places.map((place) => path.join(place, key)).find(isWhole);
  if (built) return built;
  try {
    return writeGraphs(source, places[0], key, linkSync);
  } catch {
    // A read-only model folder, or a file system without hard links.
    try {
      return writeGraphs(source, places[1], key, linkOrCopy);
    } catch (error) {
      throw explainSystemError(error, path.join(places[1], key));
    }
  }
}

/** Written beside and renamed, so that a folder of that name is whole, whoever wrote it. */
function writeGraphs(
  source: GraphSource,
  place: string,
  key: string,
  bring: (from: string, to: string) => void,
): string {
  const folder = path.join(place, `${key}.${randomUUID()}`);
  makeFolder(folder); // not mkdtemp, which shuts out other users of the model
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
    writeFileSync(path.join(folder, CONTENTS), JSON.stringify(sizesOf(folder)));
    const target = path.join(place, key);
    if (!isWhole(target)) rmSync(target, { recursive: true, force: true }); // something was taken out of it
    try {
      renameSync(folder, target);
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

/** Whether a folder of graphs holds all that was written into it, in the sizes that it had. */
function isWhole(folder: string): boolean {
  try {
    const sizes = JSON.parse(readFileSync(path.join(folder, CONTENTS), 'utf8')) as Record<string, number>;
    return Object.entries(sizes).every(([name, size]) => statSync(path.join(folder, name)).size === size);
  } catch {
    return false;
  }
}

function sizesOf(folder: string): Record<string, number> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(path.join(folder, name)).size]));
}

/** float32 tensors lie in the checkpoint; every other form is written to one more file as it is asked for. */
class WeightFiles implements Weights {
  private readonly written = new Map<string, ExternalData>();
  private end = 0;

  constructor(
    private readonly tensors: ReadonlyMap<string, Tensor>,
    private readonly files: ReadonlyMap<string, string>,
    private readonly folder: string,
  ) {}

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  shapeOf(name: string): readonly number[] {
    return this.tensor(name).shape;
  }

  locate(name: string, form: Form): ExternalData {
    const tensor = this.tensor(name);
    if (form === 'float32' && tensor.dtype === 'F32') {
      return { location: this.files.get(tensor.file)!, offset: tensor.offset, byteLength: tensor.byteLength };
    }
    const key = `${name}:${form}`;
    if (!this.written.has(key)) this.convert(tensor, form);
    return this.written.get(key)!;
  }

  private convert(tensor: Tensor, form: Form): void {
    const values = readTensor(tensor);
    if (form === 'float32') this.write(tensor.name, form, values);
    else if (form === 'float16') this.write(tensor.name, form, toHalf(values));
    else {
      const quantized = quantize(values, tensor.shape[0]);
      this.write(tensor.name, 'int8', quantized.values);
      this.write(tensor.name, 'scale', quantized.scales);
    }
  }

  private write(name: string, form: Form, values: Float32Array | Uint16Array | Int8Array): void {
    const { byteLength } = values;
    const padded = new Uint8Array(Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT);
    padded.set(new Uint8Array(values.buffer, values.byteOffset, byteLength));
    appendFileSync(path.join(this.folder, CONVERTED), padded);
    this.written.set(`${name}:${form}`, { location: CONVERTED, offset: this.end, byteLength });
    this.end += padded.byteLength;
  }

  private tensor(name: string): Tensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`A graph needs a tensor ${name} that the checkpoint does not hold.`);
    return tensor;
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** FNV-1a, for telling apart the configurations and files of one set of weights. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
