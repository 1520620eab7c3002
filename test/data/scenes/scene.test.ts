import assert from 'node:assert/strict';
import { COLOUR_NAMES, loadArt, type Art } from '../../../data/scenes/art.js';
import { ASPECTS, canvasOf, pixelsOf } from '../../../data/scenes/aspects.js';
import { LAYOUTS } from '../../../data/scenes/layouts.js';
import { namesOf } from '../../../data/scenes/names.js';
import { isHeldOut } from '../../../data/scenes/objects.js';
import { DATASET_DEFAULTS } from '../../../data/scenes/options.js';
import { Random } from '../../../data/scenes/random.js';
import { composeScene, layoutsFor, type Pairs, type Scene, type SceneOptions } from '../../../data/scenes/scene.js';
import { OUTLINED_STYLES } from '../../../data/scenes/styles.js';
import { clausesOf, holds } from './truth.js';

const SCENES = 1500;
const PIXELS = { width: 64, height: 64 };
const { backgrounds, weather, varied } = DATASET_DEFAULTS;
const SETTINGS = { backgrounds, weather, varied };

describe('composeScene', () => {
  let art: Art[];
  let scenes: Scene[];
  before(async () => {
    art = await Promise.all((['noto', 'fxemoji', 'emojione-monotone'] as const).map(loadArt));
    scenes = [...compose('any'), ...compose('any', 7, 100, { layouts: LAYOUTS.filter(({ name }) => name === 'four') })];
  });

  function compose(pairs: Pairs, seed = 1, count = SCENES, options: Partial<SceneOptions> = {}): Scene[] {
    return Array.from({ length: count }, (_, i) => {
      const random = Random.ofPicture(seed, i);
      return composeScene({ art, pairs, pixels: PIXELS, layouts: layoutsFor(pairs), ...SETTINGS, ...options, random });
    });
  }

  it('draws the same scenes for a seed, and others for another', () => {
    assert.deepEqual(compose('any', 5, 20), compose('any', 5, 20));
    assert.notDeepEqual(compose('any', 5, 20), compose('any', 6, 20));
  });

  it('says nothing that is not so', () => {
    let checked = 0;
    for (const scene of scenes) {
      for (const { text } of scene.captions) {
        for (const clause of clausesOf(text, scene)) {
          assert.ok(
            holds(clause, scene),
            `"${clause}" of "${text}": ${JSON.stringify(scene.objects.map(({ object, boxes, colour }) => [object.noun, colour, boxes]))}`,
          );
          checked++;
        }
      }
    }
    assert.ok(checked > SCENES * 5);
  });

  it('exchanges the relation to what is not so, in the same words for all else', () => {
    const seen = new Map<string, number>();
    for (const scene of scenes) {
      const [first] = scene.captions;
      assert.equal(first?.swapped !== null, scene.layout.relation !== null, first?.text);
      for (const { text, swapped } of scene.captions) {
        if (swapped === null) continue;
        const clauses = clausesOf(swapped, scene);
        assert.ok(clauses.length === 1 && !holds(clauses[0] ?? '', scene), `${text} / ${swapped}`);
        assert.ok(Math.abs(text.split(' ').length - swapped.split(' ').length) <= 2, `${text} / ${swapped}`);
        seen.set(scene.layout.name, (seen.get(scene.layout.name) ?? 0) + 1);
      }
    }
    const related = layoutsFor('any').filter(({ relation }) => relation !== null);
    for (const { name } of related) assert.ok((seen.get(name) ?? 0) > 30, name);
  });

  it('makes twins that are alike but for their relation, of which the captions of the other are false', () => {
    const twins = compose('any', 1, 600, { exchanged: true });
    const seen = new Set<string>();
    scenes.slice(0, 600).forEach((scene, i) => {
      const twin = twins[i];
      assert.ok(twin);
      if (scene.layout.relation === null) return;
      const things = ({ objects }: Scene) => objects.map(({ object, colour }) => [object.noun, colour].join());
      const [a, b, ...rest] = things(scene);
      assert.deepEqual(things(twin), [b, a, ...rest]);
      const alike = ({ layout, setting, frame, style, objects }: Scene) =>
        [layout, setting, frame, style, objects.map(({ boxes }) => boxes)] as const;
      assert.deepEqual(alike(twin), alike(scene));
      for (const [captions, other] of [
        [scene.captions, twin],
        [twin.captions, scene],
      ] as const) {
        for (const { text, swapped } of captions) {
          const isSo = clausesOf(text, other).every((clause) => holds(clause, other));
          if (swapped !== null) assert.ok(!isSo, text);
        }
      }
      for (const { text } of twin.captions) {
        for (const clause of clausesOf(text, twin)) assert.ok(holds(clause, twin), `"${clause}" of "${text}"`);
      }
      seen.add(scene.layout.name);
    });
    assert.equal(seen.size, layoutsFor('any').filter(({ relation }) => relation !== null).length);
  });

  it('tells everything in the first caption', () => {
    for (const { captions, objects, setting } of scenes) {
      const text = captions[0]?.text.toLowerCase() ?? '';
      for (const { colour } of objects) assert.ok(colour === null || text.includes(colour), text);
      assert.ok(
        setting.background.places.some((place) => text.includes(place)),
        text,
      );
      assert.ok(setting.weather?.phrases.some((phrase) => text.includes(phrase)) ?? true, text);
    }
  });

  it('tints about three in ten objects, none that has a colour of its own', () => {
    const drawn = scenes.flatMap(({ objects }) => objects);
    const tinted = drawn.filter(({ colour }) => colour !== null);
    assert.ok(tinted.every(({ object }) => object.tintable));
    assert.ok(tinted.every(({ colour }) => COLOUR_NAMES.some((name) => name === colour)));
    assert.ok(Math.abs(tinted.length / drawn.length - 0.3) < 0.04, `${tinted.length} of ${drawn.length}`);
    for (const { setting, objects } of scenes) {
      if (setting.background.name === 'plain pink') assert.ok(objects.every(({ colour }) => colour !== 'pink'));
    }
  });

  it('shows every layout that has a share, and several only of what can be counted', () => {
    const shared = LAYOUTS.filter(({ share }) => share > 0);
    assert.deepEqual(new Set(compose('any').map(({ layout }) => layout)), new Set(shared));
    const many = scenes.filter(({ layout }) => layout.name === 'many');
    assert.ok(many.every(({ objects }) => objects[0]?.object.plural !== null));
    assert.deepEqual(new Set(many.map(({ objects }) => objects[0]?.boxes.length)), new Set([2, 3, 4]));
  });

  it('draws what is in front last, over a part of the other, in art that hides it', () => {
    const fronts = scenes.filter(({ layout }) => layout.name === 'front');
    assert.ok(fronts.length > 100);
    for (const { svg, objects, style } of fronts) {
      const [near, far] = objects.map(({ boxes }) => boxes[0]);
      assert.ok(near && far);
      const drawn = [...svg.matchAll(/translate\(([\d.]+) ([\d.]+)\) rotate/g)].map((match) => Number(match[2]));
      assert.deepEqual(
        drawn,
        [far.y * 100, near.y * 100].map((y) => Number(y.toFixed(4))),
      );
      const shared = (a: number, b: number) => (near.size + far.size) / 2 - Math.abs(a - b);
      const hidden = (shared(near.x, far.x) * shared(near.y, far.y)) / far.size ** 2;
      assert.ok(hidden > 0.2 && hidden < 0.75, `${hidden}`);
      assert.ok(!OUTLINED_STYLES.includes(style));
    }
  });

  it('mirrors about half of the art, and none that can be read', () => {
    const sprites = scenes.flatMap(({ svg, objects }) => {
      const turns = [...svg.matchAll(/<g[^>]* transform="translate\([^)]*\) rotate\([^)]*\) scale\((-?)/g)];
      const each = objects.toReversed().flatMap(({ object, boxes }) => boxes.map(() => object));
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

  it('keeps boxes inside the picture, whatever its shape', () => {
    for (const aspect of ASPECTS) {
      const pixels = pixelsOf(aspect, 112);
      const { width, height } = canvasOf(pixels);
      for (let i = 0; i < 300; i++) {
        const random = Random.ofPicture(3, i);
        const { objects } = composeScene({
          art,
          pairs: 'any',
          pixels,
          layouts: layoutsFor('any'),
          ...SETTINGS,
          random,
        });
        for (const { x, y, size } of objects.flatMap(({ boxes }) => boxes)) {
          const reach = size * 50;
          assert.ok(x * width - reach > -10 && x * width + reach < width + 10, `${x} ${size} of ${aspect}`);
          assert.ok(y * height - reach > -10 && y * height + reach < height + 10, `${y} ${size} of ${aspect}`);
        }
      }
    }
  });

  it('never shows a held-out pair to train on, and always one when asked', () => {
    const heldOut = ({ objects }: Scene) =>
      objects.flatMap((a, i) => objects.slice(i + 1).map((b) => isHeldOut(a.object, b.object)));
    const train = compose('train');
    const seen = train.flatMap(heldOut);
    assert.ok(seen.length > 1000);
    assert.ok(seen.every((held) => !held));
    for (const name of ['row', 'front', 'between', 'framed-beside']) {
      assert.ok(train.filter(({ layout }) => layout.name === name).length > 30, name);
    }
    for (const scene of compose('held-out', 1, 300)) assert.deepEqual(heldOut(scene), [true]);
  });

  it('draws an object only in a style that has it', async () => {
    const sparse = await loadArt('fxemoji');
    for (let i = 0; i < 200; i++) {
      const random = Random.ofPicture(1, i);
      const options = {
        art: [sparse],
        pairs: 'any',
        pixels: PIXELS,
        layouts: layoutsFor('any'),
        ...SETTINGS,
        random,
      } as const;
      for (const { object } of composeScene(options).objects) assert.ok(sparse.has(object), object.noun);
    }
  });

  it('shows nothing before more of the same: no tree in a forest, no star at night', () => {
    const named = (scene: Scene) => scene.objects.flatMap(({ object }) => namesOf(object).map(({ text }) => text));
    const about = (name: string) => scenes.filter((scene) => named(scene).includes(name));
    const settings: [string, string[]][] = [
      ['tree', ['forest']],
      ['mountain', ['mountains']],
      ['building', ['city']],
      ['star', ['night', 'space']],
    ];
    for (const [name, places] of settings) {
      assert.ok(about(name).length > 5, name);
      for (const { setting } of about(name)) {
        assert.ok(!places.includes(setting.background.name), `${name} in ${setting.background.name}`);
      }
    }
    for (const { setting } of about('star')) assert.notEqual(setting.weather?.name, 'night');
    for (const { setting } of about('cloud')) assert.notEqual(setting.weather?.name, 'storm');
    const alone = compose('any', 7, 200, { backgrounds: ['forest'] }); // as long as there is another
    assert.ok(alone.every(({ setting }) => setting.background.name === 'forest'));
  });

  it('shows the backgrounds and the share of weather that are asked for', () => {
    const somewhere = compose('any', 7, 200, { backgrounds: ['beach', 'plain', 'striped'], weather: 100 });
    const names = new Set(somewhere.map(({ setting }) => setting.background.name.replace(/^plain .*/, 'plain')));
    assert.deepEqual([...names].sort(), ['beach', 'plain', 'striped']);
    for (const { setting } of somewhere) assert.equal(setting.weather !== null, setting.background.name === 'beach');
    assert.ok(compose('any', 7, 200, { weather: 0 }).every(({ setting }) => setting.weather === null));
  });

  it('varies the art of the share of objects that is asked for, and shows the same objects at the same places', () => {
    const filters = (scene: Scene) => scene.svg.match(/<filter id="s\d-\d-vary"/g)?.length ?? 0;
    const sprites = (scene: Scene) => scene.objects.flatMap(({ boxes }) => boxes).length;
    assert.ok(scenes.every((scene) => filters(scene) === 0));
    const all = compose('any', 1, 300, { varied: 100 });
    for (const [i, scene] of all.entries()) {
      assert.equal(filters(scene), sprites(scene));
      assert.deepEqual(scene.objects, scenes[i]?.objects);
    }
    const half = compose('any', 1, 300, { varied: 50 });
    const sum = (count: (scene: Scene) => number) => half.reduce((total, scene) => total + count(scene), 0);
    assert.ok(Math.abs(sum(filters) / sum(sprites) - 0.5) < 0.07, `${sum(filters)} of ${sum(sprites)}`);
  });
});
