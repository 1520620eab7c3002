import { parentPort } from 'node:worker_threads';
import { perceptualHash } from '../perceptual.js';
import { prepareImage } from '../vilt/image.js';
import type { ImageConfig } from '../vilt/config.js';
import { serveWorker, transfer } from '../worker.js';
import type { ImageSource, PreparedImage } from './inference.js';

/** A thread that decodes and resizes: its arithmetic would hold up the main thread, and the model's. */
export interface ImageWorker {
  prepare(image: ImageSource, config: ImageConfig): Promise<PreparedImage>;
}

serveWorker<ImageWorker>(parentPort!, {
  async prepare(image, config) {
    const prepared = await prepareImage(image, config);
    const { modelInput } = prepared;
    return transfer({ ...prepared, perceptualHash: perceptualHash(modelInput) }, [
      modelInput.pixels.buffer as ArrayBuffer,
    ]);
  },
});
