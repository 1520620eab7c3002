import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import multer, { memoryStorage, MulterError } from 'multer';
import type { Engine } from '../../src/engine.js';
import { PatchwordError } from '../../src/errors.js';
import { checkFilter } from '../../src/filter.js';
import type { Hit, SearchOptions, SearchQuery, SearchUpdate } from '../../src/search.js';
import type { Store } from '../../src/store/store.js';
import type { ModelInput } from '../../src/vilt/image.js';
import { errorBody, methodNotAllowed, sendError, toPatchwordError } from '../errors.js';
import { Gate } from '../gate.js';
import { findImage, readIndexed } from '../original.js';
import { parse, searchParameters, type SearchParameters } from '../parameters.js';
import { withEngine, type Service } from '../service.js';

const NDJSON = 'application/x-ndjson';

/** The longest text and filter fit, however many bytes each character takes. */
const BODY_BYTES = 64 * 2 ** 10;

/** GET and POST /v1/search: one JSON answer, or one update a line as they come. */
export function searchRoutes(service: Service): Router {
  const { limits } = service;
  const schema = searchParameters(limits);
  const searches = new Gate(limits.searches);

  async function search(req: Request, res: Response, given: unknown): Promise<void> {
    const parameters = parse(schema, given);
    const { signal, release } = cancellation(service, res);
    service.logger.debug({ parameters }, 'search');
    try {
      const answer = async (engine: Engine) => {
        checkQuery(parameters, req.file?.buffer);
        const options = toOptions(parameters);
        await searches.run(async () => {
          // Read in its turn: of all that wait, originals would fill the memory.
          const query = await toQuery(engine.store, parameters, req.file?.buffer);
          const updates = engine.search({ ...options, ...query, signal });
          const view = viewer(engine.store);
          if (req.accepts(['json', NDJSON]) === NDJSON) {
            for await (const update of updates) writeLine(res, await view(update));
            res.end();
          } else {
            res
              .set('Cache-Control', 'no-store')
              .vary('Accept')
              .json(await view(await updates.final()));
          }
        }, signal);
      };
      await withEngine(service, answer, signal);
    } catch (error) {
      // A search that ran out of time fails with CANCELLED inside; the reason says it better.
      const reason: unknown = signal.reason instanceof PatchwordError ? signal.reason : error;
      if (res.destroyed) return service.logger.debug('search given up');
      if (!res.headersSent) throw reason;
      const told = toPatchwordError(reason);
      if (told !== reason) service.logger.error({ err: reason }, 'search failed');
      writeLine(res, errorBody(told));
      res.end();
    } finally {
      release();
    }
  }

  function toOptions(parameters: SearchParameters): SearchOptions {
    const { k, candidates, sources, rerankPairs: pairs, rerankMilliseconds } = parameters;
    const rerank = { pairs, milliseconds: rerankMilliseconds ?? limits.rerankMilliseconds };
    const filter = parameters.filter === undefined ? undefined : checkFilter(parameters.filter);
    return { k, candidates, sources, filter, rerank };
  }

  const router = Router();
  router
    .route('/search')
    .get((req, res) => search(req, res, req.query))
    .post(express.json({ limit: BODY_BYTES }), receiveUpload(service), (req, res) => search(req, res, req.body))
    .all(methodNotAllowed('GET, POST'));
  return router;
}

/** @throws PatchwordError INVALID_ARGUMENT */
function checkQuery({ text, imageId, target }: SearchParameters, upload?: Uint8Array): void {
  if ([text, imageId, upload].filter((given) => given !== undefined).length !== 1) {
    throw new PatchwordError('INVALID_ARGUMENT', 'Expected exactly one of text, imageId and an uploaded image.');
  }
  if (text !== undefined && target === 'captions') {
    throw new PatchwordError('INVALID_ARGUMENT', 'target: a text finds images; captions are found by an image.');
  }
}

async function toQuery(store: Store, parameters: SearchParameters, upload?: Uint8Array): Promise<SearchQuery> {
  const { text, imageId, target } = parameters;
  if (text !== undefined) return { text };
  return { image: upload ?? (await pictureOf(store, imageId!)), ...(target && { target }) };
}

