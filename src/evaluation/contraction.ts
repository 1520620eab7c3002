/** What VQAv2's evaluation gives its apostrophes back to. */
const CONTRACTIONS = `
  ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
  how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't mightn't've must've mustn't needn't not've o'clock
  oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
  someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's
  they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd
  where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all
  y'all'll y'all'd've you'd you'd've you'll you're you've`;

/** By their spellings that lack one apostrophe. The last entry stands so, the wrong way round, in the evaluation. */
const BY_SPELLING = new Map([
  ...CONTRACTIONS.trim().split(/\s+/).flatMap(lacking),
  ["somebody'd", 'somebodyd'] as const,
]);

/** The contraction that a word in lower case stands for, undefined where it is none or is spelled right. */
export function spellContraction(word: string): string | undefined {
  return BY_SPELLING.get(word);
}

function lacking(contraction: string): (readonly [string, string])[] {
  const apostrophes = [...contraction.matchAll(/'/g)].map(({ index }) => index);
  return apostrophes.map((at) => [contraction.slice(0, at) + contraction.slice(at + 1), contraction]);
}
