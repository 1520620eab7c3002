import { createHash } from 'node:crypto';
import type { ImageLocation } from '../original.js';

/** One image of a split as its source lists it, in the source's order. */
export interface ListedImage {
  name: string;
  location: ImageLocation;
  captions: string[];
  /** SHA-256 of its bytes; null where they cannot be read. */
  contentHash: string | null;
}

/** One image that can be read. */
export interface SplitImage {
  name: string;
  location: ImageLocation;
  /** Its place in the split, those that cannot be read counted. */
  place: number;
  /** Its content, a position in `pictures`. */
  picture: number;
  /** Its captions, positions in `texts`, in the source's order; the same one perhaps more than once. */
  captions: number[];
}

/** A split, with each text and each content once: so a pair is scored once, whoever asks for it. */
export interface Split {
  images: SplitImage[];
  texts: string[];
  /** SHA-256 of each content. */
  pictures: string[];
  /** How many images the source lists, those that cannot be read included. */
  listed: number;
  /** SHA-256 of contents and captions, in order. */
  hash: string;
}

export function makeSplit(listed: readonly ListedImage[]): Split {
  const texts = new Numbering();
  const pictures = new Numbering();
  const images: SplitImage[] = [];
  const hash = createHash('sha256');
  listed.forEach(({ name, location, captions, contentHash }, place) => {
    hash.update(`${JSON.stringify([contentHash, captions])}\n`);
    const ids = captions.map((text) => texts.numberOf(text));
    if (contentHash === null) return;
    images.push({ name, location, place, picture: pictures.numberOf(contentHash), captions: ids });
  });
  const { names } = texts;
  return { images, texts: names, pictures: pictures.names, listed: listed.length, hash: hash.digest('hex') };
}

/** Numbers names as they come, equal ones alike. */
class Numbering {
  readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.names.push(name) - 1;
      this.numbers.set(name, number);
    }
    return number;
  }
}
