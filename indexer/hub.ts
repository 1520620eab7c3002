import path from 'node:path';
import { HUB_URL, listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { PatchwordError } from '../src/errors.js';
import { makeFolder } from '../src/folder.js';
import { cacheFolder } from '../src/paths.js';
import { withJobLock } from '../src/store/sqlite/lock.js';
import { readShardIndex } from '../src/vilt/checkpoint/shards.js';
import { readConfig } from '../src/vilt/config.js';
import { download, retrying, type RetryOptions } from './download.js';
import { DEFAULT_REVISION, isRevision, modelFolder, parseModelId, readPin, writePin, type Pin } from './models.js';
import { answersOf, explain, failed, requestFile, type Target } from './request.js';

export interface AddModelOptions {
  /** `owner/name`, or `owner/name@revision`. */
  id: string;
  /** A branch, tag or commit. Default: main. */
  revision?: string;
  /** Default: the user's cache folder. */
  cache?: string;
  /** Default: HF_ENDPOINT, else the Hugging Face hub. */
  hubUrl?: string;
  /** For private and gated models. Default: HF_TOKEN. */
  token?: string;
  onProgress?: (progress: AddModelProgress) => void;
  signal?: AbortSignal;
  /** Wait before a failed request is tried again, in milliseconds; doubled each time. Default: 500. */
  retryDelay?: number;
}

export interface AddModelProgress {
  /** The file being downloaded. */
  file: string;
  /** Of all files together. */
  bytes: number;
  totalBytes: number;
}

export interface AddedModel extends Pin {
  folder: string;
  /** The hub could not be reached, so this is what was added before. */
  offline: boolean;
}

const RETRY_DELAY = 500; // ms
const MAX_LISTED = 20_000;

const CONFIG = 'config.json';
/** What Patchword reads of a model besides its weights, and what a copy of them must come with. */
const COMPANIONS = [
  CONFIG,
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
  'special_tokens_map.json',
  'patchword.json',
  'prefilter.safetensors',
  'prefilter.json',
  'LICENSE',
  'LICENSE.txt',
  'LICENSE.md',
  'README.md',
];
const SHARD_INDEX = 'model.safetensors.index.json';
/** Best first. */
const WEIGHTS = ['model.safetensors', SHARD_INDEX, 'pytorch_model.bin'];

const entrySchema = z.object({
  type: z.literal('file'),
  path: z.string(),
  size: z.number().int().nonnegative(),
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
});

/** The files at the top of a repository, by name. */
type Listing = ReadonlyMap<string, z.infer<typeof entrySchema>>;

/**
 * Downloads a model from the hub into the cache, at the commit that the revision is now. Files that are there are not
 * downloaded again; files that are there in part are continued, after a kill too. Every file is checked against the size and
 * hash that the hub lists. Without a network, what was added before will do.
 *
 * @throws PatchwordError INVALID_ARGUMENT, MODEL_NOT_FOUND, MODEL_INCOMPLETE (no weights), MODEL_UNSUPPORTED (not a ViLT),
 *   MODEL_BUSY, DOWNLOAD_FAILED, DISK_FULL, READ_ONLY, CANCELLED
 */
export async function addModel(options: AddModelOptions): Promise<AddedModel> {
  const target = targetOf(options);
  const { id, revision } = target;
  const cache = options.cache ?? cacheFolder();
  const retries = { retryDelay: options.retryDelay ?? RETRY_DELAY, signal: options.signal };
  const added = (pin: Pin, offline = false) => ({ ...pin, folder: modelFolder(cache, id, pin.commit), offline });

  const before = await readPin(cache, id, revision);
  if (before?.commit === revision) return added(before);
  let commit: string;
  try {
    commit = await retrying(() => resolveCommit(target), retries);
  } catch (error) {
    if (before && !(error instanceof PatchwordError)) return added(before, true);
    throw explain(target, error);
  }
  if (before?.commit === commit) return added(before);
  try {
    const listing = await retrying(() => list(target, commit), retries);
    const folder = modelFolder(cache, id, commit);
    const files = await alone(folder, () =>
      downloadFiles({ target, commit, listing, folder, retries, onProgress: options.onProgress }),
    );
    const pin = { id, revision, commit, files };
    await writePin(cache, pin);
    return added(pin);
  } catch (error) {
    throw explain(target, error);
  }
}

/** Two at once would write into each other's files. */
async function alone<T>(folder: string, task: () => Promise<T>): Promise<T> {
  const busy = (cause: unknown) =>
    new PatchwordError('MODEL_BUSY', `Another process is downloading the model into ${folder}.`, {
      hint: 'Wait until it has finished: the model is there then.',
      cause,
    });
  return withJobLock({ file: `${folder}.lock.sqlite`, busy }, task);
}

function targetOf(options: AddModelOptions): Target {
  const { id, revision: inId } = parseModelId(options.id);
  const revision = options.revision ?? inId ?? DEFAULT_REVISION;
  if (!isRevision(revision)) throw invalid(`"${revision.slice(0, 200)}" is not a branch, tag or commit.`);
  const url = (options.hubUrl ?? process.env.HF_ENDPOINT ?? HUB_URL).replace(/\/+$/, '');
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw invalid(`"${url}" is not the URL of a hub.`);
  const token = options.token ?? process.env.HF_TOKEN;
  if (token && !token.startsWith('hf_')) throw invalid('The token for the hub (HF_TOKEN) does not begin with "hf_".');
  return { url, id, revision, token, signal: options.signal };
}

async function resolveCommit(target: Target): Promise<string> {
  const { id: name, revision, url: hubUrl, token: accessToken } = target;
  const fetch = answersOf(target);
  const { sha } = await modelInfo({ name, revision, hubUrl, accessToken, fetch, additionalFields: ['sha'] });
  if (/^[0-9a-f]{40}$/.test(sha)) return sha;
  throw failed(target, `it names no commit for ${revision}`);
}

async function list(target: Target, revision: string): Promise<Listing> {
  const { id: repo, url: hubUrl, token: accessToken } = target;
  const listing = new Map<string, z.infer<typeof entrySchema>>();
  let count = 0;
  for await (const file of listFiles({ repo, revision, hubUrl, accessToken, fetch: answersOf(target) })) {
    if (++count > MAX_LISTED) throw failed(target, `it lists more than ${MAX_LISTED} files`);
    const entry = entrySchema.safeParse(file);
    if (entry.success) listing.set(entry.data.path, entry.data);
  }
  return listing;
}

interface DownloadFiles {
  target: Target;
  commit: string;
  listing: Listing;
  folder: string;
  retries: RetryOptions;
  onProgress: AddModelOptions['onProgress'];
}

async function downloadFiles(options: DownloadFiles): Promise<Pin['files']> {
  const { target, commit, listing, folder, retries, onProgress } = options;
  const entryOf = (name: string) => {
    const entry = listing.get(name);
    if (entry) return entry;
    throw new PatchwordError('MODEL_INCOMPLETE', `${target.id} on the hub has no ${name}, so Patchword cannot run it.`);
  };
  const fetchFile = (name: string, onBytes: (bytes: number) => void = () => undefined) => {
    const { size, oid, lfs } = entryOf(name);
    const hash = lfs ? { sha256: lfs.oid } : { blob: oid };
    const request = (offset: number) => requestFile(target, commit, name, offset);
    return download({ file: path.join(folder, name), size, hash, request, onBytes, ...retries });
  };
  makeFolder(folder);

  // The configuration first: a model of another architecture is refused before its weights are downloaded.
  await fetchFile(CONFIG);
  readConfig(path.join(folder, CONFIG));
  const weights = WEIGHTS.find((name) => listing.has(name)) ?? WEIGHTS.join(', ');
  if (weights === SHARD_INDEX) await fetchFile(SHARD_INDEX);
  const shards = weights === SHARD_INDEX ? readShardIndex(path.join(folder, SHARD_INDEX)).shards : [];

  const names = [...COMPANIONS.filter((name) => listing.has(name)), weights, ...shards];
  const totalBytes = names.reduce((total, name) => total + entryOf(name).size, 0);
  const files: Pin['files'] = [];
  let before = 0;
  for (const name of names) {
    const { size } = entryOf(name);
    const sha256 = await fetchFile(name, (bytes) => onProgress?.({ file: name, bytes: before + bytes, totalBytes }));
    files.push({ name, size, sha256 });
    before += size;
  }
  return files;
}

function invalid(message: string): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', message);
}
