/** A sketch keeps the smallest hashes of a set, each cut to so many hexadecimal digits: 49 kB at most. */
const SKETCH = { hashes: 4096, digits: 12 } as const;

/**
 * The least of a set's hashes, ascending, one after another: enough to tell later how much of another set is in it (a bottom-k
 * sketch; Broder, SEQUENCES 1997). All of them where there are no more than 4,096.
 *
 * @param hashes SHA-256, hex
 */
export function sketchOf(hashes: Iterable<string>): string {
  const cut = new Set<string>();
  for (const hash of hashes) cut.add(hash.slice(0, SKETCH.digits));
  return [...cut].sort().slice(0, SKETCH.hashes).join('');
}

/**
 * How much of a set is in the one that was sketched.
 *
 * @returns of how many of the hashes the sketch can tell, and how many of those are in the set
 */
export function overlapWith(sketch: string, hashes: Iterable<string>): { told: number; shared: number } {
  const kept = sketch.match(new RegExp(`.{${SKETCH.digits}}`, 'g')) ?? [];
  const largest = kept.length < SKETCH.hashes ? '~' : kept[kept.length - 1]; // `~` is above every digit
  const members = new Set(kept);
  const own = new Set([...hashes].map((hash) => hash.slice(0, SKETCH.digits)).filter((hash) => hash <= largest));
  return { told: own.size, shared: [...own].filter((hash) => members.has(hash)).length };
}
