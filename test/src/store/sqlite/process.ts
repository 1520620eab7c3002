import { once } from 'node:events';
import { openStore } from '../../../../src/store/sqlite/store.js';
import { imageRecord, modelOf, neighborsOf, upsertTo } from '../records.js';

/**
 * Another process with the same collection, started by collection.test.ts:
 * `process.js TASK DATA NAME DIMENSION FROM`. It writes lines to stdout; on a line at stdin it goes on.
 */
const [task, data, name, dimensionText, fromText] = process.argv.slice(2);
const dimension = Number(dimensionText);
const BATCH = 8;

const say = (line: string) => void process.stdout.write(`${line}\n`);
const reply = () => once(process.stdin, 'data');

const batch = (index: number) => Array.from({ length: BATCH }, (_, i) => imageRecord(index * BATCH + i, dimension));

const tasks: Record<string, () => Promise<void>> = {
  /** Upserts batch after batch, until it is killed; a line for each that was acknowledged. */
  async write() {
    const store = await openStore({ data, name, create: modelOf(dimension), exactBelow: 0 });
    for (let index = Number(fromText); ; index++) {
      await upsertTo(store, { path: '/pictures', images: batch(index) });
      say(String(index));
      if (index % 4 === 3) await store.flush();
    }
  },

  /** Upserts a batch and holds the collection; flushes at a word; ends at another. */
  async hold() {
    const store = await openStore({ data, name });
    await upsertTo(store, { path: '/pictures', images: batch(Number(fromText)) });
    say('written');
    await reply();
    await store.flush();
    say('flushed');
    await reply();
    await store.close();
  },

  /** Reads as a user who may not write, then tries to write. */
  async read() {
    const store = await openStore({ data, name });
    const { images } = await store.info();
    const found = await neighborsOf(store, { target: 'images', embedding: imageRecord(1, dimension).embedding, k: 3 });
    const filter = { field: 'split', eq: 'train' };
    const { embedding } = imageRecord(1, dimension);
    const worded = await store.captionMatches({ text: 'second caption', embedding, k: 9, filter });
    const [modelInput] = await store.getModelInputs([found[0].id]);
    const [{ imageId, contentHash }] = await store.getImages([found[1].id]);
    await store.putModelInputs([{ imageId, contentHash, modelInput: imageRecord(2, dimension).modelInput }]);
    const error = (await upsertTo(store, { path: '/pictures', images: batch(9) }).then(
      () => ({ code: 'none' }),
      (reason: unknown) => reason,
    )) as { code: string; message: string };
    const filtered = await store.count(filter);
    await store.close();
    say(
      JSON.stringify({
        images,
        nearest: found[0].id,
        filtered,
        worded: worded.neighbors.length,
        cached: modelInput !== null,
        code: error.code,
        message: error.message,
      }),
    );
  },
};

await tasks[task]();
process.stdin.destroy();
