import type { Random } from './random.js';

/**
 * The shorter side of the canvas that scenes are drawn on, whatever the size of the picture in pixels. Backgrounds and
 * weather are drawn on a square and stretched over it.
 */
export const CANVAS = 100;

export const round = (value: number) => Number(value.toFixed(2));

export const repeat = (count: number, draw: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => draw(i)).join('');

export const fill = (colour: string, opacity = 1) =>
  `fill="${colour}"` + (opacity < 1 ? ` fill-opacity="${opacity}"` : '');

export const stroke = (colour: string, width: number, opacity = 1) =>
  `fill="none" stroke="${colour}" stroke-width="${width}"` + (opacity < 1 ? ` stroke-opacity="${opacity}"` : '');

export function rectangle(x: number, y: number, width: number, height: number, paint: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" ${paint}/>`;
}

/** Full width, from `top` to `bottom`. */
export const band = (top: number, bottom: number, paint: string) => rectangle(0, top, CANVAS, bottom - top, paint);

export const shape = (path: string, paint: string) => `<path d="${path}" ${paint}/>`;

export function circle(x: number, y: number, radius: number, paint: string): string {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" ${paint}/>`;
}

/** Circles strewn from the top to `bottom`. */
export function dots(
  random: Random,
  options: { count: number; bottom: number; radius: [number, number]; paint: string },
): string {
  return repeat(options.count, () => {
    const [x, y] = [random.between(0, CANVAS), random.between(0, options.bottom)];
    return circle(x, y, random.between(...options.radius), options.paint);
  });
}
