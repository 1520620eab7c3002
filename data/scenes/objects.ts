/** The things that scenes are made of. Not every style has all of them. */
export interface SceneObject {
  /** What a caption calls one of it: 'fire truck'. For `number: 'plural'` already plural: 'scissors'. */
  noun: string;
  /** Its name in the icon sets: 'fire-engine'. */
  icon: string;
  /** 'countable' takes "a" and numbers, 'mass' neither ("some milk"), 'plural' neither ("some grapes"). */
  number: 'countable' | 'mass' | 'plural';
  /** What follows a number: 'mice', 'glasses of milk'. null where two pictures of it are not two of it. */
  plural: string | null;
  /** Whether a tinted picture of it makes sense. */
  tintable: boolean;
  /** Whether its mirror image is right too. */
  mirrorable: boolean;
}

const list = (text: string) => text.trim().split(/,\s*/);

const NOUNS = {
  animals: list(`ant, bat, bee, bird, blowfish, boar, bug, butterfly, camel, cat, chick, chicken, cow, crab, crocodile,
    deer, dog, dolphin, dove, duck, eagle, elephant, fish, fox, goat, gorilla, horse, koala, ladybug, leopard, lizard,
    monkey, mouse, octopus, owl, ox, penguin, pig, rabbit, rat, rhino, rooster, scorpion, shark, sheep, shrimp, snail,
    snake, spider, squid, tiger, tropical fish, turkey, turtle, whale, wolf`),
  creatures: list('alien, dragon, ghost, skull, snowman'),
  plants: list('cactus, christmas tree, flower, leaf, mushroom, palm tree, pine tree, rose, sunflower, tree'),
  fruit: list(`apple, avocado, banana, carrot, cherries, cucumber, eggplant, grapes, kiwi, lemon, orange, peach, pear,
    pineapple, potato, pumpkin, strawberry, tomato, watermelon`),
  meals: list(`beer, bento, bread, burger, burrito, cheese, chocolate, cocktail, cookie, croissant, french fries, honey,
    hot dog, ice, milk, pancakes, pizza, popcorn, spaghetti, sushi, taco, wine`),
  // Sweets and eggs come in any colour, so they may be tinted; the other food may not.
  sweets: list('cake, candy, donut, egg, ice cream, lollipop'),
  sky: list('cloud, fire, moon, mountain, rainbow, snowflake, star, sun, volcano'),
  vehicles: list(`airplane, ambulance, bicycle, boat, bus, canoe, car, fire truck, helicopter, locomotive, motorcycle,
    police car, rocket, sailboat, ship, taxi, tractor, train, truck`),
  buildings: list('castle, church, door, factory, fountain, hospital, house, school, tent, traffic light'),
  household: list(`bathtub, bed, bell, book, candle, chair, clock, couch, cup, envelope, gift, hourglass, key,
    light bulb, map, newspaper, pencil, printer, scissors, scroll, toilet`),
  clothes: list(`backpack, crown, dress, glasses, handbag, hat, heart, lipstick, ring, shoe, sunglasses, t-shirt, tie,
    umbrella, watch`),
  music: list('drum, guitar, headphones, saxophone, trumpet, violin'),
  sport: list('balloon, baseball, basketball, soccer ball, trophy, volleyball'),
  tools: list(`anchor, bomb, bow, camera, computer, flashlight, gear, hammer, joystick, magnifying glass, microscope,
    phone, pick, radio, shield, sword, telephone, telescope, television, trident, wrench`),
};

