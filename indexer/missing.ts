import { PatchwordError } from '../src/errors.js';
import type { Source, Store, StoredFile } from '../src/store/store.js';
import { EmptyFolders } from './emptied.js';
import type { Names } from './names.js';

export interface MissingOptions {
  store: Store;
  source: Source;
  /** Names that a whole pass has seen. */
  seen: Names;
  /** Names of what could not be used, or not as a whole. */
  unusable: Names;
  /** Of those that were seen, the ones that hold another picture now, which is kept out. */
  replaced: Names;
  /** An entry of which the source does not tell the image; null where there is none. */
  nameless: string | null;
  /** Removes what is missing from the collection. */
  prune: boolean;
  /** Removes it also where that looks like a disk that is not connected, or a damaged entry may be of it. */
  force: boolean;
  /** Only what is in quarantine was looked at: files are left as they are. */
  retry: boolean;
}

export interface MissingResult {
  /** Files that the source no longer has and the collection still has. */
  missing: number;
  /** Images that went from the collection. */
  pruned: number;
}

const PAGE = 500;

/**
 * After a whole pass: files that were not seen are marked as missing, or removed with `prune`; entries in quarantine that
 * were not seen are forgotten.
 *
 * @throws PatchwordError SOURCE_INVALID where nothing was seen at all; INVALID_ARGUMENT where what is missing looks like a disk that is not connected, or may
 * be what a damaged entry is of: nothing is removed then, unless forced
 */
export async function settleMissing(options: MissingOptions): Promise<MissingResult> {
  const { store, source, seen, nameless, prune, force, retry } = options;
  if (seen.isEmpty && source.files > 0) {
    throw new PatchwordError(
      'SOURCE_INVALID',
      `${source.path} lists no pictures any more; ${source.files} came from it.`,
      {
        hint: 'Nothing has changed. Check that its disk is connected and that it is whole.',
      },
    );
  }
  await forgetQuarantined(options);
  if (retry) return { missing: 0, pruned: 0 };
  let missing = 0;
  let files = 0;
  const emptied = new EmptyFolders(source.root);
  for await (const page of pagesOf(options)) {
    files += page.length;
    const gone = page.filter((file) => isGone(file, options));
    missing += gone.length;
    if (prune && !force) for (const { location } of gone) await emptied.look(location.file);
    const vanished = gone.filter((file) => !file.missing).map(({ file }) => file);
    if (vanished.length > 0) await store.markMissing({ sourceId: source.sourceId, files: vanished });
  }
  if (!prune || missing === 0) return { missing, pruned: 0 };
  if (!force) refuseWipe(source, { files, missing, emptied, nameless });
  let pruned = 0;
  for await (const page of pagesOf(options)) {
    const gone = page.filter((file) => isGone(file, options)).map(({ file }) => file);
    if (gone.length > 0) pruned += await store.removeFiles({ sourceId: source.sourceId, files: gone });
  }
  return { missing: 0, pruned };
}

async function* pagesOf({ store, source }: MissingOptions): AsyncGenerator<StoredFile[]> {
  for (let after = 0; ;) {
    const page = await store.scanFiles({ sourceId: source.sourceId, after, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.fileId;
  }
}

function isGone({ file, location }: StoredFile, options: MissingOptions): boolean {
  if (options.seen.has(file)) return options.replaced.has(file);
  // Rows that have no name are called FILE:ROW, which is not below FILE.
  return !options.unusable.has(location.file) && wasLookedFor(file, options);
}

/** What lies in an entry that could not be used as a whole (a folder, an archive, a table) was not. */
function wasLookedFor(file: string, { unusable }: MissingOptions): boolean {
  for (let slash = file.lastIndexOf('/'); slash > 0; slash = file.lastIndexOf('/', slash - 1)) {
    if (unusable.has(file.slice(0, slash)) || unusable.has(file.slice(0, slash + 1))) return false;
  }
  return true;
}

function refuseWipe(
  { path }: Source,
  {
    files,
    missing,
    emptied,
    nameless,
  }: { files: number; missing: number; emptied: EmptyFolders } & Pick<MissingOptions, 'nameless'>,
): void {
  const what = `${missing} of the ${files} files that came from ${path} are missing`;
  if (nameless !== null) {
    throw new PatchwordError('INVALID_ARGUMENT', `${what}, and ${nameless} may be one of them: none is removed.`, {
      hint: 'They are marked as missing. Mend the entry, or run the same command again with --prune --force.',
    });
  }
  const why =
    emptied.first !== null ? `, and ${emptied.first} is empty` : missing > files / 2 ? ', more than half' : null;
  if (why === null) return;
  throw new PatchwordError('INVALID_ARGUMENT', `${what}${why}: none is removed, in case a disk is not connected.`, {
    hint: 'They are marked as missing. If they are really gone, run the same command again with --prune --force.',
  });
}

async function forgetQuarantined(options: MissingOptions): Promise<void> {
  const { store, seen } = options;
  const { sourceId } = options.source;
  for (let file = ''; ;) {
    const page = await store.scanQuarantine({ after: { sourceId, file }, limit: PAGE });
    const own = page.filter((entry) => entry.sourceId === sourceId);
    const gone = own.map((entry) => entry.file).filter((name) => !seen.has(name) && wasLookedFor(name, options));
    if (gone.length > 0) await store.clearQuarantine({ sourceId, files: gone });
    const last = own.at(-1);
    if (last === undefined || own.length < PAGE) return;
    file = last.file;
  }
}
