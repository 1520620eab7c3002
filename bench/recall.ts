/**
 * Recall on the bundled sample: the prefilter alone, its first 32 reranked, and the joint model over every pair of a
 * first caption and a picture (600 x 600; minutes on two cores). Rows are kept in --work, so that it may be interrupted.
 *
 * With --candidates-only the exhaustive rows are left out, and only candidates are read.
 *
 *     node dist/bench/recall.js [--work DIR] [--precision int8] [--pictures 600] [--candidates-only]
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { matchProbability } from '../src/calibration.js';
import { bestRank, recallAt } from '../src/metrics.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../src/paths.js';
import { dot } from '../src/vector.js';
import type { Precision } from '../src/vilt/device.js';
import { prepareImage, type ModelInput } from '../src/vilt/image.js';
import { describeModel } from '../src/vilt/inspection.js';
import { ViltModel } from '../src/vilt/model.js';
import { embedImages, embedTexts, matchScores } from '../src/vilt/pair.js';

const { values: args } = parseArgs({
  options: {
    work: { type: 'string', default: '.patchword/bench' },
    precision: { type: 'string', default: 'fp32' },
    pictures: { type: 'string', default: '600' },
    'candidates-only': { type: 'boolean', default: false },
  },
});
const precision = args.precision as Precision;
const CANDIDATES = 32;

interface Sample {
  images: { filename: string; filepath?: string; sentences: { raw: string }[] }[];
}
const sample = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as Sample;
const pictures = sample.images.slice(0, Number(args.pictures));
const captions = pictures.map(({ sentences }) => sentences[0].raw);

const model = await ViltModel.open({ model: BUNDLED_MODEL, precision, threads: availableParallelism() });
const { calibration } = describeModel(model);
const inputs: ModelInput[] = [];
for (const { filename, filepath } of pictures) {
  const folder = [filepath ?? '', 'images', ''].map((part) => path.join(path.dirname(BUNDLED_SAMPLE), part));
  const file = folder.map((place) => path.join(place, filename)).find((candidate) => existsSync(candidate));
  inputs.push((await prepareImage(file!, model.files.imageConfig)).modelInput);
}
const imageEmbeddings = await embedImages(model, inputs);
const textEmbeddings = await embedTexts(model, captions);
/** [caption][picture] */
const similarity = textEmbeddings.map(({ embedding }) => imageEmbeddings.map((image) => dot(embedding, image)));
const all = [...Array(pictures.length).keys()];
const match = args['candidates-only'] ? await candidatesOnly() : await exhaustive();
await model.close();

const count = pictures.length;
/** Scores of each query's gallery; `pairOf` tells the caption and the picture of a query and an item. */
const directions = {
  'text → image': (query: number, item: number) => [query, item] as const,
  'image → text': (query: number, item: number) => [item, query] as const,
};
console.log(`${count} pictures, first captions, ${precision}; R@1 / R@5 / R@10`);
for (const [direction, pairOf] of Object.entries(directions)) {
  const near = (query: number) => all.map((item) => at(similarity, pairOf(query, item)));
  const joint = (query: number, calibrated: boolean) =>
    all.map((item) => {
      const pair = pairOf(query, item);
      const scores = { matchScore: at(match, pair), similarity: at(similarity, pair) };
      return calibrated ? matchProbability(calibration, scores)! : scores.matchScore;
    });
  const amongNearest = (query: number, scores: number[]) => {
    const kept = new Set(nearest(near(query)));
    return scores.map((score, item) => (kept.has(item) ? score : -Infinity));
  };
  report(direction, 'prefilter alone', near);
  console.log(
    `${''.padEnd(14)}${`  its recall@${CANDIDATES}`.padEnd(40)}${recallAt(ranks(near), CANDIDATES).toFixed(1)}`,
  );
  report(direction, `reranked ${CANDIDATES}, match score`, (q) => amongNearest(q, joint(q, false)));
  report(direction, `reranked ${CANDIDATES}, calibrated`, (q) => amongNearest(q, joint(q, true)));
  if (args['candidates-only']) continue;
  report(direction, 'exhaustive, match score', (q) => joint(q, false));
  report(direction, 'exhaustive, calibrated', (q) => joint(q, true));
}

function at(matrix: ArrayLike<number>[], [caption, picture]: readonly [number, number]): number {
  return matrix[caption][picture];
}

function ranks(scoresOf: (query: number) => number[]): number[] {
  return all.map((query) => bestRank(scoresOf(query), (item) => item === query));
}

function report(direction: string, what: string, scoresOf: (query: number) => number[]): void {
  const found = ranks(scoresOf);
  const figures = [1, 5, 10].map((k) => recallAt(found, k).toFixed(1)).join(' / ');
  console.log(`${direction.padEnd(14)}${what.padEnd(40)}${figures}`);
}

/** The items of the highest scores, as stage one proposes them. */
function nearest(scores: readonly number[]): number[] {
  return [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, CANDIDATES);
}

/** Match scores of what either direction proposes; NaN elsewhere. */
async function candidatesOnly(): Promise<Float32Array[]> {
  const rows = all.map((caption) => new Set(nearest(similarity[caption])));
  for (const picture of all)
    for (const caption of nearest(similarity.map((row) => row[picture]))) rows[caption].add(picture);
  const match: Float32Array[] = [];
  for (const [caption, row] of rows.entries()) {
    const wanted = [...row];
    const scores = await matchScores(
      model,
      wanted.map((picture) => ({ text: captions[caption], image: inputs[picture] })),
    );
    const full = new Float32Array(pictures.length).fill(NaN);
    wanted.forEach((picture, i) => (full[picture] = scores[i]));
    match.push(full);
  }
  return match;
}

/** Match scores of every caption with every picture, one row a caption, kept on disk as they come. */
async function exhaustive(): Promise<Float32Array[]> {
  mkdirSync(args.work, { recursive: true });
  const file = path.join(args.work, `match-${model.hash.slice(0, 12)}-${precision}-${pictures.length}.f32`);
  const rowBytes = 4 * pictures.length;
  const kept = existsSync(file) ? Math.floor(readFileSync(file).byteLength / rowBytes) : 0;
  const started = performance.now();
  for (let row = kept; row < captions.length; row++) {
    const scores = await matchScores(
      model,
      inputs.map((image) => ({ text: captions[row], image })),
    );
    appendFileSync(file, Buffer.from(scores.buffer));
    const rate = ((row + 1 - kept) * pictures.length) / ((performance.now() - started) / 1000);
    if (process.stderr.isTTY)
      process.stderr.write(`\r${row + 1}/${captions.length} captions, ${rate.toFixed(0)} pairs/s `);
  }
  const bytes = readFileSync(file);
  return captions.map(
    (_, row) =>
      new Float32Array(bytes.buffer.slice(bytes.byteOffset + row * rowBytes, bytes.byteOffset + (row + 1) * rowBytes)),
  );
}
