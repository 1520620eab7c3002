/** A patch grid: the model input's height and width in patches. */
export interface Grid {
  rows: number;
  columns: number;
}

/**
 * Learned image positions at another grid: bilinear with aligned corners, as the reference does for every picture
 * (transformers, ViltEmbeddings.visual_embed). The row of the image's [CLS] is left as it is.
 *
 * @param learned (1 + side², hidden)
 * @returns (1 + rows · columns, hidden)
 */
export function interpolatePositions(learned: Float32Array, side: number, grid: Grid, hidden: number): Float32Array {
  const { rows, columns } = grid;
  const out = new Float32Array((1 + rows * columns) * hidden);
  out.set(learned.subarray(0, hidden));
  const vertical = interpolation(side, rows);
  const horizontal = interpolation(side, columns);
  for (let row = 0; row < rows; row++) {
    const { low: top, high: bottom, weight: down } = vertical[row];
    for (let column = 0; column < columns; column++) {
      const { low: left, high: right, weight: across } = horizontal[column];
      const corner = (y: number, x: number) => (1 + y * side + x) * hidden;
      const corners = [corner(top, left), corner(top, right), corner(bottom, left), corner(bottom, right)];
      const to = (1 + row * columns + column) * hidden;
      for (let i = 0; i < hidden; i++) {
        const upper = (1 - across) * learned[corners[0] + i] + across * learned[corners[1] + i];
        const lower = (1 - across) * learned[corners[2] + i] + across * learned[corners[3] + i];
        out[to + i] = (1 - down) * upper + down * lower;
      }
    }
  }
  return out;
}

/** Which two of `from` samples each of `to` samples lies between, and how far along. */
function interpolation(from: number, to: number): { low: number; high: number; weight: number }[] {
  const step = to > 1 ? (from - 1) / (to - 1) : 0;
  return Array.from({ length: to }, (_, i) => {
    const at = i * step;
    const low = Math.min(Math.floor(at), from - 1);
    return { low, high: Math.min(low + 1, from - 1), weight: at - low };
  });
}
