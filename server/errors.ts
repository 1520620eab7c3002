import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { PatchwordError, type ErrorCode } from '../src/errors.js';

/** The one place where an error code becomes an HTTP status. */
const STATUS: Record<ErrorCode, number> = {
  INVALID_ARGUMENT: 400,
  EMPTY_TEXT: 400,
  UNAUTHORIZED: 401,
  ADDRESS_REFUSED: 403,
  FILE_NOT_FOUND: 404,
  NOT_FOUND: 404,
  IMAGE_TOO_LARGE: 413,
  IMAGE_UNREADABLE: 415,
  SOURCE_INVALID: 422,
  HEAD_MISSING: 422,
  PREFILTER_MISSING: 422,
  PREFILTER_USELESS: 422,
  MODEL_NOT_FOUND: 500,
  MODEL_INCOMPLETE: 500,
  MODEL_UNSUPPORTED: 500,
  MODEL_MISMATCH: 500,
  COLLECTION_NOT_FOUND: 500,
  COLLECTION_DAMAGED: 500,
  READ_ONLY: 500,
  DOWNLOAD_FAILED: 500,
  VERIFICATION_FAILED: 500,
  PORT_IN_USE: 500,
  INTERNAL: 500,
  MODEL_BUSY: 503,
  COLLECTION_BUSY: 503,
  EVALUATION_BUSY: 503,
  FIT_BUSY: 503,
  PREPARING: 503,
  TOO_BUSY: 503,
  CANCELLED: 503,
  DISK_FULL: 507,
};

const LOGGED = "The server's log says what.";
const FOR_NOW = 'Try again in a moment.';

/** What is told of errors whose own messages name folders of the server, which are nobody's business. */
const WITHHELD: Partial<Record<ErrorCode, [message: string, hint: string]>> = {
  MODEL_NOT_FOUND: ['The model of this collection is not where it was.', LOGGED],
  MODEL_INCOMPLETE: ['The model of this collection is damaged.', LOGGED],
  MODEL_UNSUPPORTED: ['The model of this collection cannot be run.', LOGGED],
  MODEL_MISMATCH: ['The collection has the embeddings of another model.', LOGGED],
  PREFILTER_MISSING: ['The model of this collection has no embeddings.', LOGGED],
  COLLECTION_NOT_FOUND: ['The collection is not where it was.', LOGGED],
  COLLECTION_DAMAGED: ['The collection is damaged.', LOGGED],
  COLLECTION_BUSY: ['Another process is changing the collection.', FOR_NOW],
  READ_ONLY: ['The folder of the collection cannot be written.', LOGGED],
  DISK_FULL: ['The disk of the collection is full.', LOGGED],
  INTERNAL: ['Something went wrong inside Patchword.', LOGGED],
};

export interface ErrorBody {
  error: { code: ErrorCode; message: string; hint: string | null };
}

export function errorBody(error: PatchwordError): ErrorBody {
  return { error: { code: error.code, message: error.message, hint: error.hint ?? null } };
}

export function sendError(res: Response, error: PatchwordError, status = STATUS[error.code]): void {
  if (status === 503) res.set('Retry-After', '1');
  // What was about to be sent may have been described already.
  res.removeHeader('Content-Disposition');
  res
    .status(status)
    .type('json')
    .set('Cache-Control', 'no-store')
    .send(JSON.stringify(errorBody(error)));
}

/**
 * What a caller may know of an error: the same one where that is all; of the server's own affairs what there is, and of
 * anything but a PatchwordError only that it is a bug. What is withheld belongs in the log.
 */
export function toPatchwordError(error: unknown): PatchwordError {
  const own = error instanceof PatchwordError ? error : new PatchwordError('INTERNAL', '', { cause: error });
  const told = WITHHELD[own.code];
  return told ? new PatchwordError(own.code, told[0], { hint: told[1], cause: error }) : own;
}

export const unknownRoute: RequestHandler = (req, res) => {
  sendError(
    res,
    new PatchwordError('NOT_FOUND', `There is nothing at ${req.path.slice(0, 200)}.`, {
      hint: 'docs/http.md lists every route.',
    }),
  );
};

export function methodNotAllowed(allowed: string): RequestHandler {
  return (req, res) => {
    res.set('Allow', allowed);
    sendError(res, new PatchwordError('INVALID_ARGUMENT', `Expected ${allowed} here, got ${req.method}.`), 405);
  };
}

/** Answers every failed request with one JSON body; a stack goes to the log and nowhere else. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    // Express and its body parsers mark a caller's mistake, such as a malformed body or URL, with a status below 500.
    const { status = 500, message } = error as { status?: number; message?: string };
    const mistake = error instanceof PatchwordError || status >= 500 ? undefined : message;
    const shown =
      mistake === undefined
        ? toPatchwordError(error)
        : new PatchwordError('INVALID_ARGUMENT', `The request could not be read: ${mistake}.`);
    if (shown.cause === error) logger.error({ err: error, method: req.method, path: req.path }, 'request failed');
    if (res.headersSent) next(error);
    else sendError(res, shown, mistake === undefined ? undefined : status);
  };
}
