import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { withDraft } from '../../src/draft.js';
import { PatchwordError } from '../../src/errors.js';
import { answerAccuracy, type VqaSummary, VqaTally } from '../../src/evaluation/vqa.js';
import type { Inference } from '../../src/inference/inference.js';
import type { Progress } from '../progress.js';
import { readJsonList } from '../readers/json.js';
import type { SkippedImage } from '../readers/reader.js';
import { askAll, describeRun, type Run } from './asking.js';
import { checkEntry, listFiles, refuseMissing } from './files.js';

export interface VqaOptions {
  inference: Inference;
  /** v2_OpenEnded_mscoco_val2014_questions.json */
  questions: string;
  /** v2_mscoco_val2014_annotations.json; without it only predictions are made, as for the test splits. */
  annotations?: string;
  /** The folder of the pictures: COCO_val2014_000000262148.jpg, or 000000262148.jpg */
  images: string;
  /** A file that is not there yet, for the answers in the format of the evaluation server. */
  predictions?: string;
  /** Leaves out questions about pictures that are not there or cannot be read. */
  allowMissing?: boolean;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export interface VqaResult extends Run, VqaSummary {
  kind: 'vqa';
  /** Questions that the model answered, with annotations or not. */
  answered: number;
  missing: SkippedImage[];
}

const QUESTIONS = '{"questions": [{"question_id": 262148000, "image_id": 262148, "question": "…"}, …]}';
const ANNOTATIONS =
  '{"annotations": [{"question_id": 262148000, "answer_type": "other", "answers": [{"answer": "…"}, …]}, …]}';

const Question = z.object({
  question_id: z.number().int(),
  image_id: z.number().int().nonnegative(),
  question: z.string(),
});
const Annotation = z.object({
  question_id: z.number().int(),
  answer_type: z.string(),
  answers: z.array(z.object({ answer: z.string() })),
});

type Question = z.infer<typeof Question>;

interface Annotated {
  answerType: string;
  answers: string[];
}

/**
 * VQAv2 accuracy from its standard files: the most probable answer of the model to each question.
 *
 * @throws PatchwordError HEAD_MISSING; MODEL_INCOMPLETE without the names of answers; FILE_NOT_FOUND, also for pictures; SOURCE_INVALID; INVALID_ARGUMENT where the
 *   predictions are there already
 */
export async function evaluateVqa(options: VqaOptions): Promise<VqaResult> {
  const { predictions } = options;
  if (predictions === undefined) return (await answerQuestions(options)).result;
  return withDraft({ target: predictions }, async ({ place }) => {
    const { result, answers } = await answerQuestions(options);
    await writeFile(place, JSON.stringify(answers));
    return result;
  });
}

async function answerQuestions(options: VqaOptions) {
  const { inference, questions, images, allowMissing = false, onProgress, signal } = options;
  const started = performance.now();
  refuseNameless(inference.info);
  const annotations = options.annotations === undefined ? null : await readAnnotations(options.annotations);
  const pictures = await findPictures(images);
  const { total, absent } = await survey(questions, pictures, annotations);
  const missing = [...absent].map((id) => ({ file: nameOf(id), reason: `it is not in ${images}` }));
  if (!allowMissing)
    refuseMissing(
      missing.map(({ file }) => file),
      images,
    );

  const tally = new VqaTally();
  const answers: { question_id: number; answer: string }[] = [];
  const unreadable = await askAll({
    inference,
    examples: readQuestions(questions, ({ image_id }) => !absent.has(image_id)),
    picturesOf: ({ image_id }) => [path.join(images, pictures.get(image_id)!)],
    ask: ({ question }, [image]) => inference.answer({ text: question, image }, { priority: 'background', signal }),
    count: ({ question_id }, [{ label: answer }]) => {
      answers.push({ question_id, answer });
      const annotated = annotations?.get(question_id);
      if (annotated) tally.add(annotated.answerType, answerAccuracy(answer, annotated.answers));
    },
    ...{ total, onProgress, allowMissing, signal },
  });
  const result: VqaResult = {
    kind: 'vqa',
    ...describeRun(inference, started),
    ...tally.summary(),
    answered: answers.length,
    missing: [...missing, ...unreadable],
  };
  return { result, answers };
}

/** Without names an answer is a number, which is never right. */
function refuseNameless({ folder, heads, config }: Inference['info']): void {
  if (!heads.includes('vqa') || config.labels > 0) return;
  throw new PatchwordError('MODEL_INCOMPLETE', `${folder} has a VQA head, but nothing there names its answers.`, {
    hint: 'Put the config.json that belongs to the checkpoint, with its id2label, beside it.',
  });
}

async function readAnnotations(file: string): Promise<Map<number, Annotated>> {
  const annotations = new Map<number, Annotated>();
  // Few answers are many: "yes" is kept once.
  const texts = new Map<string, string>();
  const once = (text: string) => texts.get(text) ?? (texts.set(text, text), text);
  for await (const entry of readJsonList({ file, key: 'annotations', layout: ANNOTATIONS })) {
    const { question_id, answer_type, answers } = checkEntry(file, entry, Annotation);
    annotations.set(question_id, { answerType: once(answer_type), answers: answers.map(({ answer }) => once(answer)) });
  }
  return annotations;
}

async function* readQuestions(file: string, wanted: (question: Question) => boolean): AsyncGenerator<Question> {
  for await (const entry of readJsonList({ file, key: 'questions', layout: QUESTIONS })) {
    const question = checkEntry(file, entry, Question);
    if (wanted(question)) yield question;
  }
}

/** How many questions there are to answer, and which of their pictures are not there. */
async function survey(file: string, pictures: ReadonlyMap<number, string>, annotations: Map<number, Annotated> | null) {
  const absent = new Set<number>();
  let [total, bare] = [0, 0];
  for await (const { image_id, question_id } of readQuestions(file, () => true)) {
    if (pictures.has(image_id)) total += 1;
    else absent.add(image_id);
    if (annotations?.has(question_id) === false) bare += 1;
  }
  if (bare > 0) {
    throw new PatchwordError('SOURCE_INVALID', `The annotations lack ${bare} of the questions of ${file}.`, {
      hint: 'Give the two files of one split.',
    });
  }
  return { total, absent };
}

/** Files of COCO's pictures by their ids. */
async function findPictures(folder: string): Promise<Map<number, string>> {
  const pictures = new Map<number, string>();
  for (const name of await listFiles(folder)) {
    const id = /^(?:COCO_\w+_)?(\d+)\.(?:jpe?g|png)$/i.exec(name)?.[1];
    if (id !== undefined) pictures.set(Number(id), name);
  }
  return pictures;
}

function nameOf(imageId: number): string {
  return `${String(imageId).padStart(12, '0')}.jpg`;
}
