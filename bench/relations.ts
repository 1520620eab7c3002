/**
 * Whether a model tells a caption from the same with its relation exchanged: left and right, above and below, big and small, in
 * front of and behind, in the middle and outside, in a frame and outside. The share of pictures for which the true caption scores
 * higher, by the joint model and by the prefilter. The exchanged caption is the dataset's own (`sentences[].swapped`); of each picture the first caption counts that has one.
 *
 *     node dist/bench/relations.js [DATASET.json] [--model DIR] [--pictures 500] [--split test] [--precision int8] [--json]
 */
import { parseArgs } from 'node:util';
import { formatTable } from '../indexer/text.js';
import { BUNDLED_SAMPLE } from '../src/paths.js';
import { dot } from '../src/vector.js';
import type { Precision } from '../src/vilt/device.js';
import { embedImages, embedTexts, matchScores } from '../src/vilt/pair.js';
import { openModel, percent, prepareScenes, readScenes, SCENE_OPTIONS, type ScenePicture } from './scenes.js';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...SCENE_OPTIONS,
    pictures: { type: 'string', default: '500' },
    precision: { type: 'string', default: 'fp32' },
  },
});
const [dataset = BUNDLED_SAMPLE] = positionals;

const pictures = readScenes(dataset, {
  pictures: Number(args.pictures),
  split: args.split,
  suits: (picture) => exchanged(picture) !== null,
});
const captions = pictures.map((picture) => exchanged(picture)!);

const model = await openModel(args.model, args.precision as Precision);
const images = await prepareScenes(model, dataset, pictures);
const match = await matchScores(
  model,
  captions.flatMap(({ caption, swapped }, i) => [caption, swapped].map((text) => ({ text, image: images[i] }))),
);
const joint = captions.map((_, i) => match[2 * i] > match[2 * i + 1]);
const prefilter = model.prefilter ? await bySimilarity() : null;
await model.close();

const relations = [...new Set(captions.map(({ relation }) => relation))].sort();
const rows = [...relations, null].map((relation) => {
  const of = captions.flatMap((caption, i) => (relation === null || caption.relation === relation ? [i] : []));
  const share = (right: readonly boolean[]) => of.filter((i) => right[i]).length / of.length;
  return {
    relation: relation ?? 'all',
    pictures: of.length,
    joint: share(joint),
    prefilter: prefilter && share(prefilter),
  };
});
if (args.json) {
  console.log(JSON.stringify({ dataset, model: args.model, precision: args.precision, relations: rows }));
} else {
  const line = (row: (typeof rows)[number]) => [
    row.relation,
    String(row.pictures),
    percent(row.joint),
    row.prefilter === null ? null : percent(row.prefilter),
  ];
  console.log(formatTable([['true caption preferred, %', 'pictures', 'joint', 'prefilter'], ...rows.map(line)]));
}

async function bySimilarity(): Promise<boolean[]> {
  const pixels = await embedImages(model, images);
  const texts = await embedTexts(
    model,
    captions.flatMap(({ caption, swapped }) => [caption, swapped]),
  );
  return pixels.map((image, i) => dot(texts[2 * i].embedding, image) > dot(texts[2 * i + 1].embedding, image));
}

function exchanged(picture: ScenePicture): { caption: string; swapped: string; relation: string } | null {
  for (const { raw, swapped } of picture.sentences) {
    if (swapped !== undefined) return { caption: raw, swapped, relation: picture.relation ?? 'given' };
  }
  return null;
}
