import assert from 'node:assert/strict';
import type { ImageRecord, Store } from '../../../../src/store/store.js';
import { neighborsOf, randomUnit, seededRandom } from '../records.js';
import { DIMENSION, record, sourceOf, type Context } from './context.js';

const STEPS = 120;
const PATHS = ['/one', '/two'];
const FILES = ['a', 'b', 'c', 'd', 'e'];
const CONTENTS = [0, 1, 2, 3, 4, 5, 6];
const TEXTS = ['v', 'w', 'x', 'y', 'z'];

const contentOf = (content: number) => record(content).contentHash;
const textEmbedding = (text: string) => randomUnit(seededRandom(text.charCodeAt(0)), DIMENSION);
/** Contents 0 and 1, and 2, 3 and 4, look nearly the same; 6 has no hash. */
const HASHES = [
  [0, 0],
  [0, 1],
  [9, 0],
  [9, 3],
  [9, 7],
  [0xff, 0xff],
].map((words) => Uint16Array.of(...words, 5, 5));
const distance = (one: Uint16Array, other: Uint16Array) =>
  one.reduce((sum, word, i) => sum + (word ^ other[i]).toString(2).replaceAll('0', '').length, 0);

interface PlainFile {
  path: string;
  file: string;
  content: number;
  captions: string[];
  missing: boolean;
}

/** What a store should hold: the contract, written as plainly as can be. */
class PlainStore {
  files: PlainFile[] = [];
  removed = new Set<number>();
  /** Of contents that have files. */
  ids = new Map<number, number>();
  highest = 0;

  find(path: string, file: string): PlainFile | undefined {
    return this.files.find((known) => known.path === path && known.file === file);
  }

  filesOf(content: number): PlainFile[] {
    return this.files.filter((file) => file.content === content);
  }

  /** Takes in what was upserted, and checks the ids that came back. */
  upsert(path: string, records: Omit<PlainFile, 'path' | 'missing'>[], returned: number[]): void {
    const last = new Map(records.map((plain, i) => [plain.file, { ...plain, returned: returned[i] }]));
    records.forEach(({ file }, i) => assert.equal(returned[i], last.get(file)!.returned));
    const wanted = new Set([...last.values()].map(({ content }) => content));
    for (const { file, content, captions, returned: id } of last.values()) {
      const known = this.find(path, file);
      const expected = this.ids.get(content) ?? this.takenAlong(known, wanted);
      if (expected !== undefined) assert.equal(id, expected);
      else assert.ok(id > this.highest, 'a new id is higher than any before');
      this.highest = Math.max(this.highest, id);
      if (known && known.content !== content && this.ids.get(known.content) === id) this.ids.delete(known.content);
      this.ids.set(content, id);
      if (known) Object.assign(known, { content, captions, missing: false });
      else this.files.push({ path, file, content, captions, missing: false });
    }
    this.dropIds();
  }

  /** The id of the image that a file whose content changed takes along, if it does. */
  private takenAlong(known: PlainFile | undefined, wanted: ReadonlySet<number>): number | undefined {
    if (!known || wanted.has(known.content) || this.filesOf(known.content).length > 1) return undefined;
    return this.ids.get(known.content);
  }

  dropIds(): void {
    for (const content of this.ids.keys()) if (this.filesOf(content).length === 0) this.ids.delete(content);
  }

  captionsOf(content: number): string[] {
    return [...new Set(this.filesOf(content).flatMap(({ captions }) => captions))];
  }
}

async function assertAgreement(store: Store, plain: PlainStore, sourceIds: Map<string, number>): Promise<void> {
  const contents = await store.findContents(CONTENTS.map(contentOf));
  const expectedContents = CONTENTS.map((c) => plain.ids.get(c) ?? (plain.removed.has(c) ? 'removed' : null));
  assert.deepEqual(contents, expectedContents);
  for (const [path, sourceId] of sourceIds) {
    const stored = await store.getFiles({ sourceId, files: FILES });
    const described = stored.map((file) => file && [file.imageId, file.contentHash, file.captions, file.missing]);
    const expected = FILES.map((name) => {
      const file = plain.find(path, name);
      return file ? [plain.ids.get(file.content), contentOf(file.content), file.captions, file.missing] : null;
    });
    assert.deepEqual(described, expected);
  }
  const images = await store.scan({ after: 0, limit: 100 });
  const live = [...plain.ids].sort(([, a], [, b]) => a - b);
  assert.deepEqual(
    images.map(({ imageId, file, root, captions, missing }) => ({ imageId, file, root, captions, missing })),
    live.map(([content, imageId]) => {
      const files = plain.filesOf(content);
      const { file, path: root, missing } = files.find((candidate) => !candidate.missing) ?? files[0];
      return { imageId, file, root, captions: plain.captionsOf(content), missing };
    }),
  );

  for (const [content, id] of live) {
    const [nearest] = await neighborsOf(store, { target: 'images', embedding: record(content).embedding, k: 1 });
    assert.equal(nearest.id, id);
    assert.ok(nearest.similarity > 0.999);
  }
  const embedding = record(1).embedding;
  const found = await neighborsOf(store, { target: 'images', embedding, k: 100 });
  assert.equal(found.length, live.length);
  const captions = await store.getCaptions(
    (await neighborsOf(store, { target: 'captions', embedding, k: 100 })).map(({ id }) => id),
  );
  assert.deepEqual(
    captions.map(({ imageId, text }) => `${imageId} ${text}`).sort(),
    live.flatMap(([content, id]) => plain.captionsOf(content).map((text) => `${id} ${text}`)).sort(),
  );
  for (const text of TEXTS) {
    const { neighbors, skipped, commonWords } = await store.captionMatches({
      text,
      embedding: textEmbedding(text),
      k: 100,
    });
    const holders = live.filter(([content]) => plain.captionsOf(content).includes(text)).map(([, id]) => id);
    if (skipped === null && commonWords.length === 0)
      assert.deepEqual(
        neighbors.map(({ id }) => id).sort((a, b) => a - b),
        holders,
      );
  }

  const pairs = live.flatMap(([one, imageId]) =>
    live.flatMap(([other, otherId]) => {
      if (imageId >= otherId || !HASHES[one] || !HASHES[other]) return [];
      const bits = distance(HASHES[one], HASHES[other]);
      return bits <= 3 ? [{ imageId, otherId, distance: bits }] : [];
    }),
  );
  assert.deepEqual(await store.nearDuplicates({ after: null, limit: 100 }), pairs);
  const { files, missing, removed, nearDuplicates } = await store.statistics();
  assert.deepEqual(
    { files, missing, removed, nearDuplicates },
    {
      files: plain.files.length,
      missing: plain.files.filter((file) => file.missing).length,
      removed: plain.removed.size,
      nearDuplicates: pairs.length,
    },
  );
  const info = await store.info();
  assert.deepEqual([info.images, info.captions, await store.count()], [live.length, captions.length, live.length]);
}

