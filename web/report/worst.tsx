import type { Direction } from '../../src/evaluation/names.js';
import type { RankedItem, WorstQuery } from '../../src/evaluation/result.js';
import { DIRECTION_TITLES, titleOf, whole } from './format.js';

/** Data URIs by the names of images. */
export type Pictures = ReadonlyMap<string, string>;

/** So many are shown at once. */
const SHOWN = 6;

export function WorstQueries({ worst, pictures }: { worst: WorstQuery[]; pictures: Pictures }) {
  const directions = [...new Set(worst.map(({ direction }) => direction))];
  return directions.map((direction) => (
    <WorstOf
      key={direction}
      direction={direction}
      queries={worst.filter((query) => query.direction === direction)}
      pictures={pictures}
    />
  ));
}

function WorstOf({
  direction,
  queries,
  pictures,
}: {
  direction: Direction;
  queries: WorstQuery[];
  pictures: Pictures;
}) {
  const list = (some: WorstQuery[]) => (
    <ol class="worst">
      {some.map((query, at) => (
        <li key={at}>
          <Query query={query} pictures={pictures} />
        </li>
      ))}
    </ol>
  );
  return (
    <>
      <h3>
        {DIRECTION_TITLES[direction]} <small>{titleOf(queries[0].of)}</small>
      </h3>
      {list(queries.slice(0, SHOWN))}
      {queries.length > SHOWN && (
        <details>
          <summary>{queries.length - SHOWN} more</summary>
          {list(queries.slice(SHOWN))}
        </details>
      )}
    </>
  );
}

function Query({ query: { query, rank, relevant, found }, pictures }: { query: WorstQuery; pictures: Pictures }) {
  return (
    <article>
      <header>
        {query.image && <Picture name={query.image.name} pictures={pictures} />}
        <div>
          {query.text !== null && <p class="text">{query.text}</p>}
          {query.image && <p class="file">{query.image.name}</p>}
          <p class="rank">right one at rank {whole(rank)}</p>
        </div>
      </header>
      <Items title="should be found" items={relevant} pictures={pictures} />
      <Items title="found first" items={found} pictures={pictures} />
    </article>
  );
}

function Items({ title, items, pictures }: { title: string; items: RankedItem[]; pictures: Pictures }) {
  return (
    <section>
      <h4>{title}</h4>
      <ul>
        {items.map((item, at) => (
          <li key={at}>
            {item.image && <Picture name={item.image.name} pictures={pictures} />}
            {item.text !== null && <p class="text">{item.text}</p>}
            <p class="score">
              <b>{whole(item.rank)}</b> {scoreOf(item)}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A picture that could not be read has its name alone. */
function Picture({ name, pictures }: { name: string; pictures: Pictures }) {
  const source = pictures.get(name);
  return source === undefined ? <p class="file">{name}</p> : <img src={source} alt={name} title={name} />;
}

/** "2.90 · 90 %" */
function scoreOf({ matchScore, matchProbability, similarity }: RankedItem): string {
  const scores = [
    (matchScore ?? similarity)?.toFixed(2),
    matchProbability === null ? undefined : `${(100 * matchProbability).toFixed(0)}\u00a0%`,
  ];
  return scores.filter((score) => score !== undefined).join(' · ');
}
