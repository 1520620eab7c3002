/** Reads captions of scenes back, and says whether they are so: by the boxes, counts and colours, not by the templates. */
import { COLOUR_NAMES } from '../../../data/scenes/art.js';
import { namesOf } from '../../../data/scenes/names.js';
import type { DrawnObject, Scene } from '../../../data/scenes/scene.js';
import { OPENINGS, OPENINGS_ARE, OPENINGS_IS } from '../../../data/scenes/templates.js';

const NUMBERS = ['zero', 'one', 'two', 'three', 'four'];

const opening = new RegExp(
  `^(?:${[...OPENINGS, ...OPENINGS_IS, ...OPENINGS_ARE]
    .map(({ text }) => text)
    .filter(Boolean)
    .join('|')}) `,
);

/** What a caption claims of its objects, without openings, places and weather. */
export function clausesOf(caption: string, { setting }: Scene): string[] {
  const around = [...setting.background.places, ...(setting.weather?.phrases ?? [])];
  const strip = (text: string): string => {
    for (const place of around) {
      if (text.startsWith(`${place}, `)) return strip(text.slice(place.length + 2));
      if (text.startsWith(`${place} `)) return strip(text.slice(place.length + 1));
      if (text.endsWith(` ${place}`)) return strip(text.slice(0, -place.length - 1));
    }
    return text.replace(opening, '');
  };
  return caption
    .toLowerCase()
    .split(/\. |\.$/)
    .filter((text) => text !== '' && text !== setting.weather?.sentence)
    .map(strip);
}

const centre = ({ boxes }: DrawnObject) => {
  const [x, y] = (['x', 'y'] as const).map((axis) => boxes.reduce((sum, box) => sum + box[axis], 0) / boxes.length);
  return { x: x ?? 0, y: y ?? 0, size: boxes[0]?.size ?? 0 };
};

/** The object that a noun phrase speaks of; null where its number, colour or size is not that of the object. */
function spoken(text: string, { objects }: Scene): DrawnObject | null {
  const found = objects
    .flatMap((drawn) =>
      namesOf(drawn.object).map(({ text, plural }) => ({ drawn, name: drawn.boxes.length > 1 ? plural : text })),
    )
    .filter(({ name }) => name !== null && ` ${text}`.endsWith(` ${name}`))
    .sort((a, b) => (b.name?.length ?? 0) - (a.name?.length ?? 0))[0];
  if (found === undefined) return null;
  const { drawn, name } = found;
  const before = text.slice(0, text.length - (name?.length ?? 0)).trim();
  const rest = before.split(' ').filter(Boolean);
  const colour = rest.find((word) => COLOUR_NAMES.some((known) => known === word)) ?? null;
  // "the fox is red" leaves it out at first.
  if (colour !== drawn.colour && !(colour === null && objects.length === 1)) return null;
  if ((rest.find((word) => NUMBERS.includes(word)) ?? 'one') !== NUMBERS[drawn.boxes.length]) return null;
  const others = objects.filter((other) => other !== drawn).map((other) => centre(other).size);
  if (rest.some((word) => /^(big|large|huge)$/.test(word)) && !others.every((size) => centre(drawn).size > size))
    return null;
  if (rest.some((word) => /^(small|tiny|little)$/.test(word)) && !others.every((size) => centre(drawn).size < size))
    return null;
  return drawn;
}

type Test = (objects: DrawnObject[], scene: Scene) => boolean;
const two =
  (test: (a: DrawnObject, b: DrawnObject) => boolean): Test =>
  ([a, b]) =>
    a !== undefined && b !== undefined && a !== b && test(a, b);

const left = two((a, b) => centre(a).x < centre(b).x);
const right = two((a, b) => centre(a).x > centre(b).x);
const above = two((a, b) => centre(a).y < centre(b).y);
const below = two((a, b) => centre(a).y > centre(b).y);
const bigger = two((a, b) => centre(a).size > centre(b).size);
const smaller = two((a, b) => centre(a).size < centre(b).size);
/** Nearer things stand lower. */
const before = two((a, b) => centre(a).y > centre(b).y + 0.1);
const behind = two((a, b) => centre(a).y < centre(b).y - 0.1);
const inOrder: Test = (objects) =>
  objects.every((one, i) => i === 0 || left([objects[i - 1] ?? one, one], {} as Scene));
const betweenTwo = two((a, b) => {
  const [first, second] = b.boxes;
  return second !== undefined && first !== undefined && first.x < centre(a).x && centre(a).x < second.x;
});
const framed: Test = ([a], { objects, frame }) => frame !== null && a === objects[0];
const outside: Test = ([a], { objects, frame }) => frame !== null && a === objects[1];
const reversed =
  (test: Test): Test =>
  ([a, b, ...rest], scene) =>
    b !== undefined && a !== undefined && test([b, a, ...rest], scene);
const extreme =
  (measure: (one: DrawnObject) => number): Test =>
  ([a], { objects }) =>
    a !== undefined && objects.every((other) => other === a || measure(a) > measure(other));
const inTheMiddle: Test = ([a], { objects }) =>
  a !== undefined && (objects.length === 2 || objects.filter((other) => centre(other).x < centre(a).x).length === 1);
const anything: Test = () => true;

const FRAMED =
  '(?:in a (?:picture |wooden |golden )?frame|inside a picture frame|in a window|behind a window|seen through a window)';

