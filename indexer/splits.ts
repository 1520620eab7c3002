import { PatchwordError } from '../src/errors.js';

/**
 * @param source what was read
 * @param sizes how many pictures each of its splits has; null stands for those of none
 */
export function unknownSplit(source: string, split: string, sizes: ReadonlyMap<string | null, number>): PatchwordError {
  const known = [...sizes].filter(([name]) => name !== null).map(([name, count]) => `${name} (${count})`);
  const there =
    known.length > 0 ? `Its splits, with their pictures: ${known.join(', ')}.` : 'None of its pictures has a split.';
  return new PatchwordError('INVALID_ARGUMENT', `${source} has no split "${split}". ${there}`, {
    hint: known.length > 0 ? 'Name one of them with --split.' : 'Leave out --split to take all pictures.',
  });
}
