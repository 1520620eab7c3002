/**
 * What one pair costs by threads of a run and pairs of a batch: CPU time, which other programs disturb little, and wall time.
 *
 *     node dist/bench/scoring.js [--model DIR] [--rounds 3]
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../src/metrics.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../src/paths.js';
import { prepareImage } from '../src/vilt/image.js';
import { ViltModel } from '../src/vilt/model.js';
import { encodeText } from '../src/vilt/pair.js';

const { values: args } = parseArgs({
  options: { model: { type: 'string', default: BUNDLED_MODEL }, rounds: { type: 'string', default: '3' } },
});
const PAIRS = 128;
const BATCHES = [8, 16, 32, 64, 128];

interface Sample {
  images: { filepath: string; filename: string; sentences: { raw: string }[] }[];
}
const { images } = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as Sample;
const texts = images.slice(0, PAIRS).map(({ sentences }) => sentences[0].raw);
const [{ filepath, filename }] = images;
const models = [1, 2].map((threads) => ({ threads, open: ViltModel.open({ model: args.model, threads }) }));
const { files } = await models[0].open;
const file = path.join(path.dirname(BUNDLED_SAMPLE), filepath, filename);
const { modelInput: image } = await prepareImage(file, files.imageConfig);

const measured = new Map<string, { cpu: number; wall: number }[]>();
for (let round = 0; round <= Number(args.rounds); round++) {
  for (const { threads, open } of models) {
    const model = await open;
    for (const batch of BATCHES) {
      const cpu = process.cpuUsage();
      const started = performance.now();
      for (let from = 0; from < PAIRS; from += batch) {
        const encodings = texts.slice(from, from + batch).map((text) => encodeText(model, text));
        const { data } = await model.pass({ texts: encodings, images: [image] }, 'first'); // matchScores would split it
        await model.head('rank', data);
      }
      const { user, system } = process.cpuUsage(cpu);
      const times = { cpu: (user + system) / 1000 / PAIRS, wall: (performance.now() - started) / PAIRS };
      const name = `${threads} thread${threads > 1 ? 's' : ' '}, ${String(batch).padStart(3)} pairs a batch`;
      if (round > 0) measured.set(name, [...(measured.get(name) ?? []), times]);
    }
  }
}
for (const [name, times] of measured) {
  const [cpu, wall] = (['cpu', 'wall'] as const).map((what) => median(times.map((time) => time[what])).toFixed(2));
  console.log(`${name}: ${cpu} ms of CPU and ${wall} ms a pair`);
}
for (const { open } of models) await (await open).close();
