import assert from 'node:assert/strict';
import { search, type SearchUpdate } from '../../../src/search.js';
import { counting, readSample, sampleCollection } from '../sample.js';
import { assertAlike, SHEEP, QUERY, updatesOf } from '../updates.js';

describe('a search', function () {
  this.timeout(60_000);
  const small = sampleCollection();
  const sample = readSample();

  describe('as a sequence', () => {
    it('runs nothing until it is iterated or awaited', async () => {
      const { inference, calls } = counting(small.engine.inference);
      search({ store: small.engine.store, inference }, QUERY);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(calls, []);
    });

    it('ends with what final() gives', async () => {
      const query = small.engine.search({ ...QUERY, k: 5 });
      const updates = await updatesOf(query);
      assertAlike(await query.final(), updates.at(-1)!);
    });

    it('may be iterated twice', async () => {
      const query = small.engine.search({ ...QUERY, k: 5 });
      const first = await updatesOf(query);
      const second = await updatesOf(query);
      assert.equal(second.length, first.length);
      second.forEach((update, i) => assertAlike(update, first[i]));
    });

    it('is the same beside others', async () => {
      const texts = [QUERY.text, 'a fox in the snow', 'two rats on a table'];
      const alone: SearchUpdate[] = [];
      for (const text of texts) alone.push(await small.engine.search({ text }).final());
      const together = await Promise.all(texts.map((text) => small.engine.search({ text }).final()));
      together.forEach((update, i) => assertAlike(update, alone[i]));
    });

    it('keeps each update as it was when later ones come', async () => {
      const kept: string[] = [];
      const updates: SearchUpdate[] = [];
      for await (const update of small.engine.search(QUERY)) {
        kept.push(JSON.stringify(update));
        updates.push(update);
      }
      assert.deepEqual(
        updates.map((update) => JSON.stringify(update)),
        kept,
      );
    });
  });

  describe('that is left', () => {
    it('after the nearest never reaches the joint model', async () => {
      const { inference, calls } = counting(small.engine.inference);
      for await (const { stage } of search({ store: small.engine.store, inference }, QUERY)) {
        assert.equal(stage, 'nearest');
        break;
      }
      assert.deepEqual(calls, []);
      assert.equal((await small.engine.search(QUERY).final()).hits[0].file, SHEEP);
    });

    it('after a wave runs no other', async () => {
      const { inference, calls } = counting(small.engine.inference);
      for await (const { stage } of search({ store: small.engine.store, inference }, QUERY))
        if (stage === 'wave') break;
      assert.deepEqual(calls, [8]);
      assert.equal((await small.engine.search(QUERY).final()).hits[0].file, SHEEP);
    });

    it('in the middle of a wave is cancelled', async () => {
      const updates = small.engine.search(QUERY)[Symbol.asyncIterator]();
      await updates.next();
      const wave = updates.next();
      const left = updates.return!();
      await assert.rejects(wave, { code: 'CANCELLED' });
      assert.equal((await left).done, true);
      assert.equal((await updates.next()).done, true);
    });

    it('by a loop that throws is cancelled too', async () => {
      const { inference, calls } = counting(small.engine.inference);
      const loop = async () => {
        for await (const { stage } of search({ store: small.engine.store, inference }, QUERY))
          throw new RangeError(stage);
      };
      await assert.rejects(loop, { name: 'RangeError', message: 'nearest' });
      assert.deepEqual(calls, []);
    });
  });

  describe('whose signal aborts', () => {
    const cancelled = { code: 'CANCELLED' };

    it('before it begins, does nothing', async () => {
      const { inference, calls } = counting(small.engine.inference);
      for (const query of [QUERY, { image: sample[3].file }, { image: sample[3].file, target: 'images' as const }]) {
        const signal = AbortSignal.abort();
        await assert.rejects(search({ store: small.engine.store, inference }, { ...query, signal }).final(), cancelled);
      }
      assert.deepEqual(calls, []);
    });

    it('between updates, ends', async () => {
      const left = new AbortController();
      const stages: string[] = [];
      const loop = async () => {
        for await (const { stage } of small.engine.search({ ...QUERY, signal: left.signal })) {
          stages.push(stage);
          if (stage === 'wave') left.abort();
        }
      };
      await assert.rejects(loop, cancelled);
      assert.deepEqual(stages, ['nearest', 'wave']);
    });

    it('while it looks for candidates, rejects with none of them', async () => {
      const left = new AbortController();
      const { store, inference } = small.engine;
      const leaving = new Proxy(store, {
        get(target, name) {
          if (name === 'nearest') left.abort();
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      const query = { ...QUERY, rerank: { pairs: 0 }, signal: left.signal };
      await assert.rejects(updatesOf(search({ store: leaving, inference }, query)), cancelled);
    });

    it('while it waits, rejects', async () => {
      const left = new AbortController();
      const final = small.engine.search({ ...QUERY, signal: left.signal }).final();
      left.abort();
      await assert.rejects(final, cancelled);
      assert.equal((await small.engine.search(QUERY).final()).hits[0].file, SHEEP);
    });
  });
});
