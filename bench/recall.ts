/**
 * Recall of a model on captioned pictures, in the sample by default: by the prefilter alone, with its candidates reranked by the joint
 * model, and with every pair scored. Both directions. Texts are first captions; with --all-captions, an image is searched for
 * among all captions, as papers do. Each dataset is one of Karpathy's form; several make one table.
 *
 * Every pair of 600 captions and 600 pictures takes a quarter of an hour on two cores, and is kept in --work, so that a run that was stopped
 * goes on. --candidates-only leaves it out: 32 pairs a query. Without it first captions alone are searched among.
 *
 *     node dist/bench/recall.js [DATASET.json …] [--model DIR] [--split test] [--pictures 1000] [--candidates-only] [--all-captions]
 *                               [--precision int8] [--work DIR] [--json]
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../indexer/text.js';
import { matchProbability } from '../src/calibration.js';
import { bestRank, recallAt } from '../src/metrics.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../src/paths.js';
import { dot } from '../src/vector.js';
import type { Precision } from '../src/vilt/device.js';
import type { ModelInput } from '../src/vilt/image.js';
import { describeModel } from '../src/vilt/inspection.js';
import { embedImages, embedTexts, matchScores } from '../src/vilt/pair.js';
import { openModel, prepareScenes, readScenes } from './scenes.js';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: BUNDLED_MODEL },
    split: { type: 'string' },
    pictures: { type: 'string', default: '1000' },
    'candidates-only': { type: 'boolean', default: false },
    'all-captions': { type: 'boolean', default: false },
    precision: { type: 'string', default: 'fp32' },
    work: { type: 'string', default: '.patchword/bench' },
    json: { type: 'boolean', default: false },
  },
});
const CANDIDATES = 32;
const AT = [1, 5, 10, CANDIDATES];

/** What is searched: texts, each of one picture. */
interface Gallery {
  images: ModelInput[];
  texts: { text: string; picture: number }[];
  /** (texts, pictures) */
  similarity: number[][];
}

interface Row {
  dataset: string;
  direction: 'text → image' | 'image → text';
  method: string;
  queries: number;
  /** At 1, 5, 10 and 32, in percent. */
  recall: number[];
}

const model = await openModel(args.model, args.precision as Precision);
const { calibration } = describeModel(model);
const rows: Row[] = [];
for (const dataset of positionals.length > 0 ? positionals : [BUNDLED_SAMPLE]) rows.push(...(await measure(dataset)));
await model.close();
if (args.json) {
  console.log(JSON.stringify({ model: args.model, precision: args.precision, at: AT, rows }));
} else {
  const cells = ({ dataset, direction, method, queries, recall }: Row) => [
    ...[nameOf(dataset), direction, method, String(queries)],
    ...recall.map((share) => share.toFixed(1)),
  ];
  console.log(formatTable([['dataset', '', '', 'queries', ...AT.map((k) => `R@${k}`)], ...rows.map(cells)]));
}

