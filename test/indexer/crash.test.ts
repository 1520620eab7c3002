import { sameSeed } from '../seed.js';
import { describeKills } from './crash/kills.js';

describe('kill -9', () => describeKills({ kills: 15, seed: sameSeed() }));
