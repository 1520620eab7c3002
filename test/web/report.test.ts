import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeReport } from '../../indexer/evaluation/report.js';
import type { RetrievalResult, WorstQuery } from '../../src/evaluation/result.js';
import { visitPages } from '../browser.js';
import { temporaryFolder } from '../fixture.js';
import { HOSTILE_CAPTION, samplePicture } from '../server/collection.js';
import { retrievalResult } from '../src/evaluation/retrieval.js';

/** As hostile as a file system lets it be, and a caption that tries to end the element its JSON is in. */
const HOSTILE_FILE = `a"><img src=x onerror=alert(1)>\u202e.jpg`;
const ENDING = `</script><script>document.title = 'owned'</script><!-- <script> $& \u2028 a fox`;

const PICTURES = 4;

/** The first picture stands for the right one, the others were found before it. */
function worstQueries(): WorstQuery[] {
  const image = (name: string) => ({ name, location: { file: name } });
  const of = { stage: 'two-stage', candidates: 32, order: 'matchScore' } as const;
  const item = (rank: number, what: { text: string } | { image: string }) => ({
    text: 'text' in what ? what.text : null,
    image: 'image' in what ? image(what.image) : null,
    rank,
    similarity: 0.4,
    matchScore: 3 - rank / 10,
    matchProbability: 0.9 / rank,
  });
  const others = [1, 2].map((place) => item(place, { image: `${place}.jpg` }));
  const texts = [HOSTILE_CAPTION, 'a fox', ENDING];
  const queries: WorstQuery[] = texts.map((text, at) => ({
    direction: 'text-to-image',
    of,
    query: { text, image: null },
    rank: 50 - at,
    relevant: [item(50 - at, { image: '0.jpg' })],
    found: [...others, item(3, { image: HOSTILE_FILE })],
  }));
  queries.push({
    direction: 'image-to-text',
    of,
    query: { text: null, image: image(HOSTILE_FILE) },
    rank: 9,
    relevant: [item(9, { text: ENDING }), item(12, { text: 'two foxes at night' })],
    found: [item(1, { text: 'a dog' }), item(2, { text: HOSTILE_CAPTION }), item(3, { image: 'gone.jpg' })],
  });
  return queries;
}

function completeResult(root: string): RetrievalResult {
  const result = retrievalResult();
  const bins = [...Array(20).keys()];
  const near = { stage: 'prefilter', candidates: null, order: 'similarity' } as const;
  const all = { stage: 'exhaustive', candidates: null, order: 'matchScore' } as const;
  const some = { stage: 'two-stage', candidates: 20, order: 'matchScore' } as const;
  return {
    ...result,
    protocol: 'flickr30k-1k',
    dataset: { ...result.dataset, root, captionsAnImage: 5 },
    sample: { queries: 40, seed: 1, of: { 'text-to-image': 100, 'image-to-text': 50 } },
    differences: [
      { direction: 'text-to-image', of: all, against: near, metric: 'R@1', points: 4.2, interval: [1.1, 7.3] },
      { direction: 'text-to-image', of: some, against: all, metric: 'R@1', points: -0.1, interval: [-1.1, 0.9] },
    ],
    suggestions: [
      {
        direction: 'text-to-image',
        order: 'matchScore',
        candidates: 20,
        within: 0.3,
        reference: all,
        points: -0.1,
        interval: [-1, 1],
      },
    ],
    histograms: (['matchScore', 'similarity'] as const).map((score) => ({
      score,
      pairs: score === 'similarity' ? ('all' as const) : ('scored' as const),
      edges: [...bins, 20].map((bin) => bin / 2 - 5),
      matches: bins.map((bin) => Math.round(100 * Math.exp(-((bin - 14) ** 2) / 8))),
      nonMatches: bins.map((bin) => Math.round(9000 * Math.exp(-((bin - 6) ** 2) / 12))),
    })),
    worst: worstQueries(),
    notes: ['A note of the evaluation.'],
  };
}

