import assert from 'node:assert/strict';
import { parseResult } from '../../../src/evaluation/result.js';

describe('parseResult', () => {
  it('refuses what is no result, and a version that it does not know', () => {
    const refuses = (json: string, message: RegExp) =>
      assert.throws(() => parseResult(json, 'a.json'), { code: 'SOURCE_INVALID', message });
    refuses('{', /a\.json is not JSON/);
    refuses('null', /a\.json is not the result of an evaluation/);
    refuses('{"version":1,"kind":"retrieval"}', /not the result of an evaluation \(protocol/);
    refuses('{"version":2}', /of version 2; this Patchword reads version 1/);
  });
});
