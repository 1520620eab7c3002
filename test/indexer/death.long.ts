import { drawSeed } from '../seed.js';
import { describeDeaths } from './crash/deaths.js';

describe('deaths of a process that is about a collection', () => describeDeaths({ most: Infinity, seed: drawSeed() }));
