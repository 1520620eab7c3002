import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { openStore } from '../../src/store/sqlite/store.js';
import { visitPages } from '../browser.js';
import {
  type Answer,
  HOSTILE_ATTRIBUTE,
  json,
  labelOf,
  samplePicture,
  serveSmallCollection,
} from '../server/collection.js';

describe('the page with a filter', function () {
  this.timeout(60_000);
  const served = serveSmallCollection();
  const visit = visitPages(served);
  const { until, cards, width } = visit;
  let page: Page;
  const open = async (...where: Parameters<typeof visit.open>) => (page = await visit.open(...where));

  const form = () => page.getByRole('form', { name: 'Filter' });
  const field = () => form().getByRole('textbox');
  const alert = () => form().getByRole('alert');
  const chips = () => form().getByRole('listitem');
  const settled = () => until(`document.querySelector('.results:not(.stale)') && !document.querySelector('.pending')`);
  const keys = () =>
    page.evaluate<string[]>(`[...document.querySelectorAll('.results li')].map((li) => li.dataset.key)`);
  async function add(condition: string): Promise<void> {
    await field().fill(condition);
    await page.keyboard.press('Enter');
  }
  const expected = (filter: object) => visit.expected({ text: 'a fox', filter });

  it('says in place what is no condition, and searches nothing else', async () => {
    await open('?q=a+fox');
    await settled();
    const before = await keys();
    for (const text of ['year', '=2014', '{}']) {
      await add(text);
      assert.match(await alert().innerText(), /^Write NAME=VALUE, such as /);
      assert.equal(await field().getAttribute('aria-invalid'), 'true');
      assert.equal(await page.locator('#filter-error').count(), 1);
    }
    await field().fill('year=');
    await alert().waitFor({ state: 'detached' });
    assert.deepEqual(await keys(), before);
    assert.match(page.url(), /\?q=a\+fox$/);
    assert.deepEqual(visit.complaints, []);
  });

  it("shows the server's refusal in place, and goes on once the condition is gone", async () => {
    const long = `${'a'.repeat(5_000)}=1`;
    await open(`?q=a+fox&where=${long}`);
    await alert().waitFor();
    assert.match(await alert().innerText(), /^filter\.field has 5000 characters/);
    assert.deepEqual([await cards().count(), await page.getByRole('alert').count()], [0, 1]);
    assert.ok((await width()) <= page.viewportSize()!.width);
    await chips().getByRole('button').click();
    await settled();
    assert.equal(await alert().count(), 0);
    assert.ok(
      visit.complaints.every((text) => text.includes('400')),
      visit.complaints.join(),
    );
  });

  it('says so where an address has what is no condition', async () => {
    await open('?q=a+fox&where=nonsense');
    await alert().waitFor();
    assert.match(await alert().innerText(), /“nonsense” should be NAME=VALUE/);
    assert.equal(await cards().count(), 0);
    assert.deepEqual(visit.complaints, []);
  });

  it('shows a hostile condition as text', async () => {
    await open(`?${new URLSearchParams({ q: 'a fox', where: `author=${HOSTILE_ATTRIBUTE}` }).toString()}`);
    await settled();
    assert.equal(await chips().innerText(), `author=${HOSTILE_ATTRIBUTE}`);
    assert.equal(await page.locator('b').count(), 0);
    assert.deepEqual(await keys(), await expected({ field: 'author', eq: HOSTILE_ATTRIBUTE }));
    assert.deepEqual(visit.complaints, []);
  });

  it('says where nothing passes', async () => {
    await open('?q=a+fox&where=year=1850');
    await page.getByText('No picture passes the filter.').waitFor();
    assert.deepEqual(visit.complaints, []);
  });

  it('finds only what every condition lets through, and keeps them in the address', async () => {
    await open('?q=a+fox');
    await settled();
    await add('split=test');
    await page.waitForURL('**/?q=a+fox&where=split%3Dtest');
    await page.getByText('7 of 7 reranked').waitFor();
    assert.deepEqual(await keys(), await expected({ field: 'split', eq: 'test' }));
    await add('year=2012');
    await page.getByText('3 of 3 reranked').waitFor();
    const both = {
      and: [
        { field: 'split', eq: 'test' },
        { field: 'year', eq: 2012 },
      ],
    };
    assert.deepEqual(await keys(), await expected(both));
    await page.reload();
    await page.getByText('3 of 3 reranked').waitFor();
    assert.deepEqual(await chips().allInnerTexts(), ['split=test', 'year=2012']);
    await page.getByRole('searchbox').fill('a red car');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/?q=a+red+car&where=split%3Dtest&where=year%3D2012');
    await page.goBack();
    await page.goBack();
    await page.getByText('7 of 7 reranked').waitFor();
    assert.deepEqual(await chips().allInnerTexts(), ['split=test']);
    assert.deepEqual(visit.complaints, []);
  });

  it('takes conditions and gives them up by keyboard alone', async () => {
    await open('?q=a+fox&where=split%3Dtest&where=year%3D2012');
    await page.getByText('3 of 3 reranked').waitFor();
    await form().getByRole('button', { name: 'Remove year=2012' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('7 of 7 reranked').waitFor();
    await until(`document.activeElement.name === 'where'`);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Space');
    await page.getByText('12 of 12 reranked').waitFor();
    assert.equal(await chips().count(), 0);
    assert.match(page.url(), /\?q=a\+fox$/);
  });

  it('filters captions and similar pictures too', async () => {
    for (const [target, count] of [
      ['captions', 15],
      ['images', 3],
    ]) {
      await open(`?image=1&target=${target}&where=split%3Dtest&where=year%3D2012`);
      await page.locator('.results:not(.stale)').waitFor();
      assert.equal(await cards().count(), count);
    }
    assert.deepEqual(visit.complaints, []);
  });

  it('shows what a source says of a picture and what proposed it, and filters by a value that is pressed', async () => {
    const { file, captions } = await samplePicture(7);
    await open(`?${new URLSearchParams({ q: captions[0] }).toString()}`);
    await settled();
    await cards().filter({ hasText: captions[0] }).first().click();
    const entries = page.getByRole('dialog').locator('dl div');
    await entries.first().waitFor();
    const shown = (await entries.allInnerTexts()).map((text) => text.replace(/\s*\n+\s*/g, ': '));
    const { split, attributes } = labelOf(path.basename(file));
    const own = [`Split: ${split}`, `year: ${attributes.year}`, `author: ${attributes.author}`];
    for (const line of ['Found by: nearest and captions', `File: ${path.basename(file)}`, ...own])
      assert.ok(shown.includes(line), `${line} in ${shown.join(' | ')}`);
    await page
      .getByRole('dialog')
      .getByRole('button', { name: String(attributes.author) })
      .click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await until(`document.querySelector('.chip')`);
    assert.equal(await chips().innerText(), `author=${attributes.author}`);
    assert.deepEqual(visit.complaints, []);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`fits a narrow screen, ${colorScheme}`, async () => {
      const conditions = ['split=test', 'year=2012', `author=${HOSTILE_ATTRIBUTE}`].map((text): [string, string] => [
        'where',
        text,
      ]);
      const address = new URLSearchParams([['q', 'a fox'], ...conditions]).toString();
      await open(`?${address}`, { viewport: { width: 360, height: 640 }, colorScheme });
      await chips().first().waitFor();
      assert.equal(await width(), 360);
      await add('nonsense');
      await alert().waitFor();
      assert.equal(await width(), 360);
    });
  }

  it('marks a picture whose file is gone, and shows its thumbnail where that is kept', async () => {
    const { file, captions } = await samplePicture(3);
    const query = new URLSearchParams({ text: captions[0], k: '1' });
    const { hits } = await json<Answer>(await fetch(`${served.url}/v1/search?${query.toString()}`));
    await (await fetch(served.url + hits[0].thumbnailUrl)).arrayBuffer();
    const store = await openStore({ data: served.data, name: 'small' });
    const [{ sourceId }] = await store.sources();
    await store.markMissing({ sourceId, files: [path.basename(file)] });
    await store.close();
    await rm(path.join(served.source, path.basename(file)));
    await open(`?${new URLSearchParams({ q: captions[0] }).toString()}`);
    await settled();
    const card = cards().filter({ hasText: captions[0] }).first();
    assert.match(await card.innerText(), /file not there any more/);
    assert.equal(await cards().filter({ hasText: 'file not there any more' }).count(), 1);
    await card.click();
    await page.getByRole('dialog').getByText('file not there any more').waitFor();
    await until(`document.querySelector('dialog img').naturalWidth > 0`);
    await open(`?q=a+fox&where=missing%3Dtrue`);
    await page.getByText('1 of 1 reranked').waitFor();
    assert.deepEqual(visit.complaints, []);
  });
});
