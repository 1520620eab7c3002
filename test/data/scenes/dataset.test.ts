import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { writeDataset } from '../../../data/scenes/dataset.js';
import type { KarpathyImage } from '../../../data/scenes/karpathy.js';
import type { DatasetOptions, Settings } from '../../../data/scenes/options.js';
import { tokensOf } from '../../../data/scenes/phrases.js';
import { captionWords } from '../../../data/scenes/words.js';
import { BUNDLED_SAMPLE } from '../../../src/paths.js';
import { temporaryFolder } from '../../fixture.js';

const COUNT = 12;
const SIZE = 64;

interface Dataset {
  dataset: string;
  drawn: Pick<Settings, 'size' | 'seed' | 'styles' | 'pairs' | 'format'>;
  images: KarpathyImage[];
}

const parse = (folder: string) => JSON.parse(readFileSync(path.join(folder, 'dataset.json'), 'utf8')) as Dataset;

function checkKarpathy({ images }: Pick<Dataset, 'images'>, split: string): void {
  images.forEach((image, i) => {
    assert.equal(image.imgid, i);
    assert.equal(image.split, split);
    assert.match(image.filename, /^scene-\d{6}\.jpg$/);
    assert.equal(image.sentences.length, 5);
    assert.deepEqual(
      image.sentids,
      image.sentences.map(({ sentid }) => sentid),
    );
    image.sentences.forEach(({ raw, tokens, sentid, imgid }, j) => {
      assert.equal(sentid, i * 5 + j);
      assert.equal(imgid, i);
      assert.deepEqual(tokens, tokensOf(raw));
    });
    assert.ok(image.style && image.layout && image.background);
    for (const { noun, boxes } of image.objects) {
      assert.ok(noun);
      assert.ok(boxes.length > 0 && boxes.every((box) => box.every((v) => v > 0 && v < 1)));
    }
  });
}

