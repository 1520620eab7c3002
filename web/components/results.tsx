import { useFlip } from '../flip.js';
import { useSteadyFocus } from '../focus.js';
import { captionOf, keyOf, matchOf, MISSING } from '../format.js';
import { SHOWN, type Hit, type SearchUpdate } from '../search.js';

interface ResultsProps {
  update: SearchUpdate;
  /** The update is of an earlier query; its own is on the way. */
  stale: boolean;
  onOpen: (hit: Hit) => void;
}

/** The hits, best first. Cards move to their new places as waves arrive. */
export function Results({ update, stale, onOpen }: ResultsProps) {
  const list = useFlip<HTMLUListElement>();
  useSteadyFocus(list);
  return (
    <ul class={`results ${update.target}${stale ? ' stale' : ''}`} ref={list} aria-label="Results">
      {update.hits.slice(0, SHOWN).map((hit) => (
        <li key={keyOf(hit)} data-key={keyOf(hit)}>
          <Card hit={hit} onOpen={onOpen} />
        </li>
      ))}
    </ul>
  );
}

function Card({ hit, onOpen }: { hit: Hit; onOpen: (hit: Hit) => void }) {
  return (
    <button type="button" class="card" onClick={() => onOpen(hit)}>
      <img src={hit.thumbnailUrl} alt="" width="320" height="320" loading="lazy" decoding="async" draggable={false} />
      <span class="words">
        <span class="caption">{captionOf(hit)}</span>
        {hit.missing && <span class="missing">{MISSING}</span>}
        <Match hit={hit} />
      </span>
    </button>
  );
}

function Match({ hit }: { hit: Hit }) {
  const { label, probability, reranked } = matchOf(hit);
  return (
    <span class={reranked ? 'match' : 'match pending'}>
      {probability !== null && (
        <span class="meter" aria-hidden="true">
          <span style={{ width: `${probability * 100}%` }} />
        </span>
      )}
      <span>{label}</span>
      {probability !== null && <span class="hidden"> match</span>}
    </span>
  );
}
