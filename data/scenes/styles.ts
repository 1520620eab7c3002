/**
 * The icon sets that art is taken from, from the packages @iconify-json/<style>; README.md names their licences. Fluent
 * Emoji has two siblings, fluent-emoji (the same outlines with gradients) and fluent-emoji-high-contrast (their
 * silhouettes): neither is here, for a model that saw them would know the style that is kept for measuring.
 */
export const STYLES = [
  'noto',
  'noto-v1',
  'twemoji',
  'emojione',
  'emojione-monotone',
  'fxemoji',
  'streamline-emojis',
  'fluent-emoji-flat',
] as const;
export type Style = (typeof STYLES)[number];

/** Never trained on: it measures how a model does on art that it has not seen. */
export const HELD_OUT_STYLE: Style = 'fluent-emoji-flat';

export const TRAINING_STYLES: readonly Style[] = STYLES.filter((style) => style !== HELD_OUT_STYLE);

/** Of lines, with the background between them. */
export const OUTLINED_STYLES: readonly Style[] = ['emojione-monotone'];

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

/** Icons of the right name that show something else (a flag, a ribbon), or their thing in a picture frame of its own. */
const UNUSABLE: Partial<Record<Style, readonly string[]>> = {
  fxemoji: list('bow-and-arrow, fountain, necktie, rainbow, sailboat, ship, speedboat, sunglasses, tent, volcano'),
  'streamline-emojis': list('castle, factory, fountain, necktie, rainbow, ship, tent, turkey'),
};

/** The style's own name of an icon; null where it has none that will do. */
export function iconName(style: Style, icon: string): string | null {
  if (UNUSABLE[style]?.includes(icon) === true) return null;
  return NAMES[style]?.[icon] ?? icon;
}