async function measure(dataset: string): Promise<Row[]> {
  const pictures = readScenes(dataset, { pictures: Number(args.pictures), split: args.split });
  const captionsOf = args['all-captions'] ? Infinity : 1;
  const texts = pictures.flatMap(({ sentences }, picture) =>
    sentences.slice(0, captionsOf).map(({ raw }) => ({ text: raw, picture })),
  );
  const images = await prepareScenes(model, dataset, pictures);
  const imageEmbeddings = await embedImages(model, images);
  const textEmbeddings = await embedTexts(
    model,
    texts.map(({ text }) => text),
  );
  const similarity = textEmbeddings.map(({ embedding }) => imageEmbeddings.map((image) => dot(embedding, image)));
  const gallery = { images, texts, similarity };
  const first = pictures.map((_, picture) => texts.findIndex((text) => text.picture === picture));
  const exhaustive = !args['candidates-only'] && captionsOf === 1;
  const match = exhaustive ? await scoreAll(gallery) : await scoreCandidates(gallery, first);

  const directions = {
    'text → image': {
      queries: first,
      items: images.map((_, picture) => picture),
      pairOf: (text: number, picture: number) => [text, picture] as const,
      isRight: (text: number, picture: number) => texts[text].picture === picture,
    },
    'image → text': {
      queries: images.map((_, picture) => picture),
      items: texts.map((_, text) => text),
      pairOf: (picture: number, text: number) => [text, picture] as const,
      isRight: (picture: number, text: number) => texts[text].picture === picture,
    },
  };
  return Object.entries(directions).flatMap(([direction, { queries, items, pairOf, isRight }]) => {
    const near = (query: number) => items.map((item) => at(similarity, pairOf(query, item)));
    const joint = (calibrated: boolean) => (query: number) =>
      items.map((item) => {
        const pair = pairOf(query, item);
        const scores = { matchScore: at(match, pair), similarity: at(similarity, pair) };
        return calibrated ? matchProbability(calibration, scores)! : scores.matchScore;
      });
    const amongNearest = (scoresOf: (query: number) => number[]) => (query: number) => {
      const kept = new Set(nearest(near(query)));
      return scoresOf(query).map((score, item) => (kept.has(item) ? score : -Infinity));
    };
    const row = (method: string, scoresOf: (query: number) => number[]): Row => {
      const ranks = queries.map((query) => bestRank(scoresOf(query), (item) => isRight(query, items[item])));
      const recall = AT.map((k) => recallAt(ranks, k));
      return { dataset, direction: direction as Row['direction'], method, queries: queries.length, recall };
    };
    return [
      row('prefilter alone', near),
      row(`reranked ${CANDIDATES}, match score`, amongNearest(joint(false))),
      ...(calibration ? [row(`reranked ${CANDIDATES}, calibrated`, amongNearest(joint(true)))] : []),
      ...(exhaustive ? [row('exhaustive, match score', joint(false))] : []),
      ...(exhaustive && calibration ? [row('exhaustive, calibrated', joint(true))] : []),
    ];
  });
}

function at(matrix: ArrayLike<number>[], [text, picture]: readonly [number, number]): number {
  return matrix[text][picture];
}

/** The items of the highest scores, as stage one proposes them. */
function nearest(scores: readonly number[]): number[] {
  return [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, CANDIDATES);
}

/** Match scores of what is proposed to the first captions and to the pictures; NaN elsewhere. */
async function scoreCandidates(
  { images, texts, similarity }: Gallery,
  first: readonly number[],
): Promise<Float32Array[]> {
  const wanted = texts.map(() => new Set<number>());
  for (const text of first) for (const picture of nearest(similarity[text])) wanted[text].add(picture);
  for (const picture of images.keys())
    for (const text of nearest(similarity.map((row) => row[picture]))) wanted[text].add(picture);
  const match: Float32Array[] = [];
  for (const [text, chosen] of wanted.entries()) {
    const pictures = [...chosen];
    const scores = await matchScores(
      model,
      pictures.map((picture) => ({ text: texts[text].text, image: images[picture] })),
    );
    const full = new Float32Array(images.length).fill(NaN);
    pictures.forEach((picture, i) => (full[picture] = scores[i]));
    match.push(full);
    progress(`${text + 1}/${texts.length} captions`);
  }
  return match;
}

/** Match scores of every text with every picture, one row a text, kept on disk as they come. */
async function scoreAll({ images, texts }: Gallery): Promise<Float32Array[]> {
  mkdirSync(args.work, { recursive: true });
  const key = createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 8);
  const file = path.join(args.work, `match-${model.hash.slice(0, 12)}-${args.precision}-${key}.f32`);
  const rowBytes = 4 * images.length;
  const kept = existsSync(file) ? Math.floor(readFileSync(file).byteLength / rowBytes) : 0;
  const started = performance.now();
  for (let row = kept; row < texts.length; row++) {
    const scores = await matchScores(
      model,
      images.map((image) => ({ text: texts[row].text, image })),
    );
    appendFileSync(file, Buffer.from(scores.buffer));
    const rate = ((row + 1 - kept) * images.length) / ((performance.now() - started) / 1000);
    progress(`${row + 1}/${texts.length} captions, ${rate.toFixed(0)} pairs/s`);
  }
  const bytes = readFileSync(file);
  return texts.map(
    (_, row) =>
      new Float32Array(bytes.buffer.slice(bytes.byteOffset + row * rowBytes, bytes.byteOffset + (row + 1) * rowBytes)),
  );
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${line} `);
}

/** "drawn/dataset.json" */
function nameOf(dataset: string): string {
  return path.join(path.basename(path.dirname(path.resolve(dataset))), path.basename(dataset));
}
