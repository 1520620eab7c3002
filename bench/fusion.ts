/**
 * What captions add to the nearest on the bundled sample: texts that are not captions of the collection, found by either
 * source and by both, before and after 32 are reranked.
 *
 * - left-out captions: the first caption of each picture, which is not indexed with its others; its picture is right
 * - words: what is in the picture, "two foxes castle"; any picture that holds as much is right
 * - sentences: the same in a sentence of a kind that the model was not trained on
 *
 *     node dist/bench/fusion.js [--queries 600]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { NUMBERS } from '../data/scenes/phrases.js';
import type { CandidateSource } from '../src/hit.js';
import { recallAt } from '../src/metrics.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../src/paths.js';
import { indexScenes } from './scenes.js';

const { values: args } = parseArgs({ options: { queries: { type: 'string', default: '600' } } });
const CANDIDATES = 32;

interface SampleImage {
  filename: string;
  sentences: { raw: string }[];
  objects: { noun: string; plural: string | null; colour: string | null; boxes: unknown[] }[];
}
const sample = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as { images: SampleImage[] };
const asked = sample.images.slice(0, Number(args.queries));
const byFile = new Map(sample.images.map((image) => [image.filename, image]));

const SOURCES: Record<string, CandidateSource[]> = {
  nearest: ['nearest'],
  captions: ['captions'],
  both: ['nearest', 'captions'],
};
const QUERIES = {
  'left-out captions': { text: ({ sentences }: SampleImage) => sentences[0].raw, isRight: isSame },
  words: { text: (image: SampleImage) => wordsOf(image).join(' '), isRight: holdsAsMuch },
  sentences: {
    text: (image: SampleImage) => `i would like to see something with ${wordsOf(image).join(' and also ')} please`,
    isRight: holdsAsMuch,
  },
};

const data = mkdtempSync(path.join(tmpdir(), 'patchword-fusion-'));
const index = (collection: string, images: readonly object[]) =>
  indexScenes({ data, collection, dataset: BUNDLED_SAMPLE, images, model: BUNDLED_MODEL });
try {
  const whole = await index('whole', sample.images);
  const left = sample.images.map((image) => ({ ...image, sentences: image.sentences.slice(1) }));
  const leftOut = await index('left-out', left);
  console.log(`${asked.length} queries each; R@1 / R@5 / R@10 / R@${CANDIDATES}, then R@1 / R@5 / R@10 reranked`);
  for (const [name, { text, isRight }] of Object.entries(QUERIES)) {
    const engine = name === 'left-out captions' ? leftOut : whole;
    for (const [proposed, sources] of Object.entries(SOURCES)) {
      const ranks = { nearest: [] as number[], wave: [] as number[], final: [] as number[] };
      for (const image of asked) {
        const query = { text: text(image), k: CANDIDATES, candidates: CANDIDATES, sources };
        for await (const { stage, hits } of engine.search(query)) {
          const found = hits.findIndex(({ file }) => isRight(image, byFile.get(path.basename(file))!));
          ranks[stage].push(found < 0 ? Infinity : found + 1);
        }
      }
      const figures = (of: number[], ks: number[]) => ks.map((k) => recallAt(of, k).toFixed(1).padStart(5)).join(' / ');
      const plain = figures(ranks.nearest, [1, 5, 10, CANDIDATES]);
      console.log(`${name.padEnd(20)}${proposed.padEnd(10)}${plain}    ${figures(ranks.final, [1, 5, 10])}`);
    }
  }
  await Promise.all([whole.close(), leftOut.close()]);
} finally {
  rmSync(data, { recursive: true, force: true });
}

function wordsOf({ objects }: SampleImage): string[] {
  return objects.map(({ noun, plural, colour, boxes }) => {
    const several = boxes.length > 1 && plural !== null;
    return [several ? NUMBERS[boxes.length] : null, colour, several ? plural : noun].filter(Boolean).join(' ');
  });
}

function isSame(one: SampleImage, other: SampleImage): boolean {
  return one === other;
}

/** Every object of the one is in the other, in its number, and in its colour where it has one. */
function holdsAsMuch({ objects }: SampleImage, other: SampleImage): boolean {
  return objects.every(({ noun, colour, boxes }) =>
    other.objects.some(
      (object) =>
        object.noun === noun && object.boxes.length >= boxes.length && (colour === null || object.colour === colour),
    ),
  );
}
