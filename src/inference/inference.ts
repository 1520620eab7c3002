import type { ModelInput } from '../vilt/image.js';
import type { ModelInfo } from '../vilt/inspection.js';
import type { Pair } from '../vilt/pair.js';
import type { Choice } from '../vilt/choice.js';
import type { Explanation } from '../vilt/task.js';

export type { Head } from '../vilt/checkpoint/schema.js';
export type { Calibration } from '../vilt/calibration.js';
export type { ModelInfo } from '../vilt/inspection.js';
export type { Device, Precision } from '../vilt/device.js';
export type { Choice, Explanation, Pair };

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

export interface Tokens {
  tokens: string[];
  /** Words, as they are written, that the model does not know: it reads each as [UNK]. */
  unknownWords: string[];
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
  /** 64 bits that are nearly the same for images that look nearly the same; null for an image that is flat or a mere gradient. */
  perceptualHash: Uint16Array | null;
}

/** Runs the model somewhere: worker threads of this process (local.ts). */
export interface Inference {
  readonly info: ModelInfo;

  /** Decodes and resizes as the reference does. */
  prepare(image: ImageSource, options?: JobOptions): Promise<PreparedImage>;

  /** Word pieces of a text, [CLS] and [SEP] included, as the model reads them. */
  tokenize(text: string, options?: JobOptions): Promise<Tokens>;

  /** Unimodal text passes. @throws PREFILTER_MISSING, EMPTY_TEXT */
  embedTexts(texts: string[], options?: JobOptions): Promise<TextEmbedding[]>;
  /** Unimodal image passes. @throws PREFILTER_MISSING */
  embedImages(images: ModelInput[], options?: JobOptions): Promise<Float32Array[]>;

  /** Unimodal passes for fitting a prefilter: (candidate layers · 2 · hidden), token 0 and mean of each layer. @throws EMPTY_TEXT */
  textFeatures(texts: string[], options?: JobOptions): Promise<Float32Array[]>;
  imageFeatures(images: ModelInput[], options?: JobOptions): Promise<Float32Array[]>;

  /** Joint passes: the raw rank (or ITM "match") logit of each pair. @throws HEAD_MISSING, EMPTY_TEXT, MODEL_UNSUPPORTED for NaN */
  matchScores(pairs: Pair[], options?: JobOptions): Promise<Float32Array>;

  /** Word-patch alignment of one pair. */
  explain(pair: Pair, options?: JobOptions): Promise<Explanation>;
  /** Visual question answering, most probable first. @throws HEAD_MISSING */
  answer(pair: Pair, options?: JobOptions): Promise<Choice[]>;
  /** Whether a statement is true of two images (NLVR2). @throws HEAD_MISSING */
  compare(pair: { text: string; images: [ModelInput, ModelInput] }, options?: JobOptions): Promise<Choice[]>;
  /** The most probable words for each [MASK], best first. @throws HEAD_MISSING, INVALID_ARGUMENT without a [MASK] */
  fill(pair: Pair, options?: JobOptions): Promise<Choice[][]>;

  close(): Promise<void>;
}
