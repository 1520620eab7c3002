import type { Inference } from '../../src/inference/inference.js';
import { describeMachine, describeVersions } from '../../src/evaluation/machine.js';
import type { RetrievalResult } from '../../src/evaluation/result.js';
import type { ModelInput } from '../../src/vilt/image.js';
import { mapAhead } from '../lookahead.js';
import { reasonToSkip } from '../preparation.js';
import type { Progress } from '../progress.js';
import type { SkippedImage } from '../readers/reader.js';

/** Questions that are with the model at once, which runs them together, and answers that wait to be counted. */
const ASKING = { concurrency: 8, ahead: 16 };

/** Pictures that are kept for the next questions: those of one picture stand together in the files. */
const KEPT = 16;

export interface AskingOptions<Example, Answer> {
  inference: Inference;
  examples: AsyncIterable<Example>;
  /** Paths of the pictures that an example is about. */
  picturesOf: (example: Example) => string[];
  ask: (example: Example, images: ModelInput[]) => Promise<Answer>;
  /** Takes what was said, in the order of the examples. */
  count: (example: Example, answer: Answer) => void;
  /** How many examples there are. */
  total: number;
  onProgress?: (progress: Progress) => void;
  /** Leaves out what is about a picture that cannot be read; else that is an error. */
  allowMissing: boolean;
  signal?: AbortSignal;
}

/** Asks the model about all examples. @returns the pictures that could not be read, each once */
export async function askAll<Example, Answer>(options: AskingOptions<Example, Answer>): Promise<SkippedImage[]> {
  const unreadable = new Map<string, SkippedImage>();
  let done = 0;
  for await (const { example, ...said } of answersOf(options)) {
    options.onProgress?.({ done: ++done, total: options.total });
    if ('missing' in said) unreadable.set(said.missing.file, said.missing);
    else options.count(example, said.answer);
  }
  return [...unreadable.values()];
}

/** What the model says of examples, in their order; of those about a picture that cannot be read, why. */
async function* answersOf<Example, Answer>(
  options: AskingOptions<Example, Answer>,
): AsyncGenerator<{ example: Example } & ({ answer: Answer } | { missing: SkippedImage })> {
  const { inference, examples, picturesOf, ask, allowMissing, signal } = options;
  type Prepared = { input: ModelInput } | { missing: SkippedImage };
  const kept = new Map<string, Promise<Prepared>>();

  const prepare = async (file: string): Promise<Prepared> => {
    try {
      return { input: (await inference.prepare(file, { priority: 'background', signal })).modelInput };
    } catch (error) {
      if (!allowMissing) throw error;
      return { missing: { file, reason: reasonToSkip(error, file) } };
    }
  };
  const prepared = (file: string) => {
    const input = kept.get(file) ?? prepare(file);
    if (!kept.has(file) && kept.size >= KEPT) kept.delete(kept.keys().next().value!);
    kept.set(file, input);
    return input;
  };
  yield* mapAhead(examples, ASKING, async (example) => {
    const pictures = await Promise.all(picturesOf(example).map(prepared));
    for (const picture of pictures) if ('missing' in picture) return { example, missing: picture.missing };
    const images = pictures.flatMap((picture) => ('input' in picture ? picture.input : []));
    return { example, answer: await ask(example, images) };
  });
}

/** What ran, where and when: what a result of questions shares with one of retrieval. */
export interface Run extends Pick<RetrievalResult, 'date' | 'versions' | 'machine'> {
  version: 1;
  model: { path: string; hash: string; precision: string; device: string };
  seconds: number;
}

export function describeRun({ info }: Inference, started: number): Run {
  const { folder, hash, precision, device } = info;
  return {
    version: 1,
    date: new Date().toISOString(),
    model: { path: folder, hash, precision, device },
    versions: describeVersions(),
    machine: describeMachine(),
    seconds: (performance.now() - started) / 1000,
  };
}
