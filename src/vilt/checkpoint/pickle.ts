/** A class or function that a pickle names. It is only ever a name: nothing is imported or called. */
export class Global {
  constructor(readonly name: string) {}
}

/** What a class or function unknown to us would have made. Whatever is put into it is dropped. */
export class Opaque {
  constructor(readonly name: string) {}
}

export type Constructor = (args: readonly unknown[]) => unknown;

export interface PickleOptions {
  /** What the known classes and functions make of their arguments, by dotted name; all others make an Opaque. */
  constructors: ReadonlyMap<string, Constructor>;
  /** The object that a persistent id stands for. */
  load: (id: unknown) => unknown;
}

/** A checkpoint's pickle takes some 40 opcodes a tensor. This bounds the memory that a hostile one takes. */
const MAX_OPCODES = 1_000_000;
const MAX_GLOBAL_LENGTH = 1_000;

/**
 * Reads a Python pickle as the pickle module writes it at protocols 2 to 5, executing nothing: lists and tuples become arrays,
 * dicts become Maps, sets Sets, integers past 2^53 bigints.
 *
 * @throws Error saying what is wrong with the bytes
 */
export function unpickle(bytes: Uint8Array, options: PickleOptions): unknown {
  return new Unpickler(bytes, options).run();
}

const char = (letter: string) => letter.charCodeAt(0);
const utf8 = new TextDecoder('utf-8');
const latin1 = new TextDecoder('latin1');

