import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Line } from './journal.js';
import type { Work } from './process.js';

/** When a process is killed. */
export interface Moment {
  what: string;
  /** Whether a line is the one to wait for … */
  line?: (line: Line) => boolean;
  /** … or the name of a file that comes or goes in the collection's folder; neither: from the start of the process. */
  file?: RegExp;
  /** So many of them pass first. */
  skip: number;
  /** And so long after the last, in milliseconds. */
  delay: number;
  /** Where the moment does not come, so long after the first task began, in milliseconds. */
  patience: number;
}

export interface Run {
  lines: Line[];
  /** How long each task took that was finished, in milliseconds. */
  milliseconds: { task: string; milliseconds: number }[];
  /** The moment did not come, and the process was killed all the same. */
  late: boolean;
}

/** A process that does not even begin is killed anyway. */
const PATIENCE = 20_000; // milliseconds

export interface RunOptions {
  /** Of the collection. */
  folder: string;
  /** Without one the process must end by itself. */
  moment: Moment | null;
  /** Called once a task has begun, with all that was said, and is still to be said. */
  onBegun?: (lines: readonly Line[]) => void;
}

/** Starts a process, and kills it with SIGKILL at a moment. */
export async function run(work: Work, { folder, moment, onBegun }: RunOptions): Promise<Run> {
  const script = fileURLToPath(new URL('./process.js', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(work)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const result: Run = { lines: [], milliseconds: [], late: false };
  const timers: NodeJS.Timeout[] = [];
  const kill = () => void child.kill('SIGKILL');
  const soon = (delay: number) => (delay < 1 ? kill() : void timers.push(setTimeout(kill, delay)));
  let left = moment?.skip ?? 0;
  const meet = (isIt: boolean) => {
    if (moment && isIt && left-- === 0) soon(moment.delay);
  };
  const watcher = moment?.file ? watch(folder, (_, name) => meet(moment.file!.test(name ?? ''))) : null;
  let begun = 0;
  const giveUpAfter = (milliseconds: number) => {
    timers.push(setTimeout(() => ((result.late = true), kill()), milliseconds));
  };
  const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]>;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (text) => {
    const line = parse(text);
    if (!line) return;
    result.lines.push(line);
    if ('begun' in line) {
      if (moment && begun === 0) giveUpAfter(moment.patience);
      begun = performance.now();
      onBegun?.(result.lines);
    }
    if ('done' in line) result.milliseconds.push({ task: line.done, milliseconds: performance.now() - begun });
    meet(moment?.line?.(line) ?? false);
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (errors += piece));
  if (moment && !moment.line && !moment.file) soon(moment.delay);
  if (moment) giveUpAfter(PATIENCE);
  const [code, signal] = await ended;
  timers.forEach(clearTimeout);
  watcher?.close();
  const isAsWanted = moment ? signal === 'SIGKILL' : code === 0;
  if (!isAsWanted) throw new Error(`The process ended with ${code ?? signal}: ${errors}`);
  return result;
}

/** The last line may be cut short. */
function parse(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}
