import type { Canvas } from './aspects.js';
import { CANVAS, fill, rectangle, shape, stroke } from './paint.js';
import type { Box } from './layouts.js';

/** What an object may be in. */
export interface Frame {
  name: string;
  /** After the object that is in it. */
  phrases: readonly string[];
  word: string;
  /** SVG elements before the object, and over its edges. */
  behind(box: Box, canvas: Canvas): string;
  front(box: Box, canvas: Canvas): string;
}

/** Of the box's side: room between the object, turned as it may be, and the frame. */
const MARGIN = 1.22;

interface Rectangle {
  x: number;
  y: number;
  side: number;
}

function around(box: Box, canvas: Canvas): Rectangle {
  const side = box.size * CANVAS * MARGIN;
  return { x: box.x * canvas.width - side / 2, y: box.y * canvas.height - side / 2, side };
}

function picture(name: string, colours: { frame: string; line: string; paper: string }, own: readonly string[]): Frame {
  return {
    name,
    phrases: ['in a frame', 'in a picture frame', 'inside a picture frame', ...own],
    word: 'picture frame',
    behind: (box, canvas) => {
      const { x, y, side } = around(box, canvas);
      return rectangle(x, y, side, side, fill(colours.paper));
    },
    front: (box, canvas) => {
      const { x, y, side } = around(box, canvas);
      const edge = side * 0.08;
      return (
        rectangle(x, y, side, side, stroke(colours.frame, edge)) +
        rectangle(x - edge / 2, y - edge / 2, side + edge, side + edge, stroke(colours.line, edge * 0.15)) +
        rectangle(x + edge / 2, y + edge / 2, side - edge, side - edge, stroke(colours.line, edge * 0.15))
      );
    },
  };
}

const WINDOW: Frame = {
  name: 'window',
  phrases: ['in a window', 'behind a window', 'seen through a window'],
  word: 'window',
  behind: (box, canvas) => {
    const { x, y, side } = around(box, canvas);
    return rectangle(x, y, side, side, fill('#d6eefa'));
  },
  front: (box, canvas) => {
    const { x, y, side } = around(box, canvas);
    const bar = side * 0.045;
    return (
      shape(`M${x + side / 2} ${y}v${side}M${x} ${y + side / 2}h${side}`, stroke('#f7f7f2', bar)) +
      rectangle(x, y, side, side, stroke('#f7f7f2', bar * 2)) +
      rectangle(x - bar, y - bar, side + bar * 2, side + bar * 2, stroke('#8b8f94', bar * 0.4)) +
      rectangle(x - side * 0.06, y + side, side * 1.12, bar * 2, fill('#c9c6bd'))
    );
  },
};

export const FRAMES: readonly Frame[] = [
  picture('wooden frame', { frame: '#8a5a2c', line: '#5b3715', paper: '#f8f1e1' }, ['in a wooden frame']),
  picture('golden frame', { frame: '#d9a92a', line: '#9a7212', paper: '#fbf7ea' }, ['in a golden frame']),
  WINDOW,
];
