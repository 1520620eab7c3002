import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino, type Logger } from 'pino';
import { ingest } from '../../indexer/ingestion.js';
import { isSkipped, type Reader } from '../../indexer/readers/reader.js';
import { openSource } from '../../indexer/readers/source.js';
import { startServer, type RunningServer, type ServerOptions } from '../../server/main.js';
import { openEngine } from '../../src/engine.js';
import type { Attributes } from '../../src/filter.js';
import { BUNDLED_SAMPLE } from '../../src/paths.js';
import { temporaryFolder } from '../fixture.js';

/** How many, unless a suite asks for more. */
export const PICTURES = 12;
export const HOSTILE_FILE = `a"><img src=x onerror=alert(1)>\u202e.jpg`;
export const HOSTILE_CAPTION = `<img src=x onerror="document.title='owned'"> a fox & a "tree"`;

export const HOSTILE_ATTRIBUTE = `<b onclick="alert(1)">"Bob"; DROP TABLE images; --</b>`;

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

/** What the source says of a picture: odd ones are to train on, two of five are by Ada. */
export function labelOf(file: string): { split: string; attributes: Attributes } {
  const place = Number(/^scene-(\d+)/.exec(file)?.[1] ?? 0);
  const author = place % 5 < 2 ? 'Ada' : HOSTILE_ATTRIBUTE;
  return { split: place % 2 === 1 ? 'train' : 'test', attributes: { year: 2010 + (place % 4), author } };
}

export interface Served {
  url: string;
  /** Folder of the pictures that were indexed. */
  source: string;
  /** Folder of the collection "small". */
  data: string;
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
    served.data = path.join(folder.path, 'data');
    const { data } = served;
    await writeSource(served.source, pictures);
    const engine = await openEngine({ collection: 'small', data, create: true });
    await ingest({ engine, source: labelled(await openSource({ source: served.source })) });
    await engine.close();
    const logger: Logger = pino({ level: 'info' }, { write: (line: string) => void served.log.push(line) });
    served.server = await startServer({ collection: 'small', data, host: '127.0.0.1', port: 0, logger, ...options });
    served.url = served.server.url;
  });
  after(() => served.server?.close());
  return served;
}

/** A reader that says more of each picture than a folder does. */
function labelled(reader: Reader): Reader {
  return {
    ...reader,
    async *entries() {
      for await (const entry of reader.entries()) {
        if (isSkipped(entry)) yield entry;
        else yield { ...entry, ...labelOf(entry.name) };
      }
    },
  };
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
    sources: string[];
    split: string | null;
    attributes: Attributes;
    missing: boolean;
    imageUrl: string;
    thumbnailUrl: string;
  }[];
  candidates: number;
  spent: { pairs: number; cutShort: boolean };
  unknownWords: string[];
  notes: string[];
}

export interface Failed {
  error: { code: string; message: string; hint: string | null };
}

export async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

/** The values of an answer with one a line. */
export async function lines<T>(response: Response): Promise<T[]> {
  const text = await response.text();
  assert.ok(text.endsWith('\n'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}
