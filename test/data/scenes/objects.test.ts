import assert from 'node:assert/strict';
import { readIcons } from '../../../data/scenes/icons.js';
import { isHeldOut, OBJECTS } from '../../../data/scenes/objects.js';
import { HELD_OUT_STYLE, iconName, STYLES, TRAINING_STYLES } from '../../../data/scenes/styles.js';

function find(noun: string) {
  const object = OBJECTS.find((candidate) => candidate.noun === noun);
  assert.ok(object, `no object "${noun}"`);
  return object;
}

describe('OBJECTS', () => {
  it('has each noun and each icon once', () => {
    assert.equal(OBJECTS.length, 225);
    assert.equal(new Set(OBJECTS.map(({ noun }) => noun)).size, OBJECTS.length);
    assert.equal(new Set(OBJECTS.map(({ icon }) => icon)).size, OBJECTS.length);
  });

  it('has art for every object in all icon sets but two, for most objects in those', () => {
    for (const style of STYLES) {
      const find = readIcons(style);
      const missing = OBJECTS.filter(({ icon }) => find(icon) === null).map(({ icon }) => icon);
      const most = { fxemoji: 57, 'streamline-emojis': 100 }[style as string] ?? 0;
      assert.ok(missing.length <= most, `${style} lacks ${missing.length}: ${missing.join(', ')}`);
      // A name of a style's own that it does not have would be a slip of the pen.
      for (const icon of missing) assert.ok([null, icon].includes(iconName(style, icon)), `${style}: ${icon}`);
    }
  });

  it('keeps one style, and its siblings, out of training', () => {
    assert.equal(HELD_OUT_STYLE, 'fluent-emoji-flat');
    assert.ok(TRAINING_STYLES.every((style) => !style.startsWith('fluent')));
    assert.equal(readIcons('streamline-emojis')('turkey'), null, 'a flag');
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
      plurals.map((noun) => find(noun).plural),
      ['foxes', 'mice', 'strawberries', 'monkeys', 'buses', 'watches', 'hourglasses', 'tropical fish', 'fire trucks'],
    );
    assert.equal(find('honey').plural, 'jars of honey');
    for (const noun of ['sushi', 'grapes', 'scissors']) assert.equal(find(noun).plural, null, noun);
  });

  it('does not tint what has a colour of its own, nor mirror what can be read', () => {
    for (const noun of ['orange', 'peach', 'rainbow', 'milk', 'traffic light', 'rose']) {
      assert.equal(find(noun).tintable, false, noun);
    }
    for (const noun of ['fox', 'spider', 'umbrella', 'donut']) assert.equal(find(noun).tintable, true, noun);
    for (const noun of ['taxi', 'school', 'truck', 'newspaper', 'clock', 'watch', 'map']) {
      assert.equal(find(noun).mirrorable, false, noun);
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
    assert.equal(isHeldOut(find('cat'), find('fox')), true);
    assert.equal(isHeldOut(find('dog'), find('octopus')), true);
    assert.equal(isHeldOut(find('cat'), find('dog')), false);
    assert.equal(isHeldOut(find('dog'), find('fox')), false);
  });
});
