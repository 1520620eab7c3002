import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { PatchwordError } from '../../src/errors.js';
import { callWorker, transfer, type WorkerClient } from '../../src/worker.js';
import type { Calculator } from './calculator.js';

const CALCULATOR = new URL('./calculator.js', import.meta.url);

describe('worker', () => {
  const clients: WorkerClient<Calculator>[] = [];

  function startCalculator(onEvent?: (event: unknown) => void): WorkerClient<Calculator> {
    const client = callWorker<Calculator>(new Worker(CALCULATOR), { onEvent });
    clients.push(client);
    return client;
  }

  after(() => Promise.all(clients.map((client) => client.close())));

  it('answers each call with its own result, whatever order they finish in', async () => {
    const calculator = startCalculator();
    const slow = calculator.call('addLater', 1, 2, 30);
    const quick = calculator.call('add', 3, 4);
    assert.equal(await Promise.race([slow, quick]), 7);
    assert.deepEqual(await Promise.all([slow, quick]), [3, 7]);
  });

  it('carries a PatchwordError with its code and hint', async () => {
    const error = await startCalculator()
      .call('refuse')
      .then(assert.fail, (reason: unknown) => reason);
    assert.ok(error instanceof PatchwordError);
    assert.equal(error.code, 'HEAD_MISSING');
    assert.equal(error.message, 'No such head.');
    assert.equal(error.hint, 'Use another model.');
    assert.match(error.stack ?? '', /calculator/, 'the stack is that of the worker');
  });

  it('carries any other error with its name, message and system code', async () => {
    const calculator = startCalculator();
    await assert.rejects(calculator.call('read', '/no/such/file'), { code: 'ENOENT', message: /no such file/ });
    await assert.rejects(calculator.call('answerWithFunction'), { name: 'DataCloneError' });
    assert.equal(await calculator.call('add', 1, 1), 2, 'the worker lives on');
  });

  it('rejects an argument that cannot be cloned, and lives on', async () => {
    const calculator = startCalculator();
    await assert.rejects(calculator.call('add', (() => 1) as never, 2), { name: 'DataCloneError' });
    assert.equal(await calculator.call('add', 1, 2), 3);
  });

  it('copies buffers, and moves those that transfer names, once even if named twice', async () => {
    const calculator = startCalculator();
    const copied = Float32Array.of(1, 2, 3);
    assert.deepEqual(await calculator.call('double', copied), Float32Array.of(2, 4, 6));
    assert.equal(copied.length, 3);
    const moved = Float32Array.of(4, 5);
    const doubled = await calculator.call('double', transfer(moved, [moved.buffer, moved.buffer]));
    assert.deepEqual(doubled, Float32Array.of(8, 10));
    assert.equal(moved.length, 0);
  });

  it('delivers events, in order and before the response that follows them', async () => {
    const events: unknown[] = [];
    await startCalculator((event) => events.push(event)).call('countdown', 3);
    assert.deepEqual(events, [3, 2, 1]);
  });

  it('rejects all pending calls, and later ones, when the worker exits', async () => {
    const calculator = startCalculator();
    const calls = [calculator.call('addLater', 1, 2, 10_000), calculator.call('exit')];
    for (const outcome of await Promise.allSettled(calls)) {
      assert.equal(outcome.status, 'rejected');
      assert.ok(outcome.reason instanceof PatchwordError);
      assert.equal(outcome.reason.code, 'INTERNAL');
      assert.match(outcome.reason.message, /code 3/);
    }
    await assert.rejects(calculator.call('add', 1, 2), { code: 'INTERNAL' });
    await calculator.close();
  });

  it('rejects pending calls with the reason when the worker throws outside any of them', async () => {
    await assert.rejects(startCalculator().call('throwOutside'), { code: 'INTERNAL', message: /outside any call/ });
  });

  it('rejects calls to a worker that cannot start', async () => {
    const client = callWorker<Calculator>(new Worker(new URL('./no-such-worker.js', import.meta.url)));
    await assert.rejects(client.call('add', 1, 2), { code: 'INTERNAL' });
    await client.close();
  });

  it('close lets pending calls finish, refuses later ones, and may be repeated', async () => {
    const calculator = startCalculator();
    const pending = calculator.call('addLater', 1, 2, 20);
    const closed = calculator.close();
    await assert.rejects(calculator.call('add', 1, 2), { code: 'INVALID_ARGUMENT', message: /after close/ });
    assert.equal(await pending, 3);
    await closed;
    await calculator.close();
  });

  it('a pending call keeps the process alive; an idle worker does not', () => {
    const script = `
      import { Worker } from 'node:worker_threads';
      import { callWorker } from ${JSON.stringify(new URL('../../src/worker.js', import.meta.url))};
      const calculator = callWorker(new Worker(new URL(${JSON.stringify(CALCULATOR)}), { execArgv: [] }));
      void calculator.call('addLater', 1, 2, 50).then(console.log);`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
    assert.equal(child.stdout.toString(), '3\n');
    assert.equal(child.status, 0, child.stderr.toString());
  });
});
