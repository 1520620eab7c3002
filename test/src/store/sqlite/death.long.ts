import { describeDeaths } from './deaths.js';

describe('deaths while files are replaced', () => {
  describeDeaths({ most: Infinity, seed: 0 });
});
