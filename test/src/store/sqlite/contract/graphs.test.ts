import { testSqliteContract } from '../contract.js';

testSqliteContract('through HNSW graphs', {});
