/** The seed of what a long test draws: another one each time, or PATCHWORD_SEED, to repeat a failure. */
export function drawSeed(): number {
  return Number(process.env.PATCHWORD_SEED ?? Date.now() % 1e6);
}

/** That of a test that runs with every change, so that what fails is the change's fault: one and the same, or PATCHWORD_SEED. */
export function sameSeed(): number {
  return Number(process.env.PATCHWORD_SEED ?? 1);
}
