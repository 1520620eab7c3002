import type { SceneObject } from './objects.js';

/**
 * The icon sets that art is taken from, from the packages @iconify-json/<style>; README.md names their licences. Fluent
 * Emoji has two siblings, fluent-emoji (the same outlines with gradients) and fluent-emoji-high-contrast (their
 * silhouettes): neither is here, for a model that saw them would know the style that is kept for measuring.
 */
const EMOJI = [
  'noto',
  'noto-v1',
  'twemoji',
  'emojione',
  'emojione-monotone',
  'fxemoji',
  'streamline-emojis',
  'fluent-emoji-flat',
] as const;

/**
 * Pictograms: simpler than emoji, by other hands and of other motifs (a cat's face, or the cat from the side), for about
 * half of the objects each. Drawn in only where they are asked for: what is measured on is drawn in emoji.
 */
export const PICTOGRAMS = ['mdi', 'game-icons', 'ph', 'hugeicons', 'icon-park'] as const;

export const STYLES = [...EMOJI, ...PICTOGRAMS] as const;
export type Style = (typeof STYLES)[number];

/** Never trained on: it measures how a model does on art that it has not seen. */
export const HELD_OUT_STYLE: Style = 'fluent-emoji-flat';

/** What scenes are drawn in unless it is said. */
export const DEFAULT_STYLES: readonly Style[] = EMOJI.filter((style) => style !== HELD_OUT_STYLE);

/** Of one ink, with the background between its lines; some icons of icon-park are, too. */
export const OUTLINED_STYLES: readonly Style[] = ['emojione-monotone', 'mdi', 'game-icons', 'ph', 'hugeicons'];

const table = (text: string) =>
  Object.fromEntries(
    text
      .trim()
      .split(/,\s*/)
      .map((pair) => pair.split(': ')),
  ) as Record<string, string>;
const list = (text: string) => text.trim().split(/,\s*/);

/** What a style calls an icon of objects.ts that the other styles agree on. */
const NAMES: Partial<Record<Style, Record<string, string>>> = {
  fxemoji: table(`alarm-clock: alarmclock, baby-chick: frontfacingchick, beer-mug: beermug,
    bento-box: bentobox, birthday-cake: birthdaycake, camel: bactriancamel, cat: catside, castle: europeancastle,
    chocolate-bar: chocolatebar, christmas-tree: christmastree, closed-book: closedbook, cocktail-glass: cocktailglass,
    crescent-moon: crescentmoon, dagger: daggerknife, deciduous-tree: deciduoustree, delivery-truck: deliverytruck,
    dog: dogside, dove: doveofpeace, dragon: dragonside, eggplant: aubergine, evergreen-tree: evergreen,
    fire-engine: fireengine, flashlight: electrictorch, french-fries: frenchfries, honey-pot: honeypot,
    hourglass-done: hourglass, house: housebuilding, ice-cream: icecream, jack-o-lantern: jackolantern,
    lady-beetle: ladybeetle, leopard: leopardside, light-bulb: lightbulb, locomotive: steamlocomotive,
    magnifying-glass-tilted-left: leftmagnifyingglass, maple-leaf: mapleleaf, mobile-phone: cellphone,
    mountain: snowmountains, mouse: mouseside, palm-tree: palmtree, pig: pigside, pizza: sliceofpizza,
    police-car: policecar, rabbit: bunny, ram: sheep, red-apple: redapple, red-heart: redheart, scissors: blackscissors,
    shaved-ice: shavedice, soccer-ball: soccerball, spouting-whale: whale, sun: whitesun, telephone: blacktelephone,
    tiger: tigerside, top-hat: tophat, trident-emblem: tridentemblem, tropical-fish: tropicalfish,
    vertical-traffic-light: verticaltrafficlight, wine-glass: wineglass, wrapped-gift: present, backpack: schoolsatchel`),
  'streamline-emojis': table(`backpack: school-backpack, bird: bird-2, birthday-cake: birthday-cake-1, boar: boar-1,
    cactus: cactus-1, cloud: cloud-1, doughnut: doughnut-1, hamburger: hamburger-2, penguin: penguin-1, pizza: pizza-1,
    red-heart: heart-suit, ring: ring-1, strawberry: strawberry-1, sunflower: sunflower-1, watermelon: watermelon-1,
    wrapped-gift: wrapped-gift-1`),
};

/** What may follow the name of a thing in a set of pictograms, the first that there is. */
const ENDINGS: Partial<Record<Style, readonly string[]>> = {
  mdi: ['', '-outline'],
  'game-icons': ['', '-head', '-face'],
  ph: ['-fill'],
  hugeicons: ['', '-01', '-02'],
  'icon-park': ['', '-one'],
};

/**
 * Nouns whose icon shows something else (a flag, a ribbon, a mouse of a computer, a roast turkey), little of their thing, or it
 * in a frame of its own.
 */
const UNUSABLE: Partial<Record<Style, readonly string[]>> = {
  fxemoji: list('bow, fountain, tie, rainbow, sailboat, ship, boat, sunglasses, tent, volcano'),
  'streamline-emojis': list('castle, factory, fountain, tie, rainbow, ship, tent, turkey'),
  mdi: list(`mouse, apple, wine, chocolate, honey, locomotive, boat, cup, hospital, school, bee, phone, telephone`),
  'game-icons': list('butterfly, crab, spider, tree, fountain, castle, wrench, horse, phone, key'),
  ph: list('mouse, snowflake, phone'),
  hugeicons: list('mouse, apple, shrimp, sunglasses, phone, popcorn, rainbow, moon, pencil'),
  'icon-park': list(`mouse, chicken, turkey, apple, ring, scissors, heart, anchor, bow, trumpet, telescope, egg, donut,
    honey, phone`),
};

/** What a style may call an object, the first that it has; nothing where it has none that will do. */
export function iconNames(style: Style, { noun, icon }: Pick<SceneObject, 'noun' | 'icon'>): string[] {
  if (UNUSABLE[style]?.includes(noun) === true) return [];
  const endings = ENDINGS[style];
  if (endings === undefined) return [NAMES[style]?.[icon] ?? icon];
  return [noun.replaceAll(' ', '-'), icon].flatMap((name) => endings.map((ending) => name + ending));
}
