import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bindingOf } from '../../../src/engine.js';
import type { Inference } from '../../../src/inference/inference.js';
import { openInference } from '../../../src/inference/local.js';
import { openStore } from '../../../src/store/sqlite/store.js';
import type { CollectionModel } from '../../../src/store/store.js';
import { random } from '../../src/vilt/variant.js';
import { Backup } from './backup.js';
import { readContent, removeContents, requireContinued, requireSame } from './end.js';
import { examine, type Examined } from './examination.js';
import { type Call, encodeLine, type Line, type TaskName } from './journal.js';
import { type Moment, run, type Run, type RunOptions } from './kill.js';
import { type ModelName, type Models, writeModels } from './models.js';
import { Durations, drawMoment } from './moment.js';
import { type FileState, Oracle } from './oracle.js';
import type { Work } from './process.js';
import { Reference } from './reference.js';
import { replay, type Replayed } from './replay.js';
import { World } from './world.js';

export interface TrialOptions {
  folder: string;
  kills: number;
  seed: number;
  say: (line: string) => void;
}

/** Graphs are made of collections as small as these. */
const EXACT_BELOW = 40;

/** Which tasks are killed, in turns. */
const TURNS: readonly TaskName[] = ['ingest', 'reindex', 'ingest', 'remove', 'compact', 'ingest', 'reindex', 'compact'];

const NAME = 'pictures';

/** One collection, and what happens to it. */
export class Trial {
  private readonly next: () => number;
  private readonly durations = new Durations();
  private readonly world: World;
  private oracle: Oracle;
  private reference: Reference | undefined;

  private constructor(
    private readonly options: TrialOptions,
    private readonly parts: {
      models: Models;
      bindings: Record<ModelName, CollectionModel>;
      inferences: Record<ModelName, Inference>;
    },
  ) {
    this.next = random(options.seed);
    this.world = new World(path.join(options.folder, 'sources'), options.seed);
    this.oracle = new Oracle(parts.bindings.one.hash);
  }

