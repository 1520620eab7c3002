import type { ModelInput } from '../vilt/image.js';

export type Device = 'cpu' | 'cuda' | 'webgpu' | 'auto';
export type Precision = 'fp32' | 'int8' | 'fp16';
export type Head = 'rank' | 'itm' | 'mlm' | 'vqa' | 'nlvr2';

/** matchProbability = 1 / (1 + exp(-(matchScore · m + similarity · s + bias))) */
export interface Calibration {
  matchScore: number;
  similarity: number;
  bias: number;
}

export interface ModelInfo {
  folder: string;
  /** What the weights were read from, and their SHA-256 (hex). */
  weights: string;
  hash: string;
  config: {
    hiddenSize: number;
    layers: number;
    heads: number;
    patchSize: number;
    imageSize: number;
    vocabularySize: number;
    maxTextLength: number;
  };
  parameters: number;
  heads: Head[];
  prefilter: { source: string; dimension: number; hash: string } | null;
  calibration: Calibration | null;
  /** The device in use, which is not the one asked for where that is not there. */
  device: Device;
  precision: Precision;
  /** Lines worth telling the user: a device that fell back, a head that is missing. */
  notes: string[];
}

export interface JobOptions {
  /** Interactive jobs run before background ones. Default: interactive. */
  priority?: 'interactive' | 'background';
  /** A job that is cancelled before it runs never runs. */
  signal?: AbortSignal;
}

export interface TextEmbedding {
  /** (dimension), unit length */
  embedding: Float32Array;
  /** The text had more tokens than the model reads, and was cut. */
  truncated: boolean;
}

/** A file's path, or its bytes. */
export type ImageSource = string | Uint8Array;

export interface PreparedImage {
  modelInput: ModelInput;
  /** Size of the upright original, in pixels. */
  width: number;
  height: number;
}

export interface Explanation {
  /** One row a word piece, without [CLS] and [SEP]. */
  tokens: string[];
  /** Patch grid of the model input. */
  grid: { rows: number; columns: number };
  /** (tokens, rows · columns): z-normalised transported mass of each word, clamped to [1, 3] (paper, 4.7). */
  heatmaps: Float32Array[];
  /** Optimal-transport distance between words and patches. */
  distance: number;
}

export interface Choice {
  label: string;
  probability: number;
}

/** Runs the model somewhere: a worker thread here (local.ts), a server elsewhere (remote.ts). */
export interface Inference {
  readonly info: ModelInfo;

  /** Decodes and resizes as the reference does. */
  prepare(image: ImageSource, options?: JobOptions): Promise<PreparedImage>;

  /** Unimodal text passes. @throws PREFILTER_MISSING, EMPTY_TEXT */
  embedTexts(texts: string[], options?: JobOptions): Promise<TextEmbedding[]>;
  /** Unimodal image passes. @throws PREFILTER_MISSING */
  embedImages(images: ModelInput[], options?: JobOptions): Promise<Float32Array[]>;

  /** Joint passes: the raw rank (or ITM "match") logit of each pair. @throws HEAD_MISSING, EMPTY_TEXT */
  matchScores(pairs: { text: string; image: ModelInput }[], options?: JobOptions): Promise<Float32Array>;

  /** Word-patch alignment of one pair. */
  explain(pair: { text: string; image: ModelInput }, options?: JobOptions): Promise<Explanation>;
  /** Visual question answering, most probable first. @throws HEAD_MISSING */
  answer(pair: { text: string; image: ModelInput }, options?: JobOptions): Promise<Choice[]>;
  /** Whether a statement is true of two images (NLVR2). @throws HEAD_MISSING */
  compare(pair: { text: string; images: [ModelInput, ModelInput] }, options?: JobOptions): Promise<Choice[]>;
  /** The most probable words for each [MASK], best first. @throws HEAD_MISSING, INVALID_ARGUMENT without a [MASK] */
  fill(pair: { text: string; image: ModelInput }, options?: JobOptions): Promise<Choice[][]>;

  close(): Promise<void>;
}
