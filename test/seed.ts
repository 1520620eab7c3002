/** The seed of what a test draws: another one each time, or PATCHWORD_SEED, to repeat a failure. */
export function drawSeed(): number {
  return Number(process.env.PATCHWORD_SEED ?? Date.now() % 1e6);
}
