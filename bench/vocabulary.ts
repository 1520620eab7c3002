import { readFileSync } from 'node:fs';
import { BUNDLED_VOCABULARY } from '../src/paths.js';

/** Words to draw captions from: whole and of letters alone, in BERT's order, which is about that of how common they are. */
export const VOCABULARY: readonly string[] = readFileSync(BUNDLED_VOCABULARY, 'utf8')
  .split('\n')
  .filter((word) => /^[a-z]{2,}$/.test(word));
