import type { Choice } from '../src/inference/inference.js';
import { formatTable } from './text.js';

/** Labels with their probabilities, as they stand. */
export function describeChoices(choices: Choice[]): string {
  return formatTable([
    ['probability', 'label'],
    ...choices.map(({ label, probability }) => [probability.toFixed(3), label]),
  ]);
}
