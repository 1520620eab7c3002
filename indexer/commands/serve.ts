import type { Command } from 'commander';
import { onInterrupt } from '../interrupt.js';
import { addDeviceOptions, type DeviceOptions, type GlobalOptions, wholeNumber } from '../options.js';
import { printNotes, printResult } from '../output.js';

interface ServeOptions extends GlobalOptions, DeviceOptions {
  collection?: string;
  host?: string;
  port?: number;
}

export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description('serve the search page and the HTTP API')
    .option('--collection <name>', 'the collection (default: sample, made at first start)')
    .option('--host <address>', 'the address to listen on (default: 127.0.0.1)')
    .option(
      '--port <port>',
      'the port to listen on; 0 takes a free one (default: 8080)',
      wholeNumber({ min: 0, max: 65_535 }),
    );
  addDeviceOptions(command).action(() => serve(command.optsWithGlobals<ServeOptions>()));
}

async function serve(options: ServeOptions): Promise<void> {
  // The one edge back: the server imports the indexer, and only this verb needs the server.
  const { SERVER_DEFAULTS, startServer } = await import('../../server/main.js');
  const { showProgress } = await import('../progress.js');
  const { collection, host, port } = { ...SERVER_DEFAULTS, ...options };
  const progress = showProgress({ label: 'Indexing the sample', unit: 'pictures' });
  const server = await startServer({
    ...options,
    collection,
    host,
    port,
    onProgress: (state) => progress.update(state),
  }).finally(() => progress.stop());

  printNotes(server.notes);
  const interrupt = onInterrupt();
  printResult({ url: server.url, collection }, options, ({ url }) => `Patchword serves ${collection} at ${url}`);
  await interrupt.signalled;
  await server.close();
  interrupt.release();
}
