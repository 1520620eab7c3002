import { spellContraction } from './contraction.js';

/** What VQAv2's annotations call the kinds of answers. */
export const ANSWER_TYPES = ['yes/no', 'number', 'other'] as const;

const ARTICLES = ['a', 'an', 'the'];
const DIGITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const NUMBERS = new Map([...DIGITS.map((word, digit) => [word, `${digit}`] as const), ['none', '0'] as const]);
const PUNCTUATION = [...';/[]"{}()=+\\_-><@`,?!'];
const THOUSANDS = /\d,\d/;

/** So many of the other people must have given an answer for it to count as right. */
const AGREEMENT = 3;

/**
 * How right an answer is, from 0 to 1, as VQAv2's evaluation counts (visualqa.org/evaluation): for each of the people asked,
 * min(matches among the others / 3, 1); the mean of these. Where the people did not all give the same answer, both sides are
 * normalised first.
 *
 * @param given the answers of the people asked, ten as a rule
 */
export function answerAccuracy(answer: string, given: readonly string[]): number {
  const trimmed = given.map(trimAnswer);
  const unanimous = new Set(trimmed).size <= 1;
  const normal = (text: string) => (unanimous ? text.toLowerCase() : normalizeAnswer(text));
  const wanted = normal(trimAnswer(answer));
  const matches = trimmed.map((text) => normal(text) === wanted);
  const count = matches.filter(Boolean).length;
  const shares = matches.map((match) => Math.min((count - (match ? 1 : 0)) / AGREEMENT, 1));
  return shares.length === 0 ? NaN : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Without punctuation and articles, in lower case, numbers up to ten as digits, contractions with their apostrophes. */
export function normalizeAnswer(answer: string): string {
  const words = withoutPunctuation(trimAnswer(answer))
    .toLowerCase()
    .split(/\s+/)
    .map((word) => NUMBERS.get(word) ?? word)
    .filter((word) => word !== '' && !ARTICLES.includes(word));
  return words.map((word) => spellContraction(word) ?? word).join(' ');
}

/**
 * A sign goes without leaving a gap where it stands beside a space anywhere, or the answer has a thousands separator, and
 * becomes a space elsewhere. A period stays only before a digit.
 */
function withoutPunctuation(answer: string): string {
  const separated = THOUSANDS.test(answer);
  let text = answer;
  for (const sign of PUNCTUATION) {
    const loose = answer.includes(`${sign} `) || answer.includes(` ${sign}`);
    text = text.replaceAll(sign, loose || separated ? '' : ' ');
  }
  return text.replace(/\.(?!\d)/g, '');
}

function trimAnswer(answer: string): string {
  return answer.replace(/[\n\t]/g, ' ').trim();
}

export interface VqaSummary {
  /** Questions that were answered and have annotations. */
  questions: number;
  /** Percent; null without questions. */
  accuracy: number | null;
  answerTypes: Record<string, { questions: number; accuracy: number }>;
}

/** Adds up the accuracy of answers, over all and for each kind of answer. */
export class VqaTally {
  readonly #sums = new Map<string, { questions: number; sum: number }>();

  add(answerType: string, accuracy: number): void {
    const { questions, sum } = this.#sums.get(answerType) ?? { questions: 0, sum: 0 };
    this.#sums.set(answerType, { questions: questions + 1, sum: sum + accuracy });
  }

  summary(): VqaSummary {
    const known: readonly string[] = ANSWER_TYPES;
    const order = (type: string) => (known.includes(type) ? known.indexOf(type) : known.length);
    const kinds = [...this.#sums].sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1));
    const questions = kinds.reduce((total, [, kind]) => total + kind.questions, 0);
    const sum = kinds.reduce((total, [, kind]) => total + kind.sum, 0);
    return {
      questions,
      accuracy: questions === 0 ? null : (100 * sum) / questions,
      answerTypes: Object.fromEntries(
        kinds.map(([type, kind]) => [type, { questions: kind.questions, accuracy: (100 * kind.sum) / kind.questions }]),
      ),
    };
  }
}
