import assert from 'node:assert/strict';
import { chanceOf, measureRecall, relevanceOf } from '../../../src/prefilter/recall.js';

describe('recall', () => {
  it('counts a caption that several pictures have as right for all of them', () => {
    const relevance = relevanceOf([['a fox', 'an owl'], ['a fox'], ['a cup']]);
    assert.deepEqual([...relevance.ofText[0]], [0, 1]);
    assert.deepEqual([...relevance.ofText[2]], [0, 1]);
    assert.deepEqual([...relevance.ofImage[1]], [0, 2]);
    assert.deepEqual([...relevance.ofImage[2]], [3]);
  });

  it('measures both ways, and a tie counts against the match', () => {
    const relevance = relevanceOf([['a'], ['b']]);
    const [x, y] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
    const right = measureRecall({ images: [x, y], texts: [x, y], relevance });
    assert.equal(right.recall.textToImage['1'], 100);
    assert.equal(right.meanReciprocalRank, 1);
    const tied = measureRecall({ images: [x, x], texts: [x, y], relevance });
    assert.equal(tied.recall.textToImage['1'], 0);
    assert.equal(tied.recall.imageToText['1'], 50);
    assert.equal(tied.recall.textToImage['5'], 100);
  });

  it('knows what chance would reach', () => {
    const single = relevanceOf(Array.from({ length: 50 }, (_, i) => [`caption ${i}`]));
    assert.equal(chanceOf(single).textToImage['5'], 10);
    const five = relevanceOf(Array.from({ length: 20 }, (_, i) => [0, 1, 2, 3, 4].map((j) => `caption ${i} ${j}`)));
    assert.equal(chanceOf(five).imageToText['1'], 5);
    assert.ok(chanceOf(five).imageToText['10'] > 40 && chanceOf(five).imageToText['100'] === 100);
  });
});
