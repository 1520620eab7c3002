"""Captions made false by one small change: what a prefilter cannot tell from the true one, and a joint pass can."""

import re

import numpy as np

from training.data.dataset import Example

OPPOSITES = [
    ("left", "right"), ("above", "below"), ("over", "under"), ("top", "bottom"), ("on top", "underneath"),
    ("in front of", "behind"), ("big", "small"), ("large", "tiny"), ("huge", "little"),
]  # fmt: skip
COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray"]
NUMBERS = ["two", "three", "four"]

SWAP = {a: b for pair in OPPOSITES for a, b in (pair, pair[::-1])}
DRAWS = 20  # of another noun
SHARES = {
    "relation": 2,
    "colour": 2,
    "number": 2,
    "noun": 1,
}  # how often each kind is chosen where it applies


# Where a word of OPPOSITES is part of a place or of a name.
ELSEWHERE = r"(?! (?:the stars|the night sky|water|snowy peaks|hat)\b)"


def any_of(words: list[str], *, unless: str = "") -> re.Pattern:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b{unless}", re.IGNORECASE)


RELATION = any_of(list(SWAP), unless=ELSEWHERE)
ARRANGED = any_of([*SWAP, "bigger", "smaller", "between", "middle", "outside"], unless=ELSEWHERE)
COLOUR, NUMBER = any_of(COLOURS), any_of(NUMBERS)
OBJECT = re.compile(r" (an?|some|two|three|four)\b", re.IGNORECASE)  # what begins with it is an object
AFTER_ARTICLE = re.compile(r"\ban?( \w+){0,2} $", re.IGNORECASE)


def edit_caption(
    caption: str, example: Example, nouns: list[tuple[str, ...]], random: np.random.Generator
) -> str | None:
    """One relation, colour, number or noun changed; None where the caption has none of them.

    nouns: the names of every thing of the dataset, as Thing.names; without them nouns stay
    """
    kinds = [("relation", RELATION), ("colour", COLOUR), ("number", NUMBER)]
    if nouns and example.things:
        kinds.append(("noun", any_of([name for thing in example.things for name in thing.names])))
    names = {name for thing in example.things for name in thing.all_names()}
    found = [(kind, list(pattern.finditer(caption))) for kind, pattern in kinds]
    # "an orange" is no colour.
    found = [(kind, [m for m in matches if kind != "colour" or m[0].lower() not in names]) for kind, matches in found]
    found = [(kind, matches) for kind, matches in found if matches]
    if not found:
        return None
    shares = np.array([SHARES[kind] for kind, _ in found], dtype=float)
    kind, matches = found[random.choice(len(found), p=shares / shares.sum())]
    if kind == "relation":
        return RELATION.sub(exchange, caption)
    match = matches[random.integers(len(matches))]
    if kind == "noun":
        other = other_noun(match, example, nouns, random)
    else:
        words = [word for word in (COLOURS if kind == "colour" else NUMBERS) if word != match[0].lower()]
        other = words[random.integers(len(words))]
    if other is None:
        return None
    return mend_articles(caption[: match.start()] + other + caption[match.end() :])


def exchange(match: re.Match) -> str:
    """A word of RELATION -> its opposite: "below" -> "above", but "underneath a fox" -> "on top of a fox"."""
    word = match[0].lower()
    return "on top of" if word == "underneath" and OBJECT.match(match.string, match.end()) else SWAP[word]


def other_noun(
    match: re.Match, example: Example, nouns: list[tuple[str, ...]], random: np.random.Generator
) -> str | None:
    """The name of a thing that the picture does not show; plural for plural, and what is counted for what is ("a milk"
    would give an edited caption away). None where a few draws find none.
    """
    named = [thing.names for thing in example.things if match[0].lower() in thing.names]
    is_plural = any(match[0].lower() == names[-1] != names[0] for names in named)
    is_counted = any(len(names) > 1 for names in named) or bool(AFTER_ARTICLE.search(match.string[: match.start()]))
    shown = {name for thing in example.things for name in thing.all_names()}
    drawn = (nouns[i] for i in random.integers(len(nouns), size=DRAWS))
    fitting = (names for names in drawn if (len(names) > 1) == is_counted and not shown.intersection(names))
    return next((names[-1 if is_plural else 0] for names in fitting), None)


def mend_articles(caption: str) -> str:
    """ "a owl" would give an edited caption away."""
    mended = re.compile(r"\ban? (\w+)", re.IGNORECASE)
    return mended.sub(lambda match: f"{article(match[1].lower())} {match[1]}", caption)


def article(word: str) -> str:
    return "an" if re.match(r"(?!uni|euro|one\b)([aeiou]|hour)", word) else "a"
