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


def any_of(words: list[str]) -> re.Pattern:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


RELATION, COLOUR, NUMBER = any_of(list(SWAP)), any_of(COLOURS), any_of(NUMBERS)


def edit_caption(
    caption: str, example: Example, nouns: list[tuple[str, ...]], random: np.random.Generator
) -> str | None:
    """One relation, colour, number or noun changed; None where the caption has none of them.

    nouns: the names of every thing of the dataset, as Thing.names; without them nouns stay
    """
    kinds = [("relation", RELATION), ("colour", COLOUR), ("number", NUMBER)]
    if nouns and example.things:
        kinds.append(("noun", any_of([name for thing in example.things for name in thing.names])))
    found = [(kind, list(pattern.finditer(caption))) for kind, pattern in kinds]
    found = [(kind, matches) for kind, matches in found if matches]
    if not found:
        return None
    shares = np.array([SHARES[kind] for kind, _ in found], dtype=float)
    kind, matches = found[random.choice(len(found), p=shares / shares.sum())]
    if kind == "relation":
        return RELATION.sub(lambda match: SWAP[match[0].lower()], caption)
    match = matches[random.integers(len(matches))]
    if kind == "noun":
        other = other_noun(match[0].lower(), example, nouns, random)
    else:
        words = [word for word in (COLOURS if kind == "colour" else NUMBERS) if word != match[0].lower()]
        other = words[random.integers(len(words))]
    if other is None:
        return None
    return mend_articles(caption[: match.start()] + other + caption[match.end() :])


def other_noun(name: str, example: Example, nouns: list[tuple[str, ...]], random: np.random.Generator) -> str | None:
    """The name of a thing that the picture does not show; plural for plural. None where a few draws find none."""
    is_plural = any(name == thing.names[-1] != thing.names[0] for thing in example.things)
    shown = {name for thing in example.things for name in thing.all_names()}
    drawn = (nouns[i] for i in random.integers(len(nouns), size=DRAWS))
    return next((names[-1 if is_plural else 0] for names in drawn if not shown.intersection(names)), None)


def mend_articles(caption: str) -> str:
    """ "a owl" would give an edited caption away."""
    return re.sub(r"\b(an?) (\w+)", lambda match: f"{article(match[2])} {match[2]}", caption)


def article(word: str) -> str:
    return "an" if re.match(r"(?!uni|euro|one\b)([aeiou]|hour)", word) else "a"
