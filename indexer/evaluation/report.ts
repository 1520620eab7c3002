import { access, constants, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, PatchwordError } from '../../src/errors.js';
import { type Report, reportOf } from '../../src/evaluation/report.js';
import type { RetrievalResult, WorstQuery } from '../../src/evaluation/result.js';
import { readOriginal } from '../../src/original.js';
import { PACKAGE_FOLDER } from '../../src/paths.js';
import { thumbnail } from '../../src/thumbnail.js';
import { IMAGE_LIMITS } from '../../src/vilt/image.js';

/** The page without its data, as Vite built it: one file that loads nothing. */
const PAGE = path.join(PACKAGE_FOLDER, 'dist', 'report', 'index.html');

const OPENING = '<script type="application/json" id="report">';

/** By which a report is known as one, at its beginning. */
const MARK = '<meta name="generator" content="Patchword" />';

/** Pixels of a picture's longer side. */
const EDGE = 160;

/**
 * Writes the report of a result, a page in one file. What stood there before is replaced if it is a report, too.
 *
 * @throws PatchwordError INVALID_ARGUMENT for a file that is something else; READ_ONLY, DISK_FULL
 */
export async function writeReport({
  result,
  file,
}: {
  result: RetrievalResult;
  file: string;
}): Promise<{ bytes: number }> {
  await checkReplaceable(file);
  const page = Buffer.from(fillPage(await readFile(PAGE, 'utf8'), reportOf(result, await readPictures(result))));
  const draft = `${file}.${process.pid}.part`;
  try {
    await writeFile(draft, page);
    await rename(draft, file);
    return { bytes: page.length };
  } catch (error) {
    await rm(draft, { force: true });
    throw explainSystemError(error, file);
  }
}

/**
 * To be asked before a long evaluation, not only after it.
 *
 * @throws PatchwordError INVALID_ARGUMENT where a file is in the way that is no report; FILE_NOT_FOUND, READ_ONLY for its folder
 */
export async function checkReplaceable(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    if (error.code === 'EISDIR') return '';
    throw explainSystemError(error, file);
  });
  if (text === null || text.slice(0, 1000).includes(MARK)) {
    const folder = path.dirname(path.resolve(file));
    return access(folder, constants.W_OK).catch(({ code }: NodeJS.ErrnoException) => {
      throw explainSystemError({ code }, folder); // without its system call, which would be one that reads
    });
  }
  throw new PatchwordError('INVALID_ARGUMENT', `${file} is there already and is not a report of Patchword.`, {
    hint: 'Give another name, or move it away.',
  });
}

/** JSON in a script element ends where the parser of the page sees a "<" that begins a tag, so it has none. */
function fillPage(page: string, report: Report): string {
  const at = page.indexOf(OPENING) + OPENING.length;
  const json = JSON.stringify(report).replaceAll('<', '\\u003c');
  return page.slice(0, at) + json + page.slice(at);
}

/** Small copies of the pictures of the worst queries; what cannot be read any more is left out. */
async function readPictures({ dataset, worst }: RetrievalResult): Promise<Map<string, string>> {
  const pictures = new Map<string, string>();
  const images = new Map(worst.flatMap(imagesOf).map(({ name, location }) => [name, location]));
  for (const [name, location] of images) {
    try {
      const bytes = await readOriginal({ root: dataset.root, location }, IMAGE_LIMITS);
      const small = await thumbnail(bytes, { edge: EDGE });
      pictures.set(name, `data:image/webp;base64,${Buffer.from(small).toString('base64')}`);
    } catch (error) {
      if (!(error instanceof PatchwordError)) throw error;
    }
  }
  return pictures;
}

function imagesOf({ query, relevant, found }: WorstQuery) {
  return [query, ...relevant, ...found].flatMap(({ image }) => image ?? []);
}
