import { messageOf, PatchwordError } from '../src/errors.js';

/** One model on one hub, and who asks for it. */
export interface Target {
  /** Of the hub, without a slash at the end. */
  url: string;
  id: string;
  revision: string;
  token?: string;
  signal?: AbortSignal;
}

/** Most that the hub's answers (not its files) may take. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;
const ANSWER_TIMEOUT = 60_000; // ms

/**
 * A `fetch` for what the hub says of a model. What it says is believed, so the hub answers itself or not at all.
 *
 * It throws a PatchwordError for what a user must mend; any other error is the network's, and may pass.
 */
export function answersOf(target: Target): typeof fetch {
  return async (input, init) => {
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT);
    const signal = target.signal ? AbortSignal.any([target.signal, timeout]) : timeout;
    const url = input instanceof Request ? input.url : input;
    checkHost(target, url);
    const response = await send(target, url, { ...init, signal });
    checkHost(target, response.url);
    const { status, headers } = response;
    return new Response(response.body?.pipeThrough(atMost(MAX_ANSWER_BYTES)), { status, headers });
  };
}

/**
 * The bytes of a file from an offset on; `from` is where they really begin. They may come from another host, as the hub's
 * large files do, because their hash is checked. `fetch` does not give the token to that host.
 */
export async function requestFile(target: Target, commit: string, name: string, offset: number) {
  const url = `${target.url}/${target.id}/resolve/${commit}/${encodeURIComponent(name)}`;
  const headers = new Headers(target.token ? { authorization: `Bearer ${target.token}` } : {});
  if (offset > 0) headers.set('range', `bytes=${offset}-`);
  const response = await send(target, url, { headers, signal: target.signal }, name);
  if (!response.body) throw new Error('the answer has no body');
  if (response.status !== 206) return { from: 0, body: response.body };
  const from = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]);
  if (from === offset) return { from, body: response.body };
  await response.body.cancel();
  throw new Error('the answer is another range than was asked for');
}

export function failed({ id, url }: Target, reason: string, cause?: unknown): PatchwordError {
  return new PatchwordError('DOWNLOAD_FAILED', `${id} could not be downloaded from ${url}: ${reason}.`, {
    hint: 'Check the network and run the same command again: it continues where it stopped.',
    cause,
  });
}

/** What an error means to the user, whatever it was. */
export function explain(target: Target, error: unknown): PatchwordError {
  if (error instanceof PatchwordError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  return failed(target, cause === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`, error);
}

async function send(target: Target, url: string | URL, init: RequestInit, file?: string): Promise<Response> {
  const response = await fetch(url, init);
  if (response.ok) return response;
  await response.body?.cancel();
  const { status } = response;
  if (status >= 500 || status === 408 || status === 429) throw new Error(`it answered with status ${status}`);
  throw refusal(target, status, file);
}

function refusal(target: Target, status: number, file?: string): PatchwordError {
  const hub = `The hub at ${target.url}`;
  const what = `${file ? `${file} of ` : ''}${target.id} at ${target.revision}`;
  const asker = target.token ? 'the holder of this token' : 'anyone without a token';
  switch (status) {
    case 404:
      return new PatchwordError('MODEL_NOT_FOUND', `${hub} has no ${what}.`, {
        hint: 'Check the spelling of the id and of the revision.',
      });
    case 401:
      return new PatchwordError('DOWNLOAD_FAILED', `${hub} has no ${what}, or does not show it to ${asker} (401).`, {
        hint: 'Check its spelling; for a private model, put a token that may read it in HF_TOKEN.',
      });
    case 403:
      return new PatchwordError('DOWNLOAD_FAILED', `${hub} does not give ${what} to ${asker} (403).`, {
        hint: `Accept its terms at ${target.url}/${target.id}, and put a token of that account in HF_TOKEN.`,
      });
    default:
      return failed(target, `it answered with status ${status}`);
  }
}

function checkHost(target: Target, url: string | URL): void {
  const { origin } = new URL(url);
  if (origin !== new URL(target.url).origin) throw failed(target, `it sends its callers on to another host, ${origin}`);
}

function atMost(limit: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > limit) throw new Error(`an answer of more than ${limit} bytes`);
      controller.enqueue(chunk);
    },
  });
}
