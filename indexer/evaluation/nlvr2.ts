import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { withDraft } from '../../src/draft.js';
import { PatchwordError } from '../../src/errors.js';
import { type Nlvr2Summary, Nlvr2Tally } from '../../src/evaluation/nlvr2.js';
import type { Inference } from '../../src/inference/inference.js';
import type { Progress } from '../progress.js';
import { parseJson } from '../readers/json.js';
import { readLines } from '../readers/line.js';
import type { SkippedImage } from '../readers/reader.js';
import { askAll, describeRun, type Run } from './asking.js';
import { checkEntry, refuseMissing } from './files.js';

export interface Nlvr2Options {
  inference: Inference;
  /** dev.json, test1.json: an example a line */
  annotations: string;
  /** The folder of the pictures, dev-850-0-img0.png; of the training split in folders of their `directory`. */
  images: string;
  /** A file that is not there yet, for what the model says, in the format of NLVR2's evaluation: identifier,True */
  predictions?: string;
  /** Leaves out examples about pictures that are not there or cannot be read. */
  allowMissing?: boolean;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export interface Nlvr2Result extends Run, Nlvr2Summary {
  kind: 'nlvr2';
  missing: SkippedImage[];
}

const Example = z.object({
  identifier: z.string().regex(/^\w+-\d+-\d+-\d+$/, 'expected one such as dev-850-0-1'),
  sentence: z.string(),
  label: z.enum(['True', 'False']),
  directory: z.union([z.number().int().nonnegative(), z.string().regex(/^\w+$/)]).optional(),
});

type Example = z.infer<typeof Example>;

/**
 * NLVR2 accuracy and consistency from its standard files.
 *
 * @throws PatchwordError HEAD_MISSING; MODEL_INCOMPLETE for other labels than True and False; FILE_NOT_FOUND, also for pictures; SOURCE_INVALID; INVALID_ARGUMENT where the
 *   predictions are there already
 */
export async function evaluateNlvr2(options: Nlvr2Options): Promise<Nlvr2Result> {
  const { predictions } = options;
  if (predictions === undefined) return (await judgeStatements(options)).result;
  return withDraft({ target: predictions }, async ({ place }) => {
    const { result, lines } = await judgeStatements(options);
    await writeFile(place, lines.map((line) => `${line}\n`).join(''));
    return result;
  });
}

async function judgeStatements(options: Nlvr2Options) {
  const { inference, annotations, images, allowMissing = false, onProgress, signal } = options;
  const started = performance.now();
  const { total, absent } = await survey(annotations, images);
  const missing = [...absent].map((file) => ({ file, reason: `it is not in ${images}` }));
  if (!allowMissing) refuseMissing([...absent], images);

  const tally = new Nlvr2Tally();
  const lines: string[] = [];
  const unreadable = await askAll({
    inference,
    examples: readExamples(annotations, (example) => !picturesOf(example).some((name) => absent.has(name))),
    picturesOf: (example) => picturesOf(example).map((name) => findPicture(example, name, images)!),
    ask: ({ sentence }, [left, right]) =>
      inference.compare({ text: sentence, images: [left, right] }, { priority: 'background', signal }),
    count: (example, [{ label }]) => {
      const predicted = truthOf(label, inference.info.folder);
      lines.push(`${example.identifier},${predicted ? 'True' : 'False'}`);
      tally.add({ identifier: example.identifier, label: example.label === 'True', predicted });
    },
    ...{ total, onProgress, allowMissing, signal },
  });
  const result: Nlvr2Result = {
    kind: 'nlvr2',
    ...describeRun(inference, started),
    ...tally.summary(),
    missing: [...missing, ...unreadable],
  };
  return { result, lines };
}

/** @throws PatchwordError MODEL_INCOMPLETE where the model's labels are not those of NLVR2 */
function truthOf(label: string, folder: string): boolean {
  if (/^(true|false)$/i.test(label)) return label.toLowerCase() === 'true';
  throw new PatchwordError('MODEL_INCOMPLETE', `${folder} answers "${label}"; NLVR2 asks for True or False.`, {
    hint: 'Its config.json should have "id2label": {"0": "False", "1": "True"}.',
  });
}

async function* readExamples(file: string, wanted: (example: Example) => boolean): AsyncGenerator<Example> {
  for await (const { line, ...read } of readLines(file)) {
    const parsed = 'text' in read ? parseJson(read.text) : read;
    const example = checkEntry(file, { ...parsed, line }, Example);
    if (wanted(example)) yield example;
  }
}

/** How many examples there are to judge, and which of their pictures are not there. */
async function survey(file: string, images: string): Promise<{ total: number; absent: Set<string> }> {
  const absent = new Set<string>();
  const found = new Set<string>();
  let total = 0;
  for await (const example of readExamples(file, () => true)) {
    const names = picturesOf(example);
    for (const name of names) {
      if (found.has(name) || absent.has(name)) continue;
      (findPicture(example, name, images) === null ? absent : found).add(name);
    }
    if (!names.some((name) => absent.has(name))) total += 1;
  }
  return { total, absent };
}

/** The left and the right one. */
function picturesOf({ identifier }: Example): [string, string] {
  const pair = identifier.slice(0, identifier.lastIndexOf('-'));
  return [`${pair}-img0.png`, `${pair}-img1.png`];
}

function findPicture({ directory }: Example, name: string, images: string): string | null {
  const places = [
    path.join(images, name),
    ...(directory === undefined ? [] : [path.join(images, `${directory}`, name)]),
  ];
  return places.find((place) => existsSync(place)) ?? null;
}
