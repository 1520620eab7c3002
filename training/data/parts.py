"""Captions of a part of a drawn scene, as people look for it: "fox", "two foxes at night", "on the beach".

The scene's own captions name every object of it; of them alone a network learns that a picture of a fox and a castle
is no picture of a fox.
"""

import re

import numpy as np

from training.data.dataset import Example, Thing
from training.data.edits import NUMBERS, article, is_counted

PLACE_ALONE = 0.15  # of captions of a part; of the others each of these is a chance:
WITH_PLACE = 0.35
ANOTHER = 0.3  # of a scene with three objects or more
OTHER_NAME = 0.2  # "animal", "puppies"
TOLD_TINT = 0.5
PLURAL = 0.75  # of what there is several of
NUMBER = 0.5  # of plurals
ARTICLE = 0.5

NO_PLACE_ALONE = (None, "sky")  # there is sky over most scenes

PREPOSITIONS = r"(?:on|in|at|by|under|inside)(?: (?:an?|the|outer|dark|wooden))?"


def tell_part(example: Example, random: np.random.Generator) -> str | None:
    """None of what was not drawn."""
    if not example.things:
        return None
    place = place_of(example, random)
    if place not in NO_PLACE_ALONE and random.random() < PLACE_ALONE:
        return place
    chosen = random.permutation(len(example.things))[: 1 + (len(example.things) > 2 and random.random() < ANOTHER)]
    named = [name_part(example.things[i], own_names(example.things, i), random) for i in chosen]
    told = named[0] if len(named) == 1 else random.choice([" and ", ", ", " "]).join(named)
    return f"{told} {place}" if place is not None and random.random() < WITH_PLACE else told


def own_names(things: list[Thing], i: int) -> list[str]:
    """Synonyms and hypernyms of a thing that no other thing of the picture has: of a red fox beside a blue cat, "blue
    animal" is not false."""
    taken = {name for j, other in enumerate(things) if j != i for name in other.all_names()}
    return [name for name in things[i].others if name not in taken]


def name_part(thing: Thing, others: list[str], random: np.random.Generator) -> str:
    """ "fox", "a red fox", "some milk", "two foxes", and of one thing by `others` in either number, as people type what
    they look for: "animals"."""
    tint = thing.tint if thing.tint is not None and random.random() < TOLD_TINT else None
    count, several = len(thing.boxes), len(thing.boxes) > 1 and len(thing.names) > 1
    if several and random.random() < PLURAL:
        number = NUMBERS[count - 2] if random.random() < NUMBER and count - 2 < len(NUMBERS) else None
        return words(number, tint, thing.names[-1])
    if count == 1 and others and random.random() < OTHER_NAME:
        return words(tint, str(random.choice(others)))
    noun = words(tint, thing.names[0])
    if count > 1 or random.random() >= ARTICLE:
        return noun
    return words(article(noun) if is_counted(thing.names) else "some", noun)


def place_of(example: Example, random: np.random.Generator) -> str | None:
    """Where the scene is or what the weather is, as one of its captions has it: "at night", "beach"."""
    said = [place for name in example.setting for caption in example.captions for place in places_in(caption, name)]
    return str(random.choice(said)) if said else None


def places_in(caption: str, name: str) -> list[str]:
    """name: of a background or a weather. A pattern is none: "on a striped background"."""
    place = re.compile(rf"\b(?:{PREPOSITIONS} )?{re.escape(name)}\b(?! (?:background|sky)\b)", re.IGNORECASE)
    return [match[0].lower() for match in place.finditer(caption)]


def words(*parts: str | None) -> str:
    return " ".join(part for part in parts if part is not None)
