import { describeDeaths } from './deaths.js';

describe('deaths while files are replaced', function () {
  this.timeout(60_000);
  describeDeaths({ most: 1, seed: Number(process.env.PATCHWORD_SEED ?? Date.now() % 1e6) });
});
