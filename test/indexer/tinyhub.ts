import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { addModel, type AddModelOptions } from '../../indexer/hub.js';
import { fixture, temporaryFolder } from '../fixture.js';
import { Hub, type HubRepository } from '../hub.js';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';
export const NEXT_COMMIT = '89abcdef0123456789abcdef0123456789abcdef';
export const ID = 'someone/tiny-vilt';

export const config = readFileSync(fixture('tiny-vilt', 'config.json'));
export const weights = readFileSync(fixture('tiny-vilt', 'model.safetensors'));

/** A hub that has one model, and a cache to add it to. */
export interface TinyHub {
  hub: Hub;
  repository: HubRepository;
  cache: string;
  /** Where the cache says which commit the main branch is. */
  pin: string;
  add(options?: Partial<AddModelOptions>): ReturnType<typeof addModel>;
  /** Where a file of COMMIT goes. */
  fileOf(name: string): string;
  /** What was asked for the bytes of a file. */
  requestsOf(name: string): Hub['requests'];
}

/** Both anew for each test. */
export function tinyHub(): TinyHub {
  const folder = temporaryFolder();
  const tiny = {} as TinyHub;
  beforeEach(async () => {
    const repository: HubRepository = {
      id: ID,
      revisions: { main: COMMIT, 'refs/pr/1': NEXT_COMMIT },
      files: new Map([
        ['.gitattributes', Buffer.from('*.bin filter=lfs')],
        ['README.md', Buffer.from('# Tiny ViLT')],
        ['config.json', config],
        ['model.safetensors', weights],
        ['pytorch_model.bin', readFileSync(fixture('tiny-vilt', 'pytorch_model.bin'))],
        ['training_args.bin', Buffer.alloc(20_000, 1)],
        ['vocab.txt', Buffer.from('[PAD]\n[CLS]\n')],
      ]),
    };
    const hub = new Hub([repository]);
    await hub.start();
    const cache = mkdtempSync(path.join(folder.path, 'cache-'));
    const model = path.join(cache, 'models', 'someone--tiny-vilt');
    Object.assign(tiny, {
      hub,
      repository,
      cache,
      pin: path.join(model, 'main.json'),
      add: (options) => addModel({ id: ID, cache, hubUrl: hub.url, token: '', retryDelay: 5, ...options }),
      fileOf: (name) => path.join(model, COMMIT, name),
      requestsOf: (name) => hub.requests.filter(({ path, storage }) => storage && path.endsWith(`/${name}`)),
    } satisfies TinyHub);
  });
  afterEach(() => tiny.hub.stop());
  return tiny;
}

/** An error is of a code, and says what is wrong on one line. */
export async function refused(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: Error & { code: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}
