import { useEffect, useLayoutEffect, useRef, type MutableRef } from 'preact/hooks';

/**
 * Where the focus goes when the control that has it goes away: without this to the top of the document, as if the page was new.
 *
 * @returns for the `ref` of an element with `tabIndex={-1}`
 */
export function useKeptFocus<T extends HTMLElement>() {
  const refuge = useRef<T>(null);
  const focused = useRef<EventTarget | null>(null);
  useEffect(() => {
    const onFocus = ({ target }: FocusEvent) => {
      focused.current = target;
    };
    addEventListener('focusin', onFocus);
    return () => removeEventListener('focusin', onFocus);
  }, []);
  useEffect(() => {
    const gone = focused.current instanceof Node && !focused.current.isConnected;
    if (gone && document.activeElement === document.body) refuge.current?.focus({ preventScroll: true });
  });
  return refuge;
}

/** Leaves the focus where it is when an element of a list moves to another place: browsers take it away on the way. */
export function useSteadyFocus(list: MutableRef<HTMLElement | null>): void {
  const active = document.activeElement;
  const held = active instanceof HTMLElement && list.current?.contains(active) ? active : null;
  useLayoutEffect(() => {
    if (held?.isConnected && document.activeElement !== held) held.focus({ preventScroll: true });
  });
}
