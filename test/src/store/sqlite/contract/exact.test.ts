import { testSqliteContract } from '../contract.js';

testSqliteContract('exactly', { exactBelow: 10_000 });
