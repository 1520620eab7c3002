import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Changes } from '../../indexer/changes.js';
import { temporaryFolder } from '../fixture.js';

const TIMING = { quiet: 40, most: 400, poll: 60 };

describe('Changes', () => {
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let opened: { changes: Changes; stop: () => void }[] = [];
  let count = 0;

  async function open(options: { file?: string; except?: string[] } = {}) {
    const root = at(`root-${count++}`);
    mkdirSync(path.join(root, 'sub'), { recursive: true });
    const controller = new AbortController();
    const { file = root, except = [] } = options;
    const changes = await Changes.open({
      root,
      file,
      except: except.map((name) => path.join(root, name)),
      signal: controller.signal,
      timing: TIMING,
    });
    opened.push({ changes, stop: () => controller.abort() });
    return { root, changes, stop: () => controller.abort() };
  }
  const write = (...parts: string[]) => writeFileSync(path.join(...parts), String(Math.random()));
  /** 'nothing' where it tells of no change within a quarter of a second. */
  const tells = (changes: Changes) => Promise.race([changes.next(), sleep(250).then(() => 'nothing')]);

  afterEach(() => {
    for (const { changes, stop } of opened) {
      stop();
      changes.close();
    }
    opened = [];
  });

  it('tells nothing where nothing changes, nor of hidden files, nor of what is excepted', async () => {
    const { root, changes } = await open({ except: ['data'] });
    mkdirSync(path.join(root, 'data'));
    write(root, '.hidden');
    write(root, 'data', 'catalog.sqlite');
    assert.equal(await tells(changes), 'nothing');
  });

  it('ends when it is stopped, waiting or not', async () => {
    const { root, changes, stop } = await open();
    const waiting = changes.next();
    stop();
    assert.equal(await waiting, false);
    write(root, 'a.png');
    assert.equal(await changes.next(), false);
  });

  it('tells of files that come, change, move and go, in folders below too', async () => {
    const { root, changes } = await open();
    const steps = [
      () => write(root, 'a.png'),
      () => write(root, 'sub', 'b.png'),
      () => write(root, 'sub', 'b.png'),
      () => renameSync(path.join(root, 'a.png'), path.join(root, 'c.png')),
      () => rmSync(path.join(root, 'sub', 'b.png')),
    ];
    for (const [i, step] of steps.entries()) {
      step();
      assert.equal(await changes.next(), true, `step ${i}`);
    }
    assert.equal(await tells(changes), 'nothing');
  });

  it('waits until a file is no longer written, but not for ever', async () => {
    const { root, changes } = await open();
    let writes = 0;
    let last = performance.now();
    let longest = 0;
    const writing = setInterval(() => {
      write(root, `${(writes += 1)}.png`);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 10);
    const started = performance.now();
    try {
      assert.equal(await changes.next(), true);
    } finally {
      clearInterval(writing);
    }
    const paused = Math.max(longest, performance.now() - last) >= TIMING.quiet;
    assert.ok(
      paused || performance.now() - started >= TIMING.most - 20,
      'it told of a change while files were written',
    );
  });

  it('sees into folders that appear, and into one that took the place of another', async () => {
    const { root, changes } = await open();
    mkdirSync(path.join(root, 'new', 'newer'), { recursive: true });
    assert.equal(await changes.next(), true);
    write(root, 'new', 'newer', 'a.png');
    assert.equal(await changes.next(), true);
    rmSync(path.join(root, 'sub'), { recursive: true });
    mkdirSync(path.join(root, 'sub'));
    assert.equal(await changes.next(), true);
    write(root, 'sub', 'a.png');
    assert.equal(await changes.next(), true);
  });

  it('follows a list that lies elsewhere, also where it is replaced, and not its neighbours', async () => {
    const file = at('lists', 'dataset.json');
    mkdirSync(at('lists'));
    write(file);
    const { changes } = await open({ file });
    write(at('lists', 'other.json'));
    assert.equal(await tells(changes), 'nothing');
    write(at('lists', 'dataset.json.new'));
    renameSync(at('lists', 'dataset.json.new'), file);
    assert.equal(await changes.next(), true);
  });

  it('looks now and then for a folder that is gone, and sees it when it is back', async () => {
    const { root, changes } = await open();
    renameSync(root, `${root}-away`);
    assert.equal(await changes.next(), true);
    assert.equal(await changes.next(), true, 'it has to be looked for');
    renameSync(`${root}-away`, root);
    assert.equal(await changes.next(), true);
    assert.equal(await tells(changes), 'nothing');
    write(root, 'sub', 'a.png');
    assert.equal(await changes.next(), true);
  });
});
