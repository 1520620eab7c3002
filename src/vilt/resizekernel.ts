import { HALF, PRECISION_BITS } from './bicubic.js';
import {
  add,
  addVectors,
  advance,
  byteOf,
  type Code,
  constant,
  encodeModule,
  get,
  loadBytes,
  loadInt,
  loadSpread,
  loopBelow,
  multiply,
  multiplyVectors,
  set,
  spread,
  storeByte,
  storeBytes,
  toBytes,
} from './wasm.js';

/** Its functions; addresses are bytes of its memory, sizes are pixels. Starts, counts and weights are i32 each. */
export interface ResizeKernel {
  memory: { buffer: ArrayBuffer; grow(pages: number): void };
  /**
   * The horizontal pass over rows of RGB. `starts` are bytes within a row, `counts` bytes of weights, `stride` bytes from the
   * weights of one target pixel to the next; `end` is where the pixels end, `area` the bytes of one of the three planes.
   */
  rows(
    pixels: number,
    end: number,
    rowBytes: number,
    starts: number,
    counts: number,
    weights: number,
    stride: number,
    toWidth: number,
    out: number,
    area: number,
  ): void;
  /** The vertical pass over one plane, whose rows may be written up to three bytes too far; `starts` are rows, `end` is where the starts end. */
  columns(
    plane: number,
    width: number,
    starts: number,
    end: number,
    counts: number,
    weights: number,
    stride: number,
    out: number,
  ): void;
}

/** Adds one source pixel (or four of a plane) times its weight. */
const accumulate = (sum: number, pixel: number, weight: number): Code => [
  ...get(sum),
  ...[...get(pixel), ...loadBytes],
  ...[...get(weight), ...loadSpread],
  ...multiplyVectors,
  ...addVectors,
  ...set(sum),
];

const toHalf = (sum: number): Code => [...constant(HALF), ...spread, ...set(sum)];

/** Sets a local to the end of the weights that begin where another says. */
const endOf = (end: number, weight: number, count: Code): Code => [
  ...get(weight),
  ...count,
  ...loadInt,
  ...add,
  ...set(end),
];

function rows() {
  const [pixels, end, rowBytes, starts, counts, weights, stride, toWidth, out, area] = Array(10).keys();
  const [x, at, pixel, weight, weightsEnd, sum] = [10, 11, 12, 13, 14, 15];
  const store = (lane: number): Code => [
    ...[...get(out), ...Array.from({ length: lane }, () => [...get(area), ...add]).flat()],
    ...[...get(sum), ...byteOf(lane)],
    ...storeByte,
  ];
  const eachPixel = loopBelow(
    x,
    toWidth,
    [...get(x), ...constant(4), ...multiply, ...set(at)],
    [...get(pixels), ...get(starts), ...get(at), ...add, ...loadInt, ...add, ...set(pixel)],
    [...get(weights), ...get(x), ...get(stride), ...multiply, ...add, ...set(weight)],
    endOf(weightsEnd, weight, [...get(counts), ...get(at), ...add]),
    toHalf(sum),
    loopBelow(
      weight,
      weightsEnd,
      accumulate(sum, pixel, weight),
      advance(pixel, constant(3)),
      advance(weight, constant(4)),
    ),
    [...toBytes(sum, PRECISION_BITS), ...set(sum)],
    [0, 1, 2].flatMap(store),
    advance(out, constant(1)),
    advance(x, constant(1)),
  );
  const body = [loopBelow(pixels, end, [...constant(0), ...set(x)], eachPixel, advance(pixels, get(rowBytes)))];
  return { name: 'rows', parameters: 10, integers: 5, body };
}

function columns() {
  const [plane, width, starts, end, counts, weights, stride, out] = Array(8).keys();
  const [x, row, pixel, weight, weightsEnd, sum] = [8, 9, 10, 11, 12, 13];
  const eachFour = loopBelow(
    x,
    width,
    [...get(row), ...get(x), ...add, ...set(pixel)],
    [...get(weights), ...set(weight)],
    toHalf(sum),
    loopBelow(
      weight,
      weightsEnd,
      accumulate(sum, pixel, weight),
      advance(pixel, get(width)),
      advance(weight, constant(4)),
    ),
    [...get(out), ...get(x), ...add, ...toBytes(sum, PRECISION_BITS), ...storeBytes],
    advance(x, constant(4)),
  );
  const body = [
    loopBelow(
      starts,
      end,
      [...get(plane), ...get(starts), ...loadInt, ...get(width), ...multiply, ...add, ...set(row)],
      endOf(weightsEnd, weights, get(counts)),
      [...constant(0), ...set(x)],
      eachFour,
      advance(out, get(width)),
      advance(starts, constant(4)),
      advance(counts, constant(4)),
      advance(weights, get(stride)),
    ),
  ];
  return { name: 'columns', parameters: 8, integers: 5, body };
}

interface WebAssemblyModules {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
}

/** Null where the machine has no vector instructions. */
export function openResizeKernel(): ResizeKernel | null {
  // Node has it; its types come with those of browsers.
  const wasm = (globalThis as unknown as { WebAssembly: WebAssemblyModules }).WebAssembly;
  const bytes = encodeModule([rows(), columns()]);
  return wasm.validate(bytes) ? (new wasm.Instance(new wasm.Module(bytes)).exports as ResizeKernel) : null;
}
