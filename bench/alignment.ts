/**
 * How much of what the optimal transport moves from an object's noun to the patches of its picture (`patchword explain`)
 * falls on the object, in drawn scenes with one object whose place is known, each with its first caption that has the noun. On patches
 * that its box touches, and on those whose centre lies in the box, beside the share of the picture that these are: what a plan that
 * knows nothing would reach.
 *
 *     node dist/bench/alignment.js [DATASET.json] [--model DIR] [--pictures 500] [--split test] [--json]
 */
import { parseArgs } from 'node:util';
import { formatTable } from '../indexer/text.js';
import { mean } from '../src/metrics.js';
import { BUNDLED_SAMPLE } from '../src/paths.js';
import type { Grid } from '../src/vilt/position.js';
import { align } from '../src/vilt/task.js';
import { openModel, percent, prepareScenes, readScenes, SCENE_OPTIONS, type ScenePicture } from './scenes.js';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: { ...SCENE_OPTIONS, pictures: { type: 'string', default: '500' } },
});
const [dataset = BUNDLED_SAMPLE] = positionals;

const pictures = readScenes(dataset, {
  pictures: Number(args.pictures),
  split: args.split,
  suits: (picture) => nounOf(picture) !== null,
});
const model = await openModel(args.model);
const images = await prepareScenes(model, dataset, pictures);
const touched: Share[] = [];
const centred: Share[] = [];
for (const [i, picture] of pictures.entries()) {
  const { caption, noun, at, box } = nounOf(picture)!;
  const { tokens, grid, plan } = await align(model, { text: caption, image: images[i] });
  const pieces = piecesOf(noun);
  if (pieces.includes(model.tokenizer.token(model.tokenizer.unknownId))) continue;
  const from = piecesOf(caption.slice(0, at)).length;
  if (!pieces.every((piece, i) => tokens[from + i] === piece)) continue; // cut off
  const words = pieces.map((_, i) => from + i);
  const mass = massOf(words, plan, grid);
  touched.push(shareOn(mass, patchesOf(grid, box, 'touched')));
  centred.push(shareOn(mass, patchesOf(grid, box, 'centred')));
}
await model.close();

const rows = Object.entries({ 'patches touched': touched, 'patches centred': centred }).map(([where, shares]) => ({
  where,
  pictures: shares.length,
  mass: mean(shares.map(({ mass }) => mass)),
  chance: mean(shares.map(({ patches }) => patches)),
}));
if (args.json) {
  console.log(JSON.stringify({ dataset, model: args.model, shares: rows }));
} else {
  const lines = rows.map(({ where, pictures, mass, chance }) => [
    where,
    String(pictures),
    percent(mass),
    percent(chance),
  ]);
  console.log(formatTable([['mass of the noun on its object, %', 'pictures', 'mass', 'chance'], ...lines]));
}

interface Share {
  /** Of the noun's mass. */
  mass: number;
  /** Of all patches. */
  patches: number;
}

type Box = { x: number; y: number; width: number; height: number };

interface Named {
  caption: string;
  /** Or a synonym of it. */
  noun: string;
  /** Where it begins in the caption. */
  at: number;
  box: Box;
}

/** Of a scene with one object at one place. */
function nounOf({ sentences, objects }: ScenePicture): Named | null {
  if (objects?.length !== 1 || objects[0].boxes.length !== 1) return null;
  const [{ noun, synonyms = [], boxes }] = objects;
  const [x, y, width, height] = boxes[0];
  for (const { raw } of sentences) {
    for (const name of [noun, ...synonyms]) {
      const at = raw.search(new RegExp(`\\b${name}\\b`, 'i'));
      if (at >= 0) return { caption: raw, noun: name, at, box: { x, y, width, height } };
    }
  }
  return null;
}

function piecesOf(text: string): string[] {
  return model.tokenizer.encode(text, { maxLength: Infinity }).tokens.slice(1, -1);
}

/** What the words move to each patch. */
function massOf(words: readonly number[], plan: Float64Array, { rows, columns }: Grid): number[] {
  const patches = rows * columns;
  return Array.from({ length: patches }, (_, p) => words.reduce((sum, word) => sum + plan[word * patches + p], 0));
}

function patchesOf({ rows, columns }: Grid, { x, y, width, height }: Box, how: 'touched' | 'centred'): boolean[] {
  const reach = how === 'touched' ? 0.5 : 0; // of a patch
  return Array.from({ length: rows * columns }, (_, p) => {
    const across = Math.abs(((p % columns) + 0.5) / columns - x);
    const down = Math.abs((Math.floor(p / columns) + 0.5) / rows - y);
    return across < width / 2 + reach / columns && down < height / 2 + reach / rows;
  });
}

function shareOn(mass: readonly number[], on: readonly boolean[]): Share {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return { mass: sum(mass.filter((_, p) => on[p])) / sum(mass), patches: on.filter(Boolean).length / on.length };
}
