import { drawSeed } from '../seed.js';
import { describeKills } from './crash/kills.js';

describe('kill -9', () => describeKills({ kills: 100, seed: drawSeed(), say: (line) => console.log(line) }));
