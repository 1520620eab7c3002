import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  PUBLISHED,
  publishedBeside,
  type PublishedRecalls,
  type PublishedRow,
  SOURCES,
} from '../../../src/evaluation/published.js';
import { PACKAGE_FOLDER } from '../../../src/paths.js';

/** A row as the table of its protocol and setting has it. */
function documented(row: PublishedRow): string {
  const figures = (recalls: PublishedRecalls) =>
    Object.values(recalls)
      .map((recall) => recall?.toFixed(1) ?? '–')
      .join(' / ');
  const { title } = SOURCES[row.printed.in];
  return `| ${row.model} | ${figures(row['image-to-text'])} | ${figures(row['text-to-image'])} | ${title}, ${row.printed.where} |`;
}

describe('published results', () => {
  const document = readFileSync(path.join(PACKAGE_FOLDER, 'docs', 'published-results.md'), 'utf8');
  const lines = document.split('\n').map((line) => line.replace(/ +/g, ' '));

  it('stand in the document as they stand in the data, and the document has no others', () => {
    const tables = lines.filter((line) => (line.match(/\d\d\.\d \/|– \/ –/g) ?? []).length > 1);
    assert.deepEqual(tables.sort(), PUBLISHED.map(documented).sort());
    for (const { title, arXiv } of Object.values(SOURCES))
      assert.ok(arXiv === null || document.includes(`arxiv.org/abs/${arXiv}`), title);
  });

  it('are recalls: in percent, and no smaller for more', () => {
    for (const row of PUBLISHED) {
      for (const direction of ['image-to-text', 'text-to-image'] as const) {
        const known = Object.values(row[direction]).filter((recall) => recall !== null);
        assert.ok(
          known.every((recall, at) => recall >= (known[at - 1] ?? 0) && recall <= 100),
          `${row.model}: ${known.join(', ')}`,
        );
      }
    }
  });

  it('name each model once for a protocol and a setting', () => {
    const names = PUBLISHED.map(({ protocol, setting, model }) => `${protocol}, ${setting}: ${model}`);
    assert.equal(new Set(names).size, names.length);
  });

  it('stand beside a result of the same protocol alone', () => {
    assert.deepEqual(publishedBeside('whole-split'), []);
    assert.ok(publishedBeside('flickr30k-1k').some(({ model }) => model === 'ViLT-B/32'));
    assert.ok(publishedBeside('coco-1k-5fold').every(({ protocol }) => protocol === 'coco-1k-5fold'));
  });
});
