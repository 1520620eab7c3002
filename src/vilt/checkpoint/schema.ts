import { PatchwordError } from '../../errors.js';
import type { ViltConfig } from '../config.js';

/** What a checkpoint can compute beyond hidden states, told by the tensors that it holds. */
export type Head = 'rank' | 'itm' | 'mlm' | 'vqa' | 'nlvr2';

export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Problems named in one error: those of a whole ViLT-B/32. */
const LISTED = 250;

/** One tensor of each head, by which the head is recognised. */
const HEAD_SIGNS: Record<Exclude<Head, 'vqa' | 'nlvr2'> | 'classifier' | 'prefilter', RegExp> = {
  rank: /^rank_output\./,
  itm: /^itm_score\./,
  mlm: /^mlm_score\./,
  classifier: /^classifier\./,
  prefilter: /^prefilter\.(image|text)_projection\./,
};

/** The heads whose tensors are there, in no order of preference. */
export function headsOf(shapes: Shapes, config: ViltConfig): Head[] {
  const has = (sign: RegExp) => [...shapes.keys()].some((name) => sign.test(name));
  const heads: Head[] = (['rank', 'itm', 'mlm'] as const).filter((head) => has(HEAD_SIGNS[head]));
  // VQA reads one pooled state, NLVR2 two side by side; the reference calls both `classifier`.
  if (has(HEAD_SIGNS.classifier)) {
    heads.push(shapes.get('classifier.0.weight')?.[1] === 2 * config.hiddenSize ? 'nlvr2' : 'vqa');
  }
  return heads;
}

export function hasPrefilter(shapes: Shapes): boolean {
  return [...shapes.keys()].some((name) => HEAD_SIGNS.prefilter.test(name));
}

/** Every tensor that a ViLT of this configuration must have, with its shape; -n where any length of n or more will do. */
export function expectedShapes(config: ViltConfig): Map<string, number[]> {
  const { hiddenSize: hidden, intermediateSize: inner, patchSize, channels } = config;
  const side = Math.floor(config.imageSize / patchSize);
  const shapes = new Map<string, number[]>();
  const linear = (name: string, outputs: number, inputs: number, bias = true) => {
    shapes.set(`${name}.weight`, [outputs, inputs]);
    if (bias) shapes.set(`${name}.bias`, [outputs]);
  };
  const norm = (name: string) => shapes.set(`${name}.weight`, [hidden]).set(`${name}.bias`, [hidden]);

  shapes.set('vilt.embeddings.text_embeddings.word_embeddings.weight', [config.vocabularySize, hidden]);
  shapes.set('vilt.embeddings.text_embeddings.position_embeddings.weight', [-config.maxTextLength, hidden]);
  shapes.set('vilt.embeddings.text_embeddings.token_type_embeddings.weight', [-1, hidden]);
  norm('vilt.embeddings.text_embeddings.LayerNorm');
  shapes.set('vilt.embeddings.cls_token', [1, 1, hidden]);
  shapes.set('vilt.embeddings.position_embeddings', [1, 1 + side * side, hidden]);
  shapes.set('vilt.embeddings.patch_embeddings.projection.weight', [hidden, channels, patchSize, patchSize]);
  shapes.set('vilt.embeddings.patch_embeddings.projection.bias', [hidden]);
  shapes.set('vilt.embeddings.token_type_embeddings.weight', [config.modalities, hidden]);
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `vilt.encoder.layer.${layer}`;
    for (const part of ['query', 'key', 'value']) {
      linear(`${name}.attention.attention.${part}`, hidden, hidden, config.qkvBias);
    }
    linear(`${name}.attention.output.dense`, hidden, hidden);
    linear(`${name}.intermediate.dense`, inner, hidden);
    linear(`${name}.output.dense`, hidden, inner);
    norm(`${name}.layernorm_before`);
    norm(`${name}.layernorm_after`);
  }
  norm('vilt.layernorm');
  linear('vilt.pooler.dense', hidden, hidden);
  return shapes;
}

