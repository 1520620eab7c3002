import path from 'node:path';
import { PatchwordError } from '../errors.js';
import { cacheFolder } from '../paths.js';
import { hashFiles } from './checkpoint/checkpoint.js';
import { readTensor } from './checkpoint/tensor.js';
import { PRECISIONS, type Device, type Precision } from './device.js';
import { readModel, type ModelFiles } from './files.js';
import { buildGraphs, type FeatureGraph, type GraphKind } from './graph/cache.js';
import { candidateLayers, type FeatureSource } from './graph/encoder.js';
import type { HeadGraph } from './graph/head.js';
import { shares, writeBias } from './mask.js';
import type { ModelInput } from './image.js';
import { type PixelValues, writePixels } from './pixel.js';
import { interpolatePositions, type Grid } from './position.js';
import { readPrefilter, type Prefilter } from './prefilter.js';
import { Scratch } from './scratch.js';
import { chooseDevice, Session, type SessionOptions, type TensorValue } from './session.js';
import { loadTokenizer, type Tokenizer } from './tokenizer.js';

export interface ModelOptions {
  /** A model folder, or a weight file. */
  model: string;
  /** Where graphs go when the model's folder cannot be written. Default: the user's cache. */
  cache?: string;
  device?: Device;
  precision?: Precision;
  threads?: number;
}

/** Token ids of one text; `mask` is 0 where a token is padding. */
export interface TextInput {
  ids: readonly number[];
  mask?: readonly number[];
}

/** Sequences of one batch: texts, images of one size, or both. One text or image beside many is shared by them all. */
export interface Batch {
  texts?: readonly TextInput[];
  images?: readonly (ModelInput | PixelValues)[];
  /** Row of the modality table for the images: 1, and 2 for the second image of NLVR2. */
  modality?: number;
}

/** Final states of the first `positions` of each sequence: (batch, positions, hidden). */
export interface States {
  data: Float32Array;
  batch: number;
  positions: number;
  /** Length of the text part, padding included. */
  textLength: number;
}

/** A ViLT, loaded: passes over batches, and the heads on top of them. Sessions block, so it lives in a worker. */
export class ViltModel {
  private readonly sessions = new Map<GraphKind, Promise<Session>>();
  private readonly positions = new Map<string, Float32Array>();
  private readonly scratch = new Scratch();
  private learnedPositions: Float32Array | null = null;
  private loadedTokenizer: Tokenizer | null = null;

  private constructor(
    readonly files: ModelFiles,
    readonly hash: string,
    readonly notes: readonly string[],
    readonly sessionOptions: SessionOptions,
    readonly precision: Precision,
    /** Folder of the ONNX graphs. */
    readonly graphs: string,
    /** Where embeddings come from; null where the model has none. */
    readonly prefilter: Prefilter | null,
  ) {}

  /** @throws PatchwordError as readModel, DISK_FULL or READ_ONLY where graphs cannot be written, INVALID_ARGUMENT */
  static async open({
    model,
    cache = cacheFolder(),
    device = 'cpu',
    precision = 'fp32',
    threads,
  }: ModelOptions): Promise<ViltModel> {
    if (!PRECISIONS.includes(precision)) {
      throw new PatchwordError('INVALID_ARGUMENT', `Precision "${precision}" is not one of ${PRECISIONS.join(', ')}.`);
    }
    const files = await readModel(model);
    const { folder, checkpoint, config } = files;
    const hash = await hashFiles(checkpoint.files);
    const { prefilter, refusal } = await readPrefilter({ files, hash, cache });
    const kinds: GraphKind[] = ['text', 'image', 'encoder', 'pooler', 'layerFeatures', ...files.heads];
    if (prefilter) kinds.push('features', 'imageProjection', 'textProjection');
    const graphs = await buildGraphs({
      folder,
      cache,
      hash,
      config,
      tensors: new Map([...checkpoint.tensors, ...(prefilter?.tensors ?? [])]),
      kinds,
      precision,
      ...(prefilter?.source === 'fit' && { fit: prefilter.hash }),
      features: {
        layerFeatures: { layers: candidateLayers(config), pooling: 'both' },
        ...(prefilter && { features: { layers: [prefilter.layer], pooling: prefilter.pooling } }),
      },
    });
    const chosen = await chooseDevice(path.join(graphs, 'pooler.onnx'), device);
    const notes = [chosen.note, refusal].filter((note) => note !== null);
    const session = { device: chosen.device, threads };
    return new ViltModel(files, hash, notes, session, precision, graphs, prefilter);
  }

