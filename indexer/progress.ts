import cliProgress from 'cli-progress';

export interface Progress {
  done: number;
  /** null where only the end will tell. */
  total: number | null;
}

export interface ProgressDisplay {
  update(progress: Progress): void;
  /** Leaves the last state on the screen; without it the cursor stays on the bar's line. */
  stop(): void;
}

/** The rate counts what was done in this many milliseconds. */
const RATE_WINDOW = 10_000;

/** Where there is no terminal, a line is written this often, in milliseconds. */
const LINE_INTERVAL = 5000;

/** How fast something goes, of late. Times are in milliseconds. */
export class Pace {
  readonly #samples: { done: number; time: number }[] = [];

  add(done: number, time: number): void {
    this.#samples.push({ done, time });
    while (this.#samples.length > 2 && this.#samples[1].time <= time - RATE_WINDOW) this.#samples.shift();
  }

  /** null until two moments are known. */
  get perSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (last === undefined || last.time === first.time) return null;
    return ((last.done - first.done) * 1000) / (last.time - first.time);
  }

  /** null where the rate or the total is not known, or the rate is zero. */
  secondsLeft({ done, total }: Progress): number | null {
    const rate = this.perSecond;
    return rate && total !== null ? (total - done) / rate : null;
  }
}

/**
 * Shows progress on stderr, with the rate and the time left: a bar on a terminal, elsewhere a line now and then.
 *
 * @param label what is being done: "Indexing"
 * @param unit what is counted: "pictures"
 */
export function showProgress({ label, unit }: { label: string; unit: string }): ProgressDisplay {
  return process.stderr.isTTY ? showBar(label, unit) : showLines(label, unit);
}

/** Shows the progress of some work while it lasts. */
export async function withProgress<R>(
  what: Parameters<typeof showProgress>[0],
  work: (onProgress: (progress: Progress) => void) => Promise<R>,
): Promise<R> {
  const progress = showProgress(what);
  try {
    return await work((state) => progress.update(state));
  } finally {
    progress.stop();
  }
}

function showBar(label: string, unit: string): ProgressDisplay {
  const pace = new Pace();
  let bar: cliProgress.SingleBar | undefined;
  const open = (total: number | null) =>
    new cliProgress.SingleBar({
      format: `${label} ${total === null ? '{value}' : '[{bar}] {value}/{total}'} ${unit} {pace}`,
      stream: process.stderr,
      barsize: 30,
      // The command line owns Ctrl-C.
      gracefulExit: false,
    });
  return {
    update(progress) {
      const { done, total } = progress;
      pace.add(done, performance.now());
      const payload = { pace: describePace(pace, progress, unit) };
      if (!bar) {
        bar = open(total);
        bar.start(total ?? done, done, payload);
      }
      bar.setTotal(total ?? done);
      bar.update(done, payload);
    },
    stop: () => bar?.stop(),
  };
}

function showLines(label: string, unit: string): ProgressDisplay {
  const pace = new Pace();
  let last: Progress = { done: 0, total: 0 };
  let written = -Infinity;
  const write = (progress: Progress) => {
    written = performance.now();
    const { done, total } = progress;
    const count = total === null ? done : `${done} of ${total}`;
    const line = `${label}: ${count} ${unit} ${describePace(pace, progress, unit)}`;
    process.stderr.write(`${line.trim()}\n`);
  };
  return {
    update(progress) {
      const now = performance.now();
      last = progress;
      pace.add(progress.done, now);
      const ended = progress.done === progress.total;
      if (now - written >= LINE_INTERVAL && progress.done > 0 && !ended) write(progress);
    },
    stop() {
      if (last.total !== 0) write(last);
    },
  };
}

/** "(71 pictures/s, 4 s left)" */
export function describePace(pace: Pace, progress: Progress, unit: string): string {
  const rate = pace.perSecond;
  if (rate === null || rate <= 0) return '';
  const left = pace.secondsLeft(progress);
  const speed = `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} ${unit}/s`;
  return left === null || left <= 0 ? `(${speed})` : `(${speed}, ${describeSeconds(left)} left)`;
}

/** "4 s", "3 min 20 s", "2 h 05 min" */
export function describeSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}
