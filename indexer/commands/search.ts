import { type Command, Option } from 'commander';
import { PatchwordError } from '../../src/errors.js';
import { type Hit, SEARCH_DEFAULTS, SEARCH_LIMIT, type SearchQuery, type SearchUpdate } from '../../src/search.js';
import type { Target } from '../../src/store/store.js';
import {
  addDeviceOptions,
  type DeviceOptions,
  type GlobalOptions,
  nonNegativeNumber,
  wholeNumber,
} from '../options.js';
import { printNotes, printResult } from '../output.js';
import { formatTable } from '../text.js';

interface SearchCommandOptions extends GlobalOptions, DeviceOptions {
  collection: string;
  model?: string;
  image?: string;
  target?: Target;
  k: number;
  candidates: number;
  rerankPairs?: number;
  rerankMilliseconds?: number;
}

export function addSearchCommand(program: Command): void {
  const count = wholeNumber({ min: 1, max: SEARCH_LIMIT });
  const { k, candidates } = SEARCH_DEFAULTS;
  const command = program
    .command('search')
    .description('find images by a text, or captions (or similar images) by an image')
    .argument('[query]', 'a text that describes images')
    .requiredOption('--collection <name>', 'the collection')
    .option('--image <file>', 'search by an image instead of a text')
    .addOption(
      new Option('--target <target>', 'what an image finds (default: captions)').choices(['captions', 'images']),
    )
    .addOption(new Option('-k <count>', 'how many hits').argParser(count).default(k))
    .addOption(
      new Option('--candidates <count>', 'how many nearest neighbours to consider')
        .argParser(count)
        .default(candidates),
    )
    .addOption(
      new Option(
        '--rerank-pairs <count>',
        'the most pairs that the joint model reads; 0 turns it off (default: all candidates)',
      ).argParser(wholeNumber({ min: 0 })),
    )
    .addOption(
      new Option('--rerank-milliseconds <time>', 'the most time that reranking may take').argParser(nonNegativeNumber),
    )
    .option('--model <folder|hub-id>', "where the collection's model is now, if it moved");
  addDeviceOptions(command).action(async (text: string | undefined) => {
    const options = command.optsWithGlobals<SearchCommandOptions>();
    const query = toQuery(text, options);
    const { withEngine } = await import('../opening.js');
    const update = await withEngine(options, (engine) => engine.search(query).final());
    printNotes(update.notes);
    printResult(update, options, describeUpdate);
  });
}

function toQuery(text: string | undefined, options: SearchCommandOptions): SearchQuery {
  const { image, target, k, candidates, rerankPairs, rerankMilliseconds } = options;
  const rerank = { pairs: rerankPairs, milliseconds: rerankMilliseconds };
  if (text !== undefined && image === undefined && target === undefined) return { text, k, candidates, rerank };
  if (text === undefined && image !== undefined) return { image, target, k, candidates, rerank };
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    target === undefined
      ? `Expected a text or --image FILE, got ${text === undefined ? 'neither' : 'both'}.`
      : '--target goes with --image; a text finds images.',
    { hint: 'For example: patchword search "two foxes at night" --collection sample' },
  );
}

function describeUpdate({ hits, spent }: SearchUpdate): string {
  if (hits.length === 0) return 'Nothing found.';
  const score = (value: number | null) => value?.toFixed(3) ?? null;
  const table = formatTable(
    [
      ['rank', 'probability', 'match', 'similarity', 'file', 'caption'],
      ...hits.map((hit, index) => [
        String(index + 1),
        score(hit.matchProbability),
        score(hit.matchScore),
        score(hit.similarity),
        hit.file,
        captionOf(hit),
      ]),
    ],
    { width: process.stdout.columns },
  );
  return spent.cutShort ? `${table}\n(reranking stopped after ${spent.pairs} pairs)` : table;
}

function captionOf(hit: Hit): string {
  return 'caption' in hit ? hit.caption : (hit.captions[0] ?? '');
}
