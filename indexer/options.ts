import { type Command, InvalidArgumentError, Option } from 'commander';
import { checkFilter, type Filter } from '../src/filter.js';
import { BUNDLED_MODEL } from '../src/paths.js';
import { DEVICES, PRECISIONS, type Device, type Precision } from '../src/vilt/device.js';
import { type Columns, FORMATS, type SourceOptions } from './readers/reader.js';

/** Understood by every verb, before or after it. */
export interface GlobalOptions {
  data?: string;
  json?: boolean;
  verbose?: boolean;
}

/** How a model runs. */
export interface DeviceOptions {
  device?: Device;
  precision?: Precision;
}

/** For the verbs that work on a model without a collection. */
export interface ModelOptions extends GlobalOptions, DeviceOptions {
  model: string;
}

const FORMAT_NAMES = Object.keys(FORMATS);

export function addGlobalOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'where collections live (default: PATCHWORD_DATA, else .patchword)')
    .option('--json', 'print one line of JSON to stdout, and errors as one line of JSON to stderr')
    .option('--verbose', 'show where in the program an error arose');
}

export function addModelOption(command: Command): Command {
  return command.addOption(
    new Option('--model <folder|hub-id>', 'a ViLT checkpoint').default(BUNDLED_MODEL, 'the bundled model'),
  );
}

export function addDeviceOptions(command: Command): Command {
  return command
    .addOption(new Option('--device <device>', 'what runs the model').choices(DEVICES))
    .addOption(new Option('--precision <precision>', 'number format of the weights').choices(PRECISIONS));
}

/** How a source of captioned images is read: the options of SourceOptions. */
export function addSourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'what the source is (default: told by what it holds)').choices(FORMAT_NAMES),
    )
    .option('--images <folder>', 'where the pictures of a file that lists them are (default: beside it, or near)')
    .option(
      '--columns <list>',
      'what the columns of a table hold, where their names do not say: image=NAME,caption=NAME,split=NAME',
      parseColumns,
    );
}

/** Those of a verb's options that say how a source is read. */
export function sourceOptions({ format, images, columns }: SourceOptions): SourceOptions {
  return { format, images, columns };
}

/** Parses `image=NAME,caption=NAME,split=NAME`, any of them. */
export function parseColumns(value: string): Columns {
  const columns: Columns = {};
  for (const part of value.split(',')) {
    const [, column, name] = /^(image|caption|split)=(.+)$/.exec(part) ?? [];
    if (column === undefined || column in columns) {
      throw new InvalidArgumentError('Expected image=NAME,caption=NAME,split=NAME, each at most once.');
    }
    columns[column as keyof Columns] = name;
  }
  return columns;
}

/** Parses a whole number within bounds, for `Option.argParser`. */
export function wholeNumber({ min, max = Number.MAX_SAFE_INTEGER }: { min: number; max?: number }) {
  return (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a whole number, ${range}.`);
  };
}

/** Parses a number that is not negative. */
export function nonNegativeNumber(value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number) && number >= 0) return number;
  throw new InvalidArgumentError('Expected a number, 0 or more.');
}

/** Parses a filter, as JSON. */
export function parseFilter(json: string): Filter {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new InvalidArgumentError('Expected JSON, such as {"field":"year","range":{"gte":2014}}.');
  }
  return checkFilter(value);
}
