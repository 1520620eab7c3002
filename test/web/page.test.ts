import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { JSHandle, Page } from 'playwright-core';
import { startServer } from '../../server/main.js';
import { visitPages } from '../browser.js';
import { temporaryFolder } from '../fixture.js';
import { type Answer, HOSTILE_CAPTION, json, samplePicture, serveSmallCollection } from '../server/collection.js';

/** More than the page's 32 candidates, so that they come in more than one wave; it shows the best 24. */
const PICTURES = 40;
const SHOWN = 24;

/** Records, from now on, each order of the cards that was ever shown, and how many were not reranked yet. */
const OBSERVE = `
  window.shown = [];
  const note = () => {
    const keys = [...document.querySelectorAll('.results:not(.stale) li')].map((item) => item.dataset.key);
    if (keys.length) shown.push({ keys, pending: document.querySelectorAll('.results .pending').length });
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
`;

describe('the page', function () {
  this.timeout(60_000);
  const served = serveSmallCollection({ pictures: PICTURES });
  const visit = visitPages(served);
  const { until, cards, width } = visit;
  let page: Page;
  const open = async (...where: Parameters<typeof visit.open>) => (page = await visit.open(...where));

  async function search(text: string): Promise<void> {
    await page.getByRole('searchbox').fill(text);
    await page.keyboard.press('Enter');
  }
  const reranked = () => page.getByText('32 of 32 reranked').waitFor();
  const keys = () =>
    page.evaluate<string[]>(`[...document.querySelectorAll('.results li')].map((li) => li.dataset.key)`);

  /** Makes what a browser hands over when a file is dropped or pasted. */
  async function transfer(bytes: Buffer, name: string): Promise<JSHandle> {
    return page.evaluateHandle(`(() => {
      const bytes = Uint8Array.from(atob('${bytes.toString('base64')}'), (letter) => letter.charCodeAt(0));
      window.transfer = new DataTransfer();
      transfer.items.add(new File([bytes], ${JSON.stringify(name)}, { type: 'image/jpeg' }));
      return transfer;
    })()`);
  }
  async function drop(bytes: Buffer, name = 'dropped.jpg'): Promise<void> {
    const dataTransfer = await transfer(bytes, name);
    await page.dispatchEvent('main', 'dragover', { dataTransfer });
    await page.getByText('Drop the picture').waitFor();
    await page.dispatchEvent('main', 'drop', { dataTransfer });
  }

  it('shows the candidates at once and then their reranked order', async () => {
    await open();
    await page.evaluate(OBSERVE);
    await search('two foxes at night');
    await reranked();
    const shown = await page.evaluate<{ keys: string[]; pending: number }[]>('shown');
    assert.ok(shown[0].keys.length === SHOWN && shown[0].pending === SHOWN, 'candidates first, none reranked');
    assert.ok(
      shown.some(({ pending }) => pending > 0 && pending < SHOWN),
      'then some',
    );
    assert.equal(shown.at(-1)!.pending, 0, 'then all');
    const answer = await fetch(`${served.url}/v1/search?text=two+foxes+at+night&k=24`);
    const expected = (await json<Answer>(answer)).hits.map(({ imageId }) => `image-${imageId}`);
    assert.deepEqual(await keys(), expected);
    assert.notDeepEqual(shown[0].keys, expected, 'reranking changed the order');
    assert.match(await cards().first().innerText(), /%/);
    assert.deepEqual(visit.complaints, []);
  });

  it('shows every picture', async () => {
    await open('?q=a+fox');
    await reranked();
    for (const image of await page.locator('.card img').all()) await image.scrollIntoViewIfNeeded();
    await until(`[...document.querySelectorAll('.card img')].every((image) => image.naturalWidth > 0)`);
    assert.deepEqual(visit.complaints, []);
  });

  it('moves cards to their new places, but not for visitors who ask for reduced motion', async () => {
    const moves = async (reducedMotion: 'reduce' | 'no-preference') => {
      await open('', { reducedMotion });
      await page.evaluate(`
        window.moves = 0;
        const animate = Element.prototype.animate;
        Element.prototype.animate = function (...given) { moves++; return animate.apply(this, given); };
      `);
      await search('two foxes at night');
      await reranked();
      const count = await page.evaluate<number>('moves');
      await page.context().close();
      return count;
    };
    assert.ok((await moves('no-preference')) > 0);
    assert.equal(await moves('reduce'), 0);
  });

  it('shows a hostile caption as text, on the card and large', async () => {
    const { captions } = await samplePicture(PICTURES - 1);
    await open(`?${new URLSearchParams({ q: captions[0] }).toString()}`);
    await reranked();
    const title = await page.title();
    const card = cards().filter({ hasText: HOSTILE_CAPTION });
    assert.equal(await card.count(), 1);
    await card.click();
    await page.getByRole('dialog').getByText(HOSTILE_CAPTION).waitFor();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.equal(await page.title(), title);
    assert.deepEqual(visit.complaints, []);
  });

  it('says which words the model does not know, hostile ones as text', async () => {
    await open('?q=two+foxes');
    await reranked();
    assert.equal(await page.getByText('does not know').count(), 0);
    await search('two foxes and a <img/src=x>&lt;zyzzyva');
    await page.getByText(/^The model does not know ".*"zyzzyva"\.$/).waitFor();
    await reranked();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    assert.deepEqual(visit.complaints, []);
  });

  it('shows a hit large with all its captions and scores, and gives the focus back', async () => {
    const { captions } = await samplePicture(3);
    await open(`?${new URLSearchParams({ q: captions[0] }).toString()}`);
    await reranked();
    await cards().first().focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    for (const caption of captions) await dialog.getByText(caption, { exact: true }).first().waitFor();
    for (const name of ['Match', 'Match score', 'Similarity', 'File'])
      await dialog.getByText(name, { exact: true }).waitFor();
    await until(`document.querySelector('dialog img').naturalWidth > 0`);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await until(`document.activeElement === document.querySelector('.card')`);
    assert.deepEqual(visit.complaints, []);
  });

  it('finds the captions of a picture dropped on it, and pictures like it', async () => {
    const { file, captions } = await samplePicture(5);
    await open();
    await drop(await readFile(file));
    await reranked();
    assert.ok(captions.includes(await page.locator('.card .caption').first().innerText()));
    await page.getByRole('radio', { name: 'Similar pictures' }).check();
    await page.locator('.results.images:not(.stale)').waitFor();
    assert.equal(await page.locator('.card .caption').first().innerText(), captions[0]);
    await until(`document.querySelector('.given img').naturalWidth > 0`);
    assert.deepEqual(visit.complaints, []);
  });

  it('takes a picture chosen from a file, and one pasted', async () => {
    const { file } = await samplePicture(5);
    await open();
    await page.locator('input[type=file]').setInputFiles(file);
    await reranked();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByText('Say what you see').waitFor();
    await transfer(await readFile(file), 'pasted.jpg');
    const paste = (into: string) =>
      page.evaluate(`${into}.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }))`);
    await paste('document');
    await reranked();
    // Words with a picture of them, as a spreadsheet has them, are words where words are typed.
    const address = page.url();
    await page.evaluate(`transfer.items.add('two foxes', 'text/plain')`);
    await paste(`document.querySelector('input[type=search]')`);
    assert.equal(page.url(), address);
    await paste('document');
    assert.notEqual(page.url(), address);
    await reranked();
    assert.deepEqual(visit.complaints, []);
  });

  it('finds pictures like a hit, and its captions', async () => {
    await open('?q=a+fox');
    await reranked();
    await cards().nth(2).click();
    const caption = await page.getByRole('dialog').locator('li').first().innerText();
    await page.getByRole('button', { name: 'Find similar' }).click();
    await page.locator('.given').waitFor();
    await until(`document.querySelector('.results:not(.stale) .pending')`);
    assert.equal(await page.locator('.card .caption').first().innerText(), caption);
    assert.match(page.url(), /\?image=\d+&target=images$/);
    // The first is the picture itself: what is asked for is there already.
    await cards().first().click();
    await page.getByRole('button', { name: 'Find similar' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await cards().first().click();
    await page.getByRole('button', { name: 'Find captions' }).click();
    await page.waitForURL(/\?image=\d+&target=captions$/);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await until(`document.querySelector('.results.captions:not(.stale)')`);
  });

  it("shows the server's words when it refuses a picture", async () => {
    await open();
    await drop(Buffer.from('no picture at all'));
    const alert = page.getByRole('alert');
    await alert.waitFor();
    const form = new FormData();
    form.append('image', new Blob(['no picture at all']));
    const refusal = await fetch(`${served.url}/v1/search`, { method: 'POST', body: form });
    const { error } = await json<{ error: { message: string } }>(refusal);
    assert.ok((await alert.innerText()).includes(error.message));
    assert.equal(await alert.getByRole('button').count(), 0, 'trying again would not help');
    assert.ok(
      visit.complaints.every((text) => text.includes('415')),
      visit.complaints.join(),
    );
  });

  for (const [name, query] of [
    ['the start', ''],
    ['pictures', '?q=a+fox'],
    ['captions', '?image=1&target=captions'],
  ]) {
    it(`fits a narrow screen: ${name}`, async () => {
      await open(query, { viewport: { width: 360, height: 640 } });
      if (query) await cards().first().waitFor();
      else await page.getByText('Say what you see').waitFor();
      assert.equal(await width(), 360);
      if (!query) return;
      await cards().first().click();
      await page.getByRole('dialog').waitFor();
      const inside = await page.evaluate<number[]>(
        `[...document.querySelectorAll('dialog')].map((d) => d.scrollWidth - d.clientWidth)`,
      );
      assert.deepEqual(inside, [0]);
      assert.equal(await width(), 360);
      assert.deepEqual(visit.complaints, []);
    });
  }

  it('says when the server is gone, and goes on once it is back', async () => {
    await open();
    await page.getByText('Say what you see').waitFor();
    await page.context().setOffline(true);
    await search('a fox');
    await page.getByText('The server does not answer').waitFor();
    await page.context().setOffline(false);
    await page.getByRole('button', { name: 'Try again' }).click();
    await reranked();
  });

  describe('at a first start', () => {
    const folder = temporaryFolder();

    it('says how far the sample is, and then searches it', async function () {
      this.timeout(120_000);
      const port = await freePort();
      const data = path.join(folder.path, 'data');
      const starting = startServer({ collection: 'sample', data, host: '127.0.0.1', port });
      try {
        await waitForServer(port);
        await open('?q=two+yellow+foxes+at+night', {}, `http://127.0.0.1:${port}`);
        await page.getByText('Preparing the sample').waitFor();
        await page.getByText(/[1-9]\d* of 600 so far/).waitFor();
        await page.getByText('32 of 32 reranked').waitFor({ timeout: 90_000 });
        assert.match(await cards().first().innerText(), /foxes/);
        assert.ok(
          visit.complaints.every((text) => text.includes('503')),
          visit.complaints.join(),
        );
      } finally {
        await (await starting).close();
      }
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function waitForServer(port: number): Promise<void> {
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
