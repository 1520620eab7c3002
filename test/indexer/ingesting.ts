import { ingest } from '../../indexer/ingestion.js';
import { openEngine } from '../../src/engine.js';

/**
 * A process that indexes, for tests that kill it: `ingesting.js DATA COLLECTION SOURCE`. It writes how many entries are
 * done to stdout, a number a line, whenever a batch is kept.
 */
const [data, collection, source] = process.argv.slice(2);

const engine = await openEngine({ collection, data, create: true });
await ingest({ engine, source, onProgress: ({ done }) => process.stdout.write(`${done}\n`) });
await engine.close();
