import assert from 'node:assert/strict';
import { readIcons } from '../../../data/scenes/icons.js';
import { isHeldOut, OBJECTS } from '../../../data/scenes/objects.js';
import {
  DEFAULT_STYLES,
  HELD_OUT_STYLE,
  iconNames,
  PICTOGRAMS,
  STYLES,
  type Style,
} from '../../../data/scenes/styles.js';

function object(noun: string) {
  const found = OBJECTS.find((candidate) => candidate.noun === noun);
  assert.ok(found, `no object "${noun}"`);
  return found;
}

const isPictogram = (style: Style) => (PICTOGRAMS as readonly Style[]).includes(style);

describe('OBJECTS', () => {
  it('has each noun and each icon once', () => {
    assert.equal(OBJECTS.length, 225);
    assert.equal(new Set(OBJECTS.map(({ noun }) => noun)).size, OBJECTS.length);
    assert.equal(new Set(OBJECTS.map(({ icon }) => icon)).size, OBJECTS.length);
  });

  it('has art for every object in all sets of emoji but two, for most objects in those', () => {
    for (const style of STYLES.filter((style) => !isPictogram(style))) {
      const find = readIcons(style);
      const missing = OBJECTS.filter((object) => find(object) === null);
      const most = { fxemoji: 57, 'streamline-emojis': 100 }[style as string] ?? 0;
      const nouns = missing.map(({ noun }) => noun).join(', ');
      assert.ok(missing.length <= most, `${style} lacks ${missing.length}: ${nouns}`);
      // A name of a style's own that it does not have would be a slip of the pen.
      for (const object of missing) {
        const names = iconNames(style, object);
        assert.ok(names.length === 0 || names[0] === object.icon, `${style}: ${object.icon}`);
      }
    }
  });

  it('has a pictogram of four objects in ten or more in each set, of eight in ten in any, and of no other', () => {
    const sets = PICTOGRAMS.map((style) => [style, readIcons(style)] as const);
    const shown = sets.map(([, find]) => OBJECTS.filter((object) => find(object) !== null));
    shown.forEach(({ length }, i) => assert.ok(length > 0.4 * OBJECTS.length, `${PICTOGRAMS[i]}: ${length}`));
    const any = new Set(shown.flat()).size;
    assert.ok(any > 0.8 * OBJECTS.length, `${any}`);
    for (const [style, find] of sets) assert.equal(find(object('mouse')) !== null, style === 'game-icons', style);
    assert.notEqual(readIcons('ph')(object('cat')), null);
    const inks = sets.flatMap(([, find]) => OBJECTS.map((one) => find(one)?.body ?? ''));
    assert.ok(
      inks.every((body) => !body.includes('#000') || /#(?!000\b)[0-9a-f]{3,6}\b/i.test(body)),
      'black alone',
    );
    assert.equal(readIcons('icon-park')(object('turkey')), null, 'roast');
  });

  it('draws in emoji unless it is said, and keeps one style, and its siblings, out', () => {
    assert.equal(HELD_OUT_STYLE, 'fluent-emoji-flat');
    assert.ok(DEFAULT_STYLES.every((style) => !style.startsWith('fluent') && !isPictogram(style)));
    assert.equal(readIcons('streamline-emojis')(object('turkey')), null, 'a flag');
  });

  it('forms plurals', () => {
    const plurals = [
      'fox',
      'mouse',
      'strawberry',
      'monkey',
      'bus',
      'watch',
      'hourglass',
      'tropical fish',
      'fire truck',
    ];
    assert.deepEqual(
      plurals.map((noun) => object(noun).plural),
      ['foxes', 'mice', 'strawberries', 'monkeys', 'buses', 'watches', 'hourglasses', 'tropical fish', 'fire trucks'],
    );
    assert.equal(object('honey').plural, 'jars of honey');
    for (const noun of ['sushi', 'grapes', 'scissors']) assert.equal(object(noun).plural, null, noun);
  });

  it('does not tint what has a colour of its own, nor mirror what can be read', () => {
    for (const noun of ['orange', 'peach', 'rainbow', 'milk', 'traffic light', 'rose']) {
      assert.equal(object(noun).tintable, false, noun);
    }
    for (const noun of ['fox', 'spider', 'umbrella', 'donut']) assert.equal(object(noun).tintable, true, noun);
    for (const noun of ['taxi', 'school', 'truck', 'newspaper', 'clock', 'watch', 'map']) {
      assert.equal(object(noun).mirrorable, false, noun);
    }
  });
});

describe('isHeldOut', () => {
  it('holds out a tenth of all pairs, in either order', () => {
    let held = 0;
    let pairs = 0;
    OBJECTS.forEach((a, i) =>
      OBJECTS.slice(i + 1).forEach((b) => {
        pairs++;
        if (isHeldOut(a, b)) held++;
        assert.equal(isHeldOut(a, b), isHeldOut(b, a));
      }),
    );
    assert.equal(pairs, 25_200);
    assert.ok(Math.abs(held / pairs - 0.1) < 0.01, `${held} of ${pairs}`);
  });

  it('keeps the pairs that the bundled model never saw side by side', () => {
    assert.equal(isHeldOut(object('cat'), object('fox')), true);
    assert.equal(isHeldOut(object('dog'), object('octopus')), true);
    assert.equal(isHeldOut(object('cat'), object('dog')), false);
    assert.equal(isHeldOut(object('dog'), object('fox')), false);
  });
});