function expectedHeadShapes(
  head: Head | 'prefilter',
  { hiddenSize: hidden, vocabularySize }: ViltConfig,
  shapes: Shapes,
) {
  const inputs = head === 'nlvr2' ? 2 * hidden : hidden;
  const width = shapes.get('classifier.0.weight')?.[0] ?? 2 * hidden;
  const heads: Record<Head | 'prefilter', Record<string, number[]>> = {
    rank: { 'rank_output.weight': [1, hidden], 'rank_output.bias': [1] },
    itm: { 'itm_score.fc.weight': [2, hidden], 'itm_score.fc.bias': [2] },
    mlm: {
      'mlm_score.transform.dense.weight': [hidden, hidden],
      'mlm_score.transform.dense.bias': [hidden],
      'mlm_score.transform.LayerNorm.weight': [hidden],
      'mlm_score.transform.LayerNorm.bias': [hidden],
      'mlm_score.decoder.bias': [vocabularySize],
      // Most checkpoints use the word embeddings instead.
      ...(shapes.has('mlm_score.decoder.weight') && { 'mlm_score.decoder.weight': [vocabularySize, hidden] }),
    },
    vqa: classifierShapes(inputs, width),
    nlvr2: classifierShapes(inputs, width),
    prefilter: {
      'prefilter.image_projection.weight': [shapes.get('prefilter.image_projection.weight')?.[0] ?? -1, hidden],
      'prefilter.image_projection.bias': [shapes.get('prefilter.image_projection.weight')?.[0] ?? -1],
      'prefilter.text_projection.weight': [shapes.get('prefilter.image_projection.weight')?.[0] ?? -1, hidden],
      'prefilter.text_projection.bias': [shapes.get('prefilter.image_projection.weight')?.[0] ?? -1],
    },
  };
  return Object.entries(heads[head]);
}

function classifierShapes(inputs: number, width: number): Record<string, number[]> {
  return {
    'classifier.0.weight': [width, inputs],
    'classifier.0.bias': [width],
    'classifier.1.weight': [width],
    'classifier.1.bias': [width],
    'classifier.3.weight': [-1, width],
    'classifier.3.bias': [-1],
  };
}

/**
 * Checks that the body and every head that has begun are whole.
 *
 * @throws PatchwordError MODEL_INCOMPLETE, one error that lists every tensor missing or of another shape.
 */
export function checkShapes(shapes: Shapes, config: ViltConfig, where: string): void {
  const expected = expectedShapes(config);
  for (const head of headsOf(shapes, config)) {
    for (const [name, shape] of expectedHeadShapes(head, config, shapes)) expected.set(name, shape);
    // Its second image is a modality of its own.
    if (head === 'nlvr2') expected.set('vilt.embeddings.token_type_embeddings.weight', [-3, config.hiddenSize]);
  }
  if (hasPrefilter(shapes)) {
    for (const [name, shape] of expectedHeadShapes('prefilter', config, shapes)) expected.set(name, shape);
  }
  const problems: string[] = [];
  for (const [name, shape] of expected) {
    const found = shapes.get(name);
    if (!found) problems.push(`${name} is missing`);
    else if (!agrees(found, shape)) problems.push(`${name} is (${found.join(', ')}), expected (${shown(shape)})`);
  }
  if (problems.length === 0) return;
  const rest = problems.length - LISTED;
  const listed = problems.slice(0, LISTED).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
  const count = problems.length === 1 ? '1 tensor' : `${problems.length} tensors`;
  throw new PatchwordError('MODEL_INCOMPLETE', `${where} does not fit its configuration in ${count}: ${listed}.`, {
    hint: 'Check that config.json and the weights belong to one checkpoint, and that the download is whole.',
  });
}

function agrees(found: readonly number[], expected: readonly number[]): boolean {
  const fits = (length: number, i: number) => (length < 0 ? found[i] >= -length : length === found[i]);
  return found.length === expected.length && expected.every(fits);
}

const shown = (shape: readonly number[]) =>
  shape.map((length) => (length === -1 ? 'any' : length < 0 ? `${-length} or more` : length)).join(', ');

/** What is said where embeddings are asked of a model that has none. */
export function prefilterMissing(folder: string): PatchwordError {
  return new PatchwordError(
    'PREFILTER_MISSING',
    `${folder} has no embeddings to search by: its weights hold no prefilter.image_projection and prefilter.text_projection (weight and bias), ` +
      `and no fit for them lies beside it. It can be scored and verified.`,
    { hint: `Fit them to captioned pictures: patchword fit --model ${folder} --captions SOURCE` },
  );
}
