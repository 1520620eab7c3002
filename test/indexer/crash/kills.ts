import { temporaryFolder } from '../../fixture.js';
import { Trial } from './trial.js';

/**
 * Kills processes that index, remove, compact and reindex one collection, with SIGKILL, so many times, and looks at the collection
 * after each. The system keeps what a killed process wrote, so this says nothing of a power cut: that what is acknowledged was
 * synced to the disk is tested where it is written (database.test.ts). What a seed draws is the same each time, but not the
 * moments of a busy machine: a failure keeps what it found.
 */
export function describeKills({
  kills,
  seed,
  say,
}: {
  kills: number;
  seed: number;
  say?: (line: string) => void;
}): void {
  const folder = temporaryFolder();
  let trial: Trial;
  let killed = false;

  before(async function () {
    this.timeout(60_000);
    trial = await Trial.open({ folder: folder.path, kills, seed, say: say ?? (() => {}) });
  });
  after(() => trial?.close());

  it(`leaves a sound collection with all that was acknowledged, ${kills} times (seed ${seed})`, async function () {
    this.timeout(30_000 + kills * 20_000);
    await trial.kill();
    killed = true;
  });

  it('is then the collection that it would be had no process been killed', async function () {
    this.timeout(120_000);
    if (!killed) this.skip();
    await trial.end();
  });
}
