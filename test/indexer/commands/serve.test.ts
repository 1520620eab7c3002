import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { ingest } from '../../../indexer/ingestion.js';
import { openEngine } from '../../../src/engine.js';
import { type Command, outcomeOf, startPatchword } from '../../command.js';
import { temporaryFolder } from '../../fixture.js';
import { writePictures } from '../pictures.js';

describe('patchword serve', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  const children: Command[] = [];

  /** `said` resolves once it wrote a line to stdout, or ended. */
  function serve(...parameters: string[]) {
    const child = startPatchword(['serve', ...parameters, '--data', at('data')]);
    children.push(child);
    const ended = outcomeOf(child);
    return {
      child,
      ended,
      said: Promise.race([once(child.stdout, 'data').then(String), ended.then(({ stdout }) => stdout)]),
    };
  }

  before(async () => {
    await writePictures(at('pictures'), { 'a.png': 1 });
    const engine = await openEngine({ collection: 'photos', data: at('data'), create: true });
    await ingest({ engine, source: at('pictures') });
    await engine.close();
  });
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  it('refuses a collection that is not there', async () => {
    const { code, stdout, stderr } = await serve('--collection', 'none', '--port', '0').ended;
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(stderr, /^patchword: [^\n]*none/);
  });

  it('says where it serves, refuses a port that is taken, and ends at Ctrl-C', async () => {
    const first = serve('--collection', 'photos', '--port', '0', '--json');
    const { url, collection } = JSON.parse(await first.said) as { url: string; collection: string };
    assert.equal(collection, 'photos');
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    const { port } = new URL(url);
    const second = await serve('--collection', 'photos', '--port', port).ended;
    assert.equal(second.code, 7, second.stderr);
    assert.match(second.stderr, new RegExp(port));
    first.child.kill('SIGINT');
    const { code, stderr } = await first.ended;
    assert.equal(code, 0, stderr);
    await assert.rejects(fetch(`${url}/healthz`));
  });

  it('says so to people, too', async () => {
    const { child, said, ended } = serve('--collection', 'photos', '--port', '0');
    assert.match(await said, /^Patchword serves photos at http:\/\/127\.0\.0\.1:\d+\n$/);
    child.kill('SIGTERM');
    assert.equal((await ended).code, 0);
  });
});
