import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { destination, pino, type Logger } from 'pino';
import { ensureSample } from '../indexer/sample.js';
import { openEngine } from '../src/engine.js';
import { PatchwordError } from '../src/errors.js';
import type { Device, Precision } from '../src/inference/inference.js';
import { checkAddress, isLoopback, parseApiKeys } from './access.js';
import { createApp } from './app.js';
import { ServedEngine } from './engine.js';
import type { ServerLimits, Service } from './service.js';

export const SERVER_DEFAULTS = {
  collection: 'sample',
  host: '127.0.0.1',
  port: 8080,
  limits: {
    uploadBytes: 20 * 2 ** 20,
    textLength: 2_000,
    filterLength: 8_000,
    k: 100,
    candidates: 1_000,
    rerankPairs: 1_000,
    rerankMilliseconds: 10_000,
    searchMilliseconds: 30_000,
    searches: { running: 4, queued: 32 },
    uploads: { running: 8, queued: 0 },
    thumbnails: { running: 2, queued: 200 },
    thumbnailBytes: 256 * 2 ** 20,
  },
} as const;

/** Of a request's line and headers; the longest text and filter fit into its address, with nine bytes a character. */
const HEADER_BYTES = 128 * 2 ** 10;

/** How long requests under way may take to end once the server closes. */
const CLOSE_MILLISECONDS = 2_000;

export interface ServerOptions {
  collection: string;
  /** Folder that holds the collections. Default: PATCHWORD_DATA, else .patchword */
  data?: string;
  /** Anything but a loopback address needs API keys. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  device?: Device;
  precision?: Precision;
  /** Default: the comma-separated keys of PATCHWORD_API_KEYS. */
  apiKeys?: string[];
  limits?: Partial<ServerLimits>;
  /** Default: warnings and errors to stderr; PATCHWORD_LOG names another level. */
  logger?: Logger;
  /** Called while the sample collection is made: at first start, and when Patchword came with another model. */
  onProgress?: (progress: { done: number; total: number | null }) => void;
}

export interface RunningServer {
  url: string;
  /** Lines worth telling the user: a device that fell back, say. Later ones go to the log. */
  notes: string[];
  /** Stops accepting, cancels searches, closes the engine. */
  close(): Promise<void>;
}

/**
 * Serves one collection: routes below /v1 and the page. It listens at once, so that the page can say how far a first
 * start is, and resolves when searches are answered.
 *
 * @throws PatchwordError PORT_IN_USE, ADDRESS_REFUSED, and what openEngine throws
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port } = options;
  const apiKeys = options.apiKeys ?? parseApiKeys(process.env.PATCHWORD_API_KEYS);
  checkAddress(host, apiKeys);
  const closing = new AbortController();
  const service: Service = {
    engine: null,
    preparing: null,
    limits: { ...SERVER_DEFAULTS.limits, ...options.limits },
    logger: options.logger ?? openLog(process.env.PATCHWORD_LOG ?? 'warn'),
    closing: closing.signal,
  };
  const app = createApp({ service, apiKeys, onlyLoopback: isLoopback(host) && apiKeys.length === 0 });
  const server = createServer({ maxHeaderSize: HEADER_BYTES, requestTimeout: 60_000, headersTimeout: 10_000 }, app);
  await listen(server, host, port);
  const notes: string[] = [];
  let started = false;
  const onNote = (line: string) => {
    if (started) service.logger.warn(line);
    else if (!notes.includes(line)) notes.push(line); // The sample's engine may say what the one that serves says.
  };
  try {
    service.engine = await openCollection(options, service, onNote);
    started = true;
  } catch (error) {
    await closeServer(server);
    throw error;
  }
  let closed: Promise<void> | undefined;
  const close = async () => {
    closing.abort();
    await closeServer(server);
    await service.engine?.close();
  };
  return { url: urlOf(server, host), notes, close: () => (closed ??= close()) };
}

function openLog(level: string): Logger {
  const levels = [...Object.keys(pino.levels.values), 'silent'];
  if (levels.includes(level)) return pino({ level }, destination(2));
  throw new PatchwordError('INVALID_ARGUMENT', `PATCHWORD_LOG should be one of ${levels.join(', ')}, not "${level}".`);
}

async function openCollection(
  options: ServerOptions,
  service: Service,
  onNote: (line: string) => void,
): Promise<ServedEngine> {
  const { collection, data, device, precision } = options;
  const open = () => openEngine({ collection, data, device, precision, onNote });
  if (collection === SERVER_DEFAULTS.collection) {
    let begun = false;
    await ensureSample({
      data,
      device,
      precision,
      onNote,
      onProgress(progress) {
        service.preparing = progress;
        // A sample that is whole is looked through in a moment, which nobody needs to watch.
        begun ||= progress.done > 0 && progress.done < (progress.total ?? Infinity);
        if (begun) options.onProgress?.(progress);
      },
    });
  }
  return new ServedEngine({ engine: await open(), open, logger: service.logger });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(explainListen(error, host, port)));
    server.listen({ host, port }, resolve);
  });
}

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new PatchwordError('PORT_IN_USE', `Another program listens on port ${port} of ${host}.`, {
        hint: `Choose another with --port, such as --port ${port + 1}.`,
        cause: error,
      });
    case 'EACCES':
      return new PatchwordError('ADDRESS_REFUSED', `This user may not listen on port ${port}.`, {
        hint: 'Choose one above 1023 with --port.',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new PatchwordError('ADDRESS_REFUSED', `${host} is not an address of this machine.`, {
        hint: 'Give one of its addresses with --host, such as 127.0.0.1.',
        cause: error,
      });
    default:
      return error;
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MILLISECONDS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port, family } = server.address() as AddressInfo;
  const name =
    host === '0.0.0.0' || host === '::' ? 'localhost' : family === 'IPv6' && host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
