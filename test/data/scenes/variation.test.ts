import assert from 'node:assert/strict';
import { loadArt, type Art, type SpritePlacement } from '../../../data/scenes/art.js';
import { OBJECTS } from '../../../data/scenes/objects.js';
import { renderAlpha } from '../../../data/scenes/picture.js';
import { Random } from '../../../data/scenes/random.js';
import { pickVariation, type Variation } from '../../../data/scenes/variation.js';

const SIDE = 80;
const NONE: Variation = {
  stretch: [1, 1],
  lean: 0,
  waves: { length: 1, height: 0, seed: 1 },
  hue: 0,
  saturation: 1,
  gamma: 1,
  levels: null,
  outline: null,
};

describe('variation', () => {
  let art: Art;
  before(async () => {
    art = await loadArt('noto');
  });

  async function draw(variation: Variation | null, placement: Partial<SpritePlacement> = {}) {
    const object = OBJECTS.find(({ noun }) => noun === 'castle');
    assert.ok(object);
    const sprite = art.sprite(object, {
      ...{ id: 's', x: SIDE / 2, y: SIDE / 2, size: 48, rotation: 0, mirrored: false, colour: null, ink: '#000' },
      ...placement,
      variation,
    });
    const pixels = await renderAlpha(
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${SIDE}" height="${SIDE}">${sprite}</svg>`,
    );
    return Array.from({ length: SIDE * SIDE }, (_, i) => [...pixels.subarray(4 * i, 4 * i + 4)]);
  }

  type Pixels = Awaited<ReturnType<typeof draw>>;
  const alpha = (pixel: number[] = []) => pixel[3] ?? 0;
  const covered = (pixels: Pixels) => pixels.filter((pixel) => alpha(pixel) > 127).length;
  /** Rows or columns between the first and the last that is drawn on. */
  function extent(pixels: Pixels, along: 'x' | 'y'): number {
    const places = pixels.flatMap((pixel, i) =>
      alpha(pixel) > 127 ? [along === 'x' ? i % SIDE : Math.floor(i / SIDE)] : [],
    );
    return Math.max(...places) - Math.min(...places) + 1;
  }
  /** Share of the pixels that are in one picture only. */
  function moved(a: Pixels, b: Pixels): number {
    const differing = a.filter((pixel, i) => alpha(pixel) > 127 !== alpha(b[i]) > 127).length;
    return differing / covered(a);
  }

  it('leaves the art as it is where nothing is varied', async () => {
    const [plain, same] = [await draw(null), await draw(NONE)];
    assert.ok(moved(plain, same) < 0.03, `${moved(plain, same)}`);
    assert.ok(Math.abs(covered(plain) - covered(same)) < 0.02 * covered(plain));
  });

  it('stretches, leans and bends', async () => {
    const plain = await draw(null);
    const wide = await draw({ ...NONE, stretch: [1.2, 1 / 1.2] });
    const [x, y] = [extent(wide, 'x') / extent(plain, 'x'), extent(wide, 'y') / extent(plain, 'y')];
    assert.ok(Math.abs(x - 1.2) < 0.05 && Math.abs(y - 1 / 1.2) < 0.05, `${x} and ${y}`);
    const leaning = await draw({ ...NONE, lean: 14 });
    assert.ok(moved(plain, leaning) > 0.08, `${moved(plain, leaning)}`);
    assert.ok(Math.abs(extent(leaning, 'y') - extent(plain, 'y')) <= 2);
    const bent = await draw({ ...NONE, waves: { length: 0.6, height: 0.25, seed: 4 } });
    assert.ok(moved(plain, bent) > 0.08, `${moved(plain, bent)}`);
    const otherwise = await draw({ ...NONE, waves: { length: 0.6, height: 0.25, seed: 5 } });
    assert.ok(moved(bent, otherwise) > 0.05);
  });

  it('keeps about the size and the place', async () => {
    const plain = await draw(null);
    const random = new Random(3);
    for (let i = 0; i < 30; i++) {
      const varied = await draw(pickVariation(random, 'noto'));
      const share = covered(varied) / covered(plain);
      assert.ok(share > 0.7 && share < 2, `${share}`);
      assert.ok(moved(plain, varied) < 0.75, `${moved(plain, varied)}`);
    }
  });

  it('rounds colours and draws a line around', async () => {
    const full = (pixels: Pixels) =>
      pixels.filter((pixel) => alpha(pixel) === 255).map((pixel) => pixel.slice(0, 3).join());
    const [plain, flat] = [await draw(NONE), await draw({ ...NONE, levels: 3 })];
    assert.ok(new Set(full(flat)).size <= 27);
    assert.ok(new Set(full(plain)).size > 100);
    const lined = await draw({ ...NONE, outline: { width: 0.05, ink: '#ffffff' } });
    assert.ok(extent(lined, 'x') >= extent(plain, 'x') + 3);
    const added = lined.filter((pixel, i) => alpha(pixel) === 255 && alpha(plain[i]) === 0);
    assert.ok(added.length > 0 && added.every((pixel) => pixel.slice(0, 3).every((value) => value === 255)));
  });

  it('leaves a tint its colour', async () => {
    const random = new Random(9);
    for (let i = 0; i < 10; i++) {
      const variation = { ...pickVariation(random, 'noto'), outline: null };
      const inside = (await draw(variation, { colour: 'red' })).filter((pixel) => alpha(pixel) === 255);
      const [red = 0, green = 0, blue = 0] = [0, 1, 2].map((c) =>
        inside.reduce((sum, pixel) => sum + (pixel[c] ?? 0), 0),
      );
      assert.ok(red > 4 * green && red > 4 * blue, `${red} ${green} ${blue}`);
    }
  });

  it('draws no line around art that is made of lines', () => {
    const random = new Random(1);
    const picked = (style: 'noto' | 'emojione-monotone') =>
      Array.from({ length: 100 }, () => pickVariation(random, style)).filter(({ outline }) => outline !== null).length;
    assert.equal(picked('emojione-monotone'), 0);
    assert.ok(picked('noto') > 10);
  });
});
