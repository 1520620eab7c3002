import assert from 'node:assert/strict';
import { Global, Opaque, unpickle } from '../../../../src/vilt/checkpoint/pickle.js';
import { encode, global, pickle, Raw, reduce } from './torch.js';

const options = {
  constructors: new Map([['collections.OrderedDict', () => new Map()]]),
  load: (id: unknown) => ({ id }),
};
const read = (...parts: (Buffer | string | number)[]) => unpickle(new Raw(0x80, 2, ...parts).bytes, options);
const hex = (text: string) => unpickle(Buffer.from(text.replace(/\s/g, ''), 'hex'), options);

describe('unpickle', () => {
  it('refuses bytes that end early, whatever was asked of them', () => {
    for (const bytes of [
      '',
      '(',
      'X\xff\xff\xff\x7fab',
      '\x8d\xff\xff\xff\xff\xff\xff\xff\xffab',
      'J\x01',
      'cos',
      'cos\nsystem',
    ]) {
      assert.throws(() => read(bytes), Error, JSON.stringify(bytes));
    }
  });

  it('refuses a stack that is empty, a mark that is missing, a memo never written, a key without a value', () => {
    assert.throws(() => read('.'), /stack is empty/);
    assert.throws(() => read('K\x01\x86.'), /stack is empty/);
    assert.throws(() => read('K\x01(\x85.'), /stack is empty/);
    assert.throws(() => read('t.'), /no mark/);
    assert.throws(() => read('h\x07.'), /memo 7 is read before/);
    assert.throws(() => read('}(K\x01u.'), /key without a value/);
    assert.throws(() => read('K\x01K\x02a.'), /not a list or a set/);
    assert.throws(() => read('K\x01K\x02K\x03s.'), /not a dict/);
  });

  it('refuses opcodes of other protocols, and pickles without end', () => {
    assert.throws(() => read('I1\n.'), /opcode 0x49 at byte 2/);
    assert.throws(() => unpickle(Buffer.from([0x80, 9]), options), /unknown protocol 9/);
    assert.throws(() => read(Buffer.alloc(1_100_000, '}')), /more than 1000000 opcodes/);
    assert.throws(() => read(`c${'m'.repeat(2000)}\nx\n.`), /endless name/);
  });

  it('runs nothing: what a class or function would have made is opaque', () => {
    const before = process.env.PATCHWORD_PWNED;
    const value = unpickle(pickle(reduce(global('os', 'system'), ['PATCHWORD_PWNED=1'])), options);
    assert.ok(value instanceof Opaque);
    assert.equal(value.name, 'os.system');
    assert.equal(process.env.PATCHWORD_PWNED, before);
    for (const name of ['builtins.eval', 'constructor.constructor', '__proto__.x', 'process.exit']) {
      const [module, member] = name.split('.');
      assert.deepEqual(unpickle(pickle(reduce(global(module, member), ['1'])), options), new Opaque(name));
    }
  });

  it('takes items, attributes and calls of unknown objects without a word', () => {
    const opaque = reduce(global('sacred', 'ReadOnlyDict'), []);
    const filled = new Raw(encode(opaque), '(', encode('key'), encode(1), 'u', '(', encode(2), 'e', '}b');
    assert.ok(unpickle(pickle(filled), options) instanceof Opaque);
    assert.ok(unpickle(pickle(reduce(opaque, [])), options) instanceof Opaque);
    assert.ok(read('ca\nB\n)\x81.') instanceof Opaque); // NEWOBJ
    assert.ok(read('ca\nB\n)}\x92.') instanceof Opaque); // NEWOBJ_EX
  });

  it('reads a list that contains itself', () => {
    const list = read(']q\x00h\x00a.') as unknown[];
    assert.equal(list.length, 1);
    assert.equal(list[0], list);
  });

  it('reads nesting deeper than any call stack', () => {
    let value = read(`${']'.repeat(300_000)}${'a'.repeat(299_999)}.`) as unknown[];
    let depth = 1;
    while (value.length > 0) [value, depth] = [value[0] as unknown[], depth + 1];
    assert.equal(depth, 300_000);
  });

  it('leaves no trace of a key that means something to JavaScript', () => {
    const dict = unpickle(pickle(new Map([['__proto__', new Map([['polluted', 1]])]])), options) as Map<
      string,
      unknown
    >;
    assert.ok(dict.get('__proto__') instanceof Map);
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });

  it('reads integers of every length', () => {
    assert.equal(read('J\xfe\xff\xff\xff.'), -2);
    assert.equal(read('M\xff\xff.'), 65535);
    assert.equal(read('\x8a\x00.'), 0);
    assert.equal(read('\x8a\x01\xff.'), -1);
    assert.equal(read('\x8a\x05\x00\x00\x00\x00\x01.'), 2 ** 32);
    assert.equal(read('\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.'), 2n ** 64n);
    assert.equal(read('\x8b\x02\x00\x00\x00\x00\x80.'), -32768);
  });

  it('gives persistent ids to the caller', () => {
    assert.deepEqual(unpickle(pickle(new Raw(encode(['storage', '0']), 'Q')), options), { id: ['storage', '0'] });
  });

  it('reads protocol 2: memo, OrderedDict, globals', () => {
    const shared = new Raw(encode('a'), 'q\x05');
    const value = read('(', encode(shared), 'h\x05', encode(global('torch', 'FloatStorage')), 't.');
    assert.deepEqual(value, ['a', 'a', new Global('torch.FloatStorage')]);
    const ordered = new Raw(encode(reduce(global('collections', 'OrderedDict'), [])), encode('k'), encode(1), 's');
    assert.deepEqual(unpickle(pickle(ordered), options), new Map([['k', 1]]));
  });

  // CPython 3.11: pickle.dumps({'a': [1, (True, None)], 'b': {2.5}, 'c': b'x', 'f': collections.Counter}, protocol=4)
  it('reads protocol 4 as CPython writes it', () => {
    const value = hex(`
      8004954a000000000000007d94288c0161945d94284b01884e8694658c0162948f9428474004000000000000908c016394430178948c016694
      8c0b636f6c6c656374696f6e73948c07436f756e746572949394752e`) as Map<string, unknown>;
    const expected = new Map<string, unknown>([
      ['a', [1, [true, null]]],
      ['b', new Set([2.5])],
      ['c', Buffer.from('x')],
      ['f', new Global('collections.Counter')],
    ]);
    assert.deepEqual(new Map([...value, ['c', Buffer.from(value.get('c') as Uint8Array)]]), expected);
  });
});
