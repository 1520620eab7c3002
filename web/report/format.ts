// A number and its unit stay on one line: \u00a0 is the space that does not break.
import type { Direction, Order } from '../../src/evaluation/names.js';
import type { Ranking } from '../../src/evaluation/result.js';

export const DIRECTION_TITLES: Record<Direction, string> = {
  'text-to-image': 'Text → image',
  'image-to-text': 'Image → text',
};

export const ORDER_TITLES: Record<Order, string> = {
  similarity: 'by similarity',
  matchScore: 'by match score',
  calibrated: 'calibrated',
};

/** "32 reranked, by match score" */
export function titleOf({ stage, candidates, order }: Ranking): string {
  if (stage === 'prefilter') return 'prefilter alone';
  const what = stage === 'exhaustive' ? 'exhaustive' : `${candidates ?? '?'} reranked`;
  return `${what}, ${ORDER_TITLES[order]}`;
}

export function isSame(one: Ranking, other: Ranking): boolean {
  return one.stage === other.stage && one.candidates === other.candidates && one.order === other.order;
}

/** One decimal, as papers have it; a dash for what is not known. */
export function tenths(value: number | null): string {
  return value === null ? '–' : value.toFixed(1);
}

/** With its sign: differences. */
export function signed(value: number): string {
  const digits = Math.abs(value).toFixed(1);
  return Number(digits) === 0 ? digits : `${value < 0 ? '−' : '+'}${digits}`;
}

/** "90.1 – 93.8" */
export function span(interval: readonly [number, number] | null, format: (value: number) => string = tenths): string {
  return interval === null ? '' : `${format(interval[0])}\u00a0–\u00a0${format(interval[1])}`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** A rank: whole where it is, else with one decimal. */
export function rank(value: number | null): string {
  if (value === null) return '–';
  return Number.isInteger(value) ? whole(value) : value.toFixed(1);
}

export function milliseconds(value: number): string {
  if (value >= 9_950) return `${whole(value / 1000)}\u00a0s`;
  if (value >= 995) return `${Number((value / 1000).toFixed(1))}\u00a0s`;
  return `${value >= 9.95 ? Math.round(value) : Number(value.toFixed(1))}\u00a0ms`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0min`;
  return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
}

/** "22 November 2026, 21:14 UTC" */
export function moment(date: string): string {
  const options = { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' } as const;
  const value = new Date(date);
  return Number.isNaN(value.getTime()) ? date : `${value.toLocaleString('en-GB', options).replace(' at ', ', ')} UTC`;
}
