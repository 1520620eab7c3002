import { CommanderError } from 'commander';
import { explainSystemError, messageOf, PatchwordError } from '../src/errors.js';
import { EXIT_CODES } from './exit.js';
import { printable } from './text.js';

/** Whatever was thrown, as an error with a code. */
export function toPatchwordError(error: unknown): PatchwordError {
  if (error instanceof CommanderError) return explainCommanderError(error);
  const explained = explainSystemError(error, (error as NodeJS.ErrnoException | undefined)?.path ?? 'a file');
  if (explained instanceof PatchwordError) return explained;
  return new PatchwordError('INTERNAL', messageOf(error), {
    hint: 'This is a bug in Patchword. Run the command again with --verbose and report what it prints.',
    cause: error,
  });
}

/**
 * Writes one error to stderr: a line, and a line with what to do where that is known; as JSON, one line.
 * Returns the exit code.
 */
export function reportFailure(error: unknown, { json, verbose }: { json: boolean; verbose: boolean }): number {
  const failure = toPatchwordError(error);
  const { code, hint } = failure;
  const message = messageOf(failure);
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: { code, message, ...(hint && { hint }) } })}\n`);
  } else {
    process.stderr.write(`patchword: ${printable(message)}\n${hint ? `  ${printable(hint)}\n` : ''}`);
  }
  if (verbose) process.stderr.write(`${stackOf(failure)}\n`);
  return EXIT_CODES[code];
}

/** Commander writes "error: unknown option '--foo'\n(Did you mean --bar?)". */
function explainCommanderError(error: CommanderError): PatchwordError {
  const [message, suggestion] = error.message.replace(/^error: /, '').split('\n');
  return new PatchwordError('INVALID_ARGUMENT', `${message.replace(/\.$/, '')}.`, {
    hint: suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'Add --help to see what can be given.',
  });
}

function stackOf(error: Error): string {
  const { cause } = error;
  return `${error.stack ?? ''}${cause instanceof Error ? `\nCaused by: ${stackOf(cause)}` : ''}`;
}
