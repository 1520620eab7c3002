import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ModelInput } from '../../../src/vilt/image.js';
import type { ViltModel } from '../../../src/vilt/model.js';
import { readGolden } from '../../safetensors.js';
import { writeVariant, type VariantOptions } from './variant.js';

export interface GoldenCase {
  model: ViltModel;
  /** Its words are w and the id of the token. */
  text: string;
  images: ModelInput[];
  logits: Float32Array;
}

export interface CaseOptions {
  /** The position that is to be [MASK]. */
  mask?: number;
  change?: VariantOptions['change'];
}

/**
 * The first row of a fixture's golden case, from text and uint8 to logits: a vocabulary that spells its ids, and a scaling
 * of pixels that covers its values.
 */
export async function readCase(
  fixture: string,
  options: CaseOptions & { target: string; openModel: (folder: string) => Promise<ViltModel> },
): Promise<GoldenCase> {
  const { mask, change, target, openModel } = options;
  const golden = readGolden(path.join(fixture, 'cases', 'basic.safetensors'));
  const tokens = golden.get('in.input_ids')!.shape[1];
  const ids = Array.from(golden.get('in.input_ids')!.data as BigInt64Array, Number).slice(0, tokens);
  await writeVariant(target, { from: fixture, change });

  const vocabulary = Array.from({ length: 1000 }, (_, id) => `w${id}`);
  const special = { '[CLS]': ids[0], '[SEP]': ids.at(-1)!, ...(mask === undefined ? {} : { '[MASK]': ids[mask] }) };
  for (const [token, id] of Object.entries({ '[PAD]': 0, '[UNK]': 1, ...special })) vocabulary[id] = token;
  writeFileSync(path.join(target, 'vocab.txt'), vocabulary.join('\n'));

  const { data, shape } = golden.get('in.pixel_values')!;
  const values = data as Float32Array;
  const [height, width] = shape.slice(-2);
  const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const deviation = 0.5 / most;
  writeFileSync(
    path.join(target, 'preprocessor_config.json'),
    JSON.stringify({ image_mean: [0.5, 0.5, 0.5], image_std: [deviation, deviation, deviation] }),
  );
  const images = Array.from({ length: shape.length === 5 ? 2 : 1 }, (_, i) => ({
    width,
    height,
    pixels: Uint8Array.from({ length: 3 * width * height }, (_, p) =>
      Math.round(255 * (0.5 + deviation * values[i * 3 * width * height + p])),
    ),
  }));
  const logits = golden.get('out.logits')!;
  return {
    model: await openModel(target),
    text: ids
      .slice(1, -1)
      .map((id) => vocabulary[id])
      .join(' '),
    images,
    logits: (logits.data as Float32Array).subarray(0, logits.data.length / logits.shape[0]),
  };
}
