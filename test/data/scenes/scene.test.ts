import assert from 'node:assert/strict';
import { COLOUR_NAMES, loadArt, type Art } from '../../../data/scenes/art.js';
import { BACKGROUNDS } from '../../../data/scenes/backgrounds.js';
import { isHeldOut } from '../../../data/scenes/objects.js';
import { Random } from '../../../data/scenes/random.js';
import { composeScene, type DrawnObject, type Pairs, type Scene } from '../../../data/scenes/scene.js';

const SCENES = 1500;
const NUMBERS = ['zero', 'one', 'two', 'three', 'four'];

/** What a caption says of two objects, and whether the boxes agree. */
const RELATIONS: [RegExp, (first: DrawnObject, second: DrawnObject) => boolean][] = [
  [/^(.+) to the left of (.+)$/, (a, b) => centre(a).x < centre(b).x],
  [/^(.+) to the right of (.+)$/, (a, b) => centre(a).x > centre(b).x],
  [/^(.+) on the left and (.+) on the right$/, (a, b) => centre(a).x < centre(b).x],
  [/^(.+) with (.+) on its left$/, (a, b) => centre(b).x < centre(a).x],
  [/^(.+) left of (.+)$/, (a, b) => centre(a).x < centre(b).x],
  [/^(.+) above (.+)$/, (a, b) => centre(a).y < centre(b).y],
  [/^(.+) below (.+)$/, (a, b) => centre(a).y > centre(b).y],
  [/^(.+) on top and (.+) underneath$/, (a, b) => centre(a).y < centre(b).y],
  [/^(.+) under (.+)$/, (a, b) => centre(a).y > centre(b).y],
  [/^(.+) over (.+)$/, (a, b) => centre(a).y < centre(b).y],
];

function centre(object: DrawnObject) {
  assert.ok(object.boxes[0]);
  return object.boxes[0];
}

/** The caption without its opening and its place. */
function core(caption: string, scene: Scene): string {
  const places = BACKGROUNDS.find(({ name }) => name === scene.background)?.places ?? [];
  for (const place of places) {
    if (caption.startsWith(`${place}, `)) caption = caption.slice(place.length + 2);
    if (caption.endsWith(` ${place}`)) caption = caption.slice(0, -place.length - 1);
  }
  return caption.replace(/^(a picture of|an illustration of|there is|there are|this is) /, '');
}

/** The object whose name ends a noun phrase. */
function named(text: string, scene: Scene): DrawnObject {
  const found = scene.objects
    .filter(({ object }) => ` ${text}`.endsWith(` ${object.noun}`) || ` ${text}`.endsWith(` ${object.plural}`))
    .sort((a, b) => b.object.noun.length - a.object.noun.length)[0];
  assert.ok(found, `"${text}" names nothing of ${scene.objects.map(({ object }) => object.noun).join(', ')}`);
  return found;
}

/** Asserts that number, size and colour in a noun phrase are those of the object. */
function checkPhrase(text: string, scene: Scene): DrawnObject {
  const drawn = named(text, scene);
  const { object, colour, boxes } = drawn;
  const name = boxes.length > 1 ? object.plural : object.noun;
  const rest = text
    .slice(0, text.length - (name?.length ?? 0))
    .trim()
    .split(' ')
    .filter(Boolean);
  assert.equal(rest.find((word) => COLOUR_NAMES.some((known) => known === word)) ?? null, colour, text);
  const number = rest.find((word) => NUMBERS.includes(word));
  assert.equal(number ?? 'one', NUMBERS[boxes.length], text);
  const others = scene.objects.filter((other) => other !== drawn).map((other) => centre(other).size);
  if (rest.some((word) => /big|large|huge/.test(word))) assert.ok(others.every((size) => centre(drawn).size > size));
  if (rest.some((word) => /small|tiny|little/.test(word))) assert.ok(others.every((size) => centre(drawn).size < size));
  return drawn;
}

