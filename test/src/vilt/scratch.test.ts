import assert from 'node:assert/strict';
import { Scratch } from '../../../src/vilt/scratch.js';

describe('Scratch', () => {
  it('never gives one memory to two who hold it at the same time', () => {
    const scratch = new Scratch();
    const held = [5, 5, 3].map((length) => scratch.take(length));
    assert.deepEqual(
      held.map(({ length }) => length),
      [5, 5, 3],
    );
    assert.equal(new Set(held.map(({ buffer }) => buffer)).size, 3);
  });

  it('gives what was given back to the next who has room in it, and no one else', () => {
    const scratch = new Scratch();
    const first = scratch.take(10);
    scratch.give(first);
    assert.notEqual(scratch.take(11).buffer, first.buffer);
    const next = scratch.take(7);
    assert.equal(next.buffer, first.buffer);
    assert.equal(next.length, 7);
    assert.notEqual(scratch.take(1).buffer, first.buffer);
  });

  it('takes back once, and only what it gave', () => {
    const scratch = new Scratch();
    const own = scratch.take(4);
    const foreign = new Float32Array(4);
    for (const array of [foreign, own, own]) scratch.give(array);
    const [one, other] = [scratch.take(4), scratch.take(4)];
    assert.equal(one.buffer, own.buffer);
    assert.ok(other.buffer !== own.buffer && other.buffer !== foreign.buffer);
  });

  it('keeps two, the largest', () => {
    const scratch = new Scratch();
    const held = [30, 10, 20].map((length) => scratch.take(length));
    held.forEach((array) => scratch.give(array));
    const buffers = held.map(({ buffer }) => buffer);
    assert.equal(buffers.indexOf(scratch.take(1).buffer), 2);
    assert.equal(buffers.indexOf(scratch.take(1).buffer), 0);
    assert.equal(buffers.indexOf(scratch.take(1).buffer), -1);
  });
});
