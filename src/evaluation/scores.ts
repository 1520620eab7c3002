/** Match scores of one content: texts ascending, and the score of each. */
interface Row {
  texts: Uint32Array;
  scores: Float32Array;
}

/** Match scores by content and text, each pair once: 8 bytes a pair. */
export class Scores {
  private readonly rows: (Row | undefined)[] = [];

  /** NaN where the pair is not there. */
  get(picture: number, text: number): number {
    const row = this.rows[picture];
    if (!row) return NaN;
    const at = find(row.texts, text);
    return row.texts[at] === text ? row.scores[at] : NaN;
  }

  /** Texts of a content, ascending. */
  texts(picture: number): Uint32Array {
    return this.rows[picture]?.texts ?? new Uint32Array(0);
  }

  /** Adds pairs in any order; of a pair that is there already the first score stays. */
  add(pairs: { texts: Uint32Array; pictures: Uint32Array; scores: Float32Array }): void {
    const byPicture = new Map<number, number[]>();
    pairs.pictures.forEach((picture, i) => {
      const own = byPicture.get(picture);
      if (own) own.push(i);
      else byPicture.set(picture, [i]);
    });
    for (const [picture, own] of byPicture) this.merge(picture, own, pairs);
  }

  get size(): number {
    return this.rows.reduce((sum, row) => sum + (row?.texts.length ?? 0), 0);
  }

  private merge(picture: number, own: number[], pairs: { texts: Uint32Array; scores: Float32Array }): void {
    const row = this.rows[picture] ?? { texts: new Uint32Array(0), scores: new Float32Array(0) };
    own.sort((a, b) => pairs.texts[a] - pairs.texts[b]);
    const texts = new Uint32Array(row.texts.length + own.length);
    const scores = new Float32Array(texts.length);
    let old = 0;
    let added = 0;
    let length = 0;
    while (old < row.texts.length || added < own.length) {
      const next = added < own.length ? pairs.texts[own[added]] : Infinity;
      const takesOld = old < row.texts.length && row.texts[old] <= next;
      const text = takesOld ? row.texts[old] : next;
      const score = takesOld ? row.scores[old++] : pairs.scores[own[added++]];
      if (length > 0 && texts[length - 1] === text) continue;
      texts[length] = text;
      scores[length++] = score;
    }
    this.rows[picture] = { texts: texts.subarray(0, length), scores: scores.subarray(0, length) };
  }
}

/** Position of the first that is not smaller. */
function find(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