describe('composeScene', () => {
  let art: Art[];
  let scenes: Scene[];
  before(async () => {
    art = await Promise.all([loadArt('noto'), loadArt('noto-v1')]);
    scenes = compose('any');
  });

  function compose(pairs: Pairs, seed = 1, count = SCENES): Scene[] {
    const random = new Random(seed);
    return Array.from({ length: count }, () => composeScene({ art, pairs, size: 64, random }));
  }

  it('draws the same scenes for a seed, and others for another', () => {
    assert.deepEqual(compose('any', 5, 20), compose('any', 5, 20));
    assert.notDeepEqual(compose('any', 5, 20), compose('any', 6, 20));
  });

  it('says left, right, above and below as the boxes are', () => {
    const seen = new Map<string, number>();
    for (const scene of scenes) {
      for (const caption of scene.captions) {
        const text = core(caption, scene);
        if (scene.layout !== 'beside' && scene.layout !== 'stacked') continue;
        if (text.endsWith(' side by side')) continue;
        const relation = RELATIONS.find(([pattern]) => pattern.test(text));
        assert.ok(relation, caption);
        const [pattern, agrees] = relation;
        const [, first = '', second = ''] = pattern.exec(text) ?? [];
        assert.ok(agrees(checkPhrase(first, scene), checkPhrase(second, scene)), caption);
        seen.set(pattern.source, (seen.get(pattern.source) ?? 0) + 1);
      }
    }
    for (const [pattern] of RELATIONS) assert.ok((seen.get(pattern.source) ?? 0) > 20, `too few ${pattern.source}`);
  });

  it('says the order of a row', () => {
    let between = 0;
    for (const scene of scenes.filter(({ layout }) => layout === 'row')) {
      for (const caption of scene.captions) {
        const text = core(caption, scene);
        const [, middle, left, right] = /^(.+) between (.+) and (.+)$/.exec(text) ?? [];
        const parts =
          middle && left && right ? [left, middle, right] : text.replace('from left to right, ', '').split(/, | and /);
        assert.equal(parts.length, 3, caption);
        const xs = parts.map((part) => centre(checkPhrase(part, scene)).x);
        const ordered = xs.toSorted((a, b) => a - b);
        if (middle) between++;
        if (middle || text.startsWith('from left to right')) assert.deepEqual(xs, ordered, caption);
        else assert.ok(xs[1] === ordered[1], caption);
      }
    }
    assert.ok(between > 20);
  });

  it('says numbers, colours and sizes as they are drawn', () => {
    const checked = new Set<string>();
    for (const scene of scenes) {
      const parts = (text: string) => {
        if (scene.layout === 'one' || scene.layout === 'many') return [text];
        return scene.layout === 'sizes' ? text.split(/ and | next to | beside | with /) : [];
      };
      for (const caption of scene.captions) {
        for (const part of parts(core(caption, scene))) checked.add(checkPhrase(part, scene).object.noun);
      }
    }
    assert.ok(checked.size > 200, `only ${checked.size} objects`);
  });

  it('tints about three in ten objects, none that has a colour of its own', () => {
    const drawn = scenes.flatMap(({ objects }) => objects);
    const tinted = drawn.filter(({ colour }) => colour !== null);
    assert.ok(tinted.every(({ object }) => object.tintable));
    assert.ok(Math.abs(tinted.length / drawn.length - 0.3) < 0.04, `${tinted.length} of ${drawn.length}`);
    for (const { background, objects } of scenes) {
      if (background === 'plain pink') assert.ok(objects.every(({ colour }) => colour !== 'pink'));
    }
  });

  it('draws several only of what can be counted', () => {
    const many = scenes.filter(({ layout }) => layout === 'many');
    assert.ok(many.length > 200);
    assert.ok(many.every(({ objects }) => objects[0]?.object.plural !== null));
    assert.deepEqual(new Set(many.map(({ objects }) => objects[0]?.boxes.length)), new Set([2, 3, 4]));
  });

  it('mirrors about half of the art, and none that can be read', () => {
    const sprites = scenes.flatMap(({ svg, objects }) => {
      const turns = [...svg.matchAll(/<g transform="translate\([^)]*\) rotate\([^)]*\) scale\((-?)/g)];
      const each = objects.flatMap(({ object, boxes }) => boxes.map(() => object));
      assert.equal(turns.length, each.length);
      return each.map((object, i) => ({ object, mirrored: turns[i]?.[1] === '-' }));
    });
    const share = (mirrorable: boolean) => {
      const chosen = sprites.filter(({ object }) => object.mirrorable === mirrorable);
      assert.ok(chosen.length > 50);
      return chosen.filter(({ mirrored }) => mirrored).length / chosen.length;
    };
    assert.ok(Math.abs(share(true) - 0.5) < 0.05);
    assert.equal(share(false), 0);
  });

  it('keeps stars in the sky', () => {
    const nights = scenes.filter(({ background }) => background === 'night');
    assert.ok(nights.length > 20);
    for (const { svg } of nights) {
      const [sky = '', ground = ''] = /<rect[^>]*fill="#131a40"\/>(.*?)<rect[^>]*fill="#0c2418"\/>/s.exec(svg) ?? [];
      const stars = [...sky.matchAll(/cy="([\d.]+)" r="([\d.]+)"/g)];
      const top = Number(/y="([\d.]+)"[^>]*fill="#0c2418"/.exec(sky)?.[1]);
      assert.ok(stars.length === 22 && ground.length > 0);
      for (const [, y, radius] of stars) assert.ok(Number(y) + Number(radius) <= top);
    }
  });

  it('keeps boxes inside the picture', () => {
    for (const { x, y, size } of scenes.flatMap(({ objects }) => objects.flatMap(({ boxes }) => boxes))) {
      for (const edge of [x - size / 2, x + size / 2, y - size / 2, y + size / 2]) {
        assert.ok(edge > -0.1 && edge < 1.1, `${x} ${y} ${size}`);
      }
    }
  });

  it('never shows a held-out pair to train on, and always one when asked', () => {
    const heldOut = ({ objects }: Scene) =>
      objects.flatMap((a, i) => objects.slice(i + 1).map((b) => isHeldOut(a.object, b.object)));
    const seen = compose('train').flatMap(heldOut);
    assert.ok(seen.length > 1000);
    assert.ok(seen.every((held) => !held));
    for (const scene of compose('held-out', 1, 300)) assert.deepEqual(heldOut(scene), [true]);
  });
});
