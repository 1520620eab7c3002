import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { FeatureFiles, type FeatureBatch } from '../../../src/prefilter/features.js';
import { temporaryFolder } from '../../fixture.js';

/** Two layers of three features; the value tells layer, picture and caption. */
function batch(first: number, pictures: number): FeatureBatch {
  const row = (n: number) => Float32Array.of(n, n, n, n + 0.5, n + 0.5, n + 0.5);
  const numbers = Array.from({ length: pictures }, (_, i) => first + i);
  return {
    entries: pictures + 1,
    pictures: numbers.map((n) => ({ contentHash: String(n), captions: [`${n} a`, `${n} b`] })),
    skipped: [{ file: `${first}.png`, reason: 'it is empty' }],
    images: numbers.map(row),
    texts: numbers.flatMap((n) => [row(-n), row(-n)]),
  };
}

describe('FeatureFiles', () => {
  const temporary = temporaryFolder();
  const open = (name: string, key = 'k') =>
    FeatureFiles.open({ folder: path.join(temporary.path, name), key, layers: 2, width: 3 });
  const read = async (files: FeatureFiles, layer: number) => {
    const values: number[][] = [];
    for await (const { images, texts } of files.blocks(layer)) {
      images.forEach((image, i) => values.push([image[0], ...texts[i].map((text) => text[2])]));
    }
    return values;
  };

  it('gives back each layer of what was appended', async () => {
    const files = await open('whole');
    await files.append(batch(1, 2));
    await files.append(batch(3, 1));
    assert.deepEqual(
      await read(files, 0),
      [1, 2, 3].map((n) => [n, -n, -n]),
    );
    assert.deepEqual(
      await read(files, 1),
      [1, 2, 3].map((n) => [n + 0.5, 0.5 - n, 0.5 - n]),
    );
  });

  it('continues after the last whole batch of a run that was interrupted', async () => {
    const first = await open('cut');
    await first.append(batch(1, 2));
    await first.append(batch(3, 2));
    // What is left when the machine stops in the middle of the next batch.
    appendFileSync(path.join(first.folder, 'images.f16'), Buffer.alloc(7));
    appendFileSync(path.join(first.folder, 'batches.jsonl'), '{"entries":3,"pict');
    const second = await open('cut');
    assert.equal(second.entries, 6);
    assert.equal(second.skipped.length, 2);
    await second.append(batch(5, 1));
    assert.deepEqual(
      (await read(second, 0)).map(([image]) => image),
      [1, 2, 3, 4, 5],
    );
    assert.equal(second.hash(), (await open('cut')).hash());

    // A batch whose features did not reach the disk whole is done again.
    truncateSync(path.join(second.folder, 'texts.f16'), 5 * 12);
    const third = await open('cut');
    assert.equal(third.entries, 3);
    assert.equal(statSync(path.join(third.folder, 'images.f16')).size, 2 * 12);
    assert.equal(readFileSync(path.join(third.folder, 'batches.jsonl'), 'utf8').split('\n').length, 2);
  });

  it('begins again for other weights or another source', async () => {
    await (await open('other')).append(batch(1, 2));
    assert.equal((await open('other', 'another')).entries, 0);
  });
});
