import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { visitPages } from '../browser.js';
import { samplePicture, serveSmallCollection } from '../server/collection.js';

describe('where a visitor is', function () {
  this.timeout(60_000);
  const served = serveSmallCollection();
  const visit = visitPages(served);
  const { until, cards, expected } = visit;
  let page: Page;
  const open = async (...where: Parameters<typeof visit.open>) => (page = await visit.open(...where));
  const reranked = () => page.getByText(/(\d+) of \1 reranked/).waitFor();

  /** Waits until the page shows what the server answers to the text, in its order. */
  async function answered(text: string): Promise<void> {
    const keys = JSON.stringify(await expected({ text }));
    const shown = `[...document.querySelectorAll('.results:not(.stale) [data-key]')].map(({ dataset }) => dataset.key)`;
    await until(`JSON.stringify(${shown}) === '${keys}'`);
  }

  async function search(text: string): Promise<void> {
    await page.getByRole('searchbox').fill(text);
    await page.keyboard.press('Enter');
  }

  it('keeps the query in the address: reloading and going back work', async () => {
    await open('?q=a+fox');
    await reranked();
    assert.equal(await page.getByRole('searchbox').inputValue(), 'a fox');
    await search('a red car');
    await page.waitForURL('**/?q=a+red+car');
    await reranked();
    await page.reload();
    await reranked();
    await page.goBack();
    await until(`document.querySelector('[type=search]').value === 'a fox'`);
    await reranked();
    await answered('a fox');
    assert.deepEqual(visit.complaints, []);
  });

  it('shows nothing of a query that was given up, however late its answer comes', async () => {
    await open();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(/text=a\+fox/, async (route) => {
      await held;
      await route.continue().catch(() => {}); // given up by then
    });
    await search('a fox');
    await page.waitForURL('**/?q=a+fox');
    await search('a red car');
    await answered('a red car');
    release();
    await page.waitForTimeout(500);
    await answered('a red car');
  });

  it('opens no card of the query before, whose scores are of other words', async () => {
    await open('?q=a+fox');
    await answered('a fox');
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(/text=a\+red\+car/, async (route) => {
      await held;
      await route.continue();
    });
    await search('a red car');
    await page.locator('.results.stale').waitFor();
    await cards().first().click();
    assert.equal(await page.getByRole('dialog').count(), 0);
    release();
    await answered('a red car');
    await cards().first().click();
    await page.getByRole('dialog').waitFor();
  });

  it('begins anew at Enter in an empty box', async () => {
    await open('?q=a+fox');
    await reranked();
    await search('');
    await page.getByText('Say what you see').waitFor();
    assert.doesNotMatch(page.url(), /\?q=/);
  });

  it('leaves a card open that was opened while typing', async () => {
    await open('?q=a+fox');
    await reranked();
    // At once: typing has not paused by then.
    await page.evaluate(`(() => {
      const box = document.querySelector('[type=search]');
      box.value = 'a foxes';
      box.dispatchEvent(new InputEvent('input', { bubbles: true }));
      document.querySelector('.card').click();
    })()`);
    await page.getByRole('dialog').waitFor();
    await page.waitForTimeout(600);
    assert.equal(await page.getByRole('dialog').count(), 1);
    assert.match(page.url(), /\?q=a\+fox$/);
  });

  it('says of a file that cannot be read that it cannot, not that the server is gone', async () => {
    await open();
    await page.evaluate(`(() => {
      window.transfer = new DataTransfer();
      transfer.items.add(new File(['x'], 'folder', { type: 'image/jpeg' }));
      Blob.prototype.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotFoundError'));
    })()`);
    await page.dispatchEvent('main', 'drop', { dataTransfer: await page.evaluateHandle('transfer') });
    await page.getByText('This picture cannot be read.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0);
  });

  it('searches while typing pauses, without filling the history', async () => {
    await open('?q=a+fox');
    await reranked();
    const before = await page.evaluate<number>('history.length');
    await page.getByRole('searchbox').fill('');
    await page.getByRole('searchbox').pressSequentially('two foxes', { delay: 20 });
    await page.waitForURL('**/?q=two+foxes');
    await page.getByRole('searchbox').pressSequentially(' at', { delay: 20 });
    await page.waitForURL('**/?q=two+foxes+at');
    await page.getByRole('searchbox').pressSequentially(' night', { delay: 20 });
    await page.keyboard.press('Enter');
    await page.waitForURL('**/?q=two+foxes+at+night');
    assert.equal(await page.evaluate<number>('history.length'), before + 1);
    await page.goBack();
    await until(`document.querySelector('[type=search]').value === 'a fox'`);
    await page.getByRole('searchbox').pressSequentially('es', { delay: 20 });
    await page.waitForURL('**/?q=a+foxes');
    await reranked();
    await cards().first().click();
    await page.getByRole('button', { name: 'Find similar' }).click();
    await page.locator('.given').waitFor();
    await page.goBack();
    await until(`location.search === '?q=a+foxes'`);
    await page.goBack();
    await until(`location.search === '?q=a+fox'`);
  });

  it('keeps what Enter made in the history, whatever is typed after it', async () => {
    await open();
    await search('a fox');
    await page.waitForURL('**/?q=a+fox');
    await page.getByRole('searchbox').pressSequentially(' ');
    await page.waitForTimeout(600);
    await page.getByRole('searchbox').pressSequentially('at night', { delay: 20 });
    await page.waitForURL('**/?q=a+fox+at+night');
    await page.goBack();
    await until(`location.search === '?q=a+fox'`);
  });

  it('keeps a letter that is typed just when typing has paused', async () => {
    await open();
    const box = page.getByRole('searchbox');
    await box.pressSequentially('two fo', { delay: 20 });
    // The moment in which the address has changed, before the page has been painted.
    await page.evaluate(`new Promise((resolve) => {
      const { pushState } = history;
      history.pushState = function (...address) {
        pushState.apply(history, address);
        setTimeout(() => {
          const box = document.querySelector('[type=search]');
          box.setRangeText('x', box.value.length, box.value.length, 'end');
          box.dispatchEvent(new InputEvent('input', { bubbles: true }));
          resolve();
        });
      };
    })`);
    await page.waitForURL('**/?q=two+fox');
    assert.equal(await box.inputValue(), 'two fox');
  });

  it('shows no picture under the address of another, after a reload', async () => {
    await open();
    const give = async (index: number) =>
      page.locator('input[type=file]').setInputFiles((await samplePicture(index)).file);
    await give(5);
    await page.waitForURL(/upload=/);
    await reranked();
    await page.reload();
    await give(6);
    await reranked();
    await page.goBack();
    await until(`!document.querySelector('.given')`);
  });

  it('leaves a space that was typed, for the next word', async () => {
    await open();
    const box = page.getByRole('searchbox');
    await box.pressSequentially('two ', { delay: 20 });
    await page.waitForURL('**/?q=two');
    await reranked();
    assert.equal(await box.inputValue(), 'two ');
    await box.pressSequentially('foxes', { delay: 20 });
    await page.waitForURL('**/?q=two+foxes');
  });

  it('does not search what was being typed when something else was asked for', async () => {
    const { file } = await samplePicture(5);
    await open();
    await page.getByRole('searchbox').pressSequentially('a red c', { delay: 20 });
    await page.locator('input[type=file]').setInputFiles(file);
    await reranked();
    await page.waitForTimeout(600);
    assert.match(page.url(), /\?upload=/);
    assert.equal(await page.getByRole('searchbox').inputValue(), '');
  });

  it('leaves a refusal and an open card behind when the visitor goes on', async () => {
    await open('?q=a+fox');
    await reranked();
    await search('a red car');
    await page.waitForURL('**/?q=a+red+car');
    await reranked();
    await cards().first().click();
    await page.getByRole('dialog').waitFor();
    await page.goBack();
    await until(`document.querySelector('[type=search]').value === 'a fox'`);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const large = await page.evaluateHandle(`(() => {
      window.transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(31 * 2 ** 20)], 'large.jpg', { type: 'image/jpeg' }));
      return transfer;
    })()`);
    await page.dispatchEvent('main', 'drop', { dataTransfer: large });
    await page.getByText('too large').first().waitFor();
    await page.goForward();
    await reranked();
    await cards().first().waitFor();
    assert.equal(await page.getByText('too large').count(), 0);
  });

  it('leaves the focus on a card that moves', async () => {
    await open('?q=a+red+car');
    await reranked();
    await search('two foxes at night');
    await page.waitForURL('**/?q=two+foxes+at+night');
    await reranked();
    const focused = 'document.activeElement.querySelector("img")?.getAttribute("src")';
    for (const place of [2, 5, 8, 2, 5, 8]) {
      await cards().nth(place).focus();
      const thumbnail = await page.evaluate(focused); // of a card that may have moved since it was counted
      const forward = page.url().includes('car');
      await (forward ? page.goForward() : page.goBack());
      const text = forward ? 'two foxes at night' : 'a red car';
      await until(`document.querySelector('[type=search]').value === '${text}'`);
      await reranked();
      await answered(text);
      assert.equal(await page.evaluate(focused), thumbnail);
    }
  });

  it('keeps the focus in the page when the control that has it goes away', async () => {
    await open('?q=a+fox');
    await reranked();
    await cards().nth(1).click();
    await page.getByRole('button', { name: 'Find similar' }).press('Enter');
    await page.locator('.given').waitFor();
    await until(`document.activeElement.tagName === 'MAIN'`);
    await page.keyboard.press('Tab');
    await until(`document.activeElement.getAttribute('aria-label') === 'Clear'`);
    await page.keyboard.press('Enter');
    await until(`document.activeElement.tagName === 'MAIN'`);
    assert.deepEqual(visit.complaints, []);
  });
});
