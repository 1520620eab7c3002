import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Failure } from './failure.js';
import { addressOf, placeOf, type Place } from './query.js';
import { getCollection, getHealth, search, type Collection, type SearchUpdate } from './search.js';

type Go = (change: Partial<Place>, how?: 'push' | 'replace' | 'typed') => void;

/**
 * The place in the address bar. What is `typed` makes one entry of the history, however often typing pauses, and Enter no other.
 */
export function usePlace(): [Place, Go] {
  const [place, setPlace] = useState(() => placeOf(location.search));
  const { query } = place;
  const typing = useRef(false);
  useEffect(() => {
    const onPop = () => {
      typing.current = false;
      setPlace(placeOf(location.search));
    };
    addEventListener('popstate', onPop);
    return () => removeEventListener('popstate', onPop);
  }, []);
  useEffect(() => {
    document.title = query?.kind === 'text' ? `${query.text} – Patchword` : 'Patchword';
  }, [query]);
  const current = useRef(place);
  current.current = place;
  const go = useCallback<Go>((change, how = 'push') => {
    const next = { ...current.current, ...change };
    const goesOn = typing.current && change.query?.kind === 'text';
    // As this page would write it: %20 in the address bar is + here.
    const same = how === 'replace' || goesOn || addressOf(next) === addressOf(placeOf(location.search));
    history[same ? 'replaceState' : 'pushState'](null, '', addressOf(next));
    typing.current = how === 'typed' && (goesOn || !same);
    setPlace(next);
  }, []);
  return [place, go];
}

export interface SearchState {
  update: SearchUpdate | null;
  /** The update is of the query before; this one's first is on the way. */
  stale: boolean;
  busy: boolean;
  failure: Failure | null;
  again: () => void;
}

const NO_SEARCH = { update: null, stale: false, busy: false, failure: null };

/** Runs the search of a place and gives it up when another takes its place. */
export function useSearch(place: Place | null): SearchState {
  const [state, setState] = useState<Omit<SearchState, 'again'>>(NO_SEARCH);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!place?.query) return setState(NO_SEARCH);
    const controller = new AbortController();
    setState(({ update }) => ({ update, stale: true, busy: true, failure: null }));
    const onUpdate = (update: SearchUpdate) => {
      if (!controller.signal.aborted) setState({ ...NO_SEARCH, update, busy: update.stage !== 'final' });
    };
    search({ ...place, query: place.query }, controller.signal, onUpdate).catch((error: unknown) => {
      if (!controller.signal.aborted) setState({ ...NO_SEARCH, failure: toFailure(error) });
    });
    return () => controller.abort();
  }, [place && addressOf(place), attempt]);
  return { ...state, again: useCallback(() => setAttempt((n) => n + 1), []) };
}

export interface CollectionState {
  collection: Collection | null;
  /** Images indexed so far, while the sample is made; of none while another collection is opened. */
  preparing: { done: number; total: number } | null;
  failure: Failure | null;
  again: () => void;
}

/** What is searched here; asks again every second while it is being prepared. */
export function useCollection(): CollectionState {
  const [state, setState] = useState<Omit<CollectionState, 'again'>>({
    collection: null,
    preparing: null,
    failure: null,
  });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    // So that the same failure, should it come again, is said again.
    setState((state) => ({ ...state, failure: null }));
    void loadCollection(controller.signal, (next) => {
      if (!controller.signal.aborted) setState({ collection: null, preparing: null, failure: null, ...next });
    });
    return () => controller.abort();
  }, [attempt]);
  return { ...state, again: useCallback(() => setAttempt((n) => n + 1), []) };
}

async function loadCollection(signal: AbortSignal, show: (state: Partial<CollectionState>) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      const health = await getHealth(signal);
      if (health.status === 'ok') return show({ collection: await getCollection(signal) });
      if (health.status === 'closing') throw new Failure('The server is closing.', { passing: true });
      show({ preparing: { done: health.done ?? 0, total: health.total ?? 0 } });
    } catch (error) {
      return show({ failure: toFailure(error) });
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure('The page failed.', { hint: String(error), passing: true });
}
