from dataclasses import replace

import numpy as np
import pytest
import torch

from training.data.dataset import Dataset, Example, Thing
from training.data.edits import edit_caption
from training.data.negatives import find_maybe_true
from training.data.parts import place_of, tell_part
from training.data.vocabulary import Vocabulary
from training.recipe import read_recipe
from training.tasks.batch import Batches
from training.tasks.mining import Mining
from training.tests.conftest import BOX, FOX, FOXES, MILK, stage, tiny

RED_FOX = replace(FOX, tint="red")
GRAPES = Thing(("grapes",), (), (BOX, BOX))
SHEEP = Thing(("sheep",), (), (BOX, BOX))


def parts(*things: Thing, captions: tuple[str, ...] = (), setting: tuple[str, ...] = ()) -> set[str]:
    random = np.random.default_rng(1)
    example = Example(list(captions), [None] * len(captions), list(things), setting=setting)
    return {tell_part(example, random) for _ in range(2000)}


def test_what_was_not_drawn_has_no_parts():
    assert parts(captions=("a photograph of a fox",)) == {None}


def test_one_thing_by_its_names():
    assert parts(RED_FOX) == {"fox", "a fox", "red fox", "a red fox", "animal", "animals", "red animal", "red animals"}


def test_names_that_another_thing_has_too_are_no_part():
    cat = Thing(("cat", "cats"), ("pet", "pets", "animal", "animals"), (BOX,))
    assert parts(RED_FOX, cat) == {"fox", "a fox", "red fox", "a red fox", "cat", "a cat", "pet", "pets"}


def test_several_of_a_thing():
    assert parts(FOXES) == {"fox", "foxes", "two foxes"}


def test_what_is_not_counted():
    assert parts(MILK) == {"milk", "some milk"}
    assert parts(GRAPES) == {"grapes"}
    assert parts(SHEEP) == {"sheep"}  # two of them are not "a sheep"


def test_two_of_three_things():
    told = parts(FOXES, MILK, GRAPES)
    assert {"milk", "milk and grapes", "two foxes, some milk", "grapes fox"} <= told
    assert not any("milk" in part and "grapes" in part and "fox" in part for part in told)
    assert not any("milk" in part and "fox" in part for part in parts(FOXES, MILK))


def test_a_place_as_the_captions_have_it():
    captions = ("Milk ON THE BEACH under the night sky.", "milk, beach", "milk on a striped background")
    told = parts(MILK, captions=captions, setting=("beach", "night", "striped"))
    places = {"on the beach", "beach"}
    assert told == places | {
        f"{milk}{place}" for milk in ("milk", "some milk") for place in ("", " on the beach", " beach")
    }


def test_a_place_that_no_caption_tells():
    example = Example(["milk on the grass"], [None], [MILK], setting=("meadow",))
    assert place_of(example, np.random.default_rng(1)) is None


def test_a_part_may_be_true_of_surroundings_and_of_what_is_called_so_too():
    tree, truck = Thing(("tree", "trees"), (), (BOX,)), Thing(("fire truck", "fire trucks"), (), (BOX,))
    captions = ["tree", "in the rain", "a truck", "in the forest"]
    examples = [
        Example([], [], [tree], setting=("meadow",)),
        Example([], [], [FOX], setting=("rain",)),
        Example([], [], [Thing(("truck", "trucks"), (), (BOX,))], setting=("storm",)),
        Example([], [], [truck], setting=("forest",)),
    ]
    assert find_maybe_true(captions, examples).tolist() == [
        [True, False, False, True],
        [False, True, True, False],
        [False, False, True, True],
        [False, False, False, True],
    ]
    random = np.random.default_rng(1)
    nouns = [("tree", "trees"), ("truck", "trucks"), ("owl", "owls")]
    assert {edit_caption("fire truck", examples[3], nouns, random) for _ in range(50)} == {"owl"}


def test_a_share_of_the_captions_becomes_parts(data: Dataset, vocabulary: Vocabulary):
    indices = np.arange(24).repeat(50)

    def draw(rate: float) -> list[str]:
        batches = Batches(data, vocabulary, stage({"contrastive": 1.0}, part_rate=rate), torch.device("cpu"))
        return batches.draw_captions(indices, np.random.default_rng(1))

    written = set(data.captions())
    told = [caption for caption in draw(0.3) if caption not in written]
    assert len(told) == pytest.approx(0.3 * len(indices), abs=60)
    assert set(told) == {"wall", "a wall", "door", "a door"}
    assert set(draw(0)) <= written


def test_pools_of_neighbours_have_parts_too(data: Dataset, vocabulary: Vocabulary):
    batches = Batches(data, vocabulary, stage({"matching": 1.0}, part_rate=1.0), torch.device("cpu"))
    mining = Mining(tiny(vocabulary), batches, 1, hard=True)
    _, captions = mining.draw(0, np.random.default_rng(1))
    assert set(captions) <= {"wall", "a wall", "door", "a door"}


def test_a_rate_that_is_no_share_is_told(tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[[stages]]\nname = "only"\nsteps = 1\nobjectives = { matching = 1 }\n')
    with pytest.raises(ValueError, match="part_rate is a share from 0 to 1, but is"):
        read_recipe(recipe, ["stages.only.part_rate=1.5"])
