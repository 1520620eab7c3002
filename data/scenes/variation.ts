import { round } from './paint.js';
import type { Random } from './random.js';
import { OUTLINED_STYLES, type Style } from './styles.js';

/**
 * How one sprite departs from its art. A style has one drawing of each thing, which a model soon knows by heart; from what
 * is common to its variations it learns the thing, and finds it in a style that it has not seen ("Domain randomization for
 * transferring deep neural networks from simulation to the real world", Tobin et al., IROS 2017).
 */
export interface Variation {
  /** Factors of width and height: their product is 1. */
  stretch: [number, number];
  /** Degrees that upright lines lean by. */
  lean: number;
  /** What bends lines: waves of about `length`, and by how much a point is moved at most, as fractions of the sprite's side. */
  waves: { length: number; height: number; seed: number };
  /** Degrees on the colour wheel. Small, since captions call no colour that is not a tint. */
  hue: number;
  saturation: number;
  /** Exponent: below 1 is lighter. */
  gamma: number;
  /** Steps that each colour channel is rounded to, which flattens gradients; null leaves it. */
  levels: number | null;
  /** A line around the whole, unless it is made of lines; its width as a fraction of the sprite's side. */
  outline: { width: number; ink: string } | null;
}

const LARGEST_STRETCH = 1.2;
const LARGEST_LEAN = 14;
const LARGEST_HUE = 25;
const FLATTENED = 0.3;
const OUTLINED = 0.3;
const INKS = ['#1d1d22', '#3b2a20', '#ffffff'];

export function pickVariation(random: Random, style: Style): Variation {
  const outlined = random.chance(OUTLINED) && !OUTLINED_STYLES.includes(style);
  const stretch = LARGEST_STRETCH ** random.between(-1, 1);
  return {
    stretch: [round(stretch), round(1 / stretch)],
    lean: random.between(-LARGEST_LEAN, LARGEST_LEAN),
    waves: { length: random.between(0.4, 1), height: random.between(0, 0.3), seed: Math.floor(random.between(0, 1e6)) },
    hue: random.between(-LARGEST_HUE, LARGEST_HUE),
    saturation: random.between(0.6, 1.4),
    gamma: 1.6 ** random.between(-1, 1),
    levels: random.chance(FLATTENED) ? random.pick([3, 4, 5, 6]) : null,
    outline: outlined ? { width: random.between(0.02, 0.05), ink: random.pick(INKS) } : null,
  };
}

/** For `transform`, about the sprite's centre. */
export function bend({ stretch, lean }: Variation): string {
  return `skewX(${round(lean)}) scale(${stretch.join(' ')})`;
}

/** A filter in units of the canvas, for a sprite whose side is `size`: waves, colours, outline, in this order. */
export function variationFilter(id: string, size: number, variation: Variation): string {
  const { waves, hue, saturation, gamma, levels, outline } = variation;
  const channels = (transfer: string) =>
    `<feComponentTransfer>${['R', 'G', 'B'].map((channel) => `<feFunc${channel} ${transfer}/>`).join('')}</feComponentTransfer>`;
  return (
    `<filter id="${id}" x="-0.2" y="-0.2" width="1.4" height="1.4" color-interpolation-filters="sRGB">` +
    `<feTurbulence type="fractalNoise" baseFrequency="${(1 / (waves.length * size)).toFixed(4)}" seed="${waves.seed}" result="waves"/>` +
    `<feDisplacementMap in="SourceGraphic" in2="waves" scale="${round(2 * waves.height * size)}" xChannelSelector="R" yChannelSelector="G"/>` +
    `<feColorMatrix type="hueRotate" values="${round(hue)}"/>` +
    `<feColorMatrix type="saturate" values="${round(saturation)}"/>` +
    channels(`type="gamma" exponent="${round(gamma)}"`) +
    (levels === null ? '' : channels(`type="discrete" tableValues="${steps(levels)}"`)) +
    (outline === null ? '' : outlined(outline.width * size, outline.ink)) +
    '</filter>'
  );
}

const steps = (levels: number) => Array.from({ length: levels }, (_, i) => round(i / (levels - 1))).join(' ');

const outlined = (width: number, ink: string) =>
  `<feOffset result="art"/><feMorphology operator="dilate" radius="${round(width)}"/>` +
  `<feComponentTransfer result="around"><feFuncA type="linear" slope="2"/></feComponentTransfer>` +
  `<feFlood flood-color="${ink}"/><feComposite operator="in" in2="around"/>` +
  `<feMerge><feMergeNode/><feMergeNode in="art"/></feMerge>`;
