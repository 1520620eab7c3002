import assert from 'node:assert/strict';
import { applyProtocol, matchingsOf } from '../../../src/evaluation/protocol.js';
import { makeSplit, type ListedImage } from '../../../src/evaluation/split.js';

function listed(count: number, captionsOf: (image: number) => string[], broken: number[] = []): ListedImage[] {
  return Array.from({ length: count }, (_, image) => ({
    name: `${image}.jpg`,
    location: { file: `${image}.jpg` },
    captions: captionsOf(image),
    contentHash: broken.includes(image) ? null : `content ${image}`,
  }));
}

const six = (image: number) => [1, 2, 3, 4, 5, 6].map((n) => `caption ${n} of ${image}`);

describe('makeSplit', () => {
  it('numbers equal texts and equal contents alike', () => {
    const images = listed(3, (image) => ['a fox', `image ${image}`]);
    images[2].contentHash = images[0].contentHash;
    const split = makeSplit(images);
    assert.deepEqual(split.texts, ['a fox', 'image 0', 'image 1', 'image 2']);
    assert.deepEqual(split.pictures, ['content 0', 'content 1']);
    assert.deepEqual(
      split.images.map(({ picture, captions }) => [picture, captions]),
      [
        [0, [0, 1]],
        [1, [0, 2]],
        [0, [0, 3]],
      ],
    );
  });

  it('has a hash of contents and captions in their order, not of names', () => {
    const { hash } = makeSplit(listed(3, six));
    assert.equal(makeSplit(listed(3, six).map((image) => ({ ...image, name: 'x' }))).hash, hash);
    assert.notEqual(makeSplit(listed(3, six).reverse()).hash, hash);
    assert.notEqual(makeSplit(listed(3, six, [1])).hash, hash);
    assert.notEqual(makeSplit(listed(3, (image) => six(image).reverse())).hash, hash);
  });
});

describe('applyProtocol', () => {
  it('refuses a split of another size', () => {
    const split = makeSplit(listed(999, six));
    assert.throws(() => applyProtocol(split, { protocol: 'flickr30k-1k' }), {
      code: 'INVALID_ARGUMENT',
      message: 'Protocol flickr30k-1k is about a split of 1000 images; this one has 999.',
      hint: /whole split/,
    });
    assert.throws(() => applyProtocol(split, { protocol: 'coco-5k' }), /split of 5000 images/);
    assert.throws(() => applyProtocol(split, { protocol: 'coco-1k-5fold' }), /split of 5000 images/);
  });

  it('takes the first five captions of each, and all of the whole split', () => {
    const split = makeSplit(listed(1000, six));
    const of = (protocol: 'flickr30k-1k' | 'whole-split', captions?: number) => {
      const { folds, captionsAnImage } = applyProtocol(split, { protocol, captions });
      assert.equal(folds.length, 1);
      const own = folds[0].captions.filter(({ image }) => image === 7).map(({ id }) => split.texts[id]);
      return [folds[0].captions.length, captionsAnImage, own.at(-1)];
    };
    assert.deepEqual(of('flickr30k-1k'), [5000, 5, 'caption 5 of 7']);
    assert.deepEqual(of('whole-split'), [6000, null, 'caption 6 of 7']);
    assert.deepEqual(of('flickr30k-1k', 1), [1000, 1, 'caption 1 of 7']);
  });

  it('counts a caption that an image has twice once, and keeps it for another image', () => {
    const split = makeSplit(listed(2, (image) => ['a fox', 'a fox', `image ${image}`, 'a fox', 'x', 'y']));
    const { folds, duplicateCaptions } = applyProtocol(split, { protocol: 'whole-split', captions: 5 });
    assert.deepEqual(
      folds[0].captions.map(({ id, image }) => `${image}: ${split.texts[id]}`),
      ['0: a fox', '0: image 0', '0: x', '1: a fox', '1: image 1', '1: x'],
    );
    assert.equal(duplicateCaptions, 4);
  });

  it('makes contiguous folds in file order, which a missing picture does not shift', () => {
    const split = makeSplit(listed(5000, six, [3, 1999]));
    const { folds } = applyProtocol(split, { protocol: 'coco-1k-5fold' });
    assert.deepEqual(
      folds.map(({ images }) => images.length),
      [999, 999, 1000, 1000, 1000],
    );
    assert.equal(split.images[folds[2].images[0].image].name, '2000.jpg');
    assert.equal(folds[1].captions.length, 5 * 999);
    const matchings = matchingsOf({ folds }, { direction: 'image-to-text' });
    assert.deepEqual([matchings.length, matchings[4].queries.length, matchings[4].items.length], [5, 1000, 5000]);
  });
});

describe('a sample of queries', () => {
  const { folds } = applyProtocol(makeSplit(listed(50, six)), { protocol: 'whole-split' });
  const draw = (queries: number, seed: number) =>
    matchingsOf({ folds }, { direction: 'text-to-image', sample: { queries, seed } })[0];

  it('is the same for the same seed, against the whole gallery', () => {
    const one = draw(20, 1);
    assert.equal(one.queries.length, 20);
    assert.equal(new Set(one.queries).size, 20);
    assert.equal(one.items.length, 50);
    assert.deepEqual(draw(20, 1), one);
    assert.notDeepEqual(draw(20, 2).queries, one.queries);
  });

  it('of more queries than there are is all', () => {
    assert.deepEqual(draw(1000, 1).queries, folds[0].captions);
  });

  it('takes as many of each fold, so that the mean of their recalls is that of the queries', () => {
    const { folds } = applyProtocol(makeSplit(listed(5000, six)), { protocol: 'coco-1k-5fold' });
    const counts = (queries: number) =>
      matchingsOf({ folds }, { direction: 'text-to-image', sample: { queries, seed: 1 } }).map(
        (matching) => matching.queries.length,
      );
    assert.deepEqual(counts(500), [100, 100, 100, 100, 100]);
    assert.deepEqual(counts(12).sort(), [2, 2, 2, 3, 3]);
  });
});
