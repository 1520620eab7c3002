import { spawn, type ChildProcessByStdio } from 'node:child_process';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { PACKAGE_FOLDER } from '../src/paths.js';

export type Command = ChildProcessByStdio<null, Readable, Readable>;

export interface Outcome {
  /** null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

interface StartOptions {
  /** Beside this process's own. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** Starts the real command in a process of its own, without a terminal. */
export function startPatchword(parameters: readonly string[], { env, cwd }: StartOptions = {}): Command {
  return spawn(process.execPath, [path.join(PACKAGE_FOLDER, 'bin', 'patchword.js'), ...parameters], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export interface RunOptions extends StartOptions {
  /** Sends Ctrl-C, once, when stderr says so. */
  interruptAt?: RegExp;
  /** stdout goes away before it is written to. */
  closeStdout?: boolean;
}

/** Runs the real command to its end. */
export function runPatchword(parameters: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return outcomeOf(startPatchword(parameters, options), options);
}

/** How one that was started ends. */
export function outcomeOf(
  child: Command,
  { interruptAt, closeStdout = false }: Pick<RunOptions, 'interruptAt' | 'closeStdout'> = {},
): Promise<Outcome> {
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  if (closeStdout) child.stdout.destroy();
  let waits = interruptAt !== undefined;
  child.stdout.on('data', (data: Buffer) => (outcome.stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    outcome.stderr += data.toString();
    if (!waits || !interruptAt?.test(outcome.stderr)) return;
    waits = false; // A second one would end it at once.
    child.kill('SIGINT');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}
