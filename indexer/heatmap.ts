import type { Explanation } from '../src/inference/inference.js';
import { formatTable } from './text.js';

/** From the least value of a heatmap, 1, to the largest of all words'. */
const SHADES = ['·', '░', '▒', '▓', '█'] as const;

/** How many of its patches are named for each word. */
const STRONGEST = 3;

/**
 * Each word with its strongest patches, as row and column counted from 1 at the upper left, and then each word's heatmap,
 * as many beside each other as fit.
 */
export function describeExplanation(explanation: Explanation, { width = 100 }: { width?: number } = {}): string {
  const { tokens, grid, heatmaps, distance } = explanation;
  const table = formatTable([
    ['word', 'strongest patches (row, column)'],
    ...tokens.map((token, index) => [token, describeStrongest(heatmaps[index], grid.columns)]),
  ]);
  const largest = Math.max(...heatmaps.flatMap((heatmap) => [...heatmap]));
  const maps = tokens.map((token, index) => drawHeatmap(token, heatmaps[index], { columns: grid.columns, largest }));
  return [table, ...joinBeside(maps, width), `distance ${distance.toFixed(4)}`].join('\n\n');
}

function describeStrongest(heatmap: Float32Array, columns: number): string {
  const strongest = [...heatmap.keys()].sort((a, b) => heatmap[b] - heatmap[a] || a - b).slice(0, STRONGEST);
  const above = strongest.filter((patch) => heatmap[patch] > 1);
  if (above.length === 0) return 'none stands out';
  return above
    .map((patch) => `(${Math.floor(patch / columns) + 1}, ${(patch % columns) + 1}) ${heatmap[patch].toFixed(2)}`)
    .join('  ');
}

/** A word over its patches, each line as wide as the wider of the two. */
function drawHeatmap(
  token: string,
  heatmap: Float32Array,
  { columns, largest }: { columns: number; largest: number },
): string[] {
  const rows = [token];
  for (let start = 0; start < heatmap.length; start += columns) {
    rows.push(Array.from(heatmap.subarray(start, start + columns), (value) => shadeOf(value, largest)).join(''));
  }
  const width = Math.max(columns, [...token].length);
  return rows.map((row) => row + ' '.repeat(width - [...row].length));
}

function shadeOf(value: number, largest: number): string {
  if (value <= 1) return SHADES[0];
  return SHADES[Math.round(((value - 1) / (largest - 1)) * (SHADES.length - 1))];
}

/** Blocks of lines, set beside each other, broken into bands of at most `width` characters. */
function joinBeside(blocks: string[][], width: number): string[] {
  const bands: string[][][] = [];
  let used = Infinity;
  for (const block of blocks) {
    const needed = [...block[0]].length + 2;
    if (used + needed > width) {
      bands.push([]);
      used = 0;
    }
    bands.at(-1)?.push(block);
    used += needed;
  }
  return bands.map((band) =>
    band[0]
      .map((_, line) =>
        band
          .map((block) => block[line])
          .join('  ')
          .trimEnd(),
      )
      .join('\n'),
  );
}
