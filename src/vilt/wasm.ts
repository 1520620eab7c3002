/** The few instructions of WebAssembly, and the binary format around them, that resizekernel.ts is written in. */

export type Code = readonly number[];

const VECTOR = 0xfd;
const I32 = 0x7f;
const V128 = 0x7b;
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** LEB128, of whole numbers that are not negative. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** The same, signed. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (; value < -0x40 || value > 0x3f; value >>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value & 0x7f];
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const constant = (value: number): Code => [0x41, ...signed(value)];
export const add: Code = [0x6a];
export const multiply: Code = [0x6c];
export const loadInt: Code = [0x28, 2, 0];
export const storeByte: Code = [0x3a, 0, 0];

const vector = (operation: number, ...rest: number[]): Code => [VECTOR, ...unsigned(operation), ...rest];
/** i32x4 of one number, from the stack or from memory. */
export const spread = vector(0x11);
export const loadSpread = vector(0x09, 2, 0);
/** Four bytes of memory as i32x4. */
export const loadBytes: Code = [...vector(0x5c, 0, 0), ...vector(0x89), ...vector(0xa9)];
export const addVectors = vector(0xae);
export const multiplyVectors = vector(0xb5);
export const byteOf = (lane: number): Code => vector(0x16, lane);
/** The first four bytes of a vector to memory. */
export const storeBytes = vector(0x5a, 0, 0, 0);

/** i32x4 shifted right, as bytes: what is below 0 or above 255 becomes that. */
export function toBytes(local: number, shift: number): Code {
  const shifted = [...get(local), ...constant(shift), ...vector(0xac)];
  const narrowed = [...shifted, ...shifted, ...vector(0x85)];
  return [...narrowed, ...narrowed, ...vector(0x66)];
}

/** Adds a number to a local. */
export const advance = (local: number, by: Code): Code => [...get(local), ...by, ...add, ...set(local)];

/** Runs at least once, and again while one local is below another; both unsigned. */
export function loopBelow(local: number, bound: number, ...body: Code[]): Code {
  return [0x03, 0x40, ...body.flat(), ...get(local), ...get(bound), 0x49, 0x0d, 0, 0x0b];
}

/** A function of i32 parameters without a result. Its locals follow the parameters: i32 ones, then one v128. */
export interface KernelFunction {
  name: string;
  parameters: number;
  integers: number;
  body: Code[];
}

/** A module that exports its memory, of one page at first, and its functions. */
export function encodeModule(functions: readonly KernelFunction[]): Uint8Array {
  const types = functions.map(({ parameters }) => [0x60, ...list(Array<Code>(parameters).fill([I32])), 0]);
  const exports = functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)]);
  const codes = functions.map(({ integers, body }) => {
    const code = [
      ...list([
        [...unsigned(integers), I32],
        [1, V128],
      ]),
      ...body.flat(),
      0x0b,
    ];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...MAGIC,
    ...section(1, list(types)),
    ...section(3, list(functions.map((_, index) => unsigned(index)))),
    ...section(5, list([[0, 1]])),
    ...section(7, list([[...text('memory'), 2, 0], ...exports])),
    ...section(10, list(codes)),
  ]);
}

const list = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, body: Code): number[] => [id, ...unsigned(body.length), ...body];
const text = (value: string): number[] => [...unsigned(value.length), ...Buffer.from(value, 'latin1')];