/** Nouns whose icon is not named like them. */
const ICONS: Record<string, string> = {
  apple: 'red-apple',
  bee: 'honeybee',
  beer: 'beer-mug',
  bento: 'bento-box',
  boat: 'speedboat',
  book: 'closed-book',
  bow: 'bow-and-arrow',
  burger: 'hamburger',
  cake: 'birthday-cake',
  car: 'automobile',
  chair: 'seat',
  cheese: 'cheese-wedge',
  chick: 'baby-chick',
  chocolate: 'chocolate-bar',
  clock: 'alarm-clock',
  cocktail: 'cocktail-glass',
  computer: 'desktop-computer',
  couch: 'couch-and-lamp',
  cup: 'teacup-without-handle',
  donut: 'doughnut',
  'fire truck': 'fire-engine',
  flower: 'tulip',
  gift: 'wrapped-gift',
  hat: 'top-hat',
  headphones: 'headphone',
  heart: 'red-heart',
  honey: 'honey-pot',
  hourglass: 'hourglass-done',
  ice: 'shaved-ice',
  kiwi: 'kiwi-fruit',
  ladybug: 'lady-beetle',
  leaf: 'maple-leaf',
  'magnifying glass': 'magnifying-glass-tilted-left',
  map: 'world-map',
  milk: 'glass-of-milk',
  moon: 'crescent-moon',
  orange: 'tangerine',
  phone: 'mobile-phone',
  'pine tree': 'evergreen-tree',
  pumpkin: 'jack-o-lantern',
  rhino: 'rhinoceros',
  sheep: 'ram',
  shoe: 'running-shoe',
  sword: 'dagger',
  tie: 'necktie',
  'traffic light': 'vertical-traffic-light',
  tree: 'deciduous-tree',
  trident: 'trident-emblem',
  truck: 'delivery-truck',
  whale: 'spouting-whale',
  wine: 'wine-glass',
};

const PLURAL_ONLY = list('cherries, french fries, glasses, grapes, headphones, pancakes, scissors, sunglasses');

/** Mass nouns, and what several pictures of one show. */
const MASS: Record<string, string | null> = {
  bread: 'loaves of bread',
  candy: 'candies',
  cheese: null,
  chocolate: 'chocolate bars',
  honey: 'jars of honey',
  ice: null,
  milk: 'glasses of milk',
  popcorn: null,
  spaghetti: null,
  sushi: null,
  wine: 'glasses of wine',
};

const IRREGULAR_PLURALS: Record<string, string> = {
  deer: 'deer',
  fish: 'fish',
  leaf: 'leaves',
  'maple leaf': 'maple leaves',
  mouse: 'mice',
  ox: 'oxen',
  potato: 'potatoes',
  sheep: 'sheep',
  shrimp: 'shrimp',
  snowman: 'snowmen',
  squid: 'squid',
  tomato: 'tomatoes',
  'tropical fish': 'tropical fish',
  volcano: 'volcanoes',
  wolf: 'wolves',
};

/** A tinted one is a contradiction ("a red rainbow") or ambiguous ("a blue rose": is the flower or the colour rose?). */
const OWN_COLOUR = new Set([
  ...NOUNS.fruit,
  ...NOUNS.meals,
  ...list('fire, moon, rainbow, rose, snowflake, snowman, sun, sunflower, traffic light'),
]);

/** In at least one icon set it holds letters, lines of text, notes, clock hands or a map, or its icons start at the left. */
const NEVER_MIRRORED = new Set(list('clock, headphones, map, newspaper, phone, school, scroll, taxi, truck, watch'));

export function pluralOf(noun: string): string {
  const irregular = IRREGULAR_PLURALS[noun];
  if (irregular !== undefined) return irregular;
  if (/(s|x|ch|sh)$/.test(noun)) return `${noun}es`;
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return `${noun}s`;
}

function describe(noun: string): SceneObject {
  const rest = {
    noun,
    icon: ICONS[noun] ?? noun.replaceAll(' ', '-'),
    tintable: !OWN_COLOUR.has(noun),
    mirrorable: !NEVER_MIRRORED.has(noun),
  };
  if (noun in MASS) return { ...rest, number: 'mass', plural: MASS[noun] ?? null };
  if (PLURAL_ONLY.includes(noun)) return { ...rest, number: 'plural', plural: null };
  return { ...rest, number: 'countable', plural: pluralOf(noun) };
}

export const OBJECTS: readonly SceneObject[] = Object.values(NOUNS).flat().map(describe);

/** A tenth of all pairs of objects, by hash (FNV-1a of the two icons' names): never together in pictures to train on. */
export function isHeldOut(a: SceneObject, b: SceneObject): boolean {
  let hash = 0x811c9dc5;
  for (const character of [a.icon, b.icon].sort().join('|')) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  return (hash >>> 0) % 10 === 0;
}
