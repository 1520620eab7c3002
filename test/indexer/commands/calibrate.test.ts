import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUNDLED_SAMPLE } from '../../../src/paths.js';
import { runPatchword } from '../../command.js';
import { temporaryFolder } from '../../fixture.js';
import { writeOneLayer } from '../../src/calibration/model.js';
import { writeStripped } from '../../src/prefilter/checkpoint.js';

const IN_SPLIT = 44;

describe('patchword calibrate', function () {
  this.timeout(120_000);
  const temporary = temporaryFolder();
  const at = (...parts: string[]) => path.join(temporary.path, ...parts);
  let source: string[];

  const patchword = (parameters: string[], interruptAt?: RegExp) =>
    runPatchword(['calibrate', ...parameters], {
      env: {
        PATCHWORD_CACHE: at('cache'),
        PATCHWORD_DATA: at('data'),
        TMPDIR: at('tmp'),
        TEMP: at('tmp'), // Windows
      },
      interruptAt,
    });

  before(async () => {
    mkdirSync(at('tmp'));
    await writeOneLayer(at('model'));
    const file = at('model', 'patchword.json');
    writeFileSync(
      file,
      JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), remark: 'of its owner' }),
    );
    const { images } = JSON.parse(readFileSync(BUNDLED_SAMPLE, 'utf8')) as { images: object[] };
    const some = images.slice(0, 48).map((image, i) => ({ ...image, split: i < IN_SPLIT ? 'val' : 'train' }));
    writeFileSync(at('captions.json'), JSON.stringify({ images: some }));
    source = ['--captions', at('captions.json'), '--images', path.dirname(BUNDLED_SAMPLE)];
  });

  it('refuses what it cannot calibrate, and says what to do', async () => {
    const cases: [string[], number, RegExp][] = [
      [[], 2, /Expected --collection NAME, or --captions SOURCE with --model/],
      [source, 2, /Expected --collection NAME/],
      [['--collection', 'photos', ...source], 2, /Expected --collection NAME/],
      [['--collection', 'photos', '--queries', 'many'], 2, /--queries.*whole number/],
      [['--collection', 'photos'], 3, /no collection/i],
      [['--model', at('nowhere'), ...source], 3, /no model at/],
      [
        ['--model', at('model'), ...source, '--split', 'test'],
        2,
        /no split "test"\. Its splits, with their pictures: val \(\d+\), train \(\d+\)/,
      ],
      [['--model', await writeStripped(at('stripped')), ...source], 5, /no embeddings to search by.*\n.*patchword fit/],
    ];
    for (const [parameters, code, message] of cases) {
      const outcome = await patchword(parameters);
      assert.deepEqual([outcome.code, outcome.stdout], [code, ''], `${parameters.join(' ')}: ${outcome.stderr}`);
      assert.match(outcome.stderr, message);
    }
  });

  it('stops at Ctrl-C, and leaves nothing', async () => {
    const before = readFileSync(at('model', 'patchword.json'), 'utf8');
    const { code, stderr } = await patchword(['--model', at('model'), ...source], /Reading captions\.json as/);
    assert.equal(code, 130, stderr);
    assert.match(stderr, /nothing was written|no calibration was written/);
    assert.equal(readFileSync(at('model', 'patchword.json'), 'utf8'), before);
    assert.deepEqual(readdirSync(at('tmp')), []);
  });

  it('calibrates on a split of a source, and says how well', async () => {
    const { code, stdout, stderr } = await patchword(['--model', at('model'), ...source, '--split', 'val']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^matchProbability = σ\(.* from 22 texts with 704 pairs\n/);
    assert.match(stdout, /\nMeasured on 22 other texts: calibration error 0\.\d{4}/);
    const { calibration, remark } = JSON.parse(readFileSync(at('model', 'patchword.json'), 'utf8')) as {
      calibration: { measured: { pictures: number; split: string } };
      remark: string;
    };
    assert.equal(calibration.measured.pictures, IN_SPLIT);
    assert.equal(calibration.measured.split, 'val');
    assert.equal(remark, 'of its owner', 'what else the file said is still there');
  });
});
