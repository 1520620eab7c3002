import { PatchwordError } from '../errors.js';
import type { JobOptions } from './inference.js';

/** Items of one kind that arrived together; part of a call, small enough not to keep others waiting long. */
interface Job {
  kind: string;
  items: readonly unknown[];
  priority: 'interactive' | 'background';
  signal: AbortSignal | undefined;
  resolve: (results: unknown[]) => void;
  reject: (error: unknown) => void;
}

export interface ScheduleOptions {
  /** Runs items of one kind together and returns one result for each, in order. */
  run(kind: string, items: readonly unknown[]): Promise<unknown[]>;
  /** Whether that many items of a kind may run together. */
  fits(kind: string, items: readonly unknown[]): boolean;
}

/**
 * What runs next on a model that runs one thing at a time: interactive jobs before background ones, in order of arrival;
 * waiting jobs of one kind join into one run; a job that is cancelled before it runs never runs.
 */
export class Schedule {
  private readonly waiting: Job[] = [];
  private running = false;

  constructor(private readonly options: ScheduleOptions) {}

  /** @throws PatchwordError CANCELLED, or whatever `run` threw */
  async add<Result>(kind: string, items: readonly unknown[], { priority = 'interactive', signal }: JobOptions = {}) {
    const parts = this.split(kind, items).map(
      (part) =>
        new Promise<unknown[]>((resolve, reject) => {
          this.waiting.push({ kind, items: part, priority, signal, resolve, reject });
        }),
    );
    void this.work();
    return (await Promise.all(parts)).flat() as Result[];
  }

  /** Parts as large as may run together. */
  private split(kind: string, items: readonly unknown[]): unknown[][] {
    const parts: unknown[][] = [];
    for (const item of items) {
      const last = parts.at(-1);
      if (last && this.options.fits(kind, [...last, item])) last.push(item);
      else parts.push([item]);
    }
    return parts;
  }

  private async work(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (let jobs = this.next(); jobs.length > 0; jobs = this.next()) await this.runTogether(jobs);
    this.running = false;
  }

  private next(): Job[] {
    for (const job of this.waiting.filter(({ signal }) => signal?.aborted)) {
      this.remove(job);
      job.reject(cancelled());
    }
    const first = this.waiting.find(({ priority }) => priority === 'interactive') ?? this.waiting[0];
    if (!first) return [];
    const jobs: Job[] = [];
    const items: unknown[] = [];
    for (const job of this.waiting.filter(({ kind, priority }) => kind === first.kind && priority === first.priority)) {
      if (jobs.length > 0 && !this.options.fits(first.kind, [...items, ...job.items])) break;
      jobs.push(job);
      items.push(...job.items);
    }
    jobs.forEach((job) => this.remove(job));
    return jobs;
  }

  private async runTogether(jobs: Job[]): Promise<void> {
    try {
      const results = await this.options.run(
        jobs[0].kind,
        jobs.flatMap(({ items }) => items),
      );
      let at = 0;
      for (const { items, signal, resolve, reject } of jobs) {
        const own = results.slice(at, (at += items.length));
        if (signal?.aborted) reject(cancelled());
        else resolve(own);
      }
    } catch (error) {
      if (jobs.length === 1) jobs[0].reject(error);
      else for (const job of jobs) await this.runTogether([job]); // one caller's bad item must not fail the others
    }
  }

  private remove(job: Job): void {
    this.waiting.splice(this.waiting.indexOf(job), 1);
  }
}

export function cancelled(): PatchwordError {
  return new PatchwordError('CANCELLED', 'The work was cancelled before it was done.');
}
