import { type Command, InvalidArgumentError, Option } from 'commander';
import { PROTOCOLS, type Protocol } from '../../src/evaluation/names.js';
import { onInterrupt } from '../interrupt.js';
import {
  addDeviceOptions,
  addModelOption,
  addSourceOptions,
  type ModelOptions,
  sourceOptions,
  wholeNumber,
} from '../options.js';
import { printNotes, printResult } from '../output.js';
import type { SourceOptions } from '../readers/reader.js';

interface EvalOptions extends ModelOptions, SourceOptions {
  split?: string;
  protocol?: Protocol;
  candidates?: number[];
  exhaustive?: boolean;
  captions?: number;
  queries?: number;
  seed?: number;
  allowMissing?: boolean;
  work?: string;
  report?: string;
}

/** The most candidates of a query. */
const MOST_CANDIDATES = 10_000;

/** `eval DATASET` is short for `eval retrieval DATASET`: the verbs beside it have options of the same names. */
export function addEvalCommand(evaluation: Command): void {
  const command = evaluation
    .command('retrieval', { isDefault: true })
    .description(
      'measure recall on a captioned dataset: by the prefilter, in two stages, over every pair (the default)',
    )
    .argument('<dataset>', 'a folder of pictures with captions, or a dataset, as index takes it')
    .option('--split <name>', 'the part to evaluate on (default: test; all of a dataset without splits)')
    .addOption(new Option('--protocol <name>', 'a published protocol (default: the whole split)').choices(PROTOCOLS))
    .option('--candidates <list>', 'numbers of candidates to rerank (default: 1,5,10,20,32)', parseCandidates)
    .option('--exhaustive', 'score every query with every item too: a long job')
    .option(
      '--captions <count>',
      'at most so many captions of an image (default: the protocol)',
      wholeNumber({ min: 1 }),
    )
    .option(
      '--queries <count>',
      'draw so many queries of each direction, against the whole gallery',
      wholeNumber({ min: 1 }),
    )
    .option(
      '--seed <number>',
      'decides which queries those are (default: 1)',
      wholeNumber({ min: 0, max: 2 ** 32 - 1 }),
    )
    .option('--allow-missing', 'go on without pictures that cannot be read, and say so in the result')
    .option('--report <file>', 'write a page with tables, plots and the worst queries')
    .option('--work <folder>', 'where scores are kept, so that it can be interrupted (default: the cache folder)');
  addSourceOptions(command);
  addModelOption(command);
  addDeviceOptions(command).action(async (dataset: string) => {
    const options = command.optsWithGlobals<EvalOptions>();
    const { runEvaluation } = await import('../evaluating.js');
    const { describeEvaluation } = await import('../recalltable.js');
    const { checkReplaceable, writeReport } = await import('../evaluation/report.js');
    if (options.report !== undefined) await checkReplaceable(options.report);
    const interrupt = onInterrupt();
    try {
      const { signal } = interrupt;
      const result = await runEvaluation({ ...options, ...sourceOptions(options), dataset, signal, printNotes });
      printResult(result, options, describeEvaluation);
      if (options.report !== undefined) await writeReport({ result, file: options.report });
    } finally {
      interrupt.release();
    }
  });
}

/** Parses "1,5,10": whole numbers, in any order, each once. */
function parseCandidates(value: string): number[] {
  const numbers = value.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : NaN));
  if (numbers.every((number) => number >= 1 && number <= MOST_CANDIDATES)) {
    return [...new Set(numbers)].sort((a, b) => a - b);
  }
  throw new InvalidArgumentError(`Expected whole numbers from 1 to ${MOST_CANDIDATES} with commas, such as 1,10,32.`);
}