describe('the report of an evaluation', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const visit = visitPages({ url: '' });
  const { until } = visit;
  const file = () => path.join(temporary.path, 'report.html');
  const open = (options?: Parameters<typeof visit.open>[1], name = 'report.html') =>
    // Without a locale: this browser then names one that `Intl` refuses, as some on POSIX systems do.
    visit.open(name, { offline: true, ...options }, pathToFileURL(temporary.path).href);
  const drawn = `[...document.querySelectorAll('canvas')].every((canvas) =>
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))`;

  before(async () => {
    const root = path.join(temporary.path, 'pictures');
    mkdirSync(root);
    for (const place of [...Array(PICTURES).keys()]) {
      const name = place === PICTURES - 1 ? HOSTILE_FILE : `${place}.jpg`;
      copyFileSync((await samplePicture(place)).file, path.join(root, name));
    }
    await writeReport({ result: completeResult(root), file: file() });
  });

  it('shows tables, plots and pictures from one file, and asks for nothing', async () => {
    const page = await open();
    const tables = page.locator('table');
    await tables.first().waitFor();
    const first = await tables.first().locator('tbody tr').allInnerTexts();
    assert.equal(first.length, 12, 'every row of a direction');
    assert.match(first[0], /^prefilter alone/);
    assert.match(first[7], /^20 reranked, by match score\s*suggested/);
    assert.match(await page.locator('.card').first().innerText(), /Text → image 20 reranked, by match score/);
    assert.ok((await page.getByText('UNITER-Base').count()) > 0, 'published rows of the same protocol');
    assert.equal(await page.getByText('VSE++ (ResNet)').count(), 1, 'and none of another');

    assert.equal(await page.locator('canvas').count(), 6);
    await until(drawn);
    await until(`[...document.images].length >= 10 && [...document.images].every((image) => image.naturalWidth > 0)`);
    assert.equal(await page.getByText('gone.jpg').count(), 1, 'a picture that could not be read has its name');
    const requests = await page.evaluate<string[]>(`performance.getEntriesByType('resource').map(({ name }) => name)`);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith('data:')),
      [],
    );
    assert.deepEqual(visit.complaints, []);
  });

  it('shows hostile captions and names as text', async () => {
    const page = await open();
    assert.equal(await page.getByText(HOSTILE_CAPTION).count(), 2);
    assert.equal(await page.getByText(ENDING.split('<!--')[0]).count(), 2);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.equal(await page.title(), 'dataset.json, test: evaluation');
    assert.equal(await page.evaluate('document.scripts.length'), 2, 'the data and the program');
    assert.deepEqual(visit.complaints, []);
  });

  it('fits a phone, and prints on white where the screen is dark', async () => {
    const page = await open({ viewport: { width: 360, height: 700 }, colorScheme: 'dark' });
    await until(drawn);
    assert.equal(await visit.width(), 360);
    const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    assert.equal(await ground(), 'rgb(21, 23, 27)');
    await page.emulateMedia({ media: 'print' });
    assert.equal(await ground(), 'rgb(247, 247, 245)');
    assert.deepEqual(visit.complaints, []);
  });

  it('shows a result of one direction and one row, without what it has not', async () => {
    const { rows, dataset: whole, ...result } = retrievalResult({ protocol: 'flickr30k-1k' });
    const [row] = rows;
    const dataset = { ...whole, captionsAnImage: 5, missing: [{ file: HOSTILE_FILE, reason: 'it is <gone>' }] };
    const bare = {
      ...result,
      dataset,
      rows: [row],
      prefilterRecall: [],
      cost: { ...result.cost, prefilterMilliseconds: null },
    };
    await writeReport({ result: bare, file: path.join(temporary.path, 'bare.html') });
    const page = await open({}, 'bare.html');
    assert.equal(await page.locator('tbody tr').count(), 1);
    assert.equal(await page.locator('canvas').count(), 0);
    assert.equal(await page.getByText('Beside published results').count(), 0, 'a picture is missing');
    await page.getByText('it is <gone>').waitFor({ state: 'attached' });
    assert.deepEqual(visit.complaints, []);
  });

  it('replaces a report, and nothing else', async () => {
    const before = readFileSync(file());
    await writeReport({ result: retrievalResult(), file: file() });
    assert.notDeepEqual(readFileSync(file()), before);
    const other = path.join(temporary.path, 'thesis.html');
    writeFileSync(other, '<p>mine</p>');
    await assert.rejects(writeReport({ result: retrievalResult(), file: other }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(writeReport({ result: retrievalResult(), file: temporary.path }), {
      code: 'INVALID_ARGUMENT',
    });
    assert.equal(readFileSync(other, 'utf8'), '<p>mine</p>');
  });
});
