import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../../src/paths.js';
import { temporaryFolder } from '../../fixture.js';

const MAIN = path.join(PACKAGE_FOLDER, 'dist', 'data', 'scenes', 'main.js');

const run = (...options: string[]) => spawnSync(process.execPath, [MAIN, ...options], { encoding: 'utf8' });

describe('the scenes command', () => {
  const folder = temporaryFolder();

  it('draws', () => {
    const output = path.join(folder.path, 'drawn');
    const { status, stderr } = run('--count', '2', '--size', '32', '--styles', 'noto', '--output', output);
    assert.equal(stderr, `2 pictures in ${output}\n`);
    assert.equal(status, 0);
    assert.deepEqual(readdirSync(output).sort(), ['dataset.json', 'images']);
  });

  const bad: [string[], RegExp][] = [
    [['--count', '2'], /^error: required option '--output <dir>' not specified\n$/],
    [['--count', 'many', '--output', 'x'], /^error: option '--count <n>' argument 'many' is invalid\. .*\n$/],
    [['--count', '2', '--styles', 'clipart', '--output', 'x'], /^error: styles has "clipart"; choose from .*\n$/],
  ];
  for (const [options, message] of bad) {
    it(`answers ${options.join(' ')} with one line`, () => {
      const { status, stderr, stdout } = run(...options);
      assert.match(stderr, message);
      assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
      assert.equal(existsSync('x'), false);
    });
  }
});
