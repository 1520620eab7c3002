import { DIRECTIONS, type Direction } from '../src/evaluation/names.js';
import type { Ranking, RetrievalResult, Row } from '../src/evaluation/result.js';
import { describeSeconds } from './progress.js';
import { describeCount, formatTable, printable } from './text.js';

export const DIRECTION_NAMES: Record<Direction, string> = {
  'text-to-image': 'text → image',
  'image-to-text': 'image → text',
};

/** The tables of an evaluation, for a terminal. */
export function describeEvaluation(result: RetrievalResult): string {
  const parts = [
    describeDataset(result),
    ...DIRECTIONS.map((direction) => recallTable(result, direction)),
    describeSuggestions(result),
    describeCost(result),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function describeDataset({ dataset, protocol, sample, model, prefilter }: RetrievalResult): string {
  const { name, split, images, captions, captionsAnImage, duplicateCaptions, folds, missing } = dataset;
  const lines = [
    `${printable(name)}${split === null ? '' : `, split ${printable(split)}`}: ${describeCount(images, 'picture')}, ` +
      `${describeCount(captions, 'caption')}${describeLimit(captionsAnImage)}; ` +
      `protocol ${protocol}${folds > 1 ? `, mean of ${folds} folds` : ''}`,
    `${printable(model.path)} (${model.hash.slice(0, 12)}), ${model.precision} on ${model.device}` +
      (prefilter ? `; prefilter ${prefilter.hash.slice(0, 12)}` : ''),
  ];
  if (duplicateCaptions > 0) {
    lines.push(
      `${describeCount(duplicateCaptions, 'caption')} that a picture has twice counted once, as in ViLT's own evaluation.`,
    );
  }
  if (missing.length > 0) {
    lines.push(
      `WITHOUT ${describeCount(missing.length, 'picture')} that cannot be read: not comparable with published figures.`,
    );
  }
  if (sample) {
    lines.push(
      `A sample of at most ${sample.queries} queries a direction (seed ${sample.seed}), each against the whole gallery; 95 % intervals.`,
    );
  }
  return lines.join('\n');
}

function describeLimit(captionsAnImage: number | null): string {
  if (captionsAnImage === null) return '';
  return captionsAnImage === 1 ? ' (the first of each)' : ` (the first ${captionsAnImage} of each)`;
}

function recallTable({ rows, sample }: RetrievalResult, direction: Direction): string {
  const own = rows.filter((row) => row.direction === direction);
  if (own.length === 0) return '';
  const head = ['R@1', 'R@5', 'R@10', 'median', 'mean rank', 'mAP@R', 'RSUM', 'ceiling', 'pairs/query', 'ms/query'];
  const body = own.map((row) => [
    nameOf(row),
    recall(row, 'R@1', sample !== null),
    recall(row, 'R@5', sample !== null),
    recall(row, 'R@10', sample !== null),
    fixed(row.medianRank, 1),
    fixed(row.meanRank, 2),
    fixed(row['mAP@R'], 1),
    fixed(row.rsum, 1),
    fixed(row.ceiling, 1),
    fixed(row.cost.pairsAQuery, 0),
    fixed(row.cost.millisecondsAQuery, 0),
  ]);
  const title = `${DIRECTION_NAMES[direction]}: ${describeCount(own[0].queries, 'query', 'queries')}, ${describeCount(own[0].gallery, 'item')}`;
  return `${title}\n${formatTable([['', ...head], ...body])}`;
}

export function nameOf({ stage, candidates, order }: Ranking): string {
  if (stage === 'prefilter') return 'prefilter alone';
  const what = stage === 'exhaustive' ? 'exhaustive' : `${candidates} reranked`;
  return `${what}, ${order === 'calibrated' ? 'calibrated' : 'by match score'}`;
}

function recall(row: Row, name: 'R@1' | 'R@5' | 'R@10', sampled: boolean): string | null {
  const value = fixed(row[name], 1);
  const interval = row.intervals[name];
  return sampled && value !== null && interval
    ? `${value} [${interval.map((end) => end.toFixed(1)).join(', ')}]`
    : value;
}

function describeSuggestions({ suggestions, rows }: RetrievalResult): string {
  const lines = suggestions.map(({ direction, order, candidates, reference, points, interval }) => {
    const by = order === 'calibrated' ? 'calibrated' : 'by match score';
    const of = reference.stage === 'exhaustive' ? 'exhaustive' : `${reference.candidates} candidates`;
    const found =
      candidates === null
        ? 'no number of candidates'
        : `${describeCount(candidates, 'candidate')} (${signed(points!)}${interval ? `, 95 % ${signed(interval[0])} to ${signed(interval[1])}` : ''})`;
    return `  ${DIRECTION_NAMES[direction]}, ${by}: ${found}, of ${of}`;
  });
  if (lines.length === 0) return '';
  const exhaustive = rows.some(({ stage }) => stage === 'exhaustive');
  const note = exhaustive ? '' : ' (not every pair was scored: of the most candidates)';
  return [`The fewest candidates within ${suggestions[0].within} points of R@1${note}:`, ...lines].join('\n');
}

function describeCost({ cost, machine, versions, date, notes }: RetrievalResult): string {
  const rate =
    cost.pairsPerSecond === null
      ? ''
      : ` in ${describeSeconds(cost.seconds)}, ${cost.pairsPerSecond.toFixed(0)} pairs/s`;
  return [
    `${describeCount(cost.pairs, 'pair')} scored${rate}; ${machine.cpu}, ${describeCount(machine.cores, 'core')}; ` +
      `Patchword ${versions.patchword}, ONNX Runtime ${versions.onnxruntime}; ${date.slice(0, 10)}`,
    ...notes.map(printable),
  ].join('\n');
}

export function fixed(value: number | null, digits: number): string | null {
  return value === null ? null : value.toFixed(digits);
}

/** With its sign. */
export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}
