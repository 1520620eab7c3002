/** Means and covariance of many rows. */
export interface Moments {
  count: number;
  /** (width) */
  mean: Float64Array;
  /** (width, width), symmetric */
  covariance: Float64Array;
}

/** Rows that are added together: each product is read from memory and written back once for so many. */
const ROWS_A_STEP = 4;

/** Sums of rows and of their products, in float64: memory grows with the width, not with the number of rows. */
export class MomentSums {
  private count = 0;
  /** The first row: sums of what differs from it lose no digits to a large mean, and a constant feature gives exactly 0. */
  private readonly origin: Float64Array;
  private readonly sums: Float64Array;
  /** The upper triangle of (width, width). */
  private readonly products: Float64Array;

  constructor(private readonly width: number) {
    this.origin = new Float64Array(width);
    this.sums = new Float64Array(width);
    this.products = new Float64Array(width * width);
  }

  /** @param rows each (width) */
  add(rows: readonly Float32Array[]): void {
    if (this.count === 0 && rows.length > 0) this.origin.set(rows[0]);
    for (let from = 0; from < rows.length; from += ROWS_A_STEP) {
      const centred = Array.from({ length: ROWS_A_STEP }, (_, i) => this.centre(rows[from + i]));
      this.addProducts(centred[0], centred[1], centred[2], centred[3]);
    }
    this.count += rows.length;
  }

  moments(): Moments {
    const { width, count, origin, sums, products } = this;
    const mean = origin.map((value, i) => value + sums[i] / count);
    const covariance = new Float64Array(width * width);
    for (let i = 0; i < width; i++) {
      for (let j = i; j < width; j++) {
        const value = (products[i * width + j] - (sums[i] * sums[j]) / count) / count;
        covariance[i * width + j] = covariance[j * width + i] = value;
      }
    }
    return { count, mean, covariance };
  }

  private centre(row: Float32Array | undefined): Float64Array {
    const centred = new Float64Array(this.width);
    if (!row) return centred;
    for (let i = 0; i < this.width; i++) {
      centred[i] = row[i] - this.origin[i];
      this.sums[i] += centred[i];
    }
    return centred;
  }

  private addProducts(a: Float64Array, b: Float64Array, c: Float64Array, d: Float64Array): void {
    const { width, products } = this;
    for (let i = 0; i < width; i++) {
      const [ai, bi, ci, di] = [a[i], b[i], c[i], d[i]];
      const at = i * width;
      for (let j = i; j < width; j++) products[at + j] += ai * a[j] + bi * b[j] + ci * c[j] + di * d[j];
    }
  }
}
