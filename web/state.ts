import { useCallback, useEffect, useState } from 'preact/hooks';
import { addressOf, queryOf, type Query } from './query.js';
import { Failure, getCollection, getHealth, search, type Collection, type SearchUpdate } from './search.js';

/** The query in the address bar. `replace` keeps what is typed from filling the history. */
export function useQuery(): [Query | null, (query: Query | null, how?: 'push' | 'replace') => void] {
  const [query, setQuery] = useState(() => queryOf(location.search));
  useEffect(() => {
    const onPop = () => setQuery(queryOf(location.search));
    addEventListener('popstate', onPop);
    return () => removeEventListener('popstate', onPop);
  }, []);
  useEffect(() => {
    document.title = query?.kind === 'text' ? `${query.text} – Patchword` : 'Patchword';
  }, [query]);
  const go = useCallback((next: Query | null, how: 'push' | 'replace' = 'push') => {
    if (how === 'replace') history.replaceState(null, '', addressOf(next));
    else if (addressOf(next) !== location.search) history.pushState(null, '', addressOf(next));
    setQuery(next);
  }, []);
  return [query, go];
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

/** Runs the query and gives it up when another takes its place. */
export function useSearch(query: Query | null): SearchState {
  const [state, setState] = useState<Omit<SearchState, 'again'>>(NO_SEARCH);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!query) return setState(NO_SEARCH);
    const controller = new AbortController();
    setState(({ update }) => ({ update, stale: true, busy: true, failure: null }));
    const onUpdate = (update: SearchUpdate) => {
      if (!controller.signal.aborted) setState({ ...NO_SEARCH, update, busy: update.stage !== 'final' });
    };
    search(query, controller.signal, onUpdate).catch((error: unknown) => {
      if (!controller.signal.aborted) setState({ ...NO_SEARCH, failure: toFailure(error) });
    });
    return () => controller.abort();
  }, [query && addressOf(query), attempt]);
  return { ...state, again: useCallback(() => setAttempt((n) => n + 1), []) };
}

export interface CollectionState {
  collection: Collection | null;
  /** Images indexed so far, while a first start makes the sample. */
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
