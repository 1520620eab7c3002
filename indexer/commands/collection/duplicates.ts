import { once } from 'node:events';
import { type Command, Option } from 'commander';
import type { Store } from '../../../src/store/store.js';
import { type GlobalOptions, wholeNumber } from '../../options.js';
import { printable } from '../../text.js';

interface DuplicatesOptions extends GlobalOptions {
  limit?: number;
}

/** Two images that look nearly the same, by their first files. */
interface Pair {
  distance: number;
  images: { imageId: number; file: string; root: string }[];
}

const PAGE = 200;

export function addDuplicatesCommand(collection: Command): void {
  const command = collection
    .command('duplicates')
    .description('list images that look nearly the same, a pair a line')
    .argument('<name>', 'the collection')
    .addOption(new Option('--limit <count>', 'at most so many pairs').argParser(wholeNumber({ min: 1 })));
  command.action(async (name: string) => {
    const options = command.optsWithGlobals<DuplicatesOptions>();
    const { withCollection } = await import('../../opening.js');
    const count = await withCollection({ ...options, collection: name }, (store) => print(store, options));
    if (count === 0 && !options.json) process.stdout.write(`No images of "${name}" look nearly the same.\n`);
  });
}

async function print(store: Store, { json, limit = Infinity }: DuplicatesOptions): Promise<number> {
  let count = 0;
  for await (const pair of listPairs(store)) {
    if (!process.stdout.write(`${json ? JSON.stringify(pair) : describe(pair)}\n`)) await once(process.stdout, 'drain');
    count += 1;
    if (count === limit) break;
  }
  return count;
}

async function* listPairs(store: Store): AsyncGenerator<Pair> {
  for (let after: { imageId: number; otherId: number } | null = null; ;) {
    const page = await store.nearDuplicates({ after, limit: PAGE });
    const ids = new Set(page.flatMap(({ imageId, otherId }) => [imageId, otherId]));
    const images = new Map((await store.getImages([...ids])).map((image) => [image.imageId, image]));
    for (const { imageId, otherId, distance } of page) {
      const found = [images.get(imageId), images.get(otherId)].filter((image) => image !== undefined);
      // Removed since the page was read.
      if (found.length < 2) continue;
      yield { distance, images: found.map(({ imageId, file, root }) => ({ imageId, file, root })) };
    }
    const last = page.at(-1);
    if (!last) return;
    after = { imageId: last.imageId, otherId: last.otherId };
  }
}

function describe({ distance, images: [one, other] }: Pair): string {
  return `${distance}  ${printable(one.file)}  ${printable(other.file)}`;
}
