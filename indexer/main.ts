import { CommanderError } from 'commander';
import { reportFailure } from './failure.js';
import { createProgram } from './program.js';

/** Help and the version are shown by commander; it reports them as errors whose exit code is 0. */
const SHOWN_BY_COMMANDER = ['commander.helpDisplayed', 'commander.help', 'commander.version'];

const EXIT_USAGE = 2;

// `patchword search … | head` ends quietly once head has enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

// Arguments that cannot be parsed must be reported too, so this does not wait for the parsed options.
const reporting = { json: process.argv.includes('--json'), verbose: process.argv.includes('--verbose') };

process.on('uncaughtException', (error) => process.exit(reportFailure(error, reporting)));

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError && SHOWN_BY_COMMANDER.includes(error.code)) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    process.exitCode = reportFailure(error, reporting);
  }
}
