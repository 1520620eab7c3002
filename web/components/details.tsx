import { useEffect, useRef, useState } from 'preact/hooks';
import { attributeField, writeCondition } from '../../src/condition.js';
import { captionOf, MISSING, percent } from '../format.js';
import type { Hit, Target } from '../search.js';
import { Cross } from './cross.js';

interface DetailsProps {
  hit: Hit;
  onFind: (imageId: number, target: Target) => void;
  onFilter: (condition: string) => void;
  onClose: () => void;
}

/** One hit, large: the picture, every caption, every score, and what its source says of it. */
export function Details({ hit, onFind, onFilter, onClose }: DetailsProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [plain, setPlain] = useState(!hit.missing);
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
        {/* An original may be gone, or of a format that the browser does not show; a thumbnail that is kept it always can. */}
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
            <Entry name="Match" value={hit.matchProbability === null ? null : percent(hit.matchProbability)} />
            <Entry name="Match score" value={hit.matchScore?.toFixed(3) ?? null} />
            <Entry name="Similarity" value={hit.similarity?.toFixed(3) ?? null} />
            <Entry name="Found by" value={hit.sources.join(' and ')} />
            <Entry name="File" value={hit.file} note={hit.missing ? MISSING : null} />
            <Entry
              name="Split"
              value={hit.split}
              condition={writeCondition({ field: 'split', eq: hit.split })}
              onFilter={onFilter}
            />
            {Object.entries(hit.attributes).map(([name, value]) => (
              <Entry
                key={name}
                name={name}
                value={String(value)}
                condition={writeCondition({ field: attributeField(name), eq: value })}
                onFilter={onFilter}
              />
            ))}
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

interface EntryProps {
  name: string;
  value: string | null;
  note?: string | null;
  /** What finds only pictures of this value. */
  condition?: string | null;
  onFilter?: (condition: string) => void;
}

function Entry({ name, value, note, condition, onFilter }: EntryProps) {
  if (value === null) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {condition ? (
          <button type="button" class="plain" title={`Only ${condition}`} onClick={() => onFilter?.(condition)}>
            {value}
          </button>
        ) : (
          value
        )}
        {note && <span class="missing">{note}</span>}
      </dd>
    </div>
  );
}
