import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino, type Logger } from 'pino';
import { ingest } from '../../indexer/ingestion.js';
import { startServer, type RunningServer, type ServerOptions } from '../../server/main.js';
import { openEngine } from '../../src/engine.js';
import { BUNDLED_SAMPLE } from '../../src/paths.js';
import { temporaryFolder } from '../fixture.js';

/** How many, unless a suite asks for more. */
export const PICTURES = 12;
export const HOSTILE_FILE = `a"><img src=x onerror=alert(1)>\u202e.jpg`;
export const HOSTILE_CAPTION = `<img src=x onerror="document.title='owned'"> a fox & a "tree"`;

interface Sample {
  images: { filename: string; filepath?: string; sentences: { raw: string }[] }[];
}

/** A picture of the bundled sample: its path and captions. */
export async function samplePicture(index: number): Promise<{ file: string; captions: string[] }> {
  const { images } = JSON.parse(await readFile(BUNDLED_SAMPLE, 'utf8')) as Sample;
  const { filename, filepath = '', sentences } = images[index];
  const folder = path.dirname(BUNDLED_SAMPLE);
  const candidates = [path.join(folder, filepath, filename), path.join(folder, 'images', filename)];
  const found = await Promise.all(
    candidates.map((file) =>
      readFile(file).then(
        () => file,
        () => null,
      ),
    ),
  );
  return { file: found.find((file) => file !== null)!, captions: sentences.map(({ raw }) => raw) };
}

export interface Served {
  url: string;
  /** Folder of the pictures that were indexed. */
  source: string;
  server: RunningServer;
  /** What the server logged at level info, one JSON object a line. */
  log: string[];
}

/**
 * A server over a real collection of sample pictures, the last with a hostile name and caption, for the surrounding
 * suite. Call it inside `describe`.
 */
export function serveSmallCollection({
  pictures = PICTURES,
  ...options
}: Partial<ServerOptions> & { pictures?: number } = {}): Served {
  const folder = temporaryFolder();
  const served = { log: [] as string[] } as Served;
  before(async function () {
    this.timeout(60_000);
    served.source = path.join(folder.path, 'source');
    const data = path.join(folder.path, 'data');
    await writeSource(served.source, pictures);
    const engine = await openEngine({ collection: 'small', data, create: true });
    await ingest({ engine, source: served.source });
    await engine.close();
    const logger: Logger = pino({ level: 'info' }, { write: (line: string) => void served.log.push(line) });
    served.server = await startServer({ collection: 'small', data, host: '127.0.0.1', port: 0, logger, ...options });
    served.url = served.server.url;
  });
  after(() => served.server?.close());
  return served;
}

async function writeSource(folder: string, pictures: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < pictures; i++) {
    const last = i === pictures - 1;
    const { file, captions } = await samplePicture(i);
    const name = path.join(folder, last ? HOSTILE_FILE : path.basename(file));
    await copyFile(file, name);
    const lines = last ? [HOSTILE_CAPTION] : captions;
    await writeFile(`${name.slice(0, -path.extname(name).length)}.txt`, lines.join('\n'));
  }
}

export interface Answer {
  stage: string;
  target: string;
  hits: {
    imageId: number;
    captionId?: number;
    file: string;
    captions?: string[];
    caption?: string;
    similarity: number | null;
    matchScore: number | null;
    matchProbability: number | null;
    imageUrl: string;
    thumbnailUrl: string;
  }[];
  spent: { pairs: number; cutShort: boolean };
  notes: string[];
}

export interface Failed {
  error: { code: string; message: string; hint: string | null };
}

export async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}
