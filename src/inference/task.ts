import type { ModelInput } from '../vilt/image.js';
import type { ViltModel } from '../vilt/model.js';
import type { Choice } from '../vilt/choice.js';
import {
  embedImages,
  embedTexts,
  encodeText,
  imageFeatures,
  matchScores,
  textFeatures,
  type Pair,
} from '../vilt/pair.js';
import { answer, compare, explain, fill, type Explanation } from '../vilt/task.js';
import type { TextEmbedding, Tokens } from './inference.js';

/** What can be asked of a model: items in, one result each, in order. */
export interface Tasks {
  tokenize: { item: string; result: Tokens };
  embedText: { item: string; result: TextEmbedding };
  embedImage: { item: ModelInput; result: Float32Array };
  textFeatures: { item: string; result: Float32Array };
  imageFeatures: { item: ModelInput; result: Float32Array };
  match: { item: Pair; result: number };
  explain: { item: Pair; result: Explanation };
  answer: { item: Pair; result: Choice[] };
  compare: { item: { text: string; images: [ModelInput, ModelInput] }; result: Choice[] };
  fill: { item: Pair; result: Choice[][] };
}

export type TaskKind = keyof Tasks;

type Runners = {
  [Kind in TaskKind]: (model: ViltModel, items: readonly Tasks[Kind]['item'][]) => Promise<Tasks[Kind]['result'][]>;
};

const RUNNERS: Runners = {
  tokenize: eachOf((model, text: string) => {
    const encoding = encodeText(model, text);
    const { tokens, truncated } = encoding;
    return Promise.resolve({ tokens, unknownWords: model.tokenizer.unknownWords(text, encoding), truncated });
  }),
  embedText: embedTexts,
  embedImage: embedImages,
  textFeatures,
  imageFeatures,
  match: async (model, pairs) => [...(await matchScores(model, pairs))],
  explain: eachOf(explain),
  answer: eachOf(answer),
  compare: eachOf((model, { text, images }: Tasks['compare']['item']) => compare(model, text, images)),
  fill: eachOf(fill),
};

export async function runTask(model: ViltModel, kind: TaskKind, items: readonly unknown[]): Promise<unknown[]> {
  return RUNNERS[kind](model, items as never);
}

/** A task that the model does one item at a time. */
function eachOf<Item, Result>(run: (model: ViltModel, item: Item) => Promise<Result>) {
  return async (model: ViltModel, items: readonly Item[]): Promise<Result[]> => {
    const results: Result[] = [];
    for (const item of items) results.push(await run(model, item));
    return results;
  };
}