/** The first that fits is what a clause claims. */
const CLAIMS: [string, Test][] = [
  [`(.+) ${FRAMED} and (.+) next to it`, framed],
  [`(.+) ${FRAMED} beside (.+)`, framed],
  [`(.+) outside and (.+) ${FRAMED}`, reversed(framed)],
  [`(.+) next to (.+) ${FRAMED}`, reversed(framed)],
  [`(.+) ${FRAMED} and (.+)`, framed],
  [`(.+) (?:is|are) ${FRAMED}`, framed],
  [`(.+) ${FRAMED}`, framed],
  ['(.+) (?:is|are) outside', outside],
  [
    '(.+) in the middle, (.+) on the left and (.+) on the right',
    ([a, b, c], s) => a !== undefined && b !== undefined && c !== undefined && inOrder([b, a, c], s),
  ],
  ['from left to right, (.+), (.+) and (.+)', inOrder],
  ['(.+), (.+) and (.+), from left to right', inOrder],
  ['(.+) with (.+) between them', reversed(betweenTwo)],
  ['(.+) on either side of (.+)', reversed(betweenTwo)],
  ['(.+?) (?:(?:is|are) )?between ((?:the )?two .+)', betweenTwo],
  [
    '(.+) between (.+) and (.+)',
    ([a, b, c], s) =>
      a !== undefined && b !== undefined && c !== undefined && (inOrder([b, a, c], s) || inOrder([c, a, b], s)),
  ],
  ['(.+?) (?:(?:is|are) )?to the left of (.+)', left],
  ['(.+?) (?:(?:is|are) )?to the right of (.+)', right],
  ['(.+) on the left and (.+) on the right', left],
  ['(.+) on the right and (.+) on the left', right],
  ['(.+) with (.+) on (?:its|their) left', right],
  ['(.+) with (.+) on (?:its|their) right', left],
  ['(.+) left of (.+)', left],
  ['(.+) right of (.+)', right],
  ['(.+) on top and (.+) underneath', above],
  ['(.+) underneath and (.+) on top', below],
  ['(.+) at the top and (.+) at the bottom', above],
  ['(.+) at the bottom and (.+) at the top', below],
  ['(.+) underneath (.+)', below],
  ['(.+) on top of (.+)', above],
  ['(.+?) (?:(?:is|are) )?(?:above|over) (.+)', above],
  ['(.+?) (?:(?:is|are) )?(?:below|under) (.+)', below],
  ['(.+?) (?:(?:is|are) )?bigger than (.+)', bigger],
  ['(.+?) (?:(?:is|are) )?smaller than (.+)', smaller],
  ['(.+?) (?:(?:is|are) )?in front of (.+)', before],
  ['(.+) covering a part of (.+)', before],
  ['(.+) in front and (.+) behind', before],
  ['(.+) with (.+) behind', before],
  ['(.+) with (.+) in front', behind],
  ['(.+?) (?:(?:is|are) )?behind (.+)', behind],
  ['(.+) partly hidden by (.+)', behind],
  ['(.+) (?:is|are) on the left', extreme((one) => -centre(one).x)],
  ['(.+) (?:is|are) on the right', extreme((one) => centre(one).x)],
  ['(.+) (?:is|are) at the top', extreme((one) => -centre(one).y)],
  ['(.+) (?:is|are) in front', extreme((one) => centre(one).y)],
  ['(.+) (?:is|are) big', extreme((one) => centre(one).size)],
  ['(.+) (?:is|are) in the middle', inTheMiddle],
  ['(.+), (.+), (.+) and (.+)', anything],
  ['(.+), (.+) and (.+)', anything],
  ['(.+) and (.+) side by side', anything],
  ['(.+) (?:and|next to|beside|with) (.+)', anything],
];
const PATTERNS = CLAIMS.map(([pattern, test]) => [new RegExp(`^${pattern}$`), test] as const);

/** Whether a clause of a caption is so. */
export function holds(clause: string, scene: Scene): boolean {
  const colour = /^the (.+) (?:is|are) (\w+)$/.exec(clause)?.[2];
  if (scene.objects.length === 1 && COLOUR_NAMES.some((name) => name === colour))
    return scene.objects[0]?.colour === colour;
  const claim = PATTERNS.find(([pattern]) => pattern.test(clause));
  if (claim !== undefined) {
    const [pattern, test] = claim;
    const objects = (pattern.exec(clause) ?? []).slice(1).map((part) => spoken(part, scene));
    if (objects.every((one) => one !== null)) return test(objects, scene);
    // "pen and paper" has no articles: a list.
    return !/\b(?:an?|the|some|is|are)\b/.test(clause) && listed(clause, scene);
  }
  return spoken(clause, scene) !== null || listed(clause, scene);
}

/** Whether a list of words names every object, in its number and colour, and nothing that is not there. */
function listed(clause: string, scene: Scene): boolean {
  const { objects, setting, frame } = scene;
  let left = ` ${clause.replace(/,| and /g, ' ').replace(/\s+/g, ' ')} `;
  const take = (text: string) => {
    const there = left.includes(` ${text} `);
    left = left.replace(` ${text} `, '  ');
    return there;
  };
  const named = objects.every(({ object, colour, boxes }) => {
    const number = boxes.length > 1 ? NUMBERS[boxes.length] : null;
    return namesOf(object)
      .map(({ text, plural }) => [number, colour, number === null ? text : plural].filter(Boolean).join(' '))
      .sort((a, b) => b.length - a.length)
      .some(take);
  });
  for (const word of [setting.background.word, setting.weather?.word, frame?.word]) if (word !== undefined) take(word);
  return named && left.trim() === '';
}
