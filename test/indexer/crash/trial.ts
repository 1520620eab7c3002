import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bindingOf } from '../../../src/engine.js';
import type { Inference } from '../../../src/inference/inference.js';
import { openInference } from '../../../src/inference/local.js';
import type { CollectionModel } from '../../../src/store/store.js';
import { random } from '../../src/vilt/variant.js';
import { examine } from './examination.js';
import type { TaskName } from './journal.js';
import { run, type Run } from './kill.js';
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
    const reference = new Reference(this.parts.inferences, this.world.contents);
    for (let kill = 0; kill < this.options.kills; kill++) {
      const task = TURNS[kill % TURNS.length];
      if (task === 'ingest' && kill > 1) this.world.advance();
      const moment = drawMoment(task, this.durations, this.next);
      const isCopy = this.next() < 0.5;
      const work = this.work({ tasks: this.tasksFrom(task), once: false });
      const before = this.oracle;
      try {
        const result = await run(work, { folder: this.collection, moment });
        const { oracle, pending, embedded, written } = this.replay(before, result);
        if (!existsSync(path.join(this.collection, 'catalog.sqlite'))) {
          assert.deepEqual(result.lines, [], 'a collection that was opened is there');
          this.options.say(`kill ${kill + 1}: ${moment.what}: before there was a collection`);
          continue;
        }
        const data = isCopy ? this.copy() : this.data;
        const found = await examine({
          ...{ data, name: NAME, exactBelow: EXACT_BELOW, oracle, pending, reference, mend: isCopy },
          modelOf: (hash) => (hash === this.parts.bindings.one.hash ? 'one' : 'other'),
        });
        this.oracle = found.oracle;
        if (pending.some(({ method }) => method === 'beginReindex')) this.oracle.reindexed = null;
        this.durations.learn(result.milliseconds);
        const calls = pending.map(({ method }) => method).join(', ') || 'no call';
        this.options.say(
          `kill ${kill + 1}: ${moment.what}${result.late ? ' (late)' : ''}: in ${calls} (${found.written} of ${pending.length} written); ` +
            `${found.oracle.images.size} images, ${embedded} embedded, ${written} of them stored; left: ${found.left.join(', ') || 'nothing'}`,
        );
      } catch (error) {
        throw this.explained(error, `kill ${kill + 1} (${moment.what})`);
      }
    }
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

  private replay(before: Oracle, { lines }: Run): Replayed {
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

  /** What went wrong may not come again: the collection is kept as it is. */
  private explained(error: unknown, when: string): Error {
    const kept = path.join(tmpdir(), `patchword-crash-${this.options.seed}-${Date.now()}`);
    cpSync(this.options.folder, kept, { recursive: true });
    const message = error instanceof Error ? error.message : String(error);
    return new Error(`Seed ${this.options.seed}, ${when}; kept in ${kept}: ${message}`, { cause: error });
  }
}
