import { parentPort } from 'node:worker_threads';
import type { ImageConfig } from '../vilt/config.js';
import { describeModel, type ModelInfo } from '../vilt/inspection.js';
import { ViltModel, type ModelOptions } from '../vilt/model.js';
import { serveWorker } from '../worker.js';
import { runTask, type TaskKind } from './task.js';

/** The thread that holds ONNX Runtime, whose `run` blocks the thread that calls it. */
export interface ModelWorker {
  /** What a user may know of the model, and how it wants its pictures. */
  open(options: ModelOptions): Promise<{ info: ModelInfo; imageConfig: ImageConfig }>;
  run(kind: TaskKind, items: readonly unknown[]): Promise<unknown[]>;
}

let model: ViltModel | null = null;

serveWorker<ModelWorker>(parentPort!, {
  async open(options) {
    model = await ViltModel.open(options);
    const { files, precision, notes } = model;
    const { device } = model.sessionOptions;
    const info = describeModel(model);
    return { info: { ...info, device, precision, notes: [...notes, ...info.notes] }, imageConfig: files.imageConfig };
  },
  run: (kind, items) => runTask(model!, kind, items),
});
