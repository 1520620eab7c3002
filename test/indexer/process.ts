import { withStore } from '../../indexer/opening.js';
import { reindex } from '../../indexer/reindexing.js';

/** Another process, started by reindexing.test.ts: `process.js DATA COLLECTION MODEL`. Reindexes until the first batch is kept, then hangs. */
const [data, collection, model] = process.argv.slice(2);

await withStore({ data, collection, model }, (parts) =>
  reindex({
    ...parts,
    onProgress({ done }) {
      if (done === 0) return;
      process.stderr.write('kept\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  }),
);
