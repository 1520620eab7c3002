import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PatchwordError } from '../errors.js';

/** The shape of a ViLT: everything that its graph is built from besides the weights. */
export interface ViltConfig {
  hiddenSize: number;
  layers: number;
  heads: number;
  intermediateSize: number;
  patchSize: number;
  /** Side of the square that the learned image positions cover, in pixels. */
  imageSize: number;
  channels: number;
  vocabularySize: number;
  /** Tokens of a text, [CLS] and [SEP] included. */
  maxTextLength: number;
  /** Rows of the modality table: text, image, and for NLVR2 the second image. */
  modalities: number;
  activation: Activation;
  /** Epsilon of the blocks and the final LayerNorm. */
  layerNormEpsilon: number;
  /** Epsilon of the text embeddings' LayerNorm, which the original takes from BERT. */
  textLayerNormEpsilon: number;
  qkvBias: boolean;
  /** Reference class that wrote the checkpoint, where it says. */
  architecture: string | null;
  /** Names of the classifier's outputs, in order; empty where there are none. */
  labels: string[];
}

export type Activation = 'gelu' | 'gelu_tanh' | 'relu';

/** How a picture becomes model input (preprocessor_config.json). */
export interface ImageConfig {
  /** Shorter side after resizing, in pixels. */
  shortestEdge: number;
  /** Both sides are floored to a multiple of this. */
  sizeDivisor: number;
  rescaleFactor: number;
  /** One per channel, red, green, blue. */
  mean: [number, number, number];
  standardDeviation: [number, number, number];
}

/** The most text tokens that ViLT was trained with (paper, section 4.1), [CLS] and [SEP] included. */
export const MAX_TEXT_LENGTH = 40;

/** Of the original's attention heads. */
const HEAD_WIDTH = 64;

const ACTIVATIONS: Record<string, Activation> = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
};

const count = z.number().int().positive().max(1_000_000);
/** Far beyond any ViLT, and within what a machine can be asked for by a file. */
const depth = z.number().int().positive().max(1000);
const side = z.number().int().positive().max(4096);

// Defaults are those of the reference's ViltConfig, which leaves them out of config.json.
const configSchema = z.object({
  model_type: z.literal('vilt'),
  architectures: z.array(z.string()).nullish(),
  hidden_size: count.default(768),
  num_hidden_layers: depth.default(12),
  num_attention_heads: count.default(12),
  intermediate_size: count.default(3072),
  patch_size: side.default(32),
  image_size: side.default(384),
  num_channels: z.literal(3, 'must be 3 (pictures are read as RGB)').default(3),
  vocab_size: count.default(30522),
  max_position_embeddings: count.default(40),
  modality_type_vocab_size: count.min(2, 'must be 2 or more (text and image)').default(2),
  hidden_act: z.string().default('gelu'),
  layer_norm_eps: z.number().positive().default(1e-12),
  qkv_bias: z.boolean().default(true),
  id2label: z.record(z.string(), z.string()).nullish(),
});

const triple = z.tuple([z.number(), z.number(), z.number()]);

const imageConfigSchema = z.object({
  size: z.union([side, z.object({ shortest_edge: side })]).optional(),
  size_divisor: side.optional(),
  resample: z.literal(3, 'must be 3 (bicubic)').optional(),
  do_resize: z.literal(true).optional(),
  do_rescale: z.literal(true).optional(),
  do_normalize: z.literal(true).optional(),
  rescale_factor: z.number().positive().optional(),
  image_mean: triple.optional(),
  image_std: triple.optional(),
});

/**
 * Reads config.json.
 *
 * @throws PatchwordError MODEL_UNSUPPORTED for another architecture, MODEL_INCOMPLETE for a file that is not JSON.
 */
export function readConfig(file: string): ViltConfig {
  const json = readJson(file);
  const type = (json as { model_type?: unknown } | null)?.model_type;
  if (type !== 'vilt') {
    const what = typeof type === 'string' ? `a "${type}" model` : 'a model without a model_type';
    throw new PatchwordError('MODEL_UNSUPPORTED', `${file} describes ${what}; Patchword runs "vilt" checkpoints.`, {
      hint: 'Try a ViLT checkpoint, such as dandelin/vilt-b32-finetuned-coco.',
    });
  }
  const config = parse(configSchema, json, file);
  const activation = ACTIVATIONS[config.hidden_act];
  if (!activation) {
    throw new PatchwordError(
      'MODEL_UNSUPPORTED',
      `${file}: hidden_act "${config.hidden_act}" is not one of ${Object.keys(ACTIVATIONS).join(', ')}.`,
    );
  }
  if (config.hidden_size % config.num_attention_heads !== 0) {
    throw new PatchwordError(
      'MODEL_UNSUPPORTED',
      `${file}: hidden_size ${config.hidden_size} is not a multiple of num_attention_heads ${config.num_attention_heads}.`,
    );
  }
  return {
    hiddenSize: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    intermediateSize: config.intermediate_size,
    patchSize: config.patch_size,
    imageSize: config.image_size,
    channels: config.num_channels,
    vocabularySize: config.vocab_size,
    maxTextLength: Math.min(MAX_TEXT_LENGTH, config.max_position_embeddings),
    modalities: config.modality_type_vocab_size,
    activation,
    layerNormEpsilon: config.layer_norm_eps,
    textLayerNormEpsilon: config.layer_norm_eps,
    qkvBias: config.qkv_bias,
    architecture: config.architectures?.[0] ?? null,
    labels: labelsOf(config.id2label),
  };
}

