import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readCalibration, writeCalibration, type Calibration } from '../../../src/vilt/calibration.js';
import { temporaryFolder } from '../../fixture.js';

const HASH = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const PLAIN = { matchScore: 0.5, similarity: 10, bias: -4 };
const MEASURED: Calibration = {
  ...PLAIN,
  measured: {
    model: HASH,
    prefilter: OTHER,
    precision: 'fp32',
    pictures: 100,
    split: 'val',
    candidates: 32,
    seed: 1,
    queries: 50,
    pairs: 1600,
    matches: 49,
    validation: { queries: 50, pairs: 1600, matches: 50 },
    calibrationError: { pairs: 0.002, best: 0.05 },
    nothingMatches: { threshold: 0.2, precision: 0.96, detected: 0.9, queries: 40 },
  },
};

describe('patchword.json', () => {
  const temporary = temporaryFolder();
  let made = 0;
  const place = (content?: string) => {
    const folder = path.join(temporary.path, `${made++}`);
    mkdirSync(folder);
    if (content !== undefined) writeFileSync(path.join(folder, 'patchword.json'), content);
    return { folder, hash: HASH, cache: path.join(folder, 'cache') };
  };
  const read = (at: ReturnType<typeof place>, prefilterHash: string | null = OTHER) =>
    readCalibration({ ...at, prefilterHash });

  const broken: Record<string, [string, RegExp]> = {
    'no JSON': ['{"calibration": ', /it is not JSON/],
    'a list': ['[]', /the file: .*expected object/],
    'a word for a number': [
      '{"calibration": {"matchScore": "much", "similarity": 1, "bias": 0}}',
      /calibration\.matchScore/,
    ],
    'no bias': ['{"calibration": {"matchScore": 1, "similarity": 1}}', /calibration\.bias/],
    'an infinite number': ['{"calibration": {"matchScore": 1e999, "similarity": 1, "bias": 0}}', /matchScore/],
    'figures cut out': [
      JSON.stringify({ calibration: { ...PLAIN, measured: { model: HASH } } }),
      /measured\.prefilter/,
    ],
  };
  for (const [what, [content, message]] of Object.entries(broken)) {
    it(`with ${what} is refused by its name, and not written over`, async () => {
      const at = place(content);
      assert.throws(() => read(at), { code: 'MODEL_INCOMPLETE', message });
      assert.throws(() => read(at), { message: /patchword\.json should hold/ });
      await assert.rejects(writeCalibration(at, PLAIN), { code: 'MODEL_INCOMPLETE' });
      assert.equal(readFileSync(path.join(at.folder, 'patchword.json'), 'utf8'), content);
    });
  }

  it('need not be there, nor hold a calibration', () => {
    for (const content of [undefined, '{}', '{"calibration": null, "recall": {}}']) {
      assert.deepEqual(read(place(content)), { calibration: null, refusal: null });
    }
  });

  it('keeps what else it says when a calibration is written, whole or not at all', async () => {
    const at = place(JSON.stringify({ recall: [1, 2], calibrationError: 0.3, calibration: PLAIN }));
    assert.deepEqual(read(at).calibration, PLAIN);
    const file = await writeCalibration(at, MEASURED);
    assert.equal(file, path.join(at.folder, 'patchword.json'));
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { recall: [1, 2], calibration: MEASURED });
    assert.deepEqual(read(at), { calibration: MEASURED, refusal: null });
    assert.deepEqual(readdirSync(at.folder), ['patchword.json']);
  });

  it('is not used for other weights or another prefilter than it was measured with', async () => {
    const at = place();
    await writeCalibration(at, MEASURED);
    for (const [given, message] of [
      [read({ ...at, hash: OTHER }), /not used: it was made for other weights.*patchword calibrate --model/],
      [read(at, HASH), /another prefilter/],
      [read(at, null), /another prefilter/],
    ] as const) {
      assert.equal(given.calibration, null);
      assert.match(given.refusal!, message);
    }
  });

  it('goes to the cache where the folder of the model cannot be written, and is found there first', async function () {
    if (process.platform === 'win32') this.skip();
    const at = place(JSON.stringify({ calibration: PLAIN }));
    mkdirSync(at.cache);
    chmodSync(at.cache, 0o777);
    const root = process.getuid?.() === 0;
    chmodSync(temporary.path, 0o755);
    chmodSync(at.folder, 0o555);
    if (root) process.seteuid?.(65534); // a superuser may write anywhere
    let file: string;
    try {
      file = await writeCalibration(at, MEASURED);
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(at.folder, 0o755);
    }
    assert.equal(file, path.join(at.cache, 'calibrations', HASH, 'patchword.json'));
    assert.deepEqual(read(at), { calibration: MEASURED, refusal: null });
    assert.deepEqual(read(at, HASH).calibration, PLAIN, 'the one beside the weights, for another prefilter');
    // Written beside the model later, the one in the cache goes.
    await writeCalibration(at, { ...MEASURED, bias: 7 });
    assert.equal(existsSync(file), false);
    assert.equal(read(at).calibration!.bias, 7);
  });
});