export function testAgreement({ open, newName }: Context): void {
  describe('any order of calls', () => {
    for (const seed of [1, 2, 3]) {
      it(`leaves what the contract says (seed ${seed})`, async function () {
        this.timeout(60_000);
        const random = seededRandom(seed);
        const below = (n: number) => Math.floor(random() * n);
        const some = <T>(from: readonly T[], most: number): T[] =>
          Array.from({ length: below(most + 1) }, () => from[below(from.length)]);
        const name = newName();
        const plain = new PlainStore();
        let store = await open(name);
        const sourceIds = new Map<string, number>();
        for (const path of PATHS) sourceIds.set(path, await sourceOf(store, path));

        const steps: Record<string, () => Promise<void>> = {
          async upsert() {
            const path = PATHS[below(2)];
            const allowed = CONTENTS.filter((content) => !plain.removed.has(content));
            if (allowed.length === 0) return;
            const records = Array.from({ length: 1 + below(4) }, () => ({
              file: FILES[below(FILES.length)],
              content: allowed[below(allowed.length)],
              captions: some(TEXTS, 3),
            }));
            const images = records.map(({ file, content, captions }): ImageRecord => {
              const known = plain.ids.has(content) && random() < 0.5;
              return {
                ...record(content, { file, perceptualHash: HASHES[content] ?? null }),
                captions: captions.map((text) => ({ text, embedding: textEmbedding(text) })),
                ...(known && { embedding: null, modelInput: null }),
              };
            });
            plain.upsert(path, records, await store.upsert({ sourceId: sourceIds.get(path)!, images }));
          },
          async markMissing() {
            const [path, files] = [PATHS[below(2)], some(FILES, 3)];
            await store.markMissing({ sourceId: sourceIds.get(path)!, files });
            for (const file of files) Object.assign(plain.find(path, file) ?? {}, { missing: true });
          },
          async removeFiles() {
            const [path, files] = [PATHS[below(2)], some(FILES, 3)];
            const before = plain.ids.size;
            const went = await store.removeFiles({ sourceId: sourceIds.get(path)!, files });
            plain.files = plain.files.filter((known) => known.path !== path || !files.includes(known.file));
            plain.dropIds();
            assert.equal(went, before - plain.ids.size);
          },
          async remove() {
            const contents = new Set(some([...plain.ids.keys()], plain.ids.size > 0 ? 2 : 0));
            const went = await store.remove([...contents].map((content) => plain.ids.get(content)!));
            assert.equal(went, contents.size);
            plain.files = plain.files.filter(({ content }) => !contents.has(content));
            contents.forEach((content) => plain.removed.add(content));
            plain.dropIds();
          },
          async restore() {
            const contents = random() < 0.3 ? undefined : some(CONTENTS, 3);
            const lifted = (contents ?? CONTENTS).filter((content) => plain.removed.delete(content));
            assert.equal(await store.restore(contents?.map(contentOf)), lifted.length);
          },
          flush: () => store.flush(),
          async reopen() {
            await store.close();
            store = await open(name);
          },
        };
        const names = [...Array<string>(8).fill('upsert'), ...Object.keys(steps)];
        for (let step = 0; step < STEPS; step++) {
          const which = names[below(names.length)];
          await steps[which]();
          await assertAgreement(store, plain, sourceIds).catch((error: unknown) => {
            throw new Error(`after step ${step}, ${which}`, { cause: error });
          });
        }
        assert.ok(plain.highest > CONTENTS.length);
      });
    }
  });
}
