import type { Report } from '../../src/evaluation/report.js';
import type { Direction } from '../../src/evaluation/names.js';
import { Distribution, RecallByCandidates, RecallByTime } from './charts.js';
import { DIRECTION_TITLES, isSame, milliseconds, moment, signed, span, tenths, titleOf, whole } from './format.js';
import { Missing, Provenance } from './provenance.js';
import { Differences, PublishedTable, RECALLS, rowsOf, RowsTable } from './tables.js';
import { WorstQueries } from './worst.js';

export function Page({ report }: { report: Report }) {
  const { result } = report;
  const { dataset, sample, notes } = result;
  const directions = [...new Set(result.rows.map(({ direction }) => direction))];
  const ready = (part: unknown[]) => part.length > 0;
  return (
    <>
      <header class="top">
        <p class="eyebrow">Patchword evaluation</p>
        <h1>
          {dataset.name}
          {dataset.split !== null && <small> {dataset.split}</small>}
        </h1>
        <p>
          {whole(dataset.images)} images, {whole(dataset.captions)} captions · {result.protocol} ·{' '}
          {result.model.precision} · {moment(result.date)}
        </p>
        {sample && <p class="notice">Measured on {whole(sample.queries)} queries a direction, drawn at random.</p>}
        {ready(dataset.missing) && <Missing missing={dataset.missing} />}
      </header>
      <main>
        <div class="cards">
          {directions.map((direction) => (
            <Summary key={direction} report={report} direction={direction} />
          ))}
        </div>
        <section>
          <h2>Recall</h2>
          <p class="about">
            In percent, with 95 % intervals where they were measured (bootstrap over images). Median and mean are ranks
            of the best right item, ties counted against us. Ceiling: for how many queries something right is among the
            candidates. Pairs and time are of one query.
          </p>
          {directions.map((direction) => (
            <>
              <h3>{DIRECTION_TITLES[direction]}</h3>
              <RowsTable
                rows={rowsOf(report, direction)}
                suggestions={result.suggestions.filter((one) => one.direction === direction)}
              />
            </>
          ))}
        </section>
        <section>
          <h2>What recall costs</h2>
          <div class="plots">
            {directions.map((direction) => (
              <RecallByCandidates key={direction} result={result} direction={direction} />
            ))}
            {directions.map((direction) => (
              <RecallByTime key={direction} result={result} direction={direction} />
            ))}
          </div>
        </section>
        {ready(report.published) && (
          <section>
            <h2>Beside published results</h2>
            <p class="about">
              The same protocol. The models differ in size, training data and cost: docs/published-results.md says how
              to read them.
            </p>
            <PublishedTable report={report} />
          </section>
        )}
        {ready(result.differences) && (
          <section>
            <h2>Differences</h2>
            <p class="about">Paired bootstrap over images; bold where zero is outside the interval.</p>
            <Differences differences={result.differences} />
          </section>
        )}
        {ready(result.histograms) && (
          <section>
            <h2>Scores of matches and others</h2>
            <div class="plots">
              {result.histograms.map((histogram) => (
                <Distribution key={`${histogram.score} ${histogram.pairs}`} histogram={histogram} />
              ))}
            </div>
          </section>
        )}
        {ready(result.worst) && (
          <section>
            <h2>Worst queries</h2>
            <p class="about">
              Below each item: its rank, and its match score (its similarity where it was not scored) and match
              probability.
            </p>
            <WorstQueries worst={result.worst} pictures={new Map(report.pictures)} />
          </section>
        )}
        <section>
          <h2>Where this comes from</h2>
          <Provenance result={result} />
          {notes.map((note) => (
            <p class="about" key={note}>
              {note}
            </p>
          ))}
        </section>
      </main>
    </>
  );
}

/** The row to look at first: what is suggested, else the most candidates, else the first. */
function Summary({ report, direction }: { report: Report; direction: Direction }) {
  const rows = rowsOf(report, direction);
  const staged = rows.filter(({ stage }) => stage === 'two-stage');
  const suggestion = report.result.suggestions.find((one) => one.direction === direction && one.candidates !== null);
  const suggested = staged.find(
    (row) =>
      suggestion && isSame(row, { stage: 'two-stage', order: suggestion.order, candidates: suggestion.candidates }),
  );
  const row = suggested ?? staged.at(-1) ?? rows[0];
  const reference = suggestion && rows.find((one) => isSame(one, suggestion.reference));
  return (
    <article class="card">
      <h2>
        {DIRECTION_TITLES[direction]} <small>{titleOf(row)}</small>
      </h2>
      <dl class="figures">
        {RECALLS.map((name) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{tenths(row[name])}</dd>
            <dd class="interval">{span(row.intervals[name])}</dd>
          </div>
        ))}
      </dl>
      <p>
        {whole(row.cost.pairsAQuery)} {row.cost.pairsAQuery === 1 ? 'pair' : 'pairs'} and{' '}
        {milliseconds(row.cost.millisecondsAQuery)} a query
        {reference &&
          `; ${titleOf(reference)}: R@1 ${tenths(reference['R@1'])} in ${milliseconds(reference.cost.millisecondsAQuery)}`}
      </p>
      {suggested && suggestion && (
        <p>
          Suggested: the fewest candidates whose R@1 is within {suggestion.within} points of{' '}
          {titleOf(suggestion.reference)}
          {suggestion.interval && ` (95 %: ${span(suggestion.interval, signed)} points)`}.
        </p>
      )}
    </article>
  );
}
