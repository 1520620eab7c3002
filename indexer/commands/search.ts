import { type Command, InvalidArgumentError, Option } from 'commander';
import { allOf, CONDITION_FORM, readCondition } from '../../src/condition.js';
import { PatchwordError } from '../../src/errors.js';
import type { Filter } from '../../src/filter.js';
import { areSources, type CandidateSource } from '../../src/hit.js';
import { type Hit, SEARCH_DEFAULTS, SEARCH_LIMIT, type SearchQuery, type SearchUpdate } from '../../src/search.js';
import type { Target } from '../../src/store/store.js';
import {
  addDeviceOptions,
  type DeviceOptions,
  type GlobalOptions,
  nonNegativeNumber,
  parseFilter,
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
  sources?: CandidateSource[];
  filter?: Filter;
  where?: Filter[];
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
      new Option('--candidates <count>', 'how many of what is proposed to rerank').argParser(count).default(candidates),
    )
    .addOption(
      new Option('--sources <list>', 'what proposes images for a text (default: nearest,captions)').argParser(
        parseSources,
      ),
    )
    .addOption(
      new Option('--where <name=value>', 'only images of which this is true; may be repeated').argParser(parseWhere),
    )
    .addOption(new Option('--filter <json>', 'only images that this lets through').argParser(parseFilter))
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
  const { image, target, k, candidates, sources, rerankPairs, rerankMilliseconds } = options;
  const rerank = { pairs: rerankPairs, milliseconds: rerankMilliseconds };
  const filter = allOf([...(options.where ?? []), ...(options.filter ? [options.filter] : [])]);
  const common = { k, candidates, sources, filter, rerank };
  if (text !== undefined && image === undefined && target === undefined) return { ...common, text };
  if (text === undefined && image !== undefined) return { ...common, image, target };
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    target === undefined
      ? `Expected a text or --image FILE, got ${text === undefined ? 'neither' : 'both'}.`
      : '--target goes with --image; a text finds images.',
    { hint: 'For example: patchword search "two foxes at night" --collection sample' },
  );
}

function parseSources(list: string): CandidateSource[] {
  const sources = list.split(',').map((name) => name.trim());
  if (areSources(sources)) return sources;
  throw new InvalidArgumentError('Expected nearest, captions or nearest,captions.');
}

function parseWhere(text: string, before: Filter[] = []): Filter[] {
  const condition = readCondition(text);
  if (condition) return [...before, condition];
  throw new InvalidArgumentError(`Expected ${CONDITION_FORM}.`);
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
        hit.missing ? `${hit.file} (not there any more)` : hit.file,
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
