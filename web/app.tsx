import { useCallback, useEffect, useState } from 'preact/hooks';
import { Details } from './components/details.js';
import { FilterControl } from './components/filter.js';
import { GivenImage } from './components/given.js';
import { FailureMessage, NothingFound, Preparing, Welcome } from './components/messages.js';
import { Results } from './components/results.js';
import { SearchBox } from './components/searchbox.js';
import { useDrop } from './drop.js';
import { Failure } from './failure.js';
import { useKeptFocus } from './focus.js';
import { keyOf, statusOf } from './format.js';
import { addressOf, uploadQuery } from './query.js';
import type { Hit, SearchUpdate, Target } from './search.js';
import { useCollection, usePlace, useSearch } from './state.js';

export function App() {
  const [place, go] = usePlace();
  const { query, conditions } = place;
  const { collection, preparing, failure: outage, again: reconnect } = useCollection();
  const { update, stale, busy, failure, again } = useSearch(collection ? place : null);
  const [refused, setRefused] = useState<Failure | null>(null);
  const [opened, setOpened] = useState<Hit | null>(null);
  const [visits, setVisits] = useState(0);
  const address = addressOf(place);
  // Both belong to what was searched for: going back, say, leaves them behind.
  useEffect(() => {
    setRefused(null);
    setOpened(null);
  }, [address]);
  const main = useKeptFocus<HTMLElement>();

  const uploadBytes = collection?.limits.uploadBytes ?? Infinity;
  const onImage = useCallback(
    (file: File) => {
      setRefused(file.size > uploadBytes ? tooLarge(file, uploadBytes) : null);
      if (file.size <= uploadBytes) go({ query: uploadQuery(file) });
    },
    [go, uploadBytes],
  );
  const hovering = useDrop(onImage);
  const onSearch = useCallback(
    (text: string, how: 'push' | 'typed' = 'push') => {
      setRefused(null);
      go({ query: { kind: 'text', text } }, how);
    },
    [go],
  );
  const onFind = useCallback(
    (imageId: number, target: Target) => {
      setOpened(null); // the address may stay as it is
      go({ query: { kind: 'image', imageId, target } });
    },
    [go],
  );

  const onConditions = (next: string[]) => go({ conditions: next });
  const filterFailure = failure?.about === 'filter' ? failure.message : null;

  function content() {
    if (outage) return <FailureMessage failure={outage} onAgain={reconnect} />;
    if (preparing) return <Preparing {...preparing} />;
    if (!collection) return null;
    if (refused) return <FailureMessage failure={refused} />;
    if (!query) return <Welcome sample={collection.name === 'sample'} onSearch={onSearch} />;
    if (filterFailure) return null;
    if (failure) return <FailureMessage failure={failure} onAgain={again} />;
    if (!update) return null;
    if (update.hits.length === 0) return stale ? null : <NothingFound filtered={conditions.length > 0} />;
    return <Results update={update} stale={stale} onOpen={(hit) => !stale && setOpened(hit)} />;
  }

  return (
    <>
      <header>
        <a
          class="wordmark"
          href="."
          onClick={(event) => {
            event.preventDefault();
            setRefused(null);
            setVisits(visits + 1); // what is being typed goes, too
            go({ query: null, conditions: [] });
          }}
        >
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <h1>Patchword</h1>
        </a>
        {collection && (
          <p class="collection">
            {collection.name} · {collection.images.toLocaleString('en')} pictures
          </p>
        )}
        <SearchBox
          key={visits}
          text={query?.kind === 'text' ? query.text : ''}
          address={addressOf({ query, conditions: [] })}
          interrupted={opened ?? refused}
          onSearch={onSearch}
          onEmpty={() => go({ query: null })}
          onImage={onImage}
        />
      </header>
      <main ref={main} tabIndex={-1}>
        {query && query.kind !== 'text' && (
          <GivenImage
            query={query}
            onTarget={(target) => go({ query: { ...query, target } }, 'replace')}
            onClear={() => go({ query: null })}
          />
        )}
        <div class="bar">
          <Status update={stale ? null : update} busy={busy} preparing={preparing !== null} />
          {collection && (query || conditions.length > 0) && (
            <FilterControl conditions={conditions} refusal={filterFailure} onChange={onConditions} />
          )}
        </div>
        {content()}
      </main>
      {opened && (
        <Details
          // As it is by now: its scores come with the waves.
          hit={update?.hits.find((hit) => keyOf(hit) === keyOf(opened)) ?? opened}
          onFind={onFind}
          onFilter={(condition) => {
            setOpened(null);
            onConditions([...new Set([...conditions, condition])]);
          }}
          onClose={() => setOpened(null)}
        />
      )}
      {hovering && <div class="drop">Drop the picture to find its captions</div>}
    </>
  );
}

function Status({ update, busy, preparing }: { update: SearchUpdate | null; busy: boolean; preparing: boolean }) {
  return (
    <div class="status">
      <p role="status">{update ? statusOf(update) : busy ? 'Searching…' : ''}</p>
      <p role="status" class="hidden">
        {preparing && 'Searching begins once every picture is ready.'}
      </p>
      <div role="status">
        {update?.notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
      </div>
    </div>
  );
}

function tooLarge(file: File, uploadBytes: number): Failure {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return new Failure('This picture is too large.', {
    hint: `It has ${megabytes(file.size)}; the server takes at most ${megabytes(uploadBytes)}.`,
    passing: false,
  });
}
