import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fixture } from '../../fixture.js';
import { writeVariant } from '../../src/vilt/variant.js';

/** Answers of the tiny VQA model, in the order of its head. */
export const ANSWERS = ['yes', 'no', '2', 'red', 'a dog', 'fox', 'night', 'blue', '3', 'left', 'tree', 'owl', 'green'];

const WORDS = 'what colour is the fox dog how many are there two three both show a at night left right not red ?'.split(
  ' ',
);

/** A tiny checkpoint with a head, made able to read words; returns its folder. */
export async function writeTiny(folder: string, name: 'tiny-vilt-vqa' | 'tiny-vilt-nlvr2'): Promise<string> {
  const labels = Object.fromEntries(ANSWERS.map((answer, at) => [at, answer]));
  const config = name === 'tiny-vilt-vqa' ? { id2label: labels } : {};
  await writeVariant(folder, { from: fixture(name), config });
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  writeFileSync(path.join(folder, 'vocab.txt'), [...special, ...WORDS].join('\n'));
  return folder;
}
