import { dot } from '../../vector.js';
import type { CaptionMatches } from '../store.js';
import type { Connection } from './database.js';

export interface WordQuery {
  text: string;
  embedding: Float32Array;
  k: number;
}

/** The images whose captions hold words of a text, in the order of BM25. */
export function matchCaptions(database: Connection, { text, embedding, k }: WordQuery): CaptionMatches {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  const rows = database
    .prepare<[string, number], { id: number; embedding: Uint8Array }>(
      `WITH matched AS MATERIALIZED (SELECT rowid AS id, rank AS score FROM caption_words WHERE caption_words MATCH ?)
       SELECT images.id, images.embedding FROM matched
       JOIN captions ON captions.id = matched.id JOIN images ON images.id = captions.image_id
       WHERE images.revision > 0 GROUP BY images.id ORDER BY min(score), images.id LIMIT ?`,
    )
    .all(words.map((word) => `"${word}"`).join(' OR '), k);
  const neighbors = rows.map((row) => {
    const image = new Float32Array(row.embedding.buffer, row.embedding.byteOffset, embedding.length);
    return { id: row.id, similarity: dot(embedding, image) };
  });
  return { neighbors, commonWords: [], skipped: null };
}
