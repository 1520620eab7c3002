import { PatchwordError } from '../errors.js';
import { bootstrapMeans, type Interval } from './bootstrap.js';
import { type Direction, DIRECTIONS, type RecallName, RECALLS } from './names.js';
import { type Ranking, RESULT_VERSION, type RetrievalResult, type Row } from './result.js';
import { isSame } from './row.js';

const NAMED = 3;

/** One figure of both results. */
export interface Compared {
  a: number | null;
  b: number | null;
  /** b minus a, in points of percent; null where one of them is not known. */
  points: number | null;
  /** 95 %, by paired bootstrap over images; null where the queries are not the same. */
  interval: Interval;
}

export interface ComparedRow extends Ranking, Record<RecallName, Compared> {
  direction: Direction;
  millisecondsAQuery: { a: number; b: number };
}

/** How a result B differs from a result A of the same task. */
export interface Comparison {
  version: typeof RESULT_VERSION;
  kind: 'comparison';
  /** What the two are called. */
  names: { a: string; b: string };
  dataset: Pick<RetrievalResult['dataset'], 'name' | 'split' | 'hash'>;
  protocol: RetrievalResult['protocol'];
  /** What was done differently: the model, its precision, versions, the machine. */
  changes: { what: string; a: string; b: string }[];
  /** Whether both were measured on the same queries, so that differences are paired. */
  paired: boolean;
  /** What both measured. */
  rows: ComparedRow[];
  /** What one measured alone. */
  only: { a: (Ranking & { direction: Direction })[]; b: (Ranking & { direction: Direction })[] };
}

/** One result and what it is called in an error. */
export interface NamedResult {
  name: string;
  result: RetrievalResult;
}

/**
 * Compares two results of the same pictures and captions, by the same protocol.
 *
 * @throws PatchwordError INVALID_ARGUMENT where they are of different datasets, splits or protocols
 */
export function compareResults(a: NamedResult, b: NamedResult): Comparison {
  refuseOther(a, b);
  const [one, other] = [a.result, b.result];
  const { name, split, hash } = one.dataset;
  const paired = DIRECTIONS.every((direction) => isEqual(one.queries[direction], other.queries[direction]));
  return {
    version: RESULT_VERSION,
    kind: 'comparison',
    names: { a: a.name, b: b.name },
    dataset: { name, split, hash },
    protocol: one.protocol,
    changes: changesOf(one, other),
    paired,
    rows: DIRECTIONS.flatMap((direction) => compareRows({ one, other, direction, paired })),
    only: { a: lacking(one.rows, other.rows), b: lacking(other.rows, one.rows) },
  };
}

function refuseOther(a: NamedResult, b: NamedResult): void {
  const others = new Map(describeTask(b.result));
  for (const [what, value] of describeTask(a.result)) {
    const other = others.get(what)!;
    if (value === other) continue;
    throw new PatchwordError(
      'INVALID_ARGUMENT',
      `These are results of different tasks: ${what} is ${value} in ${a.name} and ${other} in ${b.name}.`,
      { hint: 'Compare results of one dataset, split and protocol.' },
    );
  }
}

/** What has to be the same for figures to be comparable. */
function describeTask({ protocol, dataset }: RetrievalResult): [string, string][] {
  return [
    ['protocol', protocol],
    ['split', dataset.split ?? 'none'],
    ['captions an image', `${dataset.captionsAnImage ?? 'all'}`],
    ['the hash of pictures and captions', dataset.hash.slice(0, 12)],
  ];
}

function changesOf(one: RetrievalResult, other: RetrievalResult): Comparison['changes'] {
  const facts = ({ model, prefilter, dataset, sample, versions, machine }: RetrievalResult): [string, string][] => [
    ['model', `${model.path} (${model.hash.slice(0, 12)})`],
    ['precision', model.precision],
    ['device', model.device],
    ['calibration', model.calibration === null ? 'none' : Object.values(model.calibration).join(', ')],
    ['prefilter', prefilter === null ? 'none' : `${prefilter.source} (${prefilter.hash.slice(0, 12)})`],
    ['queries', sample === null ? 'all' : `${sample.queries} drawn with seed ${sample.seed}`],
    ['pictures that cannot be read', namesOf(dataset.missing)],
    ['Patchword', versions.patchword],
    ['Node', versions.node],
    ['ONNX Runtime', versions.onnxruntime],
    ['machine', `${machine.cpu}, ${machine.cores} cores, ${machine.platform}`],
  ];
  const others = facts(other);
  return facts(one)
    .map(([what, a], at) => ({ what, a, b: others[at][1] }))
    .filter(({ a, b }) => a !== b);
}

/** The first few, and how many more. */
function namesOf(missing: RetrievalResult['dataset']['missing']): string {
  const named = missing.slice(0, NAMED).map(({ file }) => file);
  const more = missing.length > NAMED ? [`${missing.length - NAMED} more`] : [];
  return [...named, ...more].join(', ') || 'none';
}

function compareRows(options: {
  one: RetrievalResult;
  other: RetrievalResult;
  direction: Direction;
  paired: boolean;
}): ComparedRow[] {
  const { one, other, direction, paired } = options;
  const pairs = one.rows
    .filter((row) => row.direction === direction)
    .flatMap((row) => other.rows.filter((second) => isSameRow(row, second)).map((second) => [row, second] as const));
  // One bootstrap for all: the same resamples.
  const gains = pairs.flatMap(([row, second]) => RECALLS.map((name) => gainsOf(row, second, name)));
  const groups = one.queries[direction];
  const intervals =
    paired && gains.every(({ length }) => length === groups.length) ? bootstrapMeans(groups, gains) : [];
  return pairs.map(([row, second], at) => {
    const { stage, candidates, order } = row;
    const compared = (name: RecallName): Compared => {
      const [a, b] = [row[name], second[name]];
      const interval = intervals[at * RECALLS.length + RECALLS.indexOf(name)] ?? null;
      return { a, b, points: a === null || b === null ? null : b - a, interval };
    };
    return {
      direction,
      stage,
      candidates,
      order,
      'R@1': compared('R@1'),
      'R@5': compared('R@5'),
      'R@10': compared('R@10'),
      millisecondsAQuery: { a: row.cost.millisecondsAQuery, b: second.cost.millisecondsAQuery },
    };
  });
}

/** Of each query, what the second found and the first did not: 100, 0 or -100, whose mean is the difference of recalls. */
function gainsOf(row: Row, second: Row, name: RecallName): number[] {
  const k = Number(name.slice(2));
  const found = (ranks: number[], at: number) => (ranks[at] <= k ? 100 : 0);
  return row.ranks.map((_, at) => found(second.ranks, at) - found(row.ranks, at));
}

function lacking(rows: readonly Row[], others: readonly Row[]): (Ranking & { direction: Direction })[] {
  return rows
    .filter((row) => !others.some((other) => isSameRow(row, other)))
    .map(({ direction, stage, candidates, order }) => ({ direction, stage, candidates, order }));
}

function isSameRow(one: Row, other: Row): boolean {
  return one.direction === other.direction && isSame(one, other);
}

function isEqual(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
