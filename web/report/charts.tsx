import type { Report } from '../../src/evaluation/report.js';
import type { Direction, Order } from '../../src/evaluation/names.js';
import type { Histogram } from '../../src/evaluation/result.js';
import { DIRECTION_TITLES, milliseconds, ORDER_TITLES, tenths, whole } from './format.js';
import { type Line, Plot } from './plot.js';

type Result = Report['result'];
type Rows = Result['rows'];

const RECALL_COLORS = { 'R@1': '--one', 'R@5': '--two', 'R@10': '--three' } as const;
const ORDER_COLORS: Record<Order, `--${string}`> = { similarity: '--four', matchScore: '--one', calibrated: '--two' };

/** Recalls of the two stages at each number of candidates, below the prefilter's ceiling. */
export function RecallByCandidates({ result, direction }: { result: Result; direction: Direction }) {
  const rows = result.rows.filter((row) => row.direction === direction);
  const staged = rows.filter(({ stage }) => stage === 'two-stage');
  const ceiling = new Map(
    result.prefilterRecall
      .filter((point) => point.direction === direction)
      .map(({ candidates, recall }) => [candidates, recall]),
  );
  const x = rising([...staged.map(({ candidates }) => candidates ?? 0), ...ceiling.keys()]);
  if (x.length < 2) return null;
  const at = (order: Order, name: keyof typeof RECALL_COLORS) =>
    x.map((k) => staged.find((row) => row.candidates === k && row.order === order)?.[name] ?? null);
  const lines: Line[] = (['R@1', 'R@5', 'R@10'] as const).map((name) => ({
    label: name,
    color: RECALL_COLORS[name],
    values: at('matchScore', name),
  }));
  lines.push({ label: 'R@1 calibrated', color: '--one', dashed: true, values: at('calibrated', 'R@1') });
  lines.push({ label: 'ceiling', color: '--quiet', dashed: true, values: x.map((k) => ceiling.get(k) ?? null) });
  return (
    <Plot
      title={`${DIRECTION_TITLES[direction]}: recall against candidates`}
      x={x}
      lines={lines.filter(isKnown)}
      xLabel="candidates"
      yLabel="recall, %"
      logarithmic
      xTicks={x}
      formatX={whole}
      formatY={tenths}
      rangeY={toHundred}
    />
  );
}

/** What R@1 costs: every row of a direction. */
export function RecallByTime({ result, direction }: { result: Result; direction: Direction }) {
  const rows = result.rows.filter((row) => row.direction === direction && row.cost.millisecondsAQuery > 0);
  const x = rising(rows.map(({ cost }) => cost.millisecondsAQuery));
  if (x.length < 2) return null;
  const at = (some: Rows) => x.map((time) => some.find((row) => row.cost.millisecondsAQuery === time)?.['R@1'] ?? null);
  const ordered = (order: Order) => rows.filter((row) => row.order === order && row.stage === 'two-stage');
  const lines: Line[] = (['matchScore', 'calibrated'] as const).map((order) => ({
    label: ORDER_TITLES[order],
    color: ORDER_COLORS[order],
    dashed: order === 'calibrated',
    values: at(ordered(order)),
  }));
  const alone = rows.filter(({ stage }) => stage === 'prefilter');
  const exhaustive = rows.filter(({ stage, order }) => stage === 'exhaustive' && order === 'matchScore');
  lines.push({ label: 'prefilter alone', color: '--four', points: true, values: at(alone) });
  lines.push({ label: 'exhaustive', color: '--three', points: true, values: at(exhaustive) });
  return (
    <Plot
      title={`${DIRECTION_TITLES[direction]}: R@1 against time a query`}
      x={x}
      lines={lines.filter(isKnown)}
      xLabel="time a query"
      yLabel="R@1, %"
      logarithmic
      xTicks={roundTimes(x)}
      formatX={milliseconds}
      formatY={tenths}
      rangeY={toHundred}
    />
  );
}

const SCORES = { similarity: 'Similarity', matchScore: 'Match score', matchProbability: 'Match probability' };

/** Two distributions of a score, each as shares of its own pairs: there are many more that do not match. */
export function Distribution({ histogram }: { histogram: Histogram }) {
  const { score, pairs, edges, matches, nonMatches } = histogram;
  const shares = (counts: number[]) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const values = counts.map((count) => (total === 0 ? null : (100 * count) / total));
    return [...values, 0];
  };
  const total = (counts: number[]) => whole(counts.reduce((sum, count) => sum + count, 0));
  return (
    <Plot
      title={`${SCORES[score]} of ${pairs === 'all' ? 'all pairs' : 'the pairs that were scored'}`}
      x={edges}
      lines={[
        { label: `${total(matches)} matches`, color: '--one', steps: true, values: shares(matches) },
        { label: `${total(nonMatches)} others`, color: '--three', steps: true, values: shares(nonMatches) },
      ]}
      xLabel={SCORES[score].toLowerCase()}
      yLabel="share of pairs, %"
      formatX={(value) => String(Number(value.toPrecision(3)))}
      formatY={tenths}
      rangeY={(_least, most) => [0, most * 1.08]}
    />
  );
}

function rising(values: number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** 1, 2 and 5 of each power of ten between the first and the last. */
function roundTimes(x: number[]): number[] {
  const powers = [...Array(9).keys()].map((power) => 10 ** (power - 2));
  const round = powers.flatMap((power) => [power, 2 * power, 5 * power]);
  return round.filter((time) => time >= x[0] / 1.1 && time <= x.at(-1)! * 1.1);
}

function isKnown({ values }: Line): boolean {
  return values.some((value) => value !== null);
}

/** From a little below the least to all. */
function toHundred(least: number): [number, number] {
  return [Math.max(0, Math.floor((least - 1) / 5) * 5), 101];
}
