import numpy as np
import torch

from training.data.dataset import Example, Thing
from training.data.negatives import confuse, find_maybe_true
from training.tests.conftest import CAT, FOX, FOXES, MILK


def test_captions_that_may_be_true_of_another_picture():
    related = Example([], [], [FOX, CAT], has_relation=True)
    alone = Example([], [], [FOX])
    captions = ["a fox left of a cat", "an animal left of a cat", "a fox", "AN ANIMAL.", "fox, cat"]
    found = find_maybe_true(captions, [related, related, alone, alone, related])
    assert found.tolist() == [
        [True, False, False, False, False],  # by nouns, with a relation: the other way round it is false
        [True, True, False, False, True],
        [True, True, True, True, True],
        [True, True, True, True, True],
        [True, True, False, False, True],  # of a picture with a relation, but it tells none
    ]
    similarity = torch.zeros(5, 5)
    (pictures,), texts = confuse(similarity, found, np.random.default_rng(0))
    assert pictures[1] in (2, 3)
    assert all(pictures[i] != i and texts[i] != i for i in range(5))


def test_captions_that_are_false_of_another_number_or_tint():
    def fox(count: int, tint: str | None = None) -> Example:
        return Example([], [], [Thing(FOX.names, ("animal", "animals"), ((0.5, 0.5, 0.1, 0.1),) * count, tint)])

    captions = ["a red fox", "two foxes", "some animals", "a fox"]
    examples = [fox(1, "red"), fox(2), fox(3), fox(1, "blue")]
    assert find_maybe_true(captions, examples).tolist() == [
        [True, True, True, False],  # a fox of its own colour may be called red
        [False, True, False, False],
        [False, True, True, False],
        [True, True, True, True],
    ]


def test_what_is_counted_by_another_word_is_false_of_another_number():
    def milk(count: int) -> Example:
        return Example([], [], [Thing(("milk", "glasses of milk"), (), ((0.5, 0.5, 0.1, 0.1),) * count)])

    captions = ["two glasses of milk", "milk", "some milk"]
    assert find_maybe_true(captions, [milk(2), milk(3), milk(1)]).tolist() == [
        [True, False, False],
        [True, True, True],
        [True, True, True],
    ]


def test_a_pair_is_no_false_one_twice():
    similarity = torch.zeros(8, 8)
    similarity[0, 1] = 50
    for seed in range(20):
        pictures, texts = confuse(similarity, np.eye(8, dtype=bool), np.random.default_rng(seed), pictures=3)
        assert pictures[0, 0] == 1
        for of_each in pictures:
            assert all(texts[picture] != text for text, picture in enumerate(of_each))
        assert all(len({text, *of_text}) == 4 for text, of_text in enumerate(pictures.T))


def test_a_part_may_be_true_of_other_pictures():
    captions = ["beach", "at night", "fox", "foxes"]
    examples = [
        Example([], [], [MILK], setting=("beach",)),
        Example([], [], [MILK], setting=("beach", "night")),
        Example([], [], [FOXES, MILK], setting=("night",)),
        Example([], [], [FOXES], setting=("road",)),
    ]
    alone = Example([], [], [FOX], setting=("road",))
    assert find_maybe_true([*captions, "a fox"], [*examples, alone]).tolist() == [
        [True, True, False, False, False],
        [False, True, True, False, False],
        [False, False, True, True, True],
        [False, False, True, True, False],  # several
        [False, False, True, True, True],
    ]


def test_what_lost_its_words_is_false_of_nothing():
    drawn, photograph = Example([], [], [FOX], setting=("beach",)), Example([], [])
    assert find_maybe_true(["[UNK]", "two foxes"], [drawn, drawn]).tolist() == [[True, True], [True, True]]
    assert find_maybe_true(["[UNK]", "two foxes"], [photograph, drawn]).tolist() == [[True, False], [False, True]]
