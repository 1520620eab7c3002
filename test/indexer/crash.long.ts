import { describeKills } from './crash/kills.js';

describe('kill -9', () => describeKills({ kills: 100, say: (line) => console.log(line) }));