/**
 * The shape of an original `.ckpt` without a config.json, read off its tensors: heads of 64, and the epsilons of timm's
 * blocks (1e-6) and of BERT's embeddings (1e-12).
 */
export function inferConfig(shapes: ReadonlyMap<string, readonly number[]>): ViltConfig {
  const shape = (name: string) => {
    const found = shapes.get(name);
    if (found) return found;
    throw new PatchwordError('MODEL_UNSUPPORTED', `The checkpoint has no tensor ${name}, so it is not a ViLT.`);
  };
  const hiddenSize = shape('vilt.embeddings.cls_token')[2];
  const [, channels, patchSize] = shape('vilt.embeddings.patch_embeddings.projection.weight');
  const gridSide = Math.round(Math.sqrt(shape('vilt.embeddings.position_embeddings')[1] - 1));
  const layerNumbers = [...shapes.keys()].map((name) => Number(/^vilt\.encoder\.layer\.(\d+)\./.exec(name)?.[1] ?? -1));
  const layers = layerNumbers.reduce((most, number) => Math.max(most, number), -1) + 1;
  const heads = Math.max(1, Math.floor(hiddenSize / HEAD_WIDTH));
  const modalities = shape('vilt.embeddings.token_type_embeddings.weight')[0];
  const odd = [
    ...(depth.safeParse(layers).success ? [] : [`${layers} layers`]),
    ...(hiddenSize % heads === 0 ? [] : [`a width of ${hiddenSize}, no multiple of ${HEAD_WIDTH}`]),
    ...(channels === 3 ? [] : [`pictures of ${channels} channels`]),
    ...(modalities >= 2 ? [] : [`${modalities} modalities`]),
  ];
  if (odd.length > 0) {
    throw new PatchwordError('MODEL_UNSUPPORTED', `The checkpoint has no config.json, and ${odd.join(', ')}.`, {
      hint: 'Put the config.json that belongs to it beside it.',
    });
  }
  return {
    hiddenSize,
    layers,
    heads,
    intermediateSize: shape('vilt.encoder.layer.0.intermediate.dense.weight')[0],
    patchSize,
    imageSize: gridSide * patchSize,
    channels,
    vocabularySize: shape('vilt.embeddings.text_embeddings.word_embeddings.weight')[0],
    maxTextLength: Math.min(MAX_TEXT_LENGTH, shape('vilt.embeddings.text_embeddings.position_embeddings.weight')[0]),
    modalities,
    activation: 'gelu',
    layerNormEpsilon: 1e-6,
    textLayerNormEpsilon: 1e-12,
    qkvBias: shapes.has('vilt.encoder.layer.0.attention.attention.query.bias'),
    architecture: null,
    labels: [],
  };
}

/** Reads preprocessor_config.json; without one, the model's own image size and patch size (the reference's defaults for ViLT-B/32). */
export function readImageConfig(folder: string, config: ViltConfig): ImageConfig {
  const file = path.join(folder, 'preprocessor_config.json');
  const json = existsSync(file) ? parse(imageConfigSchema, readJson(file), file) : {};
  const size = json.size ?? config.imageSize;
  const sizeDivisor = json.size_divisor ?? config.patchSize;
  if (sizeDivisor < config.patchSize) {
    throw new PatchwordError(
      'MODEL_UNSUPPORTED',
      `${file}: size_divisor ${sizeDivisor} is smaller than the patch size of the model, ${config.patchSize}.`,
    );
  }
  return {
    shortestEdge: typeof size === 'number' ? size : size.shortest_edge,
    sizeDivisor,
    rescaleFactor: json.rescale_factor ?? 1 / 255,
    mean: json.image_mean ?? [0.5, 0.5, 0.5],
    standardDeviation: json.image_std ?? [0.5, 0.5, 0.5],
  };
}

function labelsOf(id2label: Record<string, string> | null | undefined): string[] {
  if (!id2label) return [];
  return Object.keys(id2label)
    .sort((a, b) => Number(a) - Number(b))
    .map((id) => id2label[id]);
}

/** What Hugging Face's classes call an output that nobody named. */
export const isPlaceholder = (label: string) => /^LABEL_\d+$/.test(label);

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new PatchwordError('MODEL_INCOMPLETE', `${file} could not be read as JSON.`, { cause });
  }
}

function parse<T>(schema: z.ZodType<T>, json: unknown, file: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new PatchwordError('MODEL_UNSUPPORTED', `${file}: ${problems.join('; ')}.`, { cause: result.error });
}
