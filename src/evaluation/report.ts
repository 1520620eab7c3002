import { publishedBeside, type PublishedRow, type Setting, SOURCES } from './published.js';
import type { Direction } from './names.js';
import type { RetrievalResult, Row } from './result.js';

/** A published row as the report shows it, its source spelled out. */
export interface ReportedRow extends Pick<PublishedRow, Direction> {
  model: string;
  setting: Setting;
  source: string;
  url: string | null;
}

/** What the page of a report is given: a result without what only programs read, and what stands beside it. */
export interface Report {
  result: Omit<RetrievalResult, 'rows' | 'queries'> & { rows: Omit<Row, 'ranks'>[] };
  published: ReportedRow[];
  /** Of the worst queries: names of images and data URIs. */
  pictures: [string, string][];
}

/** @param pictures data URIs by the name of the image */
export function reportOf(result: RetrievalResult, pictures: ReadonlyMap<string, string>): Report {
  return {
    result: { ...without(result, 'queries'), rows: result.rows.map((row) => without(row, 'ranks')) },
    published: isComparable(result) ? publishedBeside(result.protocol).map(reportedRow) : [],
    pictures: [...pictures],
  };
}

/** Measured on all that the protocol takes: five captions of every picture. */
function isComparable({ dataset }: RetrievalResult): boolean {
  return dataset.missing.length === 0 && dataset.captionsAnImage === 5;
}

function without<T extends object, Name extends keyof T>(value: T, name: Name): Omit<T, Name> {
  const rest = { ...value };
  delete rest[name];
  return rest;
}

function reportedRow({ model, setting, printed, ...row }: PublishedRow): ReportedRow {
  const { title, arXiv } = SOURCES[printed.in];
  return {
    model,
    setting,
    'text-to-image': row['text-to-image'],
    'image-to-text': row['image-to-text'],
    source: `${title}, ${printed.where}`,
    url: arXiv === null ? null : `https://arxiv.org/abs/${arXiv}`,
  };
}
