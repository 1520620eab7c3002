import '../vilt/environment.js'; // in this thread, for the worker's libraries
import { availableParallelism } from 'node:os';
import type { ImageConfig } from '../vilt/config.js';
import type { ModelInput } from '../vilt/image.js';
import { callWorker, startWorker } from '../worker.js';
import { requireFinite } from './finite.js';
import type { ImageWorker } from './imageworker.js';
import type { Device, Inference, JobOptions, ModelInfo, Precision } from './inference.js';
import type { ModelWorker } from './modelworker.js';
import { cancelled, Schedule } from './schedule.js';
import type { TaskKind, Tasks } from './task.js';

export interface InferenceOptions {
  /** A model folder, or a weight file. */
  model: string;
  device?: Device;
  precision?: Precision;
  /** Threads that one pass of the model uses. Default: one a core. */
  threads?: number;
}

/** Positions (words and patches) that run together: what keeps two cores busy without keeping others waiting. */
const POSITIONS_A_RUN = 2048;

/** A guess at the length of a text, for the sum above. */
const TEXT_POSITIONS = 16;

/**
 * Opens a model in worker threads of this process: one for the model, one that prepares pictures.
 *
 * @throws PatchwordError MODEL_NOT_FOUND, MODEL_INCOMPLETE, MODEL_UNSUPPORTED, DISK_FULL, READ_ONLY
 */
export async function openInference(options: InferenceOptions): Promise<Inference> {
  const modelWorker = callWorker<ModelWorker>(startWorker(new URL('./modelworker.js', import.meta.url)));
  const imageWorker = callWorker<ImageWorker>(startWorker(new URL('./imageworker.js', import.meta.url)));
  const close = async () => void (await Promise.all([modelWorker.close(), imageWorker.close()]));
  try {
    const threads = options.threads ?? availableParallelism();
    const { info, imageConfig } = await modelWorker.call('open', { ...options, threads });
    const schedule = new Schedule({
      run: (kind, items) => modelWorker.call('run', kind as TaskKind, items),
      fits: (kind, items) =>
        items.reduce((sum: number, item) => sum + positions(kind as TaskKind, item, info), 0) <= POSITIONS_A_RUN,
    });
    return localInference({ info, schedule, imageWorker, imageConfig, close });
  } catch (error) {
    await close();
    throw error;
  }
}

function localInference(parts: {
  info: ModelInfo;
  schedule: Schedule;
  imageWorker: ReturnType<typeof callWorker<ImageWorker>>;
  imageConfig: ImageConfig;
  close: () => Promise<void>;
}): Inference {
  const { info, schedule, imageWorker, imageConfig, close } = parts;
  const all = <Kind extends TaskKind>(kind: Kind, items: readonly Tasks[Kind]['item'][], options?: JobOptions) =>
    schedule.add<Tasks[Kind]['result']>(kind, items, options);
  const one = async <Kind extends TaskKind>(kind: Kind, item: Tasks[Kind]['item'], options?: JobOptions) =>
    (await all(kind, [item], options))[0];
  return {
    info,
    async prepare(image, { signal } = {}) {
      if (signal?.aborted) throw cancelled();
      return imageWorker.call('prepare', image, imageConfig);
    },
    tokenize: (text, options) => one('tokenize', text, options),
    embedTexts: (texts, options) => all('embedText', texts, options),
    embedImages: (images, options) => all('embedImage', images, options),
    textFeatures: (texts, options) => all('textFeatures', texts, options),
    imageFeatures: (images, options) => all('imageFeatures', images, options),
    matchScores: async (pairs, options) =>
      requireFinite(Float32Array.from(await all('match', pairs, options)), info.folder, 'match scores'),
    explain: (pair, options) => one('explain', pair, options),
    answer: (pair, options) => one('answer', pair, options),
    compare: (pair, options) => one('compare', pair, options),
    fill: (pair, options) => one('fill', pair, options),
    close,
  };
}

/** About how many positions an item takes in a pass. */
function positions(kind: TaskKind, item: unknown, { config }: ModelInfo): number {
  const patches = ({ width, height }: ModelInput) => (width * height) / config.patchSize ** 2;
  if (kind === 'tokenize' || kind === 'embedText' || kind === 'textFeatures') return TEXT_POSITIONS;
  if (kind === 'embedImage' || kind === 'imageFeatures') return patches(item as ModelInput);
  if (kind === 'compare') return 2 * (TEXT_POSITIONS + patches((item as Tasks['compare']['item']).images[0]));
  return TEXT_POSITIONS + patches((item as Tasks['match']['item']).image);
}
