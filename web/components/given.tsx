import { useEffect, useState } from 'preact/hooks';
import type { Query } from '../query.js';
import type { Target } from '../search.js';
import { Cross } from './cross.js';

const TARGETS: { target: Target; label: string }[] = [
  { target: 'captions', label: 'Captions' },
  { target: 'images', label: 'Similar pictures' },
];

interface GivenImageProps {
  query: Exclude<Query, { kind: 'text' }>;
  onTarget: (target: Target) => void;
  onClear: () => void;
}

/** The picture that is searched with, and the switch between its captions and pictures like it. */
export function GivenImage({ query, onTarget, onClear }: GivenImageProps) {
  const address = useAddress(query);
  return (
    <section class="given" aria-label="The picture you search with">
      <div class="picture">
        {address && <img src={address} alt="" draggable={false} />}
        <button type="button" class="round clear" aria-label="Clear" onClick={onClear}>
          <Cross />
        </button>
      </div>
      <fieldset>
        <legend>Find</legend>
        {TARGETS.map(({ target, label }) => (
          <label key={target}>
            <input type="radio" name="target" checked={query.target === target} onChange={() => onTarget(target)} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
    </section>
  );
}

function useAddress(query: GivenImageProps['query']): string | null {
  const file = query.kind === 'upload' ? query.file : null;
  const [blob, setBlob] = useState<string | null>(null);
  useEffect(() => {
    if (!file) return setBlob(null);
    const address = URL.createObjectURL(file);
    setBlob(address);
    return () => URL.revokeObjectURL(address);
  }, [file]);
  return query.kind === 'image' ? `/v1/images/${query.imageId}/thumbnail` : blob;
}
