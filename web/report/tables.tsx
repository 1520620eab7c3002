import type { ComponentChildren } from 'preact';
import type { Report, ReportedRow } from '../../src/evaluation/report.js';
import type { Direction, RecallName } from '../../src/evaluation/names.js';
import type { Difference, Suggestion } from '../../src/evaluation/result.js';
import { DIRECTION_TITLES, isSame, milliseconds, rank, signed, span, tenths, titleOf, whole } from './format.js';

type Row = Report['result']['rows'][number];

export const RECALLS: readonly RecallName[] = ['R@1', 'R@5', 'R@10'];

/** Every way to rank that was measured in one direction. */
export function RowsTable({ rows, suggestions }: { rows: Row[]; suggestions: Suggestion[] }) {
  const suggested = (row: Row) =>
    suggestions.some(({ order, candidates }) => isSame(row, { stage: 'two-stage', order, candidates }));
  return (
    <Wide>
      <table>
        <thead>
          <tr>
            <th scope="col">ranking</th>
            {[...RECALLS, 'median', 'mean', 'mAP@R', 'RSUM', 'ceiling', 'pairs', 'time'].map((title) => (
              <th scope="col" class="number" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={titleOf(row)} class={row.stage}>
              <th scope="row">
                {titleOf(row)}
                {suggested(row) && <span class="chip">suggested</span>}
              </th>
              {RECALLS.map((name) => (
                <td class="number" key={name}>
                  {tenths(row[name])}
                  <small>{span(row.intervals[name])}</small>
                </td>
              ))}
              <td class="number">{rank(row.medianRank)}</td>
              <td class="number">{rank(row.meanRank)}</td>
              <td class="number">{tenths(row['mAP@R'])}</td>
              <td class="number">{tenths(row.rsum)}</td>
              <td class="number">{tenths(row.ceiling)}</td>
              <td class="number">{whole(row.cost.pairsAQuery)}</td>
              <td class="number">{milliseconds(row.cost.millisecondsAQuery)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

/** What papers report of the same protocol, below ours. */
export function PublishedTable({ report }: { report: Report }) {
  const { rows } = report.result;
  const kept = rows.filter((row) => row.direction === 'text-to-image' && row.stage !== 'prefilter');
  const ours = kept.filter((row, at) => row.stage === 'exhaustive' || at === kept.length - 1 || isLargest(row, kept));
  const other = (row: Row) => rows.find((one) => one.direction === 'image-to-text' && isSame(one, row));
  return (
    <Wide>
      <table>
        <thead>
          <tr>
            <th scope="col" rowSpan={2}>
              model
            </th>
            <th scope="colgroup" colSpan={3} class="over">
              image → text
            </th>
            <th scope="colgroup" colSpan={3} class="over">
              text → image
            </th>
            <th scope="col" rowSpan={2}>
              read in
            </th>
          </tr>
          <tr>
            {[...RECALLS, ...RECALLS].map((name, at) => (
              <th scope="col" class="number" key={at}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ours.map((row) => (
            <tr key={titleOf(row)} class="ours">
              <th scope="row">
                this result: {titleOf(row)}
                {report.result.sample && <small>of a sample of the queries</small>}
              </th>
              <Recalls recalls={other(row)} />
              <Recalls recalls={row} />
              <td />
            </tr>
          ))}
          {report.published.map((row) => (
            <PublishedLine key={`${row.setting} ${row.model}`} row={row} />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function isLargest(row: Row, rows: Row[]): boolean {
  const same = rows.filter(({ stage, order }) => stage === row.stage && order === row.order);
  return same.every(({ candidates }) => (candidates ?? 0) <= (row.candidates ?? 0));
}

function PublishedLine({ row }: { row: ReportedRow }) {
  return (
    <tr>
      <th scope="row">
        {row.model} <small>{row.setting}</small>
      </th>
      <Recalls recalls={row['image-to-text']} />
      <Recalls recalls={row['text-to-image']} />
      <td>{row.url === null ? row.source : <a href={row.url}>{row.source}</a>}</td>
    </tr>
  );
}

function Recalls({ recalls }: { recalls: Record<RecallName, number | null> | undefined }) {
  return RECALLS.map((name) => (
    <td class="number" key={name}>
      {tenths(recalls?.[name] ?? null)}
    </td>
  ));
}

/** Whether two rankings of the same queries really differ: R@1 first. */
export function Differences({ differences }: { differences: Difference[] }) {
  const first = differences.filter(({ metric }) => metric === 'R@1');
  const others = differences.filter(({ metric }) => metric !== 'R@1');
  return (
    <>
      {first.length > 0 && <DifferencesTable differences={first} />}
      {others.length > 0 && (
        <details>
          <summary>Of R@5 and R@10</summary>
          <DifferencesTable differences={others} />
        </details>
      )}
    </>
  );
}

function DifferencesTable({ differences }: { differences: Difference[] }) {
  return (
    <Wide>
      <table>
        <thead>
          <tr>
            <th scope="col">of</th>
            <th scope="col">against</th>
            <th scope="col">in</th>
            <th scope="col" class="number">
              points
            </th>
            <th scope="col" class="number">
              95 %
            </th>
          </tr>
        </thead>
        <tbody>
          {differences.map(({ direction, of, against, metric, points, interval }, at) => (
            <tr key={at}>
              <th scope="row">{titleOf(of)}</th>
              <td>{titleOf(against)}</td>
              <td>
                {metric}, {DIRECTION_TITLES[direction].toLowerCase()}
              </td>
              <td class={`number ${isClear(interval) ? 'clear' : ''}`}>{signed(points)}</td>
              <td class="number">{span(interval, signed)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

/** Zero is not in the interval. */
function isClear(interval: readonly [number, number] | null): boolean {
  return interval !== null && (interval[0] > 0 || interval[1] < 0);
}

export function rowsOf(report: Report, direction: Direction): Row[] {
  return report.result.rows.filter((row) => row.direction === direction);
}

/** Scrolls by itself where the page is narrow. */
function Wide({ children }: { children: ComponentChildren }) {
  return (
    <div class="wide" tabIndex={0}>
      {children}
    </div>
  );
}