  static async open(options: TrialOptions): Promise<Trial> {
    const models = await writeModels(path.join(options.folder, 'models'));
    const open = (model: string) => openInference({ model, threads: 1 });
    const inferences = { one: await open(models.one), other: await open(models.other) };
    const bindings = { one: bindingOf(inferences.one.info), other: bindingOf(inferences.other.info) };
    return new Trial(options, { models, bindings, inferences });
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.parts.inferences).map((inference) => inference.close()));
  }

  /** Kills a process at work, so many times; after each the collection is looked at, and the next process goes on with it. */
  async kill(): Promise<void> {
    mkdirSync(this.collection, { recursive: true });
    for (let kill = 0; kill < this.options.kills; kill++) {
      const task = TURNS[kill % TURNS.length];
      if (task === 'ingest' && kill > 1) this.world.advance();
      const moment = drawMoment(task, this.durations, this.next);
      const name = `kill ${kill + 1}, ${moment.what}`;
      try {
        this.options.say(`${name}: ${await this.killOnce(task, moment)}`);
      } catch (error) {
        throw this.explained(error, name);
      }
    }
  }

  /** Returns what is worth knowing of it. */
  private async killOnce(task: TaskName, moment: Moment): Promise<string> {
    const isCopy = this.next() < 0.5;
    const work = this.work({ tasks: this.tasksFrom(task), once: false });
    const wait = this.durations.of(task) * this.next();
    const backup = this.next() < 0.2 && this.isThere ? await Backup.open(this.place(this.data, 'backup')) : null;
    const before = this.oracle;
    const onBegun = (lines: readonly Line[]) => backup?.begin(wait, lines);
    const { lines, milliseconds, late } = await this.run(work, { folder: this.collection, moment, onBegun });
    let backedUp: Awaited<ReturnType<Backup['examine']>> | undefined;
    try {
      backedUp = await backup?.examine(before, lines);
    } finally {
      await backup?.close();
    }
    if (!this.isThere) {
      assert.deepEqual(lines, [], 'a collection that was opened is there');
      return 'before there was a collection';
    }
    this.durations.learn(milliseconds);
    const { oracle, pending, embedded, written } = this.replay(before, lines);
    const found = await this.examine(isCopy ? this.copy() : this.data, { oracle, pending, mend: isCopy });
    this.oracle = found.oracle;
    if (pending.some(({ method }) => method === 'beginReindex')) this.oracle.reindexed = null;
    const calls = pending.map(({ method }) => method).join(', ') || 'no call';
    return [
      `in ${calls} (${found.written} of ${pending.length} written)${late ? ', late' : ''}`,
      `${this.oracle.images.size} images, ${embedded} embedded and ${written} of them stored`,
      ...(typeof backedUp === 'number' ? [`a backup after ${backedUp} calls`] : []),
      `left: ${found.left.join(', ') || 'nothing'}`,
    ].join('; ');
  }

  /** Lets a process come to its end, and compares with a collection that no one was killed on. */
  async end(): Promise<void> {
    const before = this.oracle;
    try {
      this.world.mend();
      const { lines } = await this.run(this.work({ tasks: ['ingest'], once: true }), this.undisturbed);
      requireContinued(before, this.world, lines);
      const { oracle } = this.replay(before, lines);
      await this.examine(this.data, { oracle, pending: [], mend: true });
      const fresh = { ...this.work({ tasks: ['ingest'], once: true }), name: 'fresh' };
      await this.run(fresh, this.undisturbed);
      const store = await openStore({ data: this.data, name: NAME });
      const content = await readContent(store).finally(() => store.close());
      requireSame(content, await removeContents({ data: this.data, name: 'fresh' }, [...oracle.removed]));
    } catch (error) {
      throw this.explained(error, 'in the end');
    }
  }

  private async run(work: Work, options: RunOptions): Promise<Run> {
    const result = await run(work, options);
    writeFileSync(path.join(this.options.folder, 'journal'), result.lines.map(encodeLine).join(''));
    return result;
  }

  private examine(
    data: string,
    { oracle, pending, mend }: { oracle: Oracle; pending: Call[]; mend: boolean },
  ): Promise<Examined> {
    const { bindings, inferences } = this.parts;
    return examine({
      ...this.place(data, ''),
      ...{ oracle, pending, mend },
      reference: (this.reference ??= new Reference(inferences, this.world.contents)),
      modelOf: (hash) => (hash === bindings.one.hash ? 'one' : 'other'),
    });
  }

  private place(data: string, folder: string) {
    return { data, name: NAME, exactBelow: EXACT_BELOW, folder: path.join(this.options.folder, folder) };
  }

  private get undisturbed(): RunOptions {
    return { folder: this.collection, moment: null };
  }

  private get isThere(): boolean {
    return existsSync(path.join(this.collection, 'catalog.sqlite'));
  }

  private tasksFrom(task: TaskName): TaskName[] {
    const others: TaskName[] = ['remove', 'restore', 'ingest', 'compact', 'retry', 'reindex'];
    return [task, ...others.filter(() => this.next() < 0.6), 'restore', 'ingest'];
  }

  private work(options: Pick<Work, 'tasks' | 'once'>): Work {
    const { models, bindings } = this.parts;
    return {
      ...{ data: this.data, name: NAME, models, bindings, exactBelow: EXACT_BELOW, ...options },
      sources: this.world.sources.map(({ path: source }) => source),
      removed: [...this.oracle.removed],
      seed: Math.floor(2 ** 31 * this.next()),
    };
  }

  private replay(before: Oracle, lines: readonly Line[]): Replayed {
    const isChanged = ({ sourceId, file, contentHash }: FileState) => {
      const source = this.world.sources.find(({ path: source }) => before.sources.get(source) === sourceId);
      return source?.files.get(file)?.content !== contentHash;
    };
    return replay(before, lines, isChanged);
  }

  /** Looking at a copy leaves the next process what the killed one left: a WAL to recover from, files to replace. */
  private copy(): string {
    const data = path.join(this.options.folder, 'copy');
    rmSync(data, { recursive: true, force: true });
    cpSync(this.data, data, { recursive: true });
    return data;
  }

  private get data(): string {
    return path.join(this.options.folder, 'data');
  }

  private get collection(): string {
    return path.join(this.data, 'collections', NAME);
  }

  /** What went wrong may not come again: the collection is kept as it is, and what the process said. */
  private explained(error: unknown, when: string): Error {
    const kept = path.join(tmpdir(), `patchword-crash-${this.options.seed}-${Date.now()}`);
    cpSync(this.options.folder, kept, { recursive: true });
    const message = error instanceof Error ? error.message : String(error);
    return new Error(`Seed ${this.options.seed}, ${when}; kept in ${kept}: ${message}`, { cause: error });
  }
}