  /**
   * One pass: embed, join, encode. The states kept are those of the first position ([CLS], for a score), of the text, or all.
   */
  async pass(batch: Batch, keep: 'first' | 'text' | 'all'): Promise<States> {
    const { feeds, size, sequence, textLength } = await this.join(batch);
    const queries = { first: 1, text: textLength, all: sequence }[keep];
    feeds.queries = { data: BigInt64Array.of(BigInt(queries)), dims: [1] };
    const { data } = await this.run('encoder', feeds, 'hidden');
    return { data, batch: size, positions: queries, textLength };
  }

  /** One unimodal pass for what a prefilter is fitted on: (batch, candidate layers · 2 · hidden), token 0 and mean of each. */
  async layerFeatures(batch: Batch): Promise<Float32Array> {
    return this.features('layerFeatures', batch, { layers: candidateLayers(this.files.config), pooling: 'both' });
  }

  /** One unimodal pass for what the prefilter reads: (batch, features). */
  async prefilterFeatures(batch: Batch, { layer, pooling }: Prefilter): Promise<Float32Array> {
    const plain = layer === this.files.config.layers && pooling === 'first';
    // The encoder that scores pairs gives this too, so that one copy of it is loaded.
    if (plain) return (await this.pass(batch, 'first')).data;
    return this.features('features', batch, { layers: [layer], pooling });
  }

  private async features(kind: FeatureGraph, batch: Batch, { pooling }: FeatureSource): Promise<Float32Array> {
    const { feeds, size, sequence } = await this.join(batch);
    if (pooling !== 'first')
      feeds.share = { data: shares(feeds.bias.data as Float32Array, size), dims: [size, 1, sequence] };
    return (await this.run(kind, feeds, 'features')).data;
  }

  /** The embedding layers, and texts and images put one behind the other. */
  private async join(batch: Batch) {
    const { hiddenSize: hidden } = this.files.config;
    const text = batch.texts ? await this.embedText(batch.texts) : null; // (texts, tokens, hidden)
    const image = batch.images ? await this.embedImage(batch.images, batch.modality ?? 1) : null; // (images, 1 + patches, hidden)
    const parts = [text, image].filter((part) => part !== null);
    const size = Math.max(...parts.map((part) => part.dims[0]));
    const textLength = text?.dims[1] ?? 0;
    const sequence = parts.reduce((length, part) => length + part.dims[1], 0);

    const embedding = this.scratch.take(size * sequence * hidden); // (batch, sequence, hidden)
    const bias = new Float32Array(size * sequence); // (batch, 1, 1, sequence)
    for (let row = 0; row < size; row++) {
      let at = row * sequence * hidden;
      for (const { data, dims } of parts) {
        const length = dims[1] * hidden;
        const from = dims[0] === 1 ? 0 : row * length;
        embedding.set(data.subarray(from, from + length), at);
        at += length;
      }
      if (batch.texts)
        writeBias(bias.subarray(row * sequence), batch.texts[batch.texts.length === 1 ? 0 : row], textLength);
    }

    const feeds: Record<string, TensorValue> = {
      embedding: { data: embedding, dims: [size, sequence, hidden] },
      bias: { data: bias, dims: [size, 1, 1, sequence] },
    };
    return { feeds, size, sequence, textLength };
  }

