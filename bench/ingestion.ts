/**
 * Indexing, end to end, beside its embedding stage alone: pictures a second of both in the same run, how busy the cores
 * are, and how memory grows. The pictures are drawn once, into the cache folder.
 *
 *     node dist/bench/ingestion.js [--count 20000] [--size 320] [--model FOLDER] [--precision int8]
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeDataset } from '../data/scenes/dataset.js';
import { BATCH, embedPictures } from '../indexer/batches.js';
import { ingest } from '../indexer/ingestion.js';
import { mapAhead } from '../indexer/lookahead.js';
import { isSkipped, type SourceImage } from '../indexer/readers/reader.js';
import { openSource } from '../indexer/readers/source.js';
import { openEngine } from '../src/engine.js';
import type { Inference } from '../src/inference/inference.js';
import { originalFile } from '../src/original.js';
import { cacheFolder } from '../src/paths.js';
import type { Precision } from '../src/vilt/device.js';
import type { ModelInput } from '../src/vilt/image.js';

const { values: args } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    size: { type: 'string', default: '320' },
    model: { type: 'string' },
    precision: { type: 'string', default: 'fp32' },
  },
});
const count = Number(args.count);
const CORES = availableParallelism();
/** Pictures embedded alone, before and after: enough for a rate, few enough to hold. */
const ALONE = Math.min(count, 640);
const SAMPLE_EVERY = 100; // ms

const source = await drawScenes();
const data = mkdtempSync(path.join(tmpdir(), 'patchword-ingestion-'));
try {
  const engine = await openEngine({
    collection: 'scenes',
    data,
    model: args.model,
    precision: args.precision as Precision,
    create: true,
  });
  const prepared = await prepareSome(engine.inference);
  await embedAlone(engine.inference, prepared.slice(0, 64)); // loads the graphs
  const before = await embedAlone(engine.inference, prepared);
  const memory = sampleMemory();
  const pipeline = await measured(count, () =>
    ingest({ engine, source, onProgress: ({ done }) => memory.progress(done / count) }),
  );
  memory.stop();
  const after = await embedAlone(engine.inference, prepared);
  await engine.close();

  const alone = { rate: (before.rate + after.rate) / 2, cpu: (before.cpu + after.cpu) / 2 };
  console.log(`pipeline      ${describe(pipeline)} (${count} pictures of ${args.size} px)`);
  console.log(
    `embedding     ${describe(alone)} alone (${before.rate.toFixed(1)} before, ${after.rate.toFixed(1)} after)`,
  );
  console.log(`ratio         ${percent(pipeline.rate / alone.rate)} of the embedding alone`);
  const busy = (measure: Measure) => percent((measure.cpu * measure.rate) / 1000 / CORES);
  console.log(`cores         ${busy(pipeline)} busy, of ${CORES}; with the embedding alone ${busy(alone)}`);
  console.log(`memory        ${memory.describe()}`);
} finally {
  rmSync(data, { recursive: true, force: true });
}

async function drawScenes(): Promise<string> {
  const folder = path.join(cacheFolder(), 'bench', `scenes-${count}-${args.size}`);
  const file = path.join(folder, 'dataset.json');
  if (!existsSync(file)) {
    rmSync(folder, { recursive: true, force: true });
    await writeDataset({ output: folder, count, size: Number(args.size) });
  }
  return file;
}

interface Picture {
  modelInput: ModelInput;
  captions: string[];
}

async function prepareSome(inference: Inference): Promise<Picture[]> {
  const reader = await openSource({ source });
  const images: SourceImage[] = [];
  for await (const entry of reader.entries()) {
    if (!isSkipped(entry)) images.push(entry);
    if (images.length === ALONE) break;
  }
  const prepare = async ({ location, captions }: SourceImage) => {
    const { modelInput } = await inference.prepare(originalFile(reader.root, location));
    return { modelInput, captions };
  };
  const pictures: Picture[] = [];
  for await (const picture of mapAhead(list(images), { concurrency: 4, ahead: 8 }, prepare)) pictures.push(picture);
  return pictures;
}

interface Measure {
  /** Pictures a second. */
  rate: number;
  /** Milliseconds of all cores together that a picture takes: hardly changed by what else the machine does. */
  cpu: number;
}

async function measured(pictures: number, work: () => Promise<unknown>): Promise<Measure> {
  const usage = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(usage);
  return { rate: pictures / seconds, cpu: (user + system) / 1000 / pictures };
}

/** The model alone, given work as ingestion gives it: two batches wait. */
function embedAlone(inference: Inference, pictures: Picture[]): Promise<Measure> {
  const batches: Picture[][] = [];
  for (let at = 0; at < pictures.length; at += BATCH) batches.push(pictures.slice(at, at + BATCH));
  const embed = (batch: Picture[]) => embedPictures(inference, batch);
  return measured(pictures.length, async () => {
    let embedded = 0;
    const all = mapAhead(list(batches), { concurrency: 2, ahead: 2 }, embed);
    for await (const { length } of all) embedded += length;
    if (embedded !== pictures.length) throw new Error(`${embedded} of ${pictures.length} were embedded.`);
  });
}

function describe({ rate, cpu }: Measure): string {
  return `${rate.toFixed(1)} pictures/s, ${cpu.toFixed(2)} ms of CPU each`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

async function* list<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** The largest resident set of each half of the work: a leak shows as growth from one to the other. */
function sampleMemory() {
  const peaks = [0, 0];
  let half = 0;
  const sample = () => void (peaks[half] = Math.max(peaks[half], process.memoryUsage.rss()));
  const timer = setInterval(sample, SAMPLE_EVERY);
  sample();
  return {
    progress(share: number) {
      if (share >= 0.5) half = 1;
      sample();
    },
    stop: () => clearInterval(timer),
    describe() {
      const [first, second] = peaks.map((bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`);
      const growth = `${((100 * (peaks[1] - peaks[0])) / peaks[0]).toFixed(0)} %`;
      return `peak ${first} in the first half, ${second} in the second (${growth} more)`;
    },
  };
}
