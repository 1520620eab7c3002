/** Inner product of a query and the row of `vectors` that starts at `offset`: of unit vectors, their cosine. */
export function dot(query: Float32Array, vectors: Float32Array, offset = 0): number {
  const dimension = query.length;
  const even = dimension - (dimension % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0; // four sums, so that the additions do not wait for each other
  for (let i = 0; i < even; i += 4) {
    const at = offset + i;
    a += query[i] * vectors[at];
    b += query[i + 1] * vectors[at + 1];
    c += query[i + 2] * vectors[at + 2];
    d += query[i + 3] * vectors[at + 3];
  }
  for (let i = even; i < dimension; i++) a += query[i] * vectors[offset + i];
  return a + b + (c + d);
}
