import type { Compared, Comparison } from '../src/evaluation/comparison.js';
import { DIRECTIONS, type Direction } from '../src/evaluation/names.js';
import { DIRECTION_NAMES, fixed, nameOf, signed } from './recalltable.js';
import { formatTable, printable } from './text.js';

/** What differs between two results, for a terminal. */
export function describeComparison(comparison: Comparison): string {
  const { names, dataset, protocol, changes, paired, rows, only } = comparison;
  const parts = [
    `${printable(dataset.name)}${dataset.split === null ? '' : `, split ${printable(dataset.split)}`}; protocol ${protocol}\n` +
      `A: ${printable(names.a)}\nB: ${printable(names.b)}`,
    changes.length === 0
      ? 'Nothing was done differently.'
      : formatTable([['what differs', 'A', 'B'], ...changes.map(({ what, a, b }) => [what, a, b])]),
    ...DIRECTIONS.filter((direction) => rows.some((row) => row.direction === direction)).map((direction) =>
      differenceTable(comparison, direction),
    ),
  ];
  if (rows.length === 0) parts.push('They have no row in common.');
  else if (paired)
    parts.push('B minus A, in points, with 95 % intervals (paired bootstrap over images); * where zero is outside.');
  else parts.push('Measured on different queries: the differences are not paired and have no intervals.');
  const alone = (rankings: Comparison['only']['a']) =>
    rankings.map((ranking) => `${DIRECTION_NAMES[ranking.direction]} ${nameOf(ranking)}`).join('; ');
  if (only.a.length > 0) parts.push(`Only in A: ${alone(only.a)}.`);
  if (only.b.length > 0) parts.push(`Only in B: ${alone(only.b)}.`);
  return parts.join('\n\n');
}

function differenceTable({ rows }: Comparison, direction: Direction): string {
  const own = rows.filter((row) => row.direction === direction);
  const head = [
    DIRECTION_NAMES[direction],
    'R@1 of A',
    'of B',
    'B − A',
    'R@5: B − A',
    'R@10: B − A',
    'ms/query of A',
    'of B',
  ];
  const body = own.map((row) => [
    nameOf(row),
    fixed(row['R@1'].a, 1),
    fixed(row['R@1'].b, 1),
    difference(row['R@1']),
    difference(row['R@5']),
    difference(row['R@10']),
    fixed(row.millisecondsAQuery.a, 0),
    fixed(row.millisecondsAQuery.b, 0),
  ]);
  return formatTable([head, ...body]);
}

/** "+1.2 [+0.3, +2.1]*" */
function difference({ points, interval }: Compared): string | null {
  if (points === null) return null;
  if (interval === null) return signed(points);
  const [low, high] = interval;
  return `${signed(points)} [${signed(low)}, ${signed(high)}]${low > 0 || high < 0 ? '*' : ''}`;
}
