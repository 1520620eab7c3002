import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { KarpathyImage } from '../../../data/scenes/karpathy.js';
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

  it('prints the words of captions', () => {
    const { status, stdout } = run('words');
    assert.equal(status, 0);
    const words = stdout.trim().split('\n');
    assert.ok(
      words.length > 500 && ['fox', 'animal', 'rain', 'puppy', 'between'].every((word) => words.includes(word)),
    );
  });

  it('draws shapes, layouts and splits as told', () => {
    const output = path.join(folder.path, 'shapes');
    const { stderr } = run(
      ...['--count', '8', '--size', '48', '--styles', 'noto', '--aspects', '4:3', '--layouts', 'front'],
      ...['--split', 'train=3,test=1', '--format', 'raw', '--output', output],
    );
    assert.equal(stderr, `8 pictures in ${output}\n`);
    const { images } = JSON.parse(readFileSync(path.join(output, 'dataset.json'), 'utf8')) as {
      images: KarpathyImage[];
    };
    assert.deepEqual(
      images.map(({ split }) => split),
      [...Array<string>(6).fill('train'), 'test', 'test'],
    );
    for (const { layout, width } of images) assert.deepEqual({ layout, width }, { layout: 'front', width: 64 });
  });

  it('draws the backgrounds, weather and variation that are asked for', () => {
    const options = ['--backgrounds', 'beach,plain', '--weather', '0', '--varied', '100'];
    const draw = (name: string, more: string[]) => {
      const output = path.join(folder.path, name);
      run('--count', '12', '--size', '32', '--styles', 'noto', '--format', 'raw', '--output', output, ...more);
      const { images } = JSON.parse(readFileSync(path.join(output, 'dataset.json'), 'utf8')) as {
        images: KarpathyImage[];
      };
      return { images, pixels: readFileSync(path.join(output, 'images.bin')) };
    };
    const varied = draw('varied', options);
    for (const { background, weather } of varied.images) {
      assert.match(background, /^(beach|plain .*)$/);
      assert.equal(weather, null);
    }
    assert.ok(!varied.pixels.equals(draw('as it is', options.slice(0, 4)).pixels));
  });

  const bad: [string[], RegExp][] = [
    [['--count', '2'], /^error: required option '--output <dir>' not specified\n$/],
    [['--count', 'many', '--output', 'x'], /^error: option '--count <n>' argument 'many' is invalid\. .*\n$/],
    [['--count', '2', '--split', 'train=x', '--output', 'x'], /^error: option '--split <shares>' argument .*\n$/],
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
