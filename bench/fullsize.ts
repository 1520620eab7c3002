/**
 * A full-size ViLT-B/32 with random weights: how long its graphs take to build and load, how much memory that takes, and
 * what one pair of a 40-token text and a 384x512 picture costs.
 *
 *     node dist/bench/fullsize.js [--precision int8]
 *     node dist/bench/fullsize.js --write DIR      writes that checkpoint, for other scripts, into a folder that is there
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeSafetensors, type TensorData } from '../src/vilt/checkpoint/safetensors.js';
import { expectedShapes } from '../src/vilt/checkpoint/schema.js';
import { readConfig } from '../src/vilt/config.js';
import type { Precision } from '../src/vilt/device.js';
import { ViltModel } from '../src/vilt/model.js';
import { seededNormal } from './random.js';

const { values: args } = parseArgs({
  options: { precision: { type: 'string', default: 'fp32' }, write: { type: 'string' } },
});
const precision = args.precision as Precision;

if (args.write !== undefined) await writeModel(args.write);
else {
  const folder = mkdtempSync(path.join(tmpdir(), 'patchword-fullsize-'));
  try {
    // In a process of its own, so that making the weights does not count as memory of loading them.
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--write', folder]);
    await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeModel(folder: string): Promise<void> {
  const configFile = path.join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify({ model_type: 'vilt' })); // the reference's defaults are ViLT-B/32's
  await writeSafetensors(path.join(folder, 'model.safetensors'), randomWeights(configFile));
}

async function measure(folder: string): Promise<void> {
  for (const round of ['first', 'second']) {
    const started = performance.now();
    const model = await ViltModel.open({ model: folder, precision });
    const scores: number[] = [];
    const times: number[] = [];
    for (let i = 0; i < (round === 'first' ? 1 : 4); i++) {
      const start = performance.now();
      const states = await model.pass({ texts: [{ ids: tokens() }], images: [picture()] }, 'first');
      scores.push((await model.head('rank', states.data)).data[0]);
      times.push(performance.now() - start);
      if (i === 0) report(`${round} open and score`, `${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
    report('score', scores[0].toFixed(4));
    if (times.length > 1) report('one pair', `${Math.min(...times.slice(1)).toFixed(0)} ms`);
    await model.close();
  }
  report('peak memory', `${((process.resourceUsage().maxRSS * 1024) / 1e9).toFixed(2)} GB`);
}

function report(what: string, value: string): void {
  console.log(`${what.padEnd(24)}${value}`);
}

function randomWeights(configFile: string): TensorData[] {
  const normal = seededNormal(7);
  const shapes = expectedShapes(readConfig(configFile));
  shapes.set('vilt.embeddings.text_embeddings.position_embeddings.weight', [40, 768]);
  shapes.set('vilt.embeddings.text_embeddings.token_type_embeddings.weight', [2, 768]);
  shapes.set('rank_output.weight', [1, 768]).set('rank_output.bias', [1]);
  for (const modality of ['image', 'text']) {
    const name = `prefilter.${modality}_projection`;
    shapes.set(`${name}.weight`, [128, 768]).set(`${name}.bias`, [128]);
  }
  return [...shapes].map(([name, shape]) => {
    const norm = /norm/i.test(name) && name.endsWith('weight') ? 1 : 0;
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = norm + 0.02 * normal();
    return { name, dtype: 'F32' as const, shape, data };
  });
}

function tokens(): number[] {
  return Array.from({ length: 40 }, (_, i) => 1000 + i);
}

function picture() {
  const pixels = Float32Array.from({ length: 3 * 384 * 512 }, (_, i) => Math.sin(i / 100));
  return { width: 512, height: 384, pixels };
}
