import { STORE_LIMITS, type ImageRecord } from './store.js';

/** What a record counts in a batch. */
export interface RecordSize {
  /** The image and its captions. */
  items: number;
  /** Of all but the model input. */
  bytes: number;
}

export function recordSize(record: Omit<ImageRecord, 'modelInput'>): RecordSize {
  const { file, location, contentHash, split, attributes, embedding, captions } = record;
  const texts = [file, contentHash, split ?? '', JSON.stringify(location), JSON.stringify(attributes)];
  let bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), embedding?.byteLength ?? 0);
  for (const { text, embedding } of captions) bytes += Buffer.byteLength(text) + embedding.byteLength;
  return { items: 1 + captions.length, bytes };
}

/** Whether a batch may be so large. */
export function isWithinLimits({ items, bytes }: RecordSize): boolean {
  return items <= STORE_LIMITS.batchItems && bytes <= STORE_LIMITS.batchBytes;
}

/** Records in batches that `upsert` takes, in their order; one that no batch may hold is a batch of its own. */
export function* splitBatch(records: readonly ImageRecord[]): Generator<ImageRecord[]> {
  let batch: ImageRecord[] = [];
  let size: RecordSize = { items: 0, bytes: 0 };
  for (const record of records) {
    const added = recordSize(record);
    const sum = { items: size.items + added.items, bytes: size.bytes + added.bytes };
    if (batch.length > 0 && !isWithinLimits(sum)) {
      yield batch;
      [batch, size] = [[record], added];
    } else {
      batch.push(record);
      size = sum;
    }
  }
  if (batch.length > 0) yield batch;
}
