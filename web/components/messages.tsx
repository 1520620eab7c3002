import type { Failure } from '../failure.js';

/** Queries that find something in the bundled sample. */
const EXAMPLES = [
  'two yellow foxes at night',
  'a pig in front of a factory',
  'a rabbit between two yellow rockets',
  'a tiny boar and a large fire',
  'four animals in the mist',
];

export function Welcome({ sample, onSearch }: { sample: boolean; onSearch: (text: string) => void }) {
  return (
    <section class="message">
      <h2>Say what you see</h2>
      <p>
        Type words to find pictures, or drop, paste or choose a picture to find its captions. The nearest candidates
        come at once; then the joint model reads each with your words and puts the best first.
      </p>
      {sample && (
        <ul class="examples" aria-label="Examples">
          {EXAMPLES.map((text) => (
            <li key={text}>
              <button type="button" class="quiet" onClick={() => onSearch(text)}>
                {text}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function NothingFound({ filtered }: { filtered: boolean }) {
  return (
    <section class="message">
      <h2>Nothing found</h2>
      <p>{filtered ? 'No picture passes the filter.' : 'This collection holds nothing to compare with.'}</p>
    </section>
  );
}

export function FailureMessage({ failure, onAgain }: { failure: Failure; onAgain?: () => void }) {
  return (
    <section class="message" role="alert">
      <h2>{failure.message}</h2>
      {failure.hint && <p>{failure.hint}</p>}
      {failure.passing && (
        <button type="button" onClick={onAgain}>
          Try again
        </button>
      )}
    </section>
  );
}

export function Preparing({ done, total }: { done: number; total: number }) {
  return (
    <section class="message">
      <h2>{total > 0 ? 'Preparing the sample' : 'Opening the collection'}</h2>
      {total > 0 && (
        <p>
          Every picture is embedded once: at the first start, and when a new version brings another model. {done} of{' '}
          {total} so far.
        </p>
      )}
      <progress
        value={total > 0 ? done : undefined}
        max={total > 0 ? total : undefined}
        aria-label="Pictures prepared"
      />
    </section>
  );
}
