import type { LayoutName } from './layouts.js';

/**
 * Sentences of a layout. `{a}` to `{d}` are its objects as phrases ("a red fox"), in the layout's order. A word
 * before: `{the a}` "the red fox", `{is a}` "is" or "are", `{its a}` "its" or "their". A word behind: `{a big}` and
 * `{a small}` with an adjective of size, `{a one}` and `{a two}` in this number. `{frame}`
 * is "in a window".
 */
export interface Sentences {
  /** Tell the relation; each with what it says once the relation is exchanged: false, and of a form that is told of other pictures. */
  related: readonly (readonly [told: string, swapped: string])[];
  /** Tell who is there. */
  unrelated: readonly string[];
  /** What a second sentence says of them. */
  second: readonly string[];
}

export const SENTENCES: Record<LayoutName, Sentences> = {
  one: { related: [], unrelated: ['{a}'], second: [] },
  many: { related: [], unrelated: ['{a}'], second: [] },
  beside: {
    related: [
      ['{a} to the left of {b}', '{a} to the right of {b}'],
      ['{a} left of {b}', '{a} right of {b}'],
      ['{a} on the left and {b} on the right', '{a} on the right and {b} on the left'],
      ['{a} {is a} to the left of {b}', '{a} {is a} to the right of {b}'],
      ['{a} with {b} on {its a} right', '{a} with {b} on {its a} left'],
      ['{b} to the right of {a}', '{b} to the left of {a}'],
      ['{b} right of {a}', '{b} left of {a}'],
      ['{b} on the right and {a} on the left', '{b} on the left and {a} on the right'],
      ['{b} {is b} to the right of {a}', '{b} {is b} to the left of {a}'],
      ['{b} with {a} on {its b} left', '{b} with {a} on {its b} right'],
    ],
    unrelated: [
      '{a} and {b}',
      '{b} and {a}',
      '{a} and {b} side by side',
      '{a} next to {b}',
      '{b} next to {a}',
      '{a} beside {b}',
      '{b} beside {a}',
    ],
    second: ['{the a} {is a} on the left', '{the b} {is b} on the right', '{the a} {is a} to the left of {the b}'],
  },
  stacked: {
    related: [
      ['{a} above {b}', '{a} below {b}'],
      ['{a} over {b}', '{a} under {b}'],
      ['{a} on top and {b} underneath', '{b} on top and {a} underneath'],
      ['{a} at the top and {b} at the bottom', '{a} at the bottom and {b} at the top'],
      ['{a} {is a} above {b}', '{a} {is a} below {b}'],
      ['{b} below {a}', '{b} above {a}'],
      ['{b} under {a}', '{b} over {a}'],
      ['{b} at the bottom and {a} at the top', '{b} at the top and {a} at the bottom'],
      ['{b} {is b} below {a}', '{b} {is b} above {a}'],
      ['{b} underneath {a}', '{a} underneath {b}'],
    ],
    unrelated: ['{a} and {b}', '{b} and {a}', '{a} with {b}'],
    second: ['{the a} {is a} above {the b}', '{the b} {is b} below {the a}', '{the a} {is a} at the top'],
  },
  sizes: {
    related: [
      ['{a big} and {b small}', '{a small} and {b big}'],
      ['{a big} next to {b small}', '{a small} next to {b big}'],
      ['{a big} with {b small}', '{b big} with {a small}'],
      ['{a big} beside {b}', '{a small} beside {b}'],
      ['{a} bigger than {b}', '{b} bigger than {a}'],
      ['{b small} and {a big}', '{b big} and {a small}'],
      ['{b small} next to {a big}', '{b big} next to {a small}'],
      ['{b small} beside {a}', '{b big} beside {a}'],
      ['{b} {is b} smaller than {a}', '{a} {is a} smaller than {b}'],
    ],
    unrelated: ['{a} and {b}', '{b} and {a}', '{a} next to {b}', '{b} beside {a}'],
    second: ['{the a} {is a} bigger than {the b}', '{the b} {is b} smaller than {the a}', '{the a} {is a} big'],
  },
  front: {
    related: [
      ['{a} in front of {b}', '{a} behind {b}'],
      ['{a} {is a} in front of {b}', '{a} {is a} behind {b}'],
      ['{a} covering a part of {b}', '{b} covering a part of {a}'],
      ['{a} in front and {b} behind', '{b} in front and {a} behind'],
      ['{a} with {b} behind', '{b} with {a} behind'],
      ['{b} behind {a}', '{b} in front of {a}'],
      ['{b} {is b} behind {a}', '{b} {is b} in front of {a}'],
      ['{b} partly hidden by {a}', '{a} partly hidden by {b}'],
      ['{b} with {a} in front', '{a} with {b} in front'],
    ],
    unrelated: ['{a} and {b}', '{b} and {a}'],
    second: ['{the a} {is a} in front of {the b}', '{the b} {is b} behind {the a}', '{the a} {is a} in front'],
  },
  row: {
    related: [
      ['{b} between {a} and {c}', '{a} between {b} and {c}'],
      ['{b} between {c} and {a}', '{c} between {b} and {a}'],
      [
        '{b} in the middle, {a} on the left and {c} on the right',
        '{a} in the middle, {b} on the left and {c} on the right',
      ],
      ['from left to right, {a}, {b} and {c}', 'from left to right, {b}, {a} and {c}'],
      ['{a}, {b} and {c}, from left to right', '{b}, {a} and {c}, from left to right'],
    ],
    unrelated: ['{a}, {b} and {c}', '{c}, {b} and {a}', '{b}, {a} and {c}'],
    second: ['{the b} {is b} in the middle', '{the a} {is a} on the left', '{the c} {is c} on the right'],
  },
  between: {
    related: [
      ['{a} between {b}', '{b one} between {a two}'],
      ['{a} {is a} between {b}', '{b one} is between {a two}'],
      ['{b} with {a} between them', '{a two} with {b one} between them'],
      ['{b} on either side of {a}', '{a two} on either side of {b one}'],
    ],
    unrelated: ['{a} and {b}', '{b} and {a}'],
    second: ['{the a} {is a} in the middle', '{the a} {is a} between {the b}'],
  },
  framed: { related: [], unrelated: ['{a} {frame}'], second: [] },
  'framed-beside': {
    related: [
      ['{a} {frame} and {b} next to it', '{b} {frame} and {a} next to it'],
      ['{a} {frame} beside {b}', '{b} {frame} beside {a}'],
      ['{b} next to {a} {frame}', '{a} next to {b} {frame}'],
      ['{b} outside and {a} {frame}', '{a} outside and {b} {frame}'],
    ],
    unrelated: ['{a} {frame} and {b}'],
    second: ['{the a} {is a} {frame}', '{the b} {is b} outside'],
  },
  four: {
    related: [],
    unrelated: ['{a}, {b}, {c} and {d}', '{d}, {b}, {a} and {c}', '{c}, {a}, {d} and {b}'],
    second: [],
  },
};

export interface Opening {
  text: string;
  share: number;
}

/** Before any phrase. */
export const OPENINGS: readonly Opening[] = [
  { text: '', share: 0.5 },
  { text: 'a picture of', share: 0.09 },
  { text: 'an illustration of', share: 0.06 },
  { text: 'a drawing of', share: 0.04 },
  { text: 'an image of', share: 0.03 },
  { text: 'a scene with', share: 0.03 },
  { text: 'i see', share: 0.03 },
  { text: 'i can see', share: 0.03 },
  { text: 'you can see', share: 0.03 },
  { text: 'we see', share: 0.02 },
  { text: 'look at', share: 0.02 },
  { text: 'here we have', share: 0.02 },
];

/** Before one thing. */
export const OPENINGS_IS: readonly Opening[] = [
  { text: 'there is', share: 0.16 },
  { text: 'this is', share: 0.05 },
  { text: 'here is', share: 0.04 },
];

/** Before several; in the order of OPENINGS_IS. */
export const OPENINGS_ARE: readonly Opening[] = [
  { text: 'there are', share: 0.18 },
  { text: 'these are', share: 0.03 },
  { text: 'here are', share: 0.04 },
];
