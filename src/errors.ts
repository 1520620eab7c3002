/**
 * Every failure that Patchword can explain has a code. The message says what was expected, what came and what to do;
 * `hint` is the one thing to try next, where there is one.
 *
 * The server maps a code to an HTTP status and the command line to an exit code; neither is known here.
 */
export const ERROR_CODES = {
  INVALID_ARGUMENT: 'an option or argument is missing, misspelled or out of range',
  EMPTY_TEXT: 'a text has no words',
  FILE_NOT_FOUND: 'a file or folder is not there or cannot be read',
  IMAGE_UNREADABLE: 'a file is not an image, is damaged, or is of an unsupported format',
  IMAGE_TOO_LARGE: 'an image has more bytes or pixels than allowed',
  SOURCE_INVALID: 'captioned images to index could not be understood',
  MODEL_NOT_FOUND: 'there is no model at that path',
  MODEL_INCOMPLETE: 'a model folder lacks weights, configuration, vocabulary or tensors',
  MODEL_UNSUPPORTED: 'a checkpoint is not a ViLT, or is a variant that is not supported',
  MODEL_MISMATCH: 'a collection was built with another model',
  MODEL_BUSY: 'another process is downloading the same model',
  HEAD_MISSING: 'the checkpoint has no head for what was asked',
  PREFILTER_MISSING: 'the checkpoint has neither prefilter heads nor a fit, so it cannot be indexed',
  PREFILTER_USELESS: 'a fitted prefilter finds hardly more than chance, or than the same fit without the model',
  COLLECTION_NOT_FOUND: 'there is no collection of that name',
  COLLECTION_BUSY: 'another process is writing to the collection',
  COLLECTION_DAMAGED: 'the catalog of a collection cannot be read',
  EVALUATION_BUSY: 'another evaluation of the same model and split is running',
  FIT_BUSY: 'another fit of the same model is running',
  NOT_FOUND: 'no image or caption has that id',
  DISK_FULL: 'no space is left where Patchword writes',
  READ_ONLY: 'Patchword may not write where it needs to',
  PORT_IN_USE: 'another program listens on the port',
  ADDRESS_REFUSED: 'the server will not listen on that address, or be reached under that name',
  UNAUTHORIZED: 'the server asks for an API key',
  PREPARING: 'the collection is still being indexed',
  TOO_BUSY: 'more work is queued than the server accepts',
  DOWNLOAD_FAILED: 'a model could not be downloaded whole',
  VERIFICATION_FAILED: 'a result differs from the reference by more than the tolerance',
  CANCELLED: 'the caller went away before the work was done',
  INTERNAL: 'a bug in Patchword',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface PatchwordErrorOptions {
  /** The one thing to try next. */
  hint?: string;
  cause?: unknown;
}

export class PatchwordError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: PatchwordErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PatchwordError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** What an error says, on one line, whatever was thrown. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s*\n\s*/g, ' ').trim();
}

/** Who decides where Patchword writes. */
const PLACES = '--data or PATCHWORD_DATA for collections, PATCHWORD_CACHE for models, --work for evaluations';

/** System calls that only read. */
const READING = ['access', 'lstat', 'opendir', 'read', 'readlink', 'realpath', 'scandir', 'stat'];

/** System errors that a user can act on, as Patchword's own; anything else comes back as it was. */
export function explainSystemError(error: unknown, path: string): unknown {
  switch ((error as { code?: string } | undefined)?.code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'SQLITE_FULL':
      return new PatchwordError('DISK_FULL', `No space is left to write ${path}.`, {
        hint: `Free some space, or write to another disk (${PLACES}), and run the same command again.`,
        cause: error,
      });
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
    case 'SQLITE_READONLY':
    case 'SQLITE_READONLY_DIRECTORY':
    case 'SQLITE_CANTOPEN':
      if (READING.includes((error as { syscall?: string }).syscall ?? '')) {
        return new PatchwordError('FILE_NOT_FOUND', `${path} cannot be read.`, {
          hint: 'Check its permissions.',
          cause: error,
        });
      }
      return new PatchwordError('READ_ONLY', `${path} cannot be written.`, {
        hint: `Check its permissions, or write elsewhere (${PLACES}).`,
        cause: error,
      });
    case 'ENOTDIR':
      return new PatchwordError('FILE_NOT_FOUND', `${path} cannot be reached: a file is where a folder should be.`, {
        cause: error,
      });
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new PatchwordError('FILE_NOT_FOUND', `${path} cannot be reached: ${messageOf(error)}.`, { cause: error });
    case 'ENOENT':
      return new PatchwordError('FILE_NOT_FOUND', `${path} does not exist.`, { cause: error });
    default:
      return error;
  }
}

/** Failures of the whole process, not of the file that it was about. */
const OF_PROCESS = ['EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * As `explainSystemError`, of a file or folder that was only to be read: permissions, names too long, links in circles and bad
 * sectors are failures of that one.
 */
export function explainReading(error: unknown, path: string): unknown {
  const { code } = error as { code?: string };
  if (error instanceof PatchwordError || !code || OF_PROCESS.includes(code)) return error;
  if (code === 'EACCES' || code === 'EPERM') return explainSystemError({ code, syscall: 'read' }, path);
  const explained = explainSystemError(error, path);
  if (explained instanceof PatchwordError) return explained;
  return new PatchwordError('FILE_NOT_FOUND', `${path} cannot be read: ${messageOf(error)}.`, { cause: error });
}
