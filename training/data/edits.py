"""Captions made false by one small change: what a prefilter cannot tell from the true one, and a joint pass can."""

import re

import numpy as np

from training.data.dataset import Example

OPPOSITES = [
    ("left", "right"), ("above", "below"), ("over", "under"), ("top", "bottom"), ("on top", "underneath"),
    ("in front of", "behind"), ("big", "small"), ("large", "tiny"), ("huge", "little"),
]  # fmt: skip
TINTS = ["red", "orange", "yellow", "green", "blue", "purple", "pink"]  # of the objects of data/scenes
COLOURS = [*TINTS, "brown", "black", "white", "gray"]
BACKGROUNDS = ["white", "gray", "black", "yellow", "pink", "light blue", "light green"]  # of data/scenes
NUMBERS = ["two", "three", "four"]
# Nouns of data/scenes without an article, although there is a plural ("some milk", "two glasses of milk"), and those
# whose plural is the same.
MASS = frozenset({"bread", "candy", "chocolate", "honey", "milk", "wine"})
UNCHANGED = frozenset({"deer", "fish", "sheep", "shrimp", "squid", "tropical fish"})
PLACES = ["under the stars", "in the mountains", "inside a house"]  # of data/scenes, that hold a noun

SWAP = {a: b for pair in OPPOSITES for a, b in (pair, pair[::-1])}
DRAWS = 20  # of another noun
SHARES = {
    "relation": 1,
    "colour": 2,
    "number": 2,
    "noun": 3,  # what a joint pass is wrong about most often
}  # how often each kind is chosen where it applies


# Where a word of OPPOSITES is part of a place or of a name.
ELSEWHERE = r"(?! (?:the stars|the night sky|water|snowy peaks|a window|hat)\b)"


def any_of(words: list[str], *, unless: str = "") -> re.Pattern:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b{unless}", re.IGNORECASE)


RELATION = any_of(list(SWAP), unless=ELSEWHERE)
ARRANGED = any_of([*SWAP, "bigger", "smaller", "between", "middle", "outside"], unless=ELSEWHERE)
COLOUR, NUMBER = any_of([*COLOURS, *BACKGROUNDS]), any_of(NUMBERS)
OF_BACKGROUND = re.compile(r" background\b", re.IGNORECASE)
OF_PLACE = re.compile(r" (wall|fence|brick|field|hills)\b", re.IGNORECASE)  # each has one colour
OBJECT = re.compile(r" (an?|some|two|three|four)\b", re.IGNORECASE)  # what begins with it is an object
AFTER_ARTICLE = re.compile(r"\ban?( \w+){0,2} $", re.IGNORECASE)
AFTER_NUMBER = re.compile(rf"\b({'|'.join(NUMBERS)})( \w+){{0,2}} $", re.IGNORECASE)


def edit_caption(
    caption: str,
    example: Example,
    nouns: list[tuple[str, ...]],
    random: np.random.Generator,
    chances: np.ndarray | None = None,
) -> str | None:
    """One relation, colour, number or noun changed; None where the caption has none of them.

    nouns: the names of every thing of the dataset, as Thing.names; without them nouns stay
    chances (nouns): of each to be the false one, 1 together; None: all alike
    """
    nouns_shown = {name for thing in example.things for name in thing.names}
    names = {name for thing in example.things for name in thing.all_names()}
    kinds = [("relation", RELATION), ("colour", COLOUR), ("number", NUMBER)]
    swapped = example.swapped_of(caption)
    if swapped is None and any(example.swapped):  # other words than the scene's would give an edited caption away
        kinds = kinds[1:]
    if nouns and example.things:
        kinds.append(("noun", any_of([*names, *PLACES])))  # "hat" is no noun of its own in "top hat"
    fits = {
        "colour": lambda match: match[0].lower() not in names and colours_for(match, example),  # "an orange" is none
        "noun": lambda match: match[0].lower() in nouns_shown,
    }
    found = [(kind, list(filter(fits.get(kind), pattern.finditer(caption)))) for kind, pattern in kinds]
    found = [(kind, matches) for kind, matches in found if matches]
    if not found:
        return None
    shares = np.array([SHARES[kind] for kind, _ in found], dtype=float)
    kind, matches = found[random.choice(len(found), p=shares / shares.sum())]
    if kind == "relation":
        return swapped or RELATION.sub(exchange, caption)
    match = matches[random.integers(len(matches))]
    if kind == "noun":
        drawn = random.choice(len(nouns), DRAWS, p=chances)
        other = other_noun(match, example, [nouns[i] for i in drawn])
    else:
        words = NUMBERS if kind == "number" else colours_for(match, example)
        words = [word for word in words if word != match[0].lower()]
        other = words[random.integers(len(words))]
    if other is None:
        return None
    return mend_articles(caption[: match.start()] + other + caption[match.end() :])


def exchange(match: re.Match) -> str:
    """A word of RELATION -> its opposite: "below" -> "above", but "underneath a fox" -> "on top of a fox"."""
    word = match[0].lower()
    return "on top of" if word == "underneath" and OBJECT.match(match.string, match.end()) else SWAP[word]


def colours_for(match: re.Match, example: Example) -> list[str]:
    """What a colour may become. In drawn scenes nothing is of the others: they would give an edited caption away."""
    if not example.things:
        return COLOURS
    if OF_BACKGROUND.match(match.string, match.end()):
        return BACKGROUNDS
    is_tint = match[0].lower() in TINTS and not OF_PLACE.match(match.string, match.end())
    return TINTS if is_tint else []


def other_noun(match: re.Match, example: Example, drawn: list[tuple[str, ...]]) -> str | None:
    """The first name drawn of a thing that the picture does not show; plural for plural, and what is counted for what
    is ("a milk" would give an edited caption away). None where none fits.
    """
    named = [thing.names for thing in example.things if match[0].lower() in thing.names]
    before = match.string[: match.start()]
    is_plural = any(match[0].lower() == names[-1] != names[0] for names in named) or bool(AFTER_NUMBER.search(before))
    counted = is_plural or any(is_counted(names) for names in named) or bool(AFTER_ARTICLE.search(before))
    shown = example.shows()
    fitting = (names for names in drawn if is_counted(names) == counted and not shown.intersection(names))
    return next((names[-1 if is_plural else 0] for names in fitting), None)


def is_counted(names: tuple[str, ...]) -> bool:
    """Whether a noun takes an article: "a fox", "a sheep", but "some milk"."""
    return names[0] in UNCHANGED or (len(names) > 1 and names[0] not in MASS)


def mend_articles(caption: str) -> str:
    """ "a owl" would give an edited caption away."""
    mended = re.compile(r"\ban? (\w+)", re.IGNORECASE)
    return mended.sub(lambda match: f"{article(match[1].lower())} {match[1]}", caption)


def article(word: str) -> str:
    return "an" if re.match(r"(?!uni|euro|one\b)([aeiou]|hour)", word) else "a"
