import { sameSeed } from '../seed.js';
import { describeDeaths } from './crash/deaths.js';

describe('deaths of a process that is about a collection', function () {
  this.timeout(60_000);
  describeDeaths({ most: 1, seed: sameSeed() });
});
