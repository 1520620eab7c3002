import { useLayoutEffect, useRef, type MutableRef } from 'preact/hooks';

const MOVE = { duration: 420, easing: 'cubic-bezier(0.2, 0.8, 0.2, 1)' };
const APPEAR = { duration: 240, easing: 'ease-out' };

/**
 * Moves the children of a list from where they were to where they are now (first, last, invert, play), by their
 * `data-key`. Nothing moves for visitors who ask for reduced motion.
 */
export function useFlip<T extends HTMLElement>(): MutableRef<T | null> {
  const list = useRef<T>(null);
  const places = useRef(new Map<string, { left: number; top: number }>());
  useLayoutEffect(() => {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const next = new Map<string, { left: number; top: number }>();
    const first = places.current.size === 0;
    for (const item of list.current?.children ?? []) {
      if (!(item instanceof HTMLElement) || item.dataset.key === undefined) continue;
      // Offsets ignore transforms, so a card that is still moving is measured where it is going.
      const place = { left: item.offsetLeft, top: item.offsetTop };
      const before = places.current.get(item.dataset.key);
      next.set(item.dataset.key, place);
      if (calm) continue;
      if (before) move(item, before.left - place.left, before.top - place.top);
      else if (!first) item.animate({ opacity: [0, 1] }, APPEAR);
    }
    places.current = next;
  });
  return list;
}

function move(item: HTMLElement, dx: number, dy: number): void {
  if (dx === 0 && dy === 0) return;
  // Starts from where it is seen now, which differs from its last place while an earlier move is under way.
  const { m41, m42 } = new DOMMatrix(getComputedStyle(item).transform);
  for (const animation of item.getAnimations()) animation.cancel();
  item.animate({ transform: [`translate(${dx + m41}px, ${dy + m42}px)`, 'none'] }, MOVE);
}
