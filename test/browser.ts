import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import chromium from '@sparticuz/chromium';
import {
  chromium as playwright,
  type Browser,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from 'playwright-core';
import { type Answer, json } from './server/collection.js';

/**
 * A headless Chromium that needs nothing installed: the browser, the libraries that a bare system lacks and one font come
 * from @sparticuz/chromium, unpacked into a folder of their own (about 2 s) that `close` removes. PATCHWORD_CHROMIUM
 * names another browser, for systems that package has none for.
 */
export async function launchBrowser(): Promise<{ browser: Browser; close(): Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'patchword-chromium-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    const executablePath = process.env.PATCHWORD_CHROMIUM ?? (await unpack(folder));
    const browser = await playwright.launch({
      executablePath,
      args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'],
      env: { ...process.env, LD_LIBRARY_PATH: path.join(folder, 'al2023', 'lib'), FONTCONFIG_FILE: writeFonts(folder) },
    });
    return { browser, close: () => browser.close().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

export interface Visit {
  /** What a test has open. */
  readonly page: Page;
  /** What the browser complained about: failed scripts, failed requests, violations of the security policy. */
  readonly complaints: string[];
  open: (query?: string, options?: BrowserContextOptions, url?: string) => Promise<Page>;
  /** Asks again and again from here: in the page that would be an eval, which its policy forbids. */
  until: (expression: string) => Promise<void>;
  cards: () => Locator;
  /** The keys of the cards that a search should show, in order: what the server itself answers. */
  expected: (query: { text: string; filter?: object }) => Promise<string[]>;
  /** Of all that is on the page, also what is beyond its right margin. */
  width: () => Promise<number>;
}

/** A browser for the surrounding suite; what a test opens is closed after it. Call it inside `describe`. */
export function visitPages(served: { url: string }): Visit {
  let chromium: { browser: Browser; close(): Promise<void> } | undefined;
  let page: Page | undefined;
  let complaints: string[] = [];
  before(async () => void (chromium = await launchBrowser()));
  afterEach(() => page?.context().close());
  after(() => chromium?.close());
  return {
    get page() {
      return page!;
    },
    get complaints() {
      return complaints;
    },
    async open(query = '', options = {}, url = served.url) {
      const context = await chromium!.browser.newContext(options);
      page = await context.newPage();
      const heard: string[] = (complaints = []);
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) heard.push(message.text());
      });
      page.on('pageerror', (error) => heard.push(error.message));
      await page.goto(`${url}/${query}`);
      return page;
    },
    async until(expression) {
      for (const end = Date.now() + 10_000; !(await page!.evaluate<boolean>(`Boolean(${expression})`));) {
        assert.ok(Date.now() < end, `never true: ${expression}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    cards: () => page!.locator('.card'),
    async expected({ text, filter }) {
      const parameters = new URLSearchParams({ text, k: '24', ...(filter && { filter: JSON.stringify(filter) }) });
      const { hits } = await json<Answer>(await fetch(`${served.url}/v1/search?${parameters.toString()}`));
      return hits.map(({ imageId }) => `image-${imageId}`);
    },
    width: () => page!.evaluate<number>('document.documentElement.scrollWidth'),
  };
}

/** The package unpacks into the temporary folder, and its libraries only where it believes to be in AWS Lambda. */
async function unpack(folder: string): Promise<string> {
  const { TMPDIR, AWS_LAMBDA_JS_RUNTIME } = process.env;
  Object.assign(process.env, { TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' });
  try {
    return await chromium.executablePath();
  } finally {
    restore('TMPDIR', TMPDIR);
    restore('AWS_LAMBDA_JS_RUNTIME', AWS_LAMBDA_JS_RUNTIME);
  }
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

function writeFonts(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'fonts.conf');
  const folders = `<dir>${path.join(folder, 'fonts')}</dir><dir>/usr/share/fonts</dir>`;
  writeFileSync(file, `<fontconfig>${folders}<cachedir>${path.join(folder, 'fonts-cache')}</cachedir></fontconfig>`);
  return file;
}
