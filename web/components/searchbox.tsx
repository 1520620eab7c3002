import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const TYPING_PAUSE = 400;

interface SearchBoxProps {
  /** Of the query; empty where it is a picture. */
  text: string;
  /** Names the query. */
  address: string;
  /** Something else has the visitor's attention: what is being typed waits for Enter. */
  interrupted: object | null;
  onSearch: (text: string, how: 'push' | 'typed') => void;
  /** Enter in an empty box. */
  onEmpty: () => void;
  onImage: (file: File) => void;
}

/** The box: searches on Enter, and calmly while typing pauses. */
export function SearchBox({ text, address, interrupted, onSearch, onEmpty, onImage }: SearchBoxProps) {
  const [draft, setDraft] = useState(text);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const input = useRef<HTMLInputElement>(null);
  // Before the next letter can be typed: it would be taken back.
  useLayoutEffect(() => {
    // What was typed before, or is another query's by now, is not searched any more.
    clearTimeout(timer.current);
    // A space that was just typed stays: the next word follows.
    setDraft((draft) => (draft.trim() === text ? draft : text));
  }, [address]);
  useEffect(() => {
    // Not above results that were asked for by address: on a phone the keyboard would cover them.
    if (location.search === '') input.current?.focus();
  }, []);
  useEffect(() => {
    if (interrupted) clearTimeout(timer.current);
  }, [interrupted]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function type(value: string) {
    setDraft(value);
    clearTimeout(timer.current);
    if (value.trim().length >= 3) timer.current = setTimeout(() => onSearch(value.trim(), 'typed'), TYPING_PAUSE);
  }

  return (
    <form
      class="searchbox"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        clearTimeout(timer.current);
        if (draft.trim()) onSearch(draft.trim(), 'push');
        else if (text) onEmpty();
      }}
    >
      <input
        ref={input}
        type="search"
        name="q"
        aria-label="Describe a picture"
        placeholder="Describe a picture, or drop one here"
        autocomplete="off"
        enterkeyhint="search"
        value={draft}
        onInput={(event) => type(event.currentTarget.value)}
      />
      <label class="choose" title="Search with a picture">
        <input
          type="file"
          accept="image/*"
          aria-label="Search with a picture"
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? [];
            if (file) onImage(file);
            event.currentTarget.value = '';
          }}
        />
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <rect x="3" y="5" width="18" height="14" rx="2.5" />
          <circle cx="8.5" cy="10" r="1.6" />
          <path d="M4 17.5l5-4.5 3.5 3 3.5-4 4.5 5" />
        </svg>
      </label>
      <button type="submit">
        <span>Search</span>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <circle cx="10.5" cy="10.5" r="6" />
          <path d="M15 15l5.5 5.5" />
        </svg>
      </button>
    </form>
  );
}