/** The stack machine that a pickle is a program for (CPython's Lib/pickletools.py describes each opcode). */
class Unpickler {
  private readonly view: DataView;
  private position = 0;
  private readonly stack: unknown[] = [];
  /** Heights of the stack at which MARK was met. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly options: PickleOptions,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): unknown {
    for (let count = 0; count < MAX_OPCODES; count++) {
      const opcode = this.uint8();
      if (opcode === char('.')) return this.pop();
      this.step(opcode);
    }
    throw new Error(`more than ${MAX_OPCODES} opcodes`);
  }

  private step(opcode: number): void {
    switch (opcode) {
      case 0x80: {
        // PROTO
        const protocol = this.uint8();
        if (protocol > 5) throw new Error(`unknown protocol ${protocol}`);
        return;
      }
      case 0x95: // FRAME: a length that only a streaming reader needs
        return void this.take(8);

      case char('('): // MARK
        return void this.marks.push(this.stack.length);
      case char('0'): // POP
        return void (this.stack.length === this.marks.at(-1) ? this.marks.pop() : this.pop());
      case char('1'): // POP_MARK
        return void this.popToMark();
      case char('2'): // DUP
        return this.push(this.top());

      case char('q'): // BINPUT
        return void this.memo.set(this.uint8(), this.top());
      case char('r'): // LONG_BINPUT
        return void this.memo.set(this.uint32(), this.top());
      case 0x94: // MEMOIZE
        return void this.memo.set(this.memo.size, this.top());
      case char('h'): // BINGET
        return this.push(this.recall(this.uint8()));
      case char('j'): // LONG_BINGET
        return this.push(this.recall(this.uint32()));

      case char('N'): // NONE
        return this.push(null);
      case 0x88: // NEWTRUE
        return this.push(true);
      case 0x89: // NEWFALSE
        return this.push(false);
      case char('J'): // BININT
        return this.push(this.view.getInt32(this.advance(4), true));
      case char('K'): // BININT1
        return this.push(this.uint8());
      case char('M'): // BININT2
        return this.push(this.view.getUint16(this.advance(2), true));
      case 0x8a: // LONG1
        return this.push(integer(this.take(this.uint8())));
      case 0x8b: // LONG4
        return this.push(integer(this.take(this.uint32())));
      case char('G'): // BINFLOAT
        return this.push(this.view.getFloat64(this.advance(8), false));

      case 0x8c: // SHORT_BINUNICODE
        return this.push(utf8.decode(this.take(this.uint8())));
      case char('X'): // BINUNICODE
        return this.push(utf8.decode(this.take(this.uint32())));
      case 0x8d: // BINUNICODE8
        return this.push(utf8.decode(this.take(this.uint64())));
      case char('U'): // SHORT_BINSTRING, from Python 2
        return this.push(latin1.decode(this.take(this.uint8())));
      case char('T'): // BINSTRING, from Python 2
        return this.push(latin1.decode(this.take(this.uint32())));
      case char('C'): // SHORT_BINBYTES
        return this.push(this.take(this.uint8()));
      case char('B'): // BINBYTES
        return this.push(this.take(this.uint32()));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.push(this.take(this.uint64()));

      case char(')'): // EMPTY_TUPLE
      case char(']'): // EMPTY_LIST
        return this.push([]);
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.push(this.popMany(opcode - 0x84));
      case char('t'): // TUPLE
      case char('l'): // LIST
        return this.push(this.popToMark());
      case char('a'): // APPEND
        return this.extend(this.popMany(1));
      case char('e'): // APPENDS
      case 0x90: // ADDITEMS
        return this.extend(this.popToMark());
      case 0x8f: // EMPTY_SET
        return this.push(new Set());
      case 0x91: // FROZENSET
        return this.push(new Set(this.popToMark()));
      case char('}'): // EMPTY_DICT
        return this.push(new Map());
      case char('d'): {
        // DICT
        const items = this.popToMark();
        this.push(new Map());
        return this.assign(items);
      }
      case char('s'): // SETITEM
        return this.assign(this.popMany(2));
      case char('u'): // SETITEMS
        return this.assign(this.popToMark());

      case char('c'): // GLOBAL
        return this.pushGlobal(this.line(), this.line());
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.popMany(2);
        return this.pushGlobal(module, name);
      }
      case char('R'): // REDUCE
      case 0x81: {
        // NEWOBJ
        const [callable, args] = this.popMany(2);
        return this.push(this.construct(callable, args));
      }
      case 0x92: {
        // NEWOBJ_EX
        const [callable, args] = this.popMany(3);
        return this.push(this.construct(callable, args));
      }
      case char('b'): // BUILD: the attributes of an object, none of which are read
        return void this.pop();
      case char('Q'): // BINPERSID
        return this.push(this.options.load(this.pop()));
      default:
        throw new Error(`opcode 0x${opcode.toString(16)} at byte ${this.position - 1} is not one of protocols 2 to 5`);
    }
  }

  private pushGlobal(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new Error('a global without a name');
    if (module.length + name.length > MAX_GLOBAL_LENGTH) throw new Error('a global with an endless name');
    this.push(new Global(`${module}.${name}`));
  }

  private construct(callable: unknown, args: unknown): unknown {
    if (!(callable instanceof Global)) return new Opaque('an object');
    const make = this.options.constructors.get(callable.name);
    return make && Array.isArray(args) ? make(args) : new Opaque(callable.name);
  }

  private extend(items: unknown[]): void {
    const target = this.top();
    if (Array.isArray(target)) for (const item of items) target.push(item);
    else if (target instanceof Set) for (const item of items) target.add(item);
    else if (!(target instanceof Opaque)) throw new Error('items added to what is not a list or a set');
  }

  private assign(items: unknown[]): void {
    const target = this.top();
    if (items.length % 2 !== 0) throw new Error('a key without a value');
    if (target instanceof Map) for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
    else if (!(target instanceof Opaque)) throw new Error('items set in what is not a dict');
  }

  private recall(index: number): unknown {
    if (!this.memo.has(index)) throw new Error(`memo ${index} is read before it is written`);
    return this.memo.get(index);
  }

  private push(value: unknown): void {
    this.stack.push(value);
  }

  private top(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw new Error('the stack is empty');
    return this.stack.at(-1);
  }

  private pop(): unknown {
    return this.popMany(1)[0];
  }

  private popMany(count: number): unknown[] {
    const height = this.stack.length - count;
    if (height < (this.marks.at(-1) ?? 0)) throw new Error('the stack is empty');
    return this.stack.splice(height);
  }

  private popToMark(): unknown[] {
    const height = this.marks.pop();
    if (height === undefined) throw new Error('there is no mark');
    return this.stack.splice(height);
  }

  /** Moves past the next bytes, and tells where they begin. */
  private advance(count: number): number {
    const start = this.position;
    if (count > this.bytes.length - start) throw new Error(`it ends at byte ${this.bytes.length}, in the middle`);
    this.position += count;
    return start;
  }

  private take(count: number): Uint8Array {
    const start = this.advance(count);
    return this.bytes.subarray(start, start + count);
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end === -1) throw new Error('a line does not end');
    return utf8.decode(this.take(end + 1 - this.position)).slice(0, -1);
  }

  private uint8 = () => this.view.getUint8(this.advance(1));
  private uint32 = () => this.view.getUint32(this.advance(4), true);
  private uint64 = () => Number(this.view.getBigUint64(this.advance(8), true));
}

/** A two's complement integer, little-endian, of any length. */
function integer(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  const magnitude = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  const value = BigInt.asIntN(bytes.length * 8, magnitude);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
