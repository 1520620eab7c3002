import path from 'node:path';
import { Router, type Response } from 'express';
import { explainSystemError } from '../../src/errors.js';
import type { StoredImage } from '../../src/store/store.js';
import { methodNotAllowed } from '../errors.js';
import { Gate } from '../gate.js';
import { findImage, gone, hidePath, locateImage, pictureType, pictureTypeAt, readImage } from '../original.js';
import { imageId, parse } from '../parameters.js';
import { withEngine, type Service } from '../service.js';
import { Thumbnails } from '../thumbnails.js';
import { z } from 'zod';

const address = z.object({ imageId });

/** GET /v1/images/:imageId and its thumbnail. */
export function imageRoutes(service: Service): Router {
  let thumbnails: Thumbnails | undefined;
  const tables = new Gate(service.limits.thumbnails);

  async function openThumbnails(): Promise<Thumbnails> {
    const { folder } = await withEngine(service, (engine) => engine.info());
    const { limits, logger } = service;
    return (thumbnails ??= new Thumbnails({
      folder: path.join(folder, 'thumbnails'),
      maxBytes: limits.thumbnailBytes,
      gate: limits.thumbnails,
      logger,
    }));
  }

  const router = Router();
  router
    .route('/images/:imageId')
    .get(async (req, res) => {
      const { imageId } = parse(address, req.params);
      const image = await withEngine(service, ({ store }) => findImage(store, imageId));
      isolate(res);
      await sendOriginal(res, image, tables);
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/images/:imageId/thumbnail')
    .get(async (req, res) => {
      const { imageId } = parse(address, req.params);
      const image = await withEngine(service, ({ store }) => findImage(store, imageId));
      thumbnails ??= await openThumbnails();
      const { bytes, current } = await thumbnails.get(image.contentHash, () => readImage(image));
      isolate(res);
      // ?v= names the content: an answer to another version must not be kept under this one's name.
      const named = current && req.query.v === image.contentHash.slice(0, 16);
      res.set({
        'Cache-Control': named ? 'private, max-age=31536000, immutable' : 'private, no-cache',
        'Content-Type': 'image/webp',
        'Content-Disposition': `inline; filename="${imageId}.webp"`,
      });
      res.send(bytes);
    })
    .all(methodNotAllowed('GET'));
  return router;
}

/** A file, or its part that is the image, as a stream; an image in a table whole, a few at once. */
async function sendOriginal(res: Response, image: StoredImage, tables: Gate): Promise<void> {
  const { file, range } = await locateImage(image);
  if (range === null) {
    const bytes = await tables.run(() => readImage(image));
    describe(res, image, pictureType(bytes)).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return;
  }
  const type = await pictureTypeAt(file, range).catch((error: unknown) => {
    throw hidePath(image, explainSystemError(error, file));
  });
  describe(res, image, type);
  const part = 'offset' in image.location && { start: range.offset, end: range.offset + range.bytes - 1 };
  await new Promise<void>((resolve, reject) => {
    res.sendFile(file, { dotfiles: 'allow', ...part }, (error: (Error & { status?: number }) | undefined) => {
      if (!error || res.destroyed) resolve();
      // What sendFile says of a file that has just gone names its folder.
      else reject(error.status === 404 ? gone(image, error) : error);
    });
  });
}

function describe(res: Response, image: StoredImage, type: string | null): Response {
  return res.set({
    'Cache-Control': 'private, no-cache',
    'Content-Type': type ?? 'application/octet-stream',
    'Content-Disposition': `${type ? 'inline' : 'attachment'}; filename="${safeName(image.file)}"`,
  });
}

/** Whatever the bytes are, a browser that opens them runs nothing. */
function isolate(res: Response): void {
  res.set('Content-Security-Policy', "default-src 'none'; sandbox");
}

/** A stored name may hold anything; a header may not. */
function safeName(file: string): string {
  return path.posix
    .basename(file)
    .replace(/[^\w.-]+/g, '_')
    .slice(-100);
}
