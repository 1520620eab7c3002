import { useEffect, useRef, useState } from 'preact/hooks';
import { captionOf, percent } from '../format.js';
import type { Hit, Target } from '../search.js';
import { Cross } from './cross.js';

interface DetailsProps {
  hit: Hit;
  onFind: (imageId: number, target: Target) => void;
  onClose: () => void;
}

/** One hit, large: the picture, every caption, every score. */
export function Details({ hit, onFind, onClose }: DetailsProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [plain, setPlain] = useState(true);
  useEffect(() => dialog.current?.showModal(), []);
  const captions = 'captions' in hit ? hit.captions : [hit.caption];
  return (
    <dialog
      ref={dialog}
      class="details"
      aria-label={captionOf(hit)}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
    >
      <div class="sheet">
        <button type="button" class="round close" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Cross />
        </button>
        {/* A browser may not show every format that was indexed; the thumbnail it always can. */}
        <img
          src={plain ? hit.imageUrl : hit.thumbnailUrl}
          alt={captionOf(hit)}
          draggable={false}
          onError={() => setPlain(false)}
        />
        <div class="about">
          <ul>
            {captions.map((caption, i) => (
              <li key={i}>{caption}</li>
            ))}
          </ul>
          <dl>
            <Score name="Match" value={hit.matchProbability === null ? null : percent(hit.matchProbability)} />
            <Score name="Match score" value={hit.matchScore?.toFixed(3) ?? null} />
            <Score name="Similarity" value={hit.similarity?.toFixed(3) ?? null} />
            <Score name="File" value={hit.file} />
          </dl>
          <div class="actions">
            <button type="button" onClick={() => onFind(hit.imageId, 'images')}>
              Find similar
            </button>
            <button type="button" class="quiet" onClick={() => onFind(hit.imageId, 'captions')}>
              Find captions
            </button>
          </div>
        </div>
      </div>
    </dialog>
  );
}

function Score({ name, value }: { name: string; value: string | null }) {
  if (value === null) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
