/**
 * What a search for one word finds in a collection of drawn scenes, though their captions tell of more: each noun is asked for
 * by itself. A tenth of the nouns is asked for without the pictures that show it, where the right answer is that nothing matches.
 *
 *     node dist/bench/nouns.js [DATASET.json] [--model DIR] [--pictures 1000] [--split test] [--json]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BACKGROUNDS } from '../data/scenes/backgrounds.js';
import { WEATHERS } from '../data/scenes/weather.js';
import { formatTable } from '../indexer/text.js';
import { mean } from '../src/metrics.js';
import { BUNDLED_SAMPLE } from '../src/paths.js';
import { indexScenes, percent, readScenes, SCENE_OPTIONS } from './scenes.js';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: { ...SCENE_OPTIONS, pictures: { type: 'string', default: '1000' } },
});
const [dataset = BUNDLED_SAMPLE] = positionals;
const CANDIDATES = 32;
const FIRST = 5;
/** Of so many nouns one is asked for without its pictures. */
const ABSENT_OF = 10;

const pictures = readScenes(dataset, {
  pictures: Number(args.pictures),
  split: args.split,
  suits: ({ objects }) => objects !== undefined,
});
/** What each picture shows, by every name: a dove is a bird too, and a forest has trees. */
const surroundings = new Map([...BACKGROUNDS, ...WEATHERS].map(({ name, shows = [] }) => [name, shows]));
const shown = new Map(
  pictures.map(({ filename, objects = [], background, weather }) => {
    const around = [background, weather].flatMap((name) => surroundings.get(name ?? '') ?? []);
    const names = objects.flatMap(({ noun, synonyms = [], hypernyms = [] }) => [noun, ...synonyms, ...hypernyms]);
    return [filename, new Set([...names, ...around])];
  }),
);
const shows = (filename: string, noun: string) => shown.get(filename)!.has(noun);
const nouns = [...new Set(pictures.flatMap(({ objects = [] }) => objects.map(({ noun }) => noun)))].sort();
const absent = nouns.filter((_, i) => i % ABSENT_OF === 0);
const kept = pictures.filter(({ filename }) => !absent.some((noun) => shows(filename, noun)));

const data = mkdtempSync(path.join(tmpdir(), 'patchword-nouns-'));
try {
  const engine = await indexScenes({ data, collection: 'nouns', dataset, images: kept, model: args.model });
  const answers = [];
  for (const noun of nouns) {
    const query = { text: noun, k: CANDIDATES, candidates: CANDIDATES, sources: ['nearest' as const] };
    const { hits, nothingMatches } = await engine.search(query).final();
    const right = hits.map(({ file }) => shows(path.basename(file), noun));
    const all = kept.filter(({ filename }) => shows(filename, noun)).length;
    const among = (count: number) => right.slice(0, count).filter(Boolean).length / Math.min(count, all);
    answers.push({ all, first: among(1), precision: among(FIRST), found: among(CANDIDATES), nothingMatches });
  }
  await engine.close();
  report(answers);
} finally {
  rmSync(data, { recursive: true, force: true });
}

interface Answer {
  /** How many pictures show the noun. */
  all: number;
  first: number;
  precision: number;
  found: number;
  nothingMatches: boolean | null;
}

function report(answers: readonly Answer[]): void {
  const denied = (of: readonly Answer[]) =>
    of.some(({ nothingMatches }) => nothingMatches === null) // not calibrated
      ? null
      : mean(of.map(({ nothingMatches }) => (nothingMatches ? 1 : 0)));
  const [there, gone] = [answers.filter(({ all }) => all > 0), answers.filter(({ all }) => all === 0)];
  const figures = {
    shown: {
      nouns: there.length,
      first: mean(there.map(({ first }) => first)),
      precision: mean(there.map(({ precision }) => precision)),
      found: mean(there.map(({ found }) => found)),
      nothingMatches: denied(there),
    },
    absent: { nouns: gone.length, nothingMatches: denied(gone) },
  };
  if (args.json) {
    console.log(JSON.stringify({ dataset, model: args.model, pictures: kept.length, ...figures }));
    return;
  }
  const orDash = (share: number | null) => (share === null ? null : percent(share));
  const rows: [string, ...(string | null)[]][] = [
    [`${kept.length} pictures, %`, 'nouns shown', 'not shown'],
    ['nouns', String(there.length), String(gone.length)],
    ['first hit shows it', percent(figures.shown.first), null],
    [`of the first ${FIRST}`, percent(figures.shown.precision), null],
    [`of those with it, found`, percent(figures.shown.found), null],
    ['"nothing matches"', ...[figures.shown, figures.absent].map((of) => of.nothingMatches).map(orDash)],
  ];
  console.log(formatTable(rows));
}