  /** A head over rows of final states, or of features. @param states (rows, width) @returns (outputs, width of one) */
  async head(
    kind: HeadGraph,
    states: Float32Array,
    width = this.files.config.hiddenSize,
  ): Promise<{ data: Float32Array; dims: readonly number[] }> {
    return this.run(kind, { states: { data: states, dims: [states.length / width, width] } }, 'output');
  }

  /** @throws PatchwordError MODEL_INCOMPLETE where the vocabulary is not that of the checkpoint */
  get tokenizer(): Tokenizer {
    if (this.loadedTokenizer) return this.loadedTokenizer;
    const { folder, config } = this.files;
    const tokenizer = loadTokenizer(folder);
    if (tokenizer.vocabularySize > config.vocabularySize) {
      throw new PatchwordError(
        'MODEL_INCOMPLETE',
        `The tokenizer of ${folder} knows ${tokenizer.vocabularySize} word pieces, the model only ${config.vocabularySize}.`,
        { hint: 'Put the tokenizer.json or vocab.txt that belongs to the checkpoint beside it.' },
      );
    }
    return (this.loadedTokenizer = tokenizer);
  }

  /** The patch grid of an image of this size, in pixels. */
  grid({ width, height }: { width: number; height: number }): Grid {
    const { patchSize } = this.files.config;
    return { rows: Math.floor(height / patchSize), columns: Math.floor(width / patchSize) };
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).close();
    this.sessions.clear();
  }

  private async embedText(texts: readonly TextInput[]) {
    const tokens = Math.max(...texts.map(({ ids }) => ids.length));
    const data = new BigInt64Array(texts.length * tokens); // (texts, tokens), padded with 0
    texts.forEach(({ ids }, row) => data.set(ids.map(BigInt), row * tokens));
    return this.run('text', { ids: { data, dims: [texts.length, tokens] } }, 'embedding');
  }

  private async embedImage(images: readonly (ModelInput | PixelValues)[], modality: number) {
    const { config, imageConfig } = this.files;
    const { channels, hiddenSize } = config;
    const { height, width } = images[0];
    const length = channels * height * width;
    const data = this.scratch.take(images.length * length); // (images, channels, height, width)
    images.forEach((image, row) => writePixels(image, imageConfig, data.subarray(row * length, (row + 1) * length)));
    const positions = this.positionsFor(this.grid(images[0]));
    const feeds: Record<string, TensorValue> = {
      pixels: { data, dims: [images.length, channels, height, width] },
      positions: { data: positions, dims: [positions.length / hiddenSize, hiddenSize] },
      modality: { data: BigInt64Array.of(BigInt(modality)), dims: [1] },
    };
    return this.run('image', feeds, 'embedding');
  }

  /** (1 + patches, hidden), kept: a collection has few grids. */
  private positionsFor(grid: Grid): Float32Array {
    const { checkpoint, config } = this.files;
    const key = `${grid.rows}x${grid.columns}`;
    let positions = this.positions.get(key);
    if (!positions) {
      this.learnedPositions ??= readTensor(checkpoint.tensors.get('vilt.embeddings.position_embeddings')!);
      const side = Math.floor(config.imageSize / config.patchSize);
      positions = interpolatePositions(this.learnedPositions, side, grid, config.hiddenSize);
      this.positions.set(key, positions);
    }
    return positions;
  }

  private async run(kind: GraphKind, feeds: Record<string, TensorValue>, output: string) {
    let session = this.sessions.get(kind);
    if (!session) {
      session = Session.open(path.join(this.graphs, `${kind}.onnx`), this.sessionOptions);
      this.sessions.set(kind, session);
      // What kept it from opening may pass.
      session.catch(() => this.sessions.delete(kind));
    }
    const result = await (await session).run(feeds, output);
    for (const { data } of Object.values(feeds)) this.scratch.give(data);
    return result;
  }
}
