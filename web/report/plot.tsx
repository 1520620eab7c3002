import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

/** A line of a plot. Its colour is a variable of the style sheet. */
export interface Line {
  label: string;
  color: `--${string}`;
  /** One a value of x; null where there is none. */
  values: (number | null)[];
  dashed?: boolean;
  /** Points alone, without a line. */
  points?: boolean;
  /** Steps from one x to the next, filled: a histogram. */
  steps?: boolean;
}

interface PlotProps {
  title: string;
  /** Rising. */
  x: number[];
  lines: Line[];
  xLabel: string;
  yLabel: string;
  logarithmic?: boolean;
  /** Where the axis is labelled; default: uPlot decides. */
  xTicks?: number[];
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  /** Default: as the values have it. */
  rangeY?: (least: number, most: number) => [number, number];
}

const HEIGHT = 270;
/** Beside the outermost points of a logarithmic axis. */
const MARGIN = 1.15;
const DARK = 'screen and (prefers-color-scheme: dark)';

/** A plot that takes the width it is given and the colours of the page; what it draws is in the tables, too. */
export function Plot(props: PlotProps) {
  const holder = useRef<HTMLDivElement>(null);
  const dark = useMedia(DARK);
  useEffect(() => {
    const element = holder.current!;
    const width = () => Math.max(element.clientWidth, 200);
    const data = [props.x, ...props.lines.map(({ values }) => values)] as uPlot.AlignedData;
    const plot = new uPlot(optionsOf(props, width(), getComputedStyle(element)), data, element);
    const observer = new ResizeObserver(() => plot.setSize({ width: width(), height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [props, dark]);
  return (
    <figure class="plot">
      <figcaption>{props.title}</figcaption>
      <div ref={holder} />
    </figure>
  );
}

function optionsOf(props: PlotProps, width: number, style: CSSStyleDeclaration): uPlot.Options {
  const color = (name: string) => style.getPropertyValue(name).trim();
  const { lines, xLabel, yLabel, logarithmic, xTicks, formatX, formatY, rangeY } = props;
  const axis: uPlot.Axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line'), width: 1 },
    font: '12px system-ui, sans-serif',
    labelFont: '12px system-ui, sans-serif',
    labelSize: 18,
    labelGap: 2,
  };
  return {
    width,
    height: HEIGHT,
    scales: {
      x: {
        time: false,
        ...(logarithmic ? { distr: 3, log: 10, range: (_plot, least, most) => [least / MARGIN, most * MARGIN] } : {}),
      },
      y: rangeY ? { range: (_plot, least, most) => rangeY(least, most) } : {},
    },
    axes: [
      {
        ...axis,
        label: xLabel,
        size: 34,
        values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : formatX(tick))),
        ...(xTicks
          ? { splits: () => xTicks, filter: (plot: uPlot, ticks: number[]) => uncrowded(plot, ticks, formatX) }
          : {}),
      },
      { ...axis, label: yLabel, size: 52, values: (_plot, ticks) => ticks.map(formatY) },
    ],
    series: [
      { label: xLabel, value: (_plot, value: number | null) => (value === null ? '' : formatX(value)) },
      ...lines.map((line) => seriesOf(line, color(line.color), formatY)),
    ],
    cursor: { y: false, drag: { x: false, y: false } },
    padding: [10, 14, 0, 0],
  };
}

/** Without ticks whose labels would run into the one before. */
function uncrowded(plot: uPlot, ticks: number[], format: (value: number) => string): (number | null)[] {
  let end = -Infinity;
  return ticks.map((tick) => {
    const half = 4 * format(tick).length;
    const at = plot.valToPos(tick, 'x');
    if (at - half < end) return null;
    end = at + half;
    return tick;
  });
}

function seriesOf(
  { label, dashed, points, steps }: Line,
  color: string,
  format: (value: number) => string,
): uPlot.Series {
  return {
    label,
    stroke: color,
    width: steps ? 1.5 : 2,
    spanGaps: !steps,
    dash: dashed ? [6, 5] : undefined,
    fill: steps ? `${color}33` : undefined,
    points: { show: !steps, size: points ? 10 : 6, fill: color },
    paths: steps ? uPlot.paths.stepped!({ align: 1 }) : points ? () => null : undefined,
    value: (_plot, value: number | null) => (value === null ? '' : format(value)),
  };
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const follow = () => setMatches(list.matches);
    list.addEventListener('change', follow);
    return () => list.removeEventListener('change', follow);
  }, [query]);
  return matches;
}