/** What the model reads of a stored image, or else its original, as long as that is what was indexed. */
async function pictureOf(store: Store, imageId: number): Promise<ModelInput | Uint8Array> {
  const image = await findImage(store, imageId);
  const [modelInput] = await store.getModelInputs([imageId]);
  return modelInput ?? (await readIndexed(image));
}

/** Reads a form with one `image` into memory, within the limits; lets JSON bodies through and refuses all others. */
function receiveUpload({ limits }: Service): RequestHandler {
  const uploads = new Gate(limits.uploads);
  const form = multer({
    storage: memoryStorage(),
    limits: {
      fileSize: limits.uploadBytes,
      files: 1,
      fields: 10,
      parts: 11,
      fieldSize: BODY_BYTES,
      fieldNameSize: 100,
      fieldNestingDepth: 0, // sources[4294967294]=nearest would become a list of that length
    },
  }).single('image');
  return async (req, res, next) => {
    if (req.is('json')) return next();
    if (!req.is('multipart/form-data')) {
      const message = 'Expected a body of type application/json or multipart/form-data.';
      return sendError(res, new PatchwordError('INVALID_ARGUMENT', message), 415);
    }
    await uploads.run(async () => {
      const failure = await new Promise((resolve) => void form(req, res, resolve));
      if (failure) throw explainUpload(failure, limits.uploadBytes);
    });
    next();
  };
}

function explainUpload(error: unknown, uploadBytes: number): unknown {
  if (!(error instanceof MulterError)) {
    const message = `The form could not be read: ${(error as Error).message}.`;
    return new PatchwordError('INVALID_ARGUMENT', message, { cause: error });
  }
  if (error.code === 'LIMIT_FILE_SIZE') {
    return new PatchwordError(
      'IMAGE_TOO_LARGE',
      `Expected an image of at most ${uploadBytes} bytes, got a larger one.`,
    );
  }
  const field = error.field === undefined ? '' : ` (${JSON.stringify(error.field.slice(0, 50))})`;
  return new PatchwordError(
    'INVALID_ARGUMENT',
    `Expected one file, named image, and few short fields: ${error.message}${field}.`,
  );
}

/** A signal that aborts when the caller goes away, the time is up or the server closes. */
function cancellation({ limits, closing }: Service, res: Response): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const cancel = (code: 'CANCELLED' | 'TOO_BUSY', message: string) => () =>
    controller.abort(new PatchwordError(code, message));
  const onGone = cancel('CANCELLED', 'The caller went away.');
  const onClosing = cancel('CANCELLED', 'The server is closing.');
  const seconds = limits.searchMilliseconds / 1000;
  const onLate = cancel('TOO_BUSY', `The search was given up after ${seconds} seconds.`);
  const timer = setTimeout(onLate, limits.searchMilliseconds);
  res.once('close', onGone);
  closing.addEventListener('abort', onClosing);
  if (closing.aborted) onClosing();
  return {
    signal: controller.signal,
    release() {
      clearTimeout(timer);
      res.off('close', onGone);
      closing.removeEventListener('abort', onClosing);
    },
  };
}

/** Adds to each hit where its picture is. The thumbnail's address changes with its content, so that it may be kept forever. */
function viewer(store: Store): (update: SearchUpdate) => Promise<object> {
  const versions = new Map<number, string>();
  return async (update) => {
    const unknown = new Set(update.hits.map((hit) => hit.imageId).filter((id) => !versions.has(id)));
    const images = unknown.size > 0 ? await store.getImages([...unknown]) : [];
    for (const image of images) versions.set(image.imageId, image.contentHash.slice(0, 16));
    const address = ({ imageId }: Hit) => ({
      imageUrl: `/v1/images/${imageId}`,
      thumbnailUrl: `/v1/images/${imageId}/thumbnail?v=${versions.get(imageId) ?? ''}`,
    });
    return { ...update, hits: update.hits.map((hit) => ({ ...hit, ...address(hit) })) };
  };
}

function writeLine(res: Response, line: object): void {
  if (!res.headersSent) res.set({ 'Content-Type': NDJSON, 'Cache-Control': 'no-store' }).vary('Accept');
  res.write(`${JSON.stringify(line)}\n`);
}
