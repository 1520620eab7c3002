import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readSplit } from '../../indexer/evaluation.js';
import { runEvaluation } from '../../indexer/evaluating.js';
import { openPictures } from '../../indexer/fitting.js';
import { openSource } from '../../indexer/readers/source.js';
import { describeEvaluation } from '../../indexer/recalltable.js';
import type { Inference } from '../../src/inference/inference.js';
import { BUNDLED_MODEL } from '../../src/paths.js';
import { temporaryFolder } from '../fixture.js';
import { readSample } from '../src/sample.js';

/** Splits of eight pictures: five for test, two for train, one of which is called restval; one without captions. */
const SPLITS = ['test', 'test', 'train', 'test', 'restval', 'test', 'test', 'test'];

describe('a dataset to evaluate on', () => {
  const temporary = temporaryFolder();
  const sample = readSample().slice(0, SPLITS.length);
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const signal = new AbortController().signal;

  before(() => {
    mkdirSync(at('images'));
    const images = sample.map(({ file, captions }, i) => {
      copyFileSync(file, at('images', path.basename(file)));
      const sentences = i === 7 ? [] : captions.slice(0, 3).map((raw) => ({ raw }));
      return { filename: path.basename(file), split: SPLITS[i], sentences };
    });
    writeFileSync(at('dataset.json'), JSON.stringify({ images }));
    const unsplit = images.map(({ filename, sentences }) => ({ filename, sentences }));
    writeFileSync(at('unsplit.json'), JSON.stringify({ images: unsplit.slice(0, 3) }));
  });
  const read = async (name: string, split?: string) =>
    readSplit(await openSource({ source: at(name), images: at('images') }), { split });

  it('is refused where it has no such split, with those that it has', async () => {
    await assert.rejects(read('dataset.json', 'dev'), {
      code: 'INVALID_ARGUMENT',
      message: `${at('dataset.json')} has no split "dev". Its splits, with their pictures: test (6), train (2).`,
      hint: 'Name one of them with --split.',
    });
    await assert.rejects(read('unsplit.json', 'test'), {
      message: /None of its pictures has a split/,
      hint: /Leave out/,
    });
  });

  it('is its test split, or all of it where it has no splits', async () => {
    const test = await read('dataset.json');
    assert.equal(test.split, 'test');
    assert.deepEqual(
      test.listed.map(({ name }) => name),
      [0, 1, 3, 5, 6].map((i) => path.basename(sample[i].file)),
    );
    assert.deepEqual(test.notes, ["1 of the split's pictures has no caption and is left out."]);
    assert.equal((await read('dataset.json', 'train')).listed.length, 2);
    const whole = await read('unsplit.json');
    assert.deepEqual([whole.split, whole.listed.length], [null, 3]);
    const { images } = JSON.parse(readFileSync(at('dataset.json'), 'utf8')) as { images: object[] };
    const stray = { ...images[2], split: undefined, sentences: [] };
    writeFileSync(at('stray.json'), JSON.stringify({ images: [stray, ...images.filter((_, i) => i !== 2)] }));
    assert.deepEqual((await read('stray.json')).notes, test.notes);
  });

  it('names the pictures that are not there', async () => {
    const gone = path.basename(sample[3].file);
    rmSync(at('images', gone));
    const { listed, missing } = await read('dataset.json');
    assert.deepEqual(missing, [{ file: gone, reason: `${at('images', gone)} does not exist.` }]);
    assert.equal(listed[2].contentHash, null);
    copyFileSync(sample[3].file, at('images', gone));
  });

  it('can be fitted to by one split', async () => {
    const reader = await openSource({ source: at('dataset.json'), images: at('images') });
    const options = { inference: {} as Inference, reader, seed: 1 };
    assert.equal((await openPictures({ ...options, split: 'train' })).total, 2);
    assert.equal((await openPictures(options)).total, 8);
    await assert.rejects(openPictures({ ...options, split: 'val' }), /has no split "val"/);
  });

  it('is evaluated from its files to the table', async () => {
    const notes: string[] = [];
    const result = await runEvaluation({
      dataset: at('dataset.json'),
      model: BUNDLED_MODEL,
      work: at('work'),
      candidates: [1, 4],
      captions: 1,
      signal,
      printNotes: (lines) => notes.push(...lines),
    });
    assert.match(notes.join('\n'), /^The joint model reads 2\d pairs\.$/m); // 20 of each direction, most of them in both
    const table = describeEvaluation(result).split('\n');
    assert.match(
      table[0],
      /^dataset\.json, split test: 5 pictures, 5 captions \(the first of each\); protocol whole-split$/,
    );
    assert.match(
      table.find((line) => line.startsWith('4 reranked, calibrated'))!,
      /100\.0 {2}100\.0/,
    );
    assert.equal(table.filter((line) => /^(prefilter alone|[14] reranked)/.test(line)).length, 10);
    assert.match(table.at(-1)!, /left out/);
  });
});
