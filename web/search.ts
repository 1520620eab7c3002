import type { Query } from './query.js';

export type Target = 'images' | 'captions';

interface Scores {
  imageId: number;
  file: string;
  similarity: number | null;
  matchScore: number | null;
  matchProbability: number | null;
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
  spent: {
    embedMilliseconds: number;
    nearestMilliseconds: number;
    rerankMilliseconds: number;
    pairs: number;
    cutShort: boolean;
  };
  notes: string[];
}

export interface Collection {
  name: string;
  images: number;
  captions: number;
  limits: { uploadBytes: number };
}

/** What the page asks for: enough to fill the grid, every candidate reranked. */
export const K = 24;
export const CANDIDATES = 32;

/** An error in the server's own words; `code` is null where no answer came. */
export class Failure extends Error {
  constructor(
    readonly code: string | null,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }
}

/** Runs a search and reports every update as it comes. @throws Failure, or the signal's reason */
export async function search(
  query: Query,
  signal: AbortSignal,
  onUpdate: (update: SearchUpdate) => void,
): Promise<void> {
  const response = await request(...requestOf(query), signal);
  let rest = '';
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read().catch((error: unknown) => Promise.reject(unanswered(error, signal)));
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const update = JSON.parse(line) as SearchUpdate | ErrorBody;
      if ('error' in update) throw failureOf(update);
      onUpdate(update);
    }
  }
}

export async function getCollection(signal: AbortSignal): Promise<Collection> {
  return (await (await request('/v1/collection', {}, signal)).json()) as Collection;
}

function requestOf(query: Query): [string, RequestInit] {
  const headers = { accept: 'application/x-ndjson' };
  const parameters: Record<string, string> = { k: String(K), candidates: String(CANDIDATES) };
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
  const response = await fetch(address, { ...init, signal }).catch((error: unknown) =>
    Promise.reject(unanswered(error, signal)),
  );
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as ErrorBody | null;
  throw body?.error ? failureOf(body) : new Failure(null, `The server answered ${response.status}.`);
}

function failureOf({ error }: ErrorBody): Failure {
  return new Failure(error.code, error.message, error.hint);
}

function unanswered(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error;
  const cause = error instanceof Error ? error.message : String(error);
  return new Failure(null, 'The server does not answer.', `Is it still running? (${cause})`);
}
