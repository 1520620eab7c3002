/**
 * The bundled sample as a user meets it: indexing rate, time of a text search over 32 candidates (and of the first of them by
 * nearest alone, in turns with both sources), and how late a 10 ms timer of the main thread fires while 64 pairs are reranked.
 *
 *     node dist/bench/latency.js [--searches 100] [--precision int8]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureSample, SAMPLE_COLLECTION } from '../indexer/sample.js';
import { openEngine, type Engine } from '../src/engine.js';
import { BUNDLED_SAMPLE } from '../src/paths.js';
import type { Precision } from '../src/vilt/device.js';

const { values: args } = parseArgs({
  options: { searches: { type: 'string', default: '100' }, precision: { type: 'string', default: 'fp32' } },
});
const precision = args.precision as Precision;

interface Sample {
  images: { sentences: { raw: string }[] }[];
}
const sample = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as Sample;
const texts = sample.images.map(({ sentences }) => sentences[0].raw);

const data = mkdtempSync(path.join(tmpdir(), 'patchword-latency-'));
try {
  let indexing = 0;
  let from = 0;
  const started = performance.now();
  await ensureSample({
    data,
    precision,
    onProgress({ done }) {
      if (done === 0) from = performance.now();
      indexing = performance.now() - from;
    },
  });
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `indexing      ${((1000 * texts.length) / indexing).toFixed(0)} pictures/s (${seconds.toFixed(1)} s with opening and closing)`,
  );

  const engine = await openEngine({ collection: SAMPLE_COLLECTION, data, precision });
  await searches(engine);
  await lateness(engine);
  await engine.close();
} finally {
  rmSync(data, { recursive: true, force: true });
}

async function searches(engine: Engine): Promise<void> {
  const first: number[] = [];
  const alone: number[] = [];
  const last: number[] = [];
  for (const text of [texts[0], ...texts.slice(0, Number(args.searches))]) {
    const before = performance.now();
    await engine.search({ text, candidates: 32, sources: ['nearest'], rerank: { pairs: 0 } }).final();
    alone.push(performance.now() - before);
    const start = performance.now();
    for await (const { stage } of engine.search({ text, candidates: 32 })) {
      if (stage === 'nearest') first.push(performance.now() - start);
      if (stage === 'final') last.push(performance.now() - start);
    }
  }
  console.log(`candidates    ${percentiles(first.slice(1))}`);
  console.log(`by nearest    ${percentiles(alone.slice(1))}`);
  console.log(`32 reranked   ${percentiles(last.slice(1))}`);
}

async function lateness(engine: Engine): Promise<void> {
  const late: number[] = [];
  for (let round = 0; round < 5; round++) {
    let expected = performance.now() + 10;
    const timer = setInterval(() => {
      const now = performance.now();
      late.push(Math.max(0, now - expected));
      expected = now + 10;
    }, 10);
    await engine.search({ text: texts[round], candidates: 64 }).final();
    clearInterval(timer);
  }
  console.log(`10 ms timer   late by ${percentiles(late)} (${late.length} ticks while 64 pairs are reranked)`);
}

function percentiles(values: number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`;
}
