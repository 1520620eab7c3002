import { useRef, useState } from 'preact/hooks';
import { CONDITION_FORM, readCondition } from '../../src/condition.js';
import { Cross } from './cross.js';

interface FilterProps {
  /** What must be true of a picture to be found, each NAME=VALUE. */
  conditions: string[];
  /** What the server has against them. */
  refusal: string | null;
  onChange: (conditions: string[]) => void;
}

/** What must be true of a picture to be found: a chip each, and a field for one more. */
export function FilterControl({ conditions, refusal, onChange }: FilterProps) {
  const [draft, setDraft] = useState('');
  const [mistake, setMistake] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const error = mistake ?? refusal;

  function add() {
    const condition = draft.trim();
    if (condition === '') return;
    if (!readCondition(condition)) return setMistake(`Write ${CONDITION_FORM}.`);
    if (!conditions.includes(condition)) onChange([...conditions, condition]);
    setDraft('');
  }

  return (
    <form
      class="filter"
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      {conditions.length > 0 && (
        <ul aria-label="Only pictures with">
          {conditions.map((condition) => (
            <li key={condition} class="chip">
              <span>{condition}</span>
              <button
                type="button"
                aria-label={`Remove ${condition}`}
                onClick={() => {
                  onChange(conditions.filter((other) => other !== condition));
                  // The button goes; whoever pressed it by key goes on from here.
                  input.current?.focus();
                }}
              >
                <Cross />
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        ref={input}
        name="where"
        aria-label="Only pictures with"
        aria-invalid={error !== null}
        aria-describedby={error === null ? undefined : 'filter-error'}
        placeholder={conditions.length > 0 ? 'and …' : 'Filter, such as split=test'}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        enterkeyhint="done"
        value={draft}
        onInput={(event) => {
          setDraft(event.currentTarget.value);
          setMistake(null);
        }}
      />
      {error !== null && (
        <p role="alert" id="filter-error">
          {error}
        </p>
      )}
    </form>
  );
}
