import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { PatchwordError } from '../../src/errors.js';
import { emitEvent, serveWorker, transfer } from '../../src/worker.js';

/** The worker that worker.test.ts calls. */
export interface Calculator {
  add(a: number, b: number): number;
  addLater(a: number, b: number, milliseconds: number): Promise<number>;
  double(values: Float32Array): Float32Array;
  countdown(from: number): void;
  refuse(): never;
  read(path: string): string;
  answerWithFunction(): unknown;
  exit(): void;
  throwOutside(): Promise<void>;
}

serveWorker<Calculator>(parentPort!, {
  add: (a, b) => a + b,
  addLater: (a, b, milliseconds) => new Promise((resolve) => setTimeout(() => resolve(a + b), milliseconds)),
  double(values) {
    const doubled = values.map((value) => value * 2);
    return transfer(doubled, [doubled.buffer]);
  },
  countdown(from) {
    for (let i = from; i > 0; i--) emitEvent(parentPort!, i);
  },
  refuse() {
    throw new PatchwordError('HEAD_MISSING', 'No such head.', { hint: 'Use another model.' });
  },
  read: (path) => readFileSync(path, 'utf8'),
  answerWithFunction: () => () => 0,
  exit: () => process.exit(3),
  throwOutside() {
    setImmediate(() => {
      throw new RangeError('outside any call');
    });
    return new Promise(() => {});
  },
});
