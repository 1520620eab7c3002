import type { Attributes } from '../src/filter.js';
import { Failure } from './failure.js';
import { filterOf, type Place, type Query } from './query.js';

export type Target = 'images' | 'captions';

interface Scores {
  imageId: number;
  file: string;
  similarity: number | null;
  matchScore: number | null;
  matchProbability: number | null;
  /** What proposed it. */
  sources: ('nearest' | 'captions')[];
  split: string | null;
  attributes: Attributes;
  /** Its file was not there when it was last looked for. */
  missing: boolean;
  imageUrl: string;
  thumbnailUrl: string;
}
export interface ImageHit extends Scores {
  captions: string[];
}
export interface CaptionHit extends Scores {
  captionId: number;
  caption: string;
}
export type Hit = ImageHit | CaptionHit;

export interface SearchUpdate {
  stage: 'nearest' | 'wave' | 'final';
  target: Target;
  hits: Hit[];
  /** How many there are to rerank. */
  candidates: number;
  spent: {
    embedMilliseconds: number;
    nearestMilliseconds: number;
    captionsMilliseconds: number;
    rerankMilliseconds: number;
    pairs: number;
    cutShort: boolean;
  };
  unknownWords: string[];
  nothingMatches: boolean | null;
  notes: string[];
}

export interface Collection {
  name: string;
  images: number;
  captions: number;
  limits: { uploadBytes: number };
}

/** Enough to fill the grid. */
export const SHOWN = 24;
/** Asked for and reranked; what is open large gets its scores wherever it comes by them. */
export const CANDIDATES = 32;

/** Runs a search and reports every update as it comes. @throws Failure, or the signal's reason */
export async function search(
  { query, conditions }: Place & { query: Query },
  signal: AbortSignal,
  onUpdate: (update: SearchUpdate) => void,
): Promise<void> {
  if (query.kind === 'upload') await checkReadable(query.file);
  const response = await request(...requestOf(query, conditions), signal);
  let rest = '';
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read().catch(() => Promise.reject(unanswered(signal)));
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const update = JSON.parse(line) as SearchUpdate | ErrorBody;
      if ('error' in update) throw failureOf(update, true);
      onUpdate(update);
      // Lets the page show this one even where the next has already come.
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}

/** The browser says the same of a file that it cannot read and of a server that is gone. @throws Failure */
async function checkReadable(file: File): Promise<void> {
  const first = file.slice(0, 1).arrayBuffer();
  await first.catch(() => {
    const hint = 'It may be a folder, or was moved or changed since: choose it again.';
    throw new Failure('This picture cannot be read.', { hint, passing: false });
  });
}

export interface Health {
  status: 'ok' | 'preparing' | 'closing';
  done?: number;
  /** null where only the end will tell. */
  total?: number | null;
}

/** @throws Failure where no server answers */
export async function getHealth(signal: AbortSignal): Promise<Health> {
  const response = await fetch('/healthz', { signal }).catch(() => Promise.reject(unanswered(signal)));
  return (await response.json()) as Health;
}

export async function getCollection(signal: AbortSignal): Promise<Collection> {
  return (await (await request('/v1/collection', {}, signal)).json()) as Collection;
}

function requestOf(query: Query, conditions: readonly string[]): [string, RequestInit] {
  const headers = { accept: 'application/x-ndjson' };
  const parameters: Record<string, string> = { k: String(CANDIDATES), candidates: String(CANDIDATES) };
  const filter = filterOf(conditions);
  if (filter) parameters.filter = JSON.stringify(filter);
  if (query.kind === 'upload') {
    const form = new FormData();
    for (const [name, value] of Object.entries({ ...parameters, target: query.target })) form.append(name, value);
    form.append('image', query.file);
    return ['/v1/search', { method: 'POST', headers, body: form }];
  }
  if (query.kind === 'text') parameters.text = query.text;
  else Object.assign(parameters, { imageId: String(query.imageId), target: query.target });
  return [`/v1/search?${new URLSearchParams(parameters).toString()}`, { headers }];
}

interface ErrorBody {
  error: { code: string; message: string; hint: string | null };
}

async function request(address: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  const response = await fetch(address, { ...init, signal }).catch(() => Promise.reject(unanswered(signal)));
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as ErrorBody | null;
  const passing = response.status >= 500;
  throw body?.error ? failureOf(body, passing) : new Failure(`The server answered ${response.status}.`, { passing });
}

function failureOf({ error }: ErrorBody, passing: boolean): Failure {
  const about = /^filter\b/.test(error.message) ? 'filter' : null;
  return new Failure(error.message, { hint: error.hint, passing, about });
}

function unanswered(signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error;
  return new Failure('The server does not answer.', { hint: 'Is it still running?', passing: true });
}
