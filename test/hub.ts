import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepository {
  id: string;
  /** Branch or tag → commit. A commit names itself. */
  revisions: Record<string, string>;
  /** The same at every commit. */
  files: Map<string, Buffer>;
  /** Said of files instead of what is true. */
  lies?: { entries?: object[]; sha256?: string; size?: number };
}

export interface HubRequest {
  path: string;
  range: string | undefined;
  authorization: string | undefined;
  /** On the host that large files come from. */
  storage: boolean;
}

/** May answer a request itself, by returning true. */
export type Intercept = (request: HubRequest, response: ServerResponse) => boolean | void;

/** From this size on, files are in Git LFS: listed with their SHA-256, and answered by another host. */
const LFS_BYTES = 10_000;
const PAGE = 4;

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const blob = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/**
 * A server on this machine that speaks the part of the Hugging Face hub's API that downloading a model takes: what a revision
 * is, the tree of a commit in pages, files with ranges, and large ones by redirection to a second host.
 */
export class Hub {
  /** Where it answers, once it has started. */
  url = '';
  storageUrl = '';
  readonly requests: HubRequest[] = [];
  intercept: Intercept = () => false;
  private readonly hub = createServer((request, response) => this.answer(request, response, false));
  private readonly storage = createServer((request, response) => this.answer(request, response, true));

  constructor(private readonly repositories: HubRepository[]) {}

  async start(): Promise<void> {
    for (const server of [this.hub, this.storage]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    this.url = urlOf(this.hub);
    this.storageUrl = urlOf(this.storage);
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.storage]) {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    }
  }

  private answer(incoming: IncomingMessage, response: ServerResponse, storage: boolean): void {
    const { range, authorization } = incoming.headers;
    const request = { path: incoming.url ?? '', range, authorization, storage };
    this.requests.push(request);
    if (this.intercept(request, response)) return;
    const url = new URL(request.path, this.url);
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, id, ...rest] = api ?? file ?? [];
    const repository = this.repositories.find((repository) => repository.id === id);
    if (!repository) return fail(response, 404, 'RepoNotFound');
    const revision = decodeURIComponent(api ? rest[1] : rest[0]);
    const { revisions } = repository;
    const commit = revisions[revision] ?? Object.values(revisions).find((commit) => commit === revision);
    if (!commit) return fail(response, 404, 'RevisionNotFound');
    if (!api) return this.sendFile(repository, decodeURIComponent(rest[1]), request, response);
    if (rest[0] === 'revision') return sendJson(response, { _id: '1', id, sha: commit, private: false, gated: false });
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const entries = entriesOf(repository);
    const next = `${this.url}${url.pathname}?cursor=${start + PAGE}`;
    if (start + PAGE < entries.length) response.setHeader('link', `<${next}>; rel="next"`);
    sendJson(response, entries.slice(start, start + PAGE));
  }

  private sendFile(repository: HubRepository, name: string, request: HubRequest, response: ServerResponse): void {
    const content = repository.files.get(name);
    if (!content) return fail(response, 404, 'EntryNotFound');
    if (content.length >= LFS_BYTES && !request.storage) {
      response.writeHead(302, { location: `${this.storageUrl}${request.path}` }).end();
      return;
    }
    sendBytes(response, content, request.range);
  }
}

/** A file, or the range of it that was asked for. */
export function sendBytes(response: ServerResponse, content: Buffer, range?: string): void {
  const start = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
  const headers = { 'content-length': content.length - start, etag: `"${sha256(content)}"` };
  if (range === undefined) response.writeHead(200, headers);
  else
    response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
  response.end(content.subarray(start));
}

function entriesOf({ files, lies }: HubRepository): object[] {
  const entries = [...files].map(([path, content]) => {
    if (content.length < LFS_BYTES) return { type: 'file', path, size: content.length, oid: blob(content) };
    const size = lies?.size ?? content.length;
    const lfs = { oid: lies?.sha256 ?? sha256(content), size, pointerSize: 134 };
    return { type: 'file', path, size, oid: blob(Buffer.from('pointer')), lfs };
  });
  return [{ type: 'directory', path: 'onnx', size: 0, oid: '0'.repeat(40) }, ...entries, ...(lies?.entries ?? [])];
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-error-code': code }).end('{"error":"no"}');
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
