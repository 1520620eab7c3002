import { dot } from '../../vector.js';
import type { CaptionMatches, Neighbor } from '../store.js';
import type { AllowedIds } from './allowed.js';
import type { Catalog } from './catalog.js';
import { column, openScratch, type Connection } from './database.js';
import { Best } from './exact.js';
import { CAPTION_TOKENIZER } from './schema.js';

export interface WordQuery {
  text: string;
  embedding: Float32Array;
  k: number;
  /** The captions to look at; all where it is not given. */
  allowed?: AllowedIds;
}

export const WORD_LIMITS = {
  /** Characters and different words of a text that are looked at. */
  characters: 4096,
  words: 64,
  /** A word that more than this share of the captions hold is left out … */
  common: 0.1,
  /** … except where there are fewer captions than this. */
  keepAllBelow: 1000,
  /** Captions looked up for all words together. The words that most captions hold are left out first. */
  lookups: 15_000,
} as const;

/** Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009. */
const BM25 = { k1: 1.2, b: 0.75, usualLength: 50 } as const;

/** Counts of words are kept from here on: fewer captions are counted anew at once. */
const WORTH_KEEPING = 1000;

/**
 * Captions by their words, in the order of BM25, over the lists that FTS5 keeps of the captions of each word. FTS5's own bm25()
 * looks up the length of every caption that holds any of the words: 1.3 to 2.2 µs each, where this takes 0.3, because only the best
 * by the weights of their words are looked up. A word counts once in a caption, whose length is that in characters.
 */
export class CaptionWords {
  private readonly sql;
  private readonly tokenizer = new Tokenizer();
  /** How many captions hold a word, of those that many do, and the catalog's revision then. */
  private readonly counts = new Map<string, { count: number; revision: number }>();

  constructor(
    private readonly catalog: Catalog,
    database: Connection,
  ) {
    this.sql = statements(database);
  }

  close(): void {
    this.tokenizer.close();
  }

  /** Call it within a transaction. */
  match({ text, embedding, k, allowed }: WordQuery): CaptionMatches {
    const words = this.tokenizer.words(text);
    const { rare, common } = this.weigh(words);
    const none = { neighbors: [], commonWords: common };
    if (words.length === 0) return { ...none, skipped: 'The text has no words.' };
    if (rare.length === 0) return { ...none, skipped: 'Too many captions hold each of the words.' };
    const scores = new Map<number, number>();
    for (const { word, weight } of rare) {
      for (const id of this.sql.holding.all(quoted(word))) {
        if (!allowed || allowed.has(id)) scores.set(id, (scores.get(id) ?? 0) + weight);
      }
    }
    let looked = 2 * k;
    let neighbors = this.imagesOf(scores, { looked, embedding, k });
    while (neighbors.length < k && looked < scores.size) {
      looked *= 4;
      neighbors = this.imagesOf(scores, { looked, embedding, k });
    }
    return { neighbors, commonWords: common, skipped: null };
  }

  /** The words that are looked up, with their weights, and those that are left out, each in the order of the text. */
  private weigh(words: string[]): { rare: { word: string; weight: number }[]; common: string[] } {
    const captions = this.catalog.count('captions');
    const most = captions < WORD_LIMITS.keepAllBelow ? Infinity : WORD_LIMITS.common * captions;
    const counted = words.map((word) => ({ word, count: this.count(word) }));
    const kept = new Set<string>();
    let lookups = 0;
    for (const { word, count } of counted.toSorted((a, b) => a.count - b.count)) {
      lookups += count;
      if (count <= most && lookups <= WORD_LIMITS.lookups) kept.add(word);
    }
    const weight = (count: number) => Math.log(1 + (captions - count + 0.5) / (count + 0.5));
    return {
      rare: counted.filter(({ word }) => kept.has(word)).map(({ word, count }) => ({ word, weight: weight(count) })),
      common: words.filter((word) => !kept.has(word)),
    };
  }

  /** How many captions hold a word, counted no further than it could be looked up. */
  private count(word: string): number {
    const revision = this.catalog.revision();
    const known = this.counts.get(word);
    // While few vectors were written, the count of a frequent word hardly changes.
    if (known && revision - known.revision <= known.count / 20) return known.count;
    this.counts.delete(word);
    const count = this.sql.count.get(quoted(word), WORD_LIMITS.lookups + 1)!;
    if (count >= WORTH_KEEPING) this.counts.set(word, { count, revision });
    return count;
  }

  /** The images of the best captions, by the best of each. */
  private imagesOf(
    scores: ReadonlyMap<number, number>,
    { looked, embedding, k }: { looked: number; embedding: Float32Array; k: number },
  ): Neighbor[] {
    const captions = new Best(looked);
    for (const [id, score] of scores) captions.offer(id, score);
    const images = new Map<number, number>();
    for (const { id, similarity: score } of captions.sorted()) {
      const caption = this.sql.caption.get(id);
      if (!caption) continue;
      const { k1, b, usualLength } = BM25;
      const bm25 = (score * (k1 + 1)) / (1 + k1 * (1 - b + (b * caption.length) / usualLength));
      images.set(caption.imageId, Math.max(images.get(caption.imageId) ?? 0, bm25));
    }
    const neighbors: Neighbor[] = [];
    for (const [id] of [...images].sort((one, other) => other[1] - one[1] || one[0] - other[0])) {
      const vector = this.catalog.vectorOf('images', id);
      if (vector) neighbors.push({ id, similarity: dot(embedding, vector) });
      if (neighbors.length === k) break;
    }
    return neighbors;
  }
}

/** Splits a text into words as FTS5 splits captions: by FTS5, in a database of its own. */
class Tokenizer {
  private readonly database = openScratch(`
    CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='${CAPTION_TOKENIZER}');
    CREATE VIRTUAL TABLE words USING fts5vocab(texts, 'instance');`);
  private readonly sql = {
    put: this.database.prepare<[string]>('INSERT INTO texts (rowid, text) VALUES (1, ?)'),
    words: column<[number], string>(this.database, 'SELECT term FROM words GROUP BY term ORDER BY min(offset) LIMIT ?'),
    clear: this.database.prepare<[]>("INSERT INTO texts (texts) VALUES ('delete-all')"),
  };

  /** Different words, in their order. */
  words(text: string): string[] {
    this.sql.put.run(text.slice(0, WORD_LIMITS.characters));
    const words = this.sql.words.all(WORD_LIMITS.words);
    this.sql.clear.run();
    return words;
  }

  close(): void {
    this.database.close();
  }
}

/** A word as a string of FTS5's query language, in which nothing but the quotation mark is special. */
function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

function statements(database: Connection) {
  return {
    count: column<[string, number], number>(
      database,
      'SELECT count(*) FROM (SELECT 1 FROM caption_words WHERE caption_words MATCH ? LIMIT ?)',
    ),
    holding: column<[string], number>(database, 'SELECT rowid FROM caption_words WHERE caption_words MATCH ?'),
    caption: database.prepare<[number], { imageId: number; length: number }>(
      'SELECT image_id AS imageId, length(text) AS length FROM captions WHERE id = ?',
    ),
  };
}
