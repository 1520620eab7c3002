import path from 'node:path';
import { messageOf } from '../../src/errors.js';
import type { ArrowBatch } from './arrow/message.js';
import { type ArrowCell, ArrowFile, type ArrowPicture } from './arrow/file.js';
import { choosePictureColumns, columnsRead, type PictureColumns, RowImages } from './picturetable.js';
import {
  type Columns,
  type OpeningOptions,
  type Reader,
  refuseOptions,
  type SkippedImage,
  type SourceImage,
} from './reader.js';
import { findShards, hasShard, openShards } from './shards.js';

const FILE_NAMES = /\.arrow$/i;

/**
 * ViLT's own `coco_caption_karpathy_test.arrow` and such: Arrow files with a column of encoded pictures, `image`, and perhaps
 * lists of captions, `caption`, and a `split`; other scalars are attributes. Takes one file, or a folder of them.
 *
 * @throws PatchwordError FILE_NOT_FOUND, INVALID_ARGUMENT; SOURCE_INVALID where there is no file with pictures
 */
export async function readArrow(options: OpeningOptions & { path: string }): Promise<Reader> {
  const { images, columns, except } = options;
  refuseOptions('arrow', { images });
  const shards = await findShards({ path: options.path, names: FILE_NAMES, format: 'arrow', except });
  const opened = await openShards(shards, {
    survey: (file) => countRows(path.join(shards.root, file), columns),
    read: (file) => readFile(shards.root, { file, columns }),
  });
  return { format: 'arrow', ...opened };
}

/** Whether a file, or one of the first of a folder, is Arrow. */
export function looksLikeArrow(source: string, except?: readonly string[]): Promise<boolean> {
  const fits = async (file: string) => {
    const arrow = await ArrowFile.open(file);
    await arrow.close();
    return true;
  };
  return hasShard(source, { names: FILE_NAMES, except, fits });
}

/** How many entries a file gives. */
async function countRows(file: string, named: Columns | undefined): Promise<number> {
  const arrow = await ArrowFile.open(file);
  try {
    choosePictureColumns(file, arrow.columns, named);
    const batches = arrow.batches();
    for (let count = 0; ;) {
      const { value, done } = await batches.next();
      if (done) return count + (value === null ? 0 : 1);
      count += value.rows;
    }
  } finally {
    await arrow.close();
  }
}

async function* readFile(
  root: string,
  { file, columns: named }: { file: string; columns: Columns | undefined },
): AsyncGenerator<SourceImage | SkippedImage> {
  const arrow = await ArrowFile.open(path.join(root, file));
  try {
    const columns = choosePictureColumns(file, arrow.columns, named);
    const images = new RowImages({ file, columns, split: null });
    const batches = arrow.batches();
    for (let start = 0; ;) {
      const { value: batch, done } = await batches.next();
      if (done) {
        if (batch !== null) {
          yield { file: `${file}:${start}`, reason: `${batch}; the rows before are read`, within: file };
        }
        return;
      }
      yield* readBatch(arrow, { file, batch, start, columns, images });
      start += batch.rows;
    }
  } finally {
    await arrow.close();
  }
}

async function* readBatch(
  arrow: ArrowFile,
  options: { file: string; batch: ArrowBatch; start: number; columns: PictureColumns; images: RowImages },
): AsyncGenerator<SourceImage | SkippedImage> {
  const { file, batch, start, columns, images } = options;
  const read = new Map<string, (row: number) => ArrowCell>();
  let pictures: (row: number) => ArrowCell;
  try {
    pictures = await arrow.cells(batch, columns.image);
    for (const name of columnsRead(arrow.columns, columns)) read.set(name, await arrow.cells(batch, name));
  } catch (error) {
    yield { file: `${file}:${start}-${start + batch.rows - 1}`, reason: messageOf(error), within: file };
    return;
  }
  for (let row = 0; row < batch.rows; row++) {
    try {
      const { range, path: named } = pictures(row) as ArrowPicture;
      const cells = new Map([...read].map(([name, cell]) => [name, cell(row)]));
      const picture = range && { location: { file, ...range } };
      yield images.read({ row: start + row, cells, path: named, picture });
    } catch (error) {
      // What it is called is in the row.
      yield { file: `${file}:${start + row}`, reason: messageOf(error), within: file };
    }
  }
}
