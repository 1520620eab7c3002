import { parentPort } from 'node:worker_threads';
import { describeModel, type ModelInfo } from '../vilt/inspection.js';
import { ViltModel, type ModelOptions } from '../vilt/model.js';
import { serveWorker } from '../worker.js';
import { runTask, type TaskKind } from './task.js';

/** The thread that holds ONNX Runtime, whose `run` blocks the thread that calls it. */
export interface ModelWorker {
  open(options: ModelOptions): Promise<ModelInfo>;
  run(kind: TaskKind, items: readonly unknown[]): Promise<unknown[]>;
}

let model: ViltModel | null = null;

serveWorker<ModelWorker>(parentPort!, {
  async open(options) {
    model = await ViltModel.open(options);
    const { precision, notes } = model;
    const { device } = model.sessionOptions;
    const info = describeModel(model);
    return { ...info, device, precision, notes: [...notes, ...info.notes] };
  },
  run: (kind, items) => runTask(model!, kind, items),
});
