/**
 * Reading a list of images as large as COCO's in Karpathy's JSON: 123,287 images of five captions each, with their tokens and
 * ids, about 170 MB. How long it takes to read it whole, as indexing and evaluation do, and memory at its peak.
 *
 *     node dist/bench/reading.js [--images 123287] [--times 3]
 */
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { readKarpathy } from '../indexer/readers/karpathy.js';
import { isSkipped } from '../indexer/readers/reader.js';
import { seededRandom } from '../src/evaluation/random.js';
import { processorTime } from './times.js';
import { VOCABULARY } from './vocabulary.js';

const { values: args } = parseArgs({
  options: { images: { type: 'string', default: '123287' }, times: { type: 'string', default: '3' } },
});
const images = Number(args.images);
const CAPTIONS = 5;

const random = seededRandom(1);
const below = (n: number) => Math.floor(random() * n);

const folder = mkdtempSync(path.join(tmpdir(), 'patchword-reading-'));
try {
  const dataset = path.join(folder, 'dataset_coco.json');
  await pipeline(Readable.from(entries()), createWriteStream(dataset));
  const megabytes = statSync(dataset).size / 1e6;
  console.log(`file     ${images} images, ${images * CAPTIONS} captions, ${megabytes.toFixed(0)} MB`);
  for (let time = 0; time < Number(args.times); time++) {
    const [started, used] = [performance.now(), processorTime()];
    const reader = await readKarpathy({ path: dataset });
    const opened = performance.now();
    let [read, captions] = [0, 0];
    for await (const entry of reader.entries()) {
      if (isSkipped(entry)) throw new Error(`${entry.file}: ${entry.reason}`);
      read += 1;
      captions += entry.captions.length;
    }
    if (read !== images || captions !== images * CAPTIONS) throw new Error(`${read} images, ${captions} captions.`);
    const [whole, survey] = [performance.now() - started, opened - started].map((ms) => (ms / 1000).toFixed(2));
    const cpu = ((processorTime() - used) / 1000).toFixed(2);
    console.log(`reading  ${whole} s, of which ${survey} s to open it; ${cpu} s of CPU`);
  }
  console.log(
    `memory   ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at its peak, the making of the file included`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Keys in the order of Karpathy's file. */
function* entries(): Generator<string> {
  mkdirSync(path.join(folder, 'val2014'));
  yield '{"images": [';
  for (let i = 0; i < images; i++) {
    const cocoid = 1 + i * 5;
    const filename = `COCO_val2014_${String(cocoid).padStart(12, '0')}.jpg`;
    // To find the folder of the pictures, one of them is looked for.
    if (i === 0) writeFileSync(path.join(folder, 'val2014', filename), '');
    const sentids = Array.from({ length: CAPTIONS }, (_, at) => i * CAPTIONS + at);
    const sentences = sentids.map((sentid) => {
      const tokens = Array.from({ length: 8 + below(6) }, () => VOCABULARY[below(VOCABULARY.length)]);
      return { tokens, raw: `${tokens.join(' ')}.`, imgid: i, sentid };
    });
    const split = ['train', 'train', 'restval', 'val', 'test'][below(5)];
    const entry = { filepath: 'val2014', sentids, filename, imgid: i, split, sentences, cocoid };
    yield `${i === 0 ? '' : ', '}${JSON.stringify(entry)}`;
  }
  yield '], "dataset": "coco"}';
}
