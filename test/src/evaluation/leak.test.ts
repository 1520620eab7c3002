import assert from 'node:assert/strict';
import { leaksOf } from '../../../src/evaluation/leak.js';
import type { ModelInfo } from '../../../src/inference/inference.js';
import { BUNDLED_MODEL } from '../../../src/paths.js';
import { inspectModel } from '../../../src/vilt/inspection.js';

describe('leaksOf', () => {
  let bundled: ModelInfo;
  before(async () => {
    bundled = await inspectModel(BUNDLED_MODEL);
  });

  const calibratedOn = (split: string | null): ModelInfo =>
    ({ ...bundled, calibration: { ...bundled.calibration!, measured: { split } } }) as ModelInfo;

  const cases: [calibrated: string | null, evaluated: string | null, told: RegExp | null][] = [
    ['val', 'test', null],
    ['test', 'test', /calibrated on a split test:/],
    [null, 'test', /calibrated on all pictures of a source:/],
    ['val', null, /calibrated on a split val:/],
    [null, null, /calibrated on all pictures of a source:/],
  ];
  for (const [calibrated, evaluated, told] of cases) {
    it(`tells ${told ? 'of' : 'nothing of'} a calibration on ${calibrated ?? 'everything'} where ${evaluated ?? 'everything'} is evaluated`, async () => {
      const lines = await leaksOf(calibratedOn(calibrated), [], evaluated);
      assert.equal(lines.length, told ? 1 : 0);
      if (told) assert.match(lines[0], told);
    });
  }

  it('tells nothing of a model that was neither fitted nor calibrated here', async () => {
    assert.deepEqual(await leaksOf({ ...bundled, calibration: null }, ['a'.repeat(64)], 'test'), []);
  });
});
