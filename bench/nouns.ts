/**
 * What a search for one word finds in a collection of drawn scenes, though their captions tell of more: each noun is asked for
 * by itself. A tenth of the nouns is asked for without the pictures that show it, where the right answer is that nothing matches.
 *
 *     node dist/bench/nouns.js [DATASET.json] [--model DIR]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ingest } from '../indexer/ingestion.js';
import { resolveModel } from '../indexer/models.js';
import { openEngine } from '../src/engine.js';
import { BUNDLED_MODEL, BUNDLED_SAMPLE } from '../src/paths.js';
import { percent, readScenes } from './scenes.js';

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string', default: BUNDLED_MODEL } },
});
const [dataset = BUNDLED_SAMPLE] = positionals;
const CANDIDATES = 32;
const FIRST = 5;
/** Of so many nouns one has no picture. */
const ABSENT_OF = 10;

const pictures = readScenes(dataset, { pictures: Infinity, suits: ({ objects }) => objects !== undefined });
const shown = new Map(pictures.map(({ filename, objects }) => [filename, objects!.map(({ noun }) => noun)]));
const nouns = [...new Set([...shown.values()].flat())].sort();
const absent = new Set(nouns.filter((_, i) => i % ABSENT_OF === 0));
const kept = pictures.filter(({ filename }) => !shown.get(filename)!.some((noun) => absent.has(noun)));

const data = mkdtempSync(path.join(tmpdir(), 'patchword-nouns-'));
try {
  const source = path.join(data, 'dataset.json');
  writeFileSync(source, JSON.stringify({ images: kept }));
  const engine = await openEngine({ collection: 'nouns', data, create: true, model: await resolveModel(args.model) });
  await ingest({ engine, source, options: { images: path.dirname(dataset) } });
  const there = { asked: 0, first: 0, precision: 0, proposed: 0, denied: 0 };
  const gone = { asked: 0, told: 0 };
  for (const noun of nouns) {
    const { hits, nothingMatches } = await engine
      .search({ text: noun, k: CANDIDATES, candidates: CANDIDATES, sources: ['nearest'] })
      .final();
    const right = hits.map(({ file }) => shown.get(path.basename(file))!.includes(noun));
    const pictured = kept.filter(({ filename }) => shown.get(filename)!.includes(noun)).length;
    if (absent.has(noun)) {
      gone.asked++;
      gone.told += nothingMatches ? 1 : 0;
    } else if (pictured > 0) {
      const most = Math.min(FIRST, pictured);
      there.asked++;
      there.first += right[0] ? 1 : 0;
      there.precision += right.slice(0, most).filter(Boolean).length / most;
      there.proposed += right.filter(Boolean).length / Math.min(CANDIDATES, pictured);
      there.denied += nothingMatches ? 1 : 0;
    }
  }
  await engine.close();
  const share = (count: number, of: number) => `${percent(count / of)} %`;
  console.log(`${kept.length} pictures; ${there.asked} nouns that some of them show`);
  console.log(`first hit shows it         ${share(there.first, there.asked)}`);
  console.log(
    `so do of the first ${FIRST}       ${share(there.precision, there.asked)} (of fewer where there are fewer)`,
  );
  console.log(`candidates hold            ${share(there.proposed, there.asked)} of its pictures`);
  console.log(`"nothing matches"          ${share(there.denied, there.asked)}, wrongly`);
  console.log(`${gone.asked} nouns that none shows`);
  console.log(`"nothing matches"          ${share(gone.told, gone.asked)}, rightly`);
} finally {
  rmSync(data, { recursive: true, force: true });
}
