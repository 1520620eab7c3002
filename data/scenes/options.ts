import { PatchwordError } from '../../src/errors.js';
import { STYLES, type Style } from './icons.js';
import { PAIRS, type Pairs } from './scene.js';

/** Karpathy's names; Patchword's readers know no others. */
export const SPLITS = ['train', 'restval', 'val', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** 'jpeg' writes images/scene-000000.jpg and so on; 'raw' one file images.bin of uint8 RGB, (count, size, size, 3). */
export const FORMATS = ['jpeg', 'raw'] as const;
export type Format = (typeof FORMATS)[number];

export interface DatasetOptions {
  /** Folder to write into; made where it is missing. */
  output: string;
  count: number;
  /** Side of the pictures in pixels. */
  size?: number;
  seed?: number;
  styles?: readonly Style[];
  pairs?: Pairs;
  split?: Split;
  format?: Format;
  /** Called after each picture with the number drawn so far. */
  onProgress?: (done: number) => void;
}

export const DATASET_DEFAULTS = {
  size: 320,
  seed: 1,
  styles: ['noto', 'noto-v1', 'twemoji', 'emojione'],
  pairs: 'any',
  split: 'test',
  format: 'jpeg',
} as const satisfies Partial<DatasetOptions>;

/** Every option but the callback, defaults filled in. */
export type Settings = Required<Omit<DatasetOptions, 'onProgress'>> & Pick<DatasetOptions, 'onProgress'>;

/** @throws PatchwordError INVALID_ARGUMENT: one line that names the first option out of range */
export function checkOptions(settings: Settings): void {
  checkRange('count', settings.count, 1, 1_000_000);
  checkRange('size', settings.size, 16, 2048);
  checkRange('seed', settings.seed, 0, 2 ** 32 - 1);
  if (settings.styles.length === 0) throw invalid('styles', 'is empty', STYLES);
  for (const style of settings.styles) checkChoice('styles', style, STYLES);
  checkChoice('pairs', settings.pairs, PAIRS);
  checkChoice('split', settings.split, SPLITS);
  checkChoice('format', settings.format, FORMATS);
}

function checkRange(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    `${name} must be a whole number from ${low} to ${high}, but is ${value}.`,
  );
}

function checkChoice(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) throw invalid(name, `has "${value}"`, choices);
}

function invalid(name: string, problem: string, choices: readonly string[]): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', `${name} ${problem}; choose from ${choices.join(', ')}.`);
}
