import { useCallback, useState } from 'preact/hooks';
import { Details } from './components/details.js';
import { GivenImage } from './components/given.js';
import { FailureMessage, NothingFound, Preparing, Welcome } from './components/messages.js';
import { Results } from './components/results.js';
import { SearchBox } from './components/searchbox.js';
import { useDrop } from './drop.js';
import { statusOf } from './format.js';
import { addressOf, uploadQuery } from './query.js';
import { CANDIDATES, Failure, type Hit, type SearchUpdate, type Target } from './search.js';
import { useCollection, useQuery, useSearch } from './state.js';

export function App() {
  const [query, go] = useQuery();
  const { collection, preparing, failure: outage, again: reconnect } = useCollection();
  const { update, stale, busy, failure, again } = useSearch(collection ? query : null);
  const [refused, setRefused] = useState<Failure | null>(null);
  const [opened, setOpened] = useState<Hit | null>(null);

  const uploadBytes = collection?.limits.uploadBytes ?? Infinity;
  const onImage = useCallback(
    (file: File) => {
      setOpened(null);
      setRefused(file.size > uploadBytes ? tooLarge(file, uploadBytes) : null);
      if (file.size <= uploadBytes) go(uploadQuery(file));
    },
    [go, uploadBytes],
  );
  const hovering = useDrop(onImage);
  const onSearch = useCallback(
    (text: string, how: 'push' | 'replace' = 'push') => {
      setRefused(null);
      go({ kind: 'text', text }, how);
    },
    [go],
  );
  const onFind = useCallback(
    (imageId: number, target: Target) => {
      setOpened(null);
      go({ kind: 'image', imageId, target });
    },
    [go],
  );

  function content() {
    if (outage) return <FailureMessage failure={outage} onAgain={reconnect} />;
    if (preparing) return <Preparing {...preparing} />;
    if (!collection) return null;
    if (refused) return <FailureMessage failure={refused} />;
    if (!query) return <Welcome sample={collection.name === 'sample'} onSearch={onSearch} />;
    if (failure) return <FailureMessage failure={failure} onAgain={again} />;
    if (!update) return null;
    if (update.hits.length === 0) return <NothingFound />;
    return <Results update={update} stale={stale} onOpen={setOpened} />;
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
            go(null);
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
        <SearchBox text={query?.kind === 'text' ? query.text : ''} onSearch={onSearch} onImage={onImage} />
      </header>
      <main aria-busy={busy}>
        {query && query.kind !== 'text' && (
          <GivenImage
            query={query}
            onTarget={(target) => go({ ...query, target }, 'replace')}
            onClear={() => go(null)}
          />
        )}
        <Status update={stale ? null : update} busy={busy} candidates={candidatesOf(update, collection)} />
        {content()}
      </main>
      {opened && <Details key={addressOf(query)} hit={opened} onFind={onFind} onClose={() => setOpened(null)} />}
      {hovering && <div class="drop">Drop the picture to find its captions</div>}
    </>
  );
}

function Status({ update, busy, candidates }: { update: SearchUpdate | null; busy: boolean; candidates: number }) {
  return (
    <div class="status">
      <p role="status">{update ? statusOf(update, candidates) : busy ? 'Searching…' : ''}</p>
      {update?.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </div>
  );
}

/** A small collection has fewer candidates than the page asks for. */
function candidatesOf(update: SearchUpdate | null, collection: { images: number; captions: number } | null): number {
  return Math.min(CANDIDATES, collection?.[update?.target ?? 'images'] ?? CANDIDATES);
}

function tooLarge(file: File, uploadBytes: number): Failure {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return new Failure('This picture is too large.', {
    hint: `It has ${megabytes(file.size)}; the server takes at most ${megabytes(uploadBytes)}.`,
    passing: false,
  });
}
