import assert from 'node:assert/strict';
import type { Hit, Search, SearchUpdate } from '../../src/search.js';

export const QUERY = { text: 'there are four blue sheep in the hills' };
/** Of the picture that the query describes. */
export const SHEEP = 'scene-000021.jpg';

export async function updatesOf(search: Search): Promise<SearchUpdate[]> {
  const updates: SearchUpdate[] = [];
  for await (const update of search) updates.push(update);
  return updates;
}

export const stagesOf = (updates: SearchUpdate[]) => updates.map(({ stage }) => stage);

export const filesOf = (hits: Hit[]) => hits.map(({ file }) => file);

/** Two runs of one search differ in times, and in the last digits of scores where another batch was read. */
export function assertAlike(actual: SearchUpdate, expected: SearchUpdate): void {
  const plain = ({ stage, target, hits, notes, spent: { pairs, cutShort } }: SearchUpdate) => {
    return { stage, target, notes, pairs, cutShort, files: filesOf(hits) };
  };
  assert.deepEqual(plain(actual), plain(expected));
  actual.hits.forEach(({ similarity, matchScore }, i) => {
    assert.equal(matchScore === null, expected.hits[i].matchScore === null);
    assert.ok(Math.abs((matchScore ?? 0) - (expected.hits[i].matchScore ?? 0)) < 1e-4);
    assert.ok(Math.abs(similarity! - expected.hits[i].similarity!) < 1e-5);
  });
}
