import assert from 'node:assert/strict';
import { Gate } from '../../server/gate.js';
import { PatchwordError } from '../../src/errors.js';

/** A job that ends when told. */
function job() {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const started = { value: false };
  return { started, end, run: () => ((started.value = true), ended) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Gate', () => {
  it('turns away what neither runs nor waits, and takes new jobs once there is room', async () => {
    const gate = new Gate({ running: 1, queued: 1 });
    const [a, b, c] = [job(), job(), job()];
    const first = gate.run(a.run);
    const second = gate.run(b.run);
    await assert.rejects(gate.run(c.run), (error) => error instanceof PatchwordError && error.code === 'TOO_BUSY');
    assert.deepEqual([a.started.value, b.started.value, c.started.value], [true, false, false]);
    a.end();
    await first;
    await turn();
    assert.equal(b.started.value, true);
    b.end();
    await second;
    c.end();
    await gate.run(c.run);
  });

  it('lets a waiting caller leave without running, and gives the place to the next', async () => {
    const gate = new Gate({ running: 1, queued: 2 });
    const [a, b, c] = [job(), job(), job()];
    const controller = new AbortController();
    const first = gate.run(a.run);
    const second = gate.run(b.run, controller.signal);
    const third = gate.run(c.run);
    controller.abort(new Error('gone'));
    await assert.rejects(second, /gone/);
    a.end();
    await first;
    await turn();
    assert.deepEqual([b.started.value, c.started.value], [false, true]);
    c.end();
    await third;
  });

  it('frees the place of a job that fails', async () => {
    const gate = new Gate({ running: 1, queued: 0 });
    await assert.rejects(
      gate.run(() => Promise.reject(new Error('broken'))),
      /broken/,
    );
    assert.equal(await gate.run(() => Promise.resolve(1)), 1);
  });

  it('does not start for a caller who is already gone', async () => {
    const gate = new Gate({ running: 1, queued: 0 });
    const a = job();
    await assert.rejects(gate.run(a.run, AbortSignal.abort(new Error('gone'))), /gone/);
    assert.equal(a.started.value, false);
  });
});
