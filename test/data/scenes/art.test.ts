import assert from 'node:assert/strict';
import { COLOUR_NAMES, COLOURS, loadArt, type Art, type SpritePlacement } from '../../../data/scenes/art.js';
import { OBJECTS } from '../../../data/scenes/objects.js';
import { renderPixels } from '../../../data/scenes/picture.js';

const SIDE = 100;
const CENTRED: SpritePlacement = {
  id: 's',
  x: 50,
  y: 50,
  size: 40,
  rotation: 0,
  mirrored: false,
  variation: null,
  colour: null,
  ink: '#24262c',
};

function sprite(art: Art, noun: string, placement: Partial<SpritePlacement> = {}): string {
  const object = OBJECTS.find((candidate) => candidate.noun === noun);
  assert.ok(object, noun);
  return art.sprite(object, { ...CENTRED, ...placement });
}

const onWhite = (body: string) =>
  renderPixels(
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
      `width="${SIDE}" height="${SIDE}" viewBox="0 0 100 100">${body}</svg>`,
  );

/** Sums of red, green and blue, and the number, of pixels that are neither white nor, at edges, nearly so. */
function sumOfColours(pixels: Buffer): [number, number, number, number] {
  const sum: [number, number, number, number] = [0, 0, 0, 0];
  for (let i = 0; i < pixels.length; i += 3) {
    const [red = 0, green = 0, blue = 0] = pixels.subarray(i, i + 3);
    if (Math.min(red, green, blue) >= 200) continue;
    sum[0] += red;
    sum[1] += green;
    sum[2] += blue;
    sum[3]++;
  }
  return sum;
}

function cosine(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) / Math.hypot(...a) / Math.hypot(...b);
}

describe('loadArt', () => {
  let noto: Art;
  let old: Art;
  before(async () => {
    [noto, old] = await Promise.all([loadArt('noto'), loadArt('noto-v1')]);
  });

  it('cuts off what icons carry outside their view box', async () => {
    // These hold further copies of their art below, above or beside the view box.
    for (const [art, noun] of [
      [noto, 'gorilla'],
      [old, 'ladybug'],
      [old, 'bee'],
    ] as const) {
      const pixels = await onWhite(sprite(art, noun));
      const outside: number[] = [];
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          const inside = x >= 29 && x < 71 && y >= 29 && y < 71;
          if (!inside) outside.push(pixels[(y * SIDE + x) * 3 + 1] ?? 0);
        }
      }
      assert.equal(Math.min(...outside), 255, noun);
      assert.ok(
        sumOfColours(pixels).some((value) => value > 0),
        `${noun} is blank`,
      );
    }
  });

  it('keeps the ids of two sprites apart', () => {
    const both = sprite(noto, 'gorilla', { id: 's1' }) + sprite(noto, 'gorilla', { id: 's11' });
    const ids = [...both.matchAll(/\bid="([^"]+)"/g)].map((match) => match[1]);
    assert.ok(ids.length > 10);
    assert.equal(new Set(ids).size, ids.length);
    const references = [...both.matchAll(/(?:url\(|href=")#([^")]+)/g)].map((match) => match[1]);
    assert.deepEqual(
      references.filter((reference) => !ids.includes(reference)),
      [],
    );
  });

  it('mirrors left to right', async () => {
    const plain = await onWhite(sprite(old, 'taxi'));
    const mirrored = await onWhite(sprite(old, 'taxi', { mirrored: true }));
    let differences = 0;
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const [a, b] = [plain[(y * SIDE + x) * 3], mirrored[(y * SIDE + SIDE - 1 - x) * 3]];
        if (Math.abs((a ?? 0) - (b ?? 0)) > 8) differences++;
      }
    }
    assert.equal(differences, 0);
    assert.notDeepEqual(plain, mirrored);
  });

  it('tints to the colour that it names', async () => {
    for (const noun of ['cat', 'car', 'guitar', 'lizard']) {
      for (const colour of COLOUR_NAMES) {
        const sum = sumOfColours(await onWhite(sprite(noto, noun, { colour, size: 90 }))).slice(0, 3);
        const nearest = COLOUR_NAMES.toSorted((a, b) => cosine(COLOURS[b], sum) - cosine(COLOURS[a], sum))[0];
        assert.equal(nearest, colour, `${colour} ${noun}`);
      }
    }
  });

  it('tints dark art no darker than light art', async () => {
    for (const noun of ['spider', 'car', 'dolphin', 'umbrella', 'goat']) {
      const pixels = await onWhite(sprite(old, noun, { colour: 'yellow', size: 90 }));
      const [red, green, blue, count] = sumOfColours(pixels);
      assert.ok(count > 500 && red / count > 0.75 * 255, `${noun}: ${red / count} ${green / count} ${blue / count}`);
    }
  });

  it('draws outlines in ink, or in the colour that it names', async () => {
    const outlines = await loadArt('emojione-monotone');
    const dark = sumOfColours(await onWhite(sprite(outlines, 'skull', { size: 90 })));
    assert.ok(dark[3] > 500 && dark[0] / dark[3] < 90, `${dark[0] / dark[3]}`);
    const sum = sumOfColours(await onWhite(sprite(outlines, 'cat', { colour: 'blue', size: 90 }))).slice(0, 3);
    assert.ok(cosine(COLOURS.blue, sum) > 0.95);
  });
});
