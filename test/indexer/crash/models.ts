import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fixture } from '../../fixture.js';
import { weights, writeVariant } from '../../src/vilt/variant.js';

export type ModelName = 'one' | 'other';

/** Folders of two small models; nothing of one goes with the other: embeddings are of another length, model inputs of another size. */
export type Models = Record<ModelName, string>;

const SHAPES = { one: { dimension: 32, edge: 48 }, other: { dimension: 24, edge: 32 } } as const;

export async function writeModels(folder: string): Promise<Models> {
  const [one, other] = await Promise.all([writeModel(folder, 'one'), writeModel(folder, 'other')]);
  return { one, other };
}

async function writeModel(folder: string, name: ModelName): Promise<string> {
  const { dimension, edge } = SHAPES[name];
  const model = path.join(folder, name);
  await writeVariant(model, {
    from: fixture('tiny-vilt-end-to-end'),
    change(tensors) {
      for (const [at, head] of ['image', 'text'].entries()) {
        tensors.set(`prefilter.${head}_projection.weight`, weights(dimension + at, [dimension, 64]));
        tensors.set(`prefilter.${head}_projection.bias`, weights(dimension + at + 2, [dimension]));
      }
    },
  });
  const file = path.join(model, 'preprocessor_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...config, size: { shortest_edge: edge } }));
  return model;
}
