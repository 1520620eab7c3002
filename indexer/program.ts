import { Command } from 'commander';
import { PACKAGE_VERSION } from '../src/paths.js';
import { addAnswerCommand } from './commands/answer.js';
import { addCalibrateCommand } from './commands/calibrate.js';
import { addBackupCommand } from './commands/collection/backup.js';
import { addCompactCommand } from './commands/collection/compact.js';
import { addDeleteCommand } from './commands/collection/delete.js';
import { addDuplicatesCommand } from './commands/collection/duplicates.js';
import { addExportCommand } from './commands/collection/export.js';
import { addImportCommand } from './commands/collection/import.js';
import { addInfoCommand as addCollectionInfoCommand } from './commands/collection/info.js';
import { addListCommand } from './commands/collection/list.js';
import { addRenameCommand } from './commands/collection/rename.js';
import { addVerifyCommand as addCollectionVerifyCommand } from './commands/collection/verify.js';
import { addCompareCommand } from './commands/compare.js';
import { addEvalCommand } from './commands/eval.js';
import { addCompareResultsCommand } from './commands/eval/compare.js';
import { addNlvr2Command } from './commands/eval/nlvr2.js';
import { addReportCommand } from './commands/eval/report.js';
import { addVqaCommand } from './commands/eval/vqa.js';
import { addExplainCommand } from './commands/explain.js';
import { addFillCommand } from './commands/fill.js';
import { addFitCommand } from './commands/fit.js';
import { addIndexCommand } from './commands/index.js';
import { addAddCommand } from './commands/model/add.js';
import { addInfoCommand } from './commands/model/info.js';
import { addVerifyCommand } from './commands/model/verify.js';
import { addQuarantineClearCommand } from './commands/quarantine/clear.js';
import { addQuarantineListCommand } from './commands/quarantine/list.js';
import { addQuarantineRetryCommand } from './commands/quarantine/retry.js';
import { addReindexCommand } from './commands/reindex.js';
import { addRemoveCommand } from './commands/remove.js';
import { addRestoreCommand } from './commands/restore.js';
import { addScoreCommand } from './commands/score.js';
import { addSearchCommand } from './commands/search.js';
import { addServeCommand } from './commands/serve.js';
import { addGlobalOptions } from './options.js';

/**
 * Every verb; each loads what it runs on when it runs, so that help and refusals are quick. Parsing throws a CommanderError instead of ending the process, and leaves
 * reporting it to the caller.
 */
export function createProgram(): Command {
  const program = new Command('patchword')
    .description('Search captioned images with ViLT: nearest neighbours first, the joint model on the few that matter.')
    .version(PACKAGE_VERSION)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true });
  addGlobalOptions(program);

  addIndexCommand(program);
  addReindexCommand(program);
  addRemoveCommand(program);
  addRestoreCommand(program);
  addSearchCommand(program);
  addScoreCommand(program);
  addExplainCommand(program);
  addAnswerCommand(program);
  addCompareCommand(program);
  addFillCommand(program);
  addServeCommand(program);
  addFitCommand(program);
  addCalibrateCommand(program);

  const quarantine = program.command('quarantine').description('what could not be indexed, and why');
  addQuarantineListCommand(quarantine);
  addQuarantineRetryCommand(quarantine);
  addQuarantineClearCommand(quarantine);

  const model = program.command('model').description('inspect, verify or download a checkpoint');
  addInfoCommand(model);
  addVerifyCommand(model);
  addAddCommand(model);

  const collection = program.command('collection').description('look after collections');
  addListCommand(collection);
  addCollectionInfoCommand(collection);
  addRenameCommand(collection);
  addDeleteCommand(collection);
  addExportCommand(collection);
  addImportCommand(collection);
  addBackupCommand(collection);
  addCollectionVerifyCommand(collection);
  addCompactCommand(collection);
  addDuplicatesCommand(collection);

  const evaluation = program
    .command('eval')
    .usage('[options] <dataset> | <command>')
    .description('measure recall and accuracy')
    .addHelpText(
      'after',
      '\neval <dataset> is short for eval retrieval <dataset>; patchword eval retrieval --help lists its options.',
    );
  addEvalCommand(evaluation);
  addReportCommand(evaluation);
  addCompareResultsCommand(evaluation);
  addVqaCommand(evaluation);
  addNlvr2Command(evaluation);
  for (const command of [program, quarantine, model, collection, evaluation].flatMap(({ commands }) => commands))
    checkRequiredOptionsLast(command);
  return program;
}

/**
 * Commander complains of a missing option before it looks for misspelled ones, so that `--colection x` would not be told
 * its right spelling. This leaves that complaint until everything else is in order.
 */
function checkRequiredOptionsLast(command: Command): void {
  const required = command.options.filter((option) => option.mandatory);
  for (const option of required) option.mandatory = false;
  command.hook('preAction', () => {
    const missing = required.find((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing) command.error(`error: required option '${missing.flags}' not specified`);
  });
}
