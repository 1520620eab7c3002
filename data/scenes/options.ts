import { PatchwordError } from '../../src/errors.js';
import { ASPECTS, pixelsOf, type Aspect } from './aspects.js';
import { BACKGROUND_NAMES } from './backgrounds.js';
import type { LayoutName } from './layouts.js';
import { layoutsFor, PAIRS, type Pairs } from './scene.js';
import { DEFAULT_STYLES, STYLES, type Style } from './styles.js';

/** Karpathy's names; Patchword's readers know no others. */
export const SPLITS = ['train', 'restval', 'val', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** 'jpeg' writes images/scene-000000.jpg and so on; 'raw' one file images.bin of uint8 RGB, (height, width, 3) each. */
export const FORMATS = ['jpeg', 'raw'] as const;
export type Format = (typeof FORMATS)[number];

export interface DatasetOptions {
  /** Folder to write into; made where it is missing. */
  output: string;
  count: number;
  /** Shorter side of the pictures in pixels. */
  size?: number;
  /** Shapes of the pictures, each as likely. */
  aspects?: readonly Aspect[];
  seed?: number;
  styles?: readonly Style[];
  /** Default: those with a share that `pairs` can be shown in. */
  layouts?: readonly LayoutName[];
  pairs?: Pairs;
  backgrounds?: readonly string[];
  /** Percent of the landscapes under an open sky that have weather. */
  weather?: number;
  /** Percent of the objects whose art is varied: see variation.ts. */
  varied?: number;
  /** Whether each scene that shows a relation is followed by its twin: all the same, but the relation exchanged. */
  twins?: boolean;
  /** Splits and their shares of the pictures, the first ones first: { train: 60, val: 1 }. */
  splits?: Partial<Record<Split, number>>;
  format?: Format;
  /** Called after each picture with the number drawn so far. */
  onProgress?: (done: number) => void;
}

export const DATASET_DEFAULTS = {
  size: 320,
  aspects: ['1:1'],
  seed: 1,
  styles: DEFAULT_STYLES,
  pairs: 'any',
  backgrounds: BACKGROUND_NAMES,
  weather: 40,
  varied: 0,
  twins: false,
  splits: { test: 1 },
  format: 'jpeg',
} as const satisfies Partial<DatasetOptions>;

/** Every option but the callback, defaults filled in. */
export type Settings = Required<Omit<DatasetOptions, 'onProgress'>> & Pick<DatasetOptions, 'onProgress'>;

/** @throws PatchwordError INVALID_ARGUMENT: one line that names the first option out of range */
export function checkOptions(settings: Settings): void {
  checkRange('count', settings.count, 1, 1_000_000);
  checkRange('size', settings.size, 16, 2048);
  checkRange('seed', settings.seed, 0, 2 ** 32 - 1);
  checkRange('weather', settings.weather, 0, 100);
  checkRange('varied', settings.varied, 0, 100);
  checkChoices('aspects', settings.aspects, ASPECTS);
  checkChoices('styles', settings.styles, STYLES);
  checkChoices('backgrounds', settings.backgrounds, BACKGROUND_NAMES);
  checkChoices('pairs', [settings.pairs], PAIRS);
  const possible = layoutsFor(settings.pairs).map(({ name }) => name);
  checkChoices('layouts', settings.layouts, possible);
  for (const aspect of settings.aspects) {
    const { width, height } = pixelsOf(aspect, settings.size);
    if (aspect === '1:1' || width !== height) continue;
    throw new PatchwordError(
      'INVALID_ARGUMENT',
      `Pictures of ${settings.size} pixels are square: ${aspect} needs a size from 24 on, but not 32 to 35.`,
    );
  }
  checkChoices('splits', Object.keys(settings.splits), SPLITS);
  for (const [name, share] of Object.entries(settings.splits)) checkRange(`the share of ${name}`, share, 1, 1_000_000);
  checkChoices('format', [settings.format], FORMATS);
}

/** The split of one picture: the first share of the pictures is the first split's, and so on. */
export function splitOf(index: number, { count, splits }: Pick<Settings, 'count' | 'splits'>): Split {
  const shares = Object.entries(splits) as [Split, number][];
  const total = shares.reduce((sum, [, share]) => sum + share, 0);
  let end = 0;
  const found = shares.find(([, share]) => index < Math.round(((end += share) * count) / total));
  if (found === undefined) throw new RangeError(`There are ${count} pictures, but this is number ${index}.`);
  return found[0];
}

function checkRange(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new PatchwordError(
    'INVALID_ARGUMENT',
    `${name} must be a whole number from ${low} to ${high}, but is ${value}.`,
  );
}

function checkChoices(name: string, values: readonly string[], choices: readonly string[]): void {
  if (values.length === 0) throw invalid(name, 'is empty', choices);
  for (const value of values) if (!choices.includes(value)) throw invalid(name, `has "${value}"`, choices);
}

function invalid(name: string, problem: string, choices: readonly string[]): PatchwordError {
  return new PatchwordError('INVALID_ARGUMENT', `${name} ${problem}; choose from ${choices.join(', ')}.`);
}
