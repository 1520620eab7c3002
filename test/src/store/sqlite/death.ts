import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded before a program (`node --import death.js …`), in all its threads: kills it before a call that puts a file in another's
 * place or takes one away. DEATH_LOG names a file with a line for each such call; with DEATH_AT=n the process dies before the nth,
 * with SIGKILL, so that n = 1, 2, … are all states that such a death can leave. Writing and syncing change nothing that is
 * not still to be put in place; what SQLite and hnswlib do by themselves is not seen here.
 */
const { DEATH_LOG: log = '', DEATH_AT: at = '0' } = process.env;

const CALLS = ['renameSync', 'rmSync', 'writeFileSync'] as const;
const PROMISES = ['rename', 'rm', 'rmdir', 'writeFile'] as const;

const { closeSync, existsSync, openSync, readFileSync, writeSync } = fs;

function meet(name: string, file: unknown): void {
  const lines = readFileSync(log, 'utf8').split('\n');
  if (lines.length === Number(at)) process.kill(process.pid, 'SIGKILL');
  const handle = openSync(log, 'a');
  writeSync(handle, `${name} ${String(file)}\n`);
  closeSync(handle);
}

function wrap<T extends object>(owner: T, name: keyof T & string): void {
  const real = owner[name] as (...parameters: unknown[]) => unknown;
  const wrapped = (...parameters: unknown[]) => {
    const [file] = parameters;
    // Removing what is not there changes nothing.
    if (!name.startsWith('rm') || existsSync(String(file))) meet(name, file);
    return real.apply(owner, parameters);
  };
  Object.assign(owner, { [name]: wrapped });
}

if (log !== '') {
  for (const name of CALLS) wrap(fs, name);
  for (const name of PROMISES) wrap(fs.promises, name);
  syncBuiltinESMExports();
}
