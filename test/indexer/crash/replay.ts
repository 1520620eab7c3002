import assert from 'node:assert/strict';
import type { ReindexState } from '../../../src/store/store.js';
import type { Answer, Call, Line } from './journal.js';
import { type FileState, keyOf, type Oracle } from './oracle.js';

export interface Replayed {
  /** The collection must hold what these calls made … */
  oracle: Oracle;
  /** … and then the first of these, however many: they were begun, and not acknowledged. */
  pending: Call[];
  /** Images that the model embedded, and those of them that were sent to the store. */
  embedded: number;
  written: number;
}

/** Follows what a process said, in its order: the store answers calls one after the other. */
export function replay(before: Oracle, lines: readonly Line[], isChanged: (file: FileState) => boolean): Replayed {
  const oracle = before.clone();
  const answers = new Map(lines.flatMap((line) => ('answer' in line ? [[line.answer, line] as const] : [])));
  const replayed: Replayed = { oracle, pending: [], embedded: 0, written: 0 };
  let atStart = before;
  for (const line of lines) {
    if ('embedded' in line) replayed.embedded += line.embedded;
    if ('begun' in line) atStart = oracle.clone();
    if (!('call' in line)) continue;
    const answer = answers.get(line.call);
    replayed.written += countEmbedded(line);
    refuseRepetition(line, { atStart, oracle, isChanged });
    if (!answer) replayed.pending.push(line);
    else applyAnswered(oracle, line, answer);
  }
  return replayed;
}

function applyAnswered(oracle: Oracle, call: Call, { result, failed }: Answer): void {
  assert.equal(failed, undefined, `${call.method} failed`);
  if (call.method === 'beginReindex') {
    const kept = oracle.reindexedImages(call.argument.hash).length;
    const { done, total } = result as ReindexState;
    assert.equal(total, oracle.images.size);
    assert.ok(done >= kept, `a reindex goes on after ${done} images, and ${kept} were kept`);
  }
  oracle.apply(call, result);
}

function countEmbedded(call: Call): number {
  if (call.method === 'upsert') return call.argument.images.filter(({ embedding }) => embedding).length;
  if (call.method === 'putReembeddings') return call.argument.filter(({ embedding }) => embedding).length;
  return 0;
}

/** What was finished before a task must not be done again by it. */
function refuseRepetition(
  call: Call,
  { atStart, oracle, isChanged }: { atStart: Oracle; oracle: Oracle; isChanged: (file: FileState) => boolean },
): void {
  if (call.method === 'putReembeddings') {
    const done = new Set(atStart.reindexedImages(atStart.reindexed?.model ?? ''));
    const again = call.argument.filter(({ imageId }) => done.has(imageId));
    assert.deepEqual(again, [], 'images that were embedded before');
  }
  if (call.method !== 'upsert') return;
  for (const record of call.argument.images) {
    const { file, contentHash, captions, split, attributes, modified, embedding } = record;
    const there = atStart.images.has(contentHash) && !atStart.unsearchable.has(contentHash);
    const known = atStart.files.get(keyOf({ sourceId: call.argument.sourceId, file }));
    const state = { contentHash, captions: captions.map(({ text }) => text), split, attributes, modified };
    const isSame = known && JSON.stringify({ ...state, missing: false }) === stateOf(known);
    assert.ok(!(there && isSame), `${file} is written again, and has not changed`);
    const isLeaving = atStart.filesOf(contentHash).some(isChanged);
    const isHere = there && oracle.images.has(contentHash); // The task itself may have pruned it.
    assert.ok(!(isHere && embedding && !isLeaving), `${file}: a content that is there is embedded again`);
  }
}

function stateOf({ contentHash, captions, split, attributes, modified, missing }: FileState): string {
  return JSON.stringify({ contentHash, captions, split, attributes, modified, missing });
}
