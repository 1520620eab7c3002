import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_MODEL } from '../../src/paths.js';
import { readSafetensors, writeSafetensors } from '../../src/vilt/checkpoint/safetensors.js';
import { readTensor } from '../../src/vilt/checkpoint/tensor.js';

const WEIGHTS = 'model.safetensors';

/**
 * The bundled model with the outputs of both prefilter heads in reverse: every embedding is another, and every cosine of two
 * what it was. So a search finds the same as before, and any mixture of the two models finds noise.
 */
export async function writeReversedModel(folder: string): Promise<string> {
  copyModel(folder, (name) => name !== WEIGHTS);
  const { tensors } = readSafetensors(path.join(BUNDLED_MODEL, WEIGHTS));
  const reversed = [...tensors.values()].map((tensor) => {
    const data = readTensor(tensor);
    const isProjection = /^prefilter\.(image|text)_projection\./.test(tensor.name);
    if (isProjection) reverseRows(data, tensor.shape[0]);
    return { name: tensor.name, shape: tensor.shape, dtype: 'F32' as const, data };
  });
  await writeSafetensors(path.join(folder, WEIGHTS), reversed);
  keepCalibration(folder);
  return folder;
}

/** The bundled model, reading smaller pictures: the same weights, but other model inputs. */
export function writeSmallModel(folder: string, shortestEdge: number): string {
  copyModel(folder, () => true);
  const file = path.join(folder, 'preprocessor_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, size: { shortest_edge: shortestEdge } }));
  return folder;
}

function copyModel(folder: string, wanted: (name: string) => boolean): void {
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(BUNDLED_MODEL, { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { name } of files) {
    if (wanted(name)) copyFileSync(path.join(BUNDLED_MODEL, name), path.join(folder, name));
  }
}

/** Weights that give the same scores: what was measured with those of before would be said of others. */
function keepCalibration(folder: string): void {
  const file = path.join(folder, 'patchword.json');
  const { calibration } = JSON.parse(readFileSync(file, 'utf8')) as { calibration: Record<string, unknown> };
  writeFileSync(file, JSON.stringify({ calibration: { ...calibration, measured: undefined } }));
}

function reverseRows(data: Float32Array, rows: number): void {
  const width = data.length / rows;
  const copy = data.slice();
  for (let row = 0; row < rows; row++)
    data.set(copy.subarray(row * width, (row + 1) * width), (rows - 1 - row) * width);
}
