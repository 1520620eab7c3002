import type { ModelInput } from './vilt/image.js';

/** Bits of a perceptual hash, and of each of its words. */
const BITS = 64;
const WORD = 16;

/** Side of the gray picture that is hashed, and how many frequencies of each direction are looked at. */
const SIDE = 32;
const FREQUENCIES = 9;

/** A coefficient within this much of zero, in levels of gray, tells nothing: re-encoding moves it to either side. */
const FAINT = 1.5;

/** Pictures with fewer telling coefficients (flat ones, gradients) would all look alike, so they have no hash. */
const LEAST_TELLING = 16;

const COSINES = cosines();
const LOWEST = lowestFrequencies();

/**
 * What an image looks like, in 64 bits: the signs of the lowest frequencies of its DCT (pHash). A copy that was re-encoded,
 * scaled or cropped by a pixel differs in few bits, another image in about half.
 *
 * @param modelInput what the model sees of the image; its size hardly matters
 * @returns four words of 16 bits, or null for an image that is flat or a mere gradient
 */
export function perceptualHash(modelInput: ModelInput): Uint16Array | null {
  const coefficients = transform(shrinkToGray(modelInput));
  let telling = 0;
  const hash = new Uint16Array(BITS / WORD);
  for (const [bit, at] of LOWEST.entries()) {
    if (Math.abs(coefficients[at]) > FAINT) telling += 1;
    if (coefficients[at] > FAINT) hash[Math.floor(bit / WORD)] |= 1 << (bit % WORD);
  }
  return telling < LEAST_TELLING ? null : hash;
}

/** In how many bits two hashes differ. */
export function perceptualDistance(one: Uint16Array, other: Uint16Array): number {
  let distance = 0;
  for (let i = 0; i < one.length; i++) {
    for (let bits = one[i] ^ other[i]; bits !== 0; bits &= bits - 1) distance += 1;
  }
  return distance;
}

/** Mean luma (BT.601) of each of 32 by 32 equal parts. */
function shrinkToGray({ width, height, pixels }: ModelInput): Float64Array {
  const area = width * height;
  const columns = sharesOf(width);
  const rows = sharesOf(height);
  const gray = new Float64Array(SIDE * SIDE);
  const line = new Float64Array(SIDE);
  for (let i = 0, read = -1; i < rows.pixel.length; i++) {
    // A row at a border is in the list twice.
    if (rows.pixel[i] !== read) {
      read = rows.pixel[i];
      let part = 0;
      let sum = 0;
      for (let j = 0; j < columns.pixel.length; j++) {
        if (columns.part[j] !== part) {
          line[part] = sum;
          part = columns.part[j];
          sum = 0;
        }
        const at = read * width + columns.pixel[j];
        sum += columns.share[j] * (0.299 * pixels[at] + 0.587 * pixels[area + at] + 0.114 * pixels[2 * area + at]);
      }
      line[part] = sum;
    }
    const to = rows.part[i] * SIDE;
    for (let x = 0; x < SIDE; x++) gray[to + x] += rows.share[i] * line[x];
  }
  return gray;
}

interface Shares {
  pixel: Int32Array;
  part: Int32Array;
  share: Float64Array;
}

/** Kept: model inputs are of few lengths. */
const shares = new Map<number, Shares>();

/** Which pixels of a line make up each of its 32 equal parts, and by what share; a pixel at a border belongs to both. */
function sharesOf(length: number): Shares {
  const kept = shares.get(length);
  if (kept) return kept;
  const size = length / SIDE;
  const found = [];
  for (let part = 0; part < SIDE; part++) {
    for (let pixel = Math.floor(part * size); pixel < Math.min((part + 1) * size, length); pixel++) {
      const overlap = Math.min((part + 1) * size, pixel + 1) - Math.max(part * size, pixel);
      if (overlap > 0) found.push({ pixel, part, share: overlap / size });
    }
  }
  const made = {
    pixel: Int32Array.from(found, ({ pixel }) => pixel),
    part: Int32Array.from(found, ({ part }) => part),
    share: Float64Array.from(found, ({ share }) => share),
  };
  shares.set(length, made);
  return made;
}

/** The lowest coefficients of the orthonormal DCT-II, (frequency down, frequency across), in levels of gray. */
function transform(gray: Float64Array): Float64Array {
  const across = new Float64Array(SIDE * FREQUENCIES);
  for (let y = 0; y < SIDE; y++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += gray[y * SIDE + x] * COSINES[u * SIDE + x];
      across[y * FREQUENCIES + u] = sum;
    }
  }
  const coefficients = new Float64Array(FREQUENCIES * FREQUENCIES);
  for (let v = 0; v < FREQUENCIES; v++) {
    for (let u = 0; u < FREQUENCIES; u++) {
      let sum = 0;
      for (let y = 0; y < SIDE; y++) sum += across[y * FREQUENCIES + u] * COSINES[v * SIDE + y];
      coefficients[v * FREQUENCIES + u] = sum;
    }
  }
  return coefficients;
}

/** (frequency, position) */
function cosines(): Float64Array {
  const table = new Float64Array(FREQUENCIES * SIDE);
  for (let u = 0; u < FREQUENCIES; u++) {
    const scale = Math.sqrt((u === 0 ? 1 : 2) / SIDE);
    for (let x = 0; x < SIDE; x++) table[u * SIDE + x] = scale * Math.cos(((2 * x + 1) * u * Math.PI) / (2 * SIDE));
  }
  return table;
}

/** The 64 coefficients nearest to the mean, but not the mean itself: brightness says nothing of what is seen. */
function lowestFrequencies(): number[] {
  const radius = (at: number) => Math.floor(at / FREQUENCIES) ** 2 + (at % FREQUENCIES) ** 2;
  const all = Array.from({ length: FREQUENCIES * FREQUENCIES }, (_, at) => at).slice(1);
  return all.sort((a, b) => radius(a) - radius(b) || a - b).slice(0, BITS);
}