describe('writeDataset', () => {
  const folder = temporaryFolder();
  const at = (name: string) => path.join(folder.path, name);
  const draw = (name: string, options: Partial<DatasetOptions> = {}) =>
    writeDataset({ output: at(name), count: COUNT, size: SIZE, seed: 3, styles: ['noto'], ...options });

  before(() => draw('first'));

  it('writes a Karpathy dataset', () => {
    const dataset = parse(at('first'));
    assert.equal(dataset.dataset, 'scenes');
    assert.equal(dataset.images.length, COUNT);
    checkKarpathy(dataset, 'test');
  });

  it('writes a picture of the right size, not blank, for each entry', async () => {
    const { images } = parse(at('first'));
    assert.deepEqual(
      readdirSync(at('first/images')).sort(),
      images.map(({ filename }) => filename),
    );
    for (const { filepath = '', filename } of images) {
      const picture = sharp(at(path.join('first', filepath, filename)));
      const { format, width, height, channels } = await picture.metadata();
      assert.deepEqual({ format, width, height, channels }, { format: 'jpeg', width: SIZE, height: SIZE, channels: 3 });
      const { entropy } = await picture.stats();
      assert.ok(entropy > 0.5, `${filename} has entropy ${entropy}`);
    }
  });

  it('gives the same bytes for the same arguments, and others for another seed', async () => {
    await draw('again');
    await draw('other', { seed: 4 });
    const bytes = (name: string) => readFileSync(at(`${name}/dataset.json`));
    assert.ok(bytes('first').equals(bytes('again')));
    assert.ok(!bytes('first').equals(bytes('other')));
  });

  it('writes the same pictures as raw pixels, in order', async () => {
    await draw('raw', { format: 'raw' });
    await draw('raw again', { format: 'raw' });
    const pixels = readFileSync(at('raw/images.bin'));
    assert.ok(pixels.equals(readFileSync(at('raw again/images.bin'))));
    assert.equal(pixels.length, COUNT * SIZE * SIZE * 3);
    const { images } = parse(at('raw'));
    assert.deepEqual(
      images.map(({ sentences }) => sentences),
      parse(at('first')).images.map(({ sentences }) => sentences),
    );
    for (const { imgid, filename, filepath } of images) {
      assert.equal(filepath, undefined);
      const jpeg = await sharp(at(`first/images/${filename}`))
        .raw()
        .toBuffer();
      const raw = pixels.subarray(imgid * jpeg.length, (imgid + 1) * jpeg.length);
      const difference = jpeg.reduce((sum, value, i) => sum + Math.abs(value - (raw[i] ?? 0)), 0) / jpeg.length;
      // JPEG blurs; another picture would differ by 50 or more.
      assert.ok(difference < 16, `${filename} differs by ${difference}`);
    }
  });

  it('writes pictures of several shapes one after the other', async () => {
    const aspects = ['1:1', '4:3', '3:4'] as const;
    await draw('shapes', { format: 'raw', size: 48, aspects, count: 30 });
    const pixels = readFileSync(at('shapes/images.bin'));
    const { images } = parse(at('shapes'));
    const shapes = new Set(images.map(({ width, height }) => `${width}x${height}`));
    assert.deepEqual(shapes, new Set(['48x48', '64x48', '48x64']));
    let offset = 0;
    for (const { width, height, ...image } of images) {
      assert.equal(image.offset, offset);
      const { entropy } = await sharp(pixels.subarray(offset, (offset += width * height * 3)), {
        raw: { width, height, channels: 3 },
      }).stats();
      assert.ok(entropy > 0.5, `${image.imgid}: ${entropy}`);
      for (const [, , w, h] of image.objects.flatMap(({ boxes }) => boxes)) {
        assert.ok(Math.abs(w * width - h * height) < 0.2, 'a square in pixels');
      }
    }
    assert.equal(pixels.length, offset);
    await draw('jpegs', { size: 48, aspects, count: 3 });
    for (const { filename, width, height } of parse(at('jpegs')).images) {
      const found = await sharp(at(`jpegs/images/${filename}`)).metadata();
      assert.deepEqual([found.width, found.height], [width, height]);
    }
  });

  it('gives the first pictures their split, then the next', async () => {
    await draw('splits', { splits: { train: 4, val: 1, test: 1 } });
    assert.deepEqual(
      parse(at('splits')).images.map(({ split }) => split),
      [...Array<string>(8).fill('train'), 'val', 'val', 'test', 'test'],
    );
  });

  it('tells what training and measuring need', async () => {
    await draw('many', { count: 60, layouts: ['sizes', 'front', 'one'] });
    const { images } = parse(at('many'));
    const words = captionWords();
    for (const { layout, relation, sentences, objects, background } of images) {
      assert.equal(relation, { sizes: 'big/small', front: 'in front of/behind' }[layout as string] ?? null);
      assert.equal(typeof sentences[0]?.swapped, relation === null ? 'undefined' : 'string');
      assert.notEqual(sentences[0]?.swapped, sentences[0]?.raw);
      assert.ok(background);
      for (const { noun, synonyms, hypernyms } of objects) {
        for (const name of [noun, ...synonyms, ...hypernyms]) {
          for (const word of name.split(/[^a-z]/)) assert.ok(words.includes(word), name);
        }
      }
    }
  });

  it('draws twins where they are asked for, and else the same scenes', async () => {
    await draw('alone', { count: 40 });
    await draw('twins', { count: 40, twins: true });
    const [alone, images] = [parse(at('alone')).images, parse(at('twins')).images];
    const nouns = ({ objects }: KarpathyImage) => objects.map(({ noun, colour }) => `${colour} ${noun}`);
    let twins = 0;
    for (let i = 0; i < images.length; i++) {
      const [one, other] = images.slice(i, i + 2);
      assert.deepEqual(one?.sentences.slice(0, 1), alone[i]?.sentences.slice(0, 1));
      if (one?.relation === null || other === undefined) continue;
      assert.ok(one);
      assert.deepEqual(nouns(other).sort(), nouns(one).sort());
      assert.notDeepEqual(nouns(other), nouns(one));
      assert.deepEqual([other.background, other.weather], [one.background, one.weather]);
      assert.notEqual(other.sentences[0]?.raw, one.sentences[0]?.raw);
      twins++;
      i++;
    }
    assert.ok(twins > 8, `${twins}`);
  });

  it('draws what fits the pairs unless told, and a layout without a share where it is asked for', async () => {
    const layoutsOf = (name: string) => new Set(parse(at(name)).images.map(({ layout }) => layout));
    await draw('pairs', { count: 30, pairs: 'held-out' });
    for (const layout of layoutsOf('pairs')) assert.ok(!['one', 'many', 'row', 'four'].includes(layout));
    await draw('asked', { count: 40, layouts: ['one', 'four'] });
    assert.deepEqual(layoutsOf('asked'), new Set(['one', 'four']));
  });

  it('reports progress', async () => {
    const seen: number[] = [];
    await draw('progress', { count: 3, onProgress: (done) => seen.push(done) });
    assert.deepEqual(seen, [1, 2, 3]);
  });

  const bad: [string, Partial<Record<keyof DatasetOptions, unknown>>, RegExp][] = [
    ['no pictures', { count: 0 }, /^count must be a whole number from 1 to 1000000, but is 0\.$/],
    ['half a picture', { count: 1.5 }, /^count must be/],
    ['a tiny size', { size: 4 }, /^size must be a whole number from 16 to 2048, but is 4\.$/],
    ['a seed below 0', { seed: -1 }, /^seed must be/],
    ['an unknown style', { styles: ['noto', 'clipart'] }, /^styles has "clipart"; choose from noto, /],
    ['an unknown shape', { aspects: ['16:9'] }, /^aspects has "16:9"; choose from 1:1, /],
    ['a shape that no such size has', { aspects: ['4:3'], size: 32 }, /^Pictures of 32 pixels are square: 4:3 needs /],
    ['an unknown layout', { layouts: ['heap'] }, /^layouts has "heap"; choose from one, /],
    [
      'one object where two are asked',
      { layouts: ['one'], pairs: 'held-out' },
      /^layouts has "one"; choose from beside/,
    ],
    ['an unknown background', { backgrounds: ['moon'] }, /^backgrounds has "moon"; choose from meadow, .*, plain\.$/],
    ['no backgrounds', { backgrounds: [] }, /^backgrounds is empty; choose from meadow, /],
    ['more weather than there is', { weather: 101 }, /^weather must be a whole number from 0 to 100, but is 101\.$/],
    ['more variation than there is', { varied: 101 }, /^varied must be a whole number from 0 to 100, but is 101\.$/],
    ['no share', { splits: { val: 0 } }, /^the share of val must be a whole number from 1 /],
    ['no styles', { styles: [] }, /^styles is empty; choose from noto, /],
    ['unknown pairs', { pairs: 'some' }, /^pairs has "some"; choose from train, held-out, any\.$/],
    ['an unknown split', { splits: { dev: 1 } }, /^splits has "dev"; choose from train, /],
    ['an unknown format', { format: 'png' }, /^format has "png"; choose from jpeg, raw\.$/],
  ];
  for (const [what, options, message] of bad) {
    it(`refuses ${what}, and writes nothing`, async () => {
      await assert.rejects(draw('bad', options as Partial<DatasetOptions>), { code: 'INVALID_ARGUMENT', message });
      assert.equal(existsSync(at('bad')), false);
    });
  }

  it('does not overwrite a dataset, nor a file', async () => {
    await assert.rejects(draw('first'), {
      code: 'INVALID_ARGUMENT',
      message: /already holds dataset\.json: remove it/,
    });
    writeFileSync(at('file'), 'mine');
    await assert.rejects(draw('file'), { code: 'INVALID_ARGUMENT', message: /is not a folder/ });
    assert.equal(readFileSync(at('file'), 'utf8'), 'mine');
  });
});

describe('the bundled sample', () => {
  const sample = path.dirname(BUNDLED_SAMPLE);
  const dataset = parse(sample);

  it('is a Karpathy dataset of 600 pictures in art that may be passed on', () => {
    assert.equal(dataset.images.length, 600);
    checkKarpathy(dataset, 'test');
    assert.deepEqual(new Set(dataset.images.map(({ style }) => style)), new Set(['noto', 'noto-v1']));
    for (const { filepath = '', filename } of dataset.images)
      assert.ok(existsSync(path.join(sample, filepath, filename)));
    for (const name of ['LICENSE', 'NOTICE'])
      assert.match(readFileSync(path.join(sample, name), 'utf8'), /Apache License/);
  });
});
