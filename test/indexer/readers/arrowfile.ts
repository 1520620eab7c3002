import { writeFileSync } from 'node:fs';
import {
  Binary,
  Bool,
  Field,
  Int64,
  List,
  Struct,
  Table,
  tableToIPC,
  TimestampMillisecond,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';

export const TYPES = {
  binary: new Binary(),
  utf8: new Utf8(),
  texts: new List(new Field('item', new Utf8(), true)),
  int64: new Int64(),
  bool: new Bool(),
  time: new TimestampMillisecond(),
  picture: new Struct([new Field('bytes', new Binary(), true), new Field('path', new Utf8(), true)]),
};

/** Columns by name: what type of values, and the values of each batch. */
export type ArrowColumns = Record<string, { type: keyof typeof TYPES; batches: unknown[][] }>;

/** Arrow messages one after another: the schema, and the batches. */
export function arrowStream(columns: ArrowColumns): Buffer {
  return Buffer.from(tableToIPC(tableOf(columns), 'stream'));
}

/**
 * An Arrow file as pyarrow's RecordBatchFileWriter writes it: the messages of a stream between magic numbers, and a footer
 * that says again what they say. (apache-arrow leaves out the schema before the footer.)
 */
export function arrowFile(columns: ArrowColumns): Buffer {
  const table = tableOf(columns);
  const stream = Buffer.from(tableToIPC(table, 'stream'));
  const bare = Buffer.from(tableToIPC(table, 'file'));
  const footerBytes = bare.readInt32LE(bare.length - 10);
  const footer = Footer.decode(bare.subarray(bare.length - 10 - footerBytes, bare.length - 10));
  // In both, the batches are the same bytes; in the file, the first stands right behind the magic number.
  const shift = 8 + stream.indexOf(bare.subarray(8, 200)) - 8;
  const blocks = [...footer.recordBatches()];
  for (const block of blocks) block.offset += shift;
  const again = Footer.encode(new Footer(footer.schema, footer.version, blocks, []));
  const tail = Buffer.alloc(10, 'ARROW1');
  tail.writeInt32LE(again.length, 0);
  tail.write('ARROW1', 4);
  return Buffer.concat([Buffer.from('ARROW1\0\0'), stream, again, tail]);
}

export function writeArrow(file: string, columns: ArrowColumns): void {
  writeFileSync(file, arrowFile(columns));
}

function tableOf(columns: ArrowColumns): Table {
  const batches = Object.values(columns)[0].batches.length;
  const tables = Array.from({ length: batches }, (_, i) => {
    const vectors = Object.entries(columns).map(([name, { type, batches }]) => [
      name,
      vectorFromArray(batches[i], TYPES[type]),
    ]);
    return new Table(Object.fromEntries(vectors) as Record<string, Vector>);
  });
  return tables[0].concat(...tables.slice(1));
}
