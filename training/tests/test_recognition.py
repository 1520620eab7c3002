import numpy as np
import pytest
import torch

from training.data.dataset import Example, Thing
from training.tasks.batch import Pairs
from training.tasks.pretraining import Pretraining
from training.tasks.recognition import UNIFORM, Recognition
from training.tests.conftest import stage, tiny

LEFT, RIGHT = (0.25, 0.5, 0.5, 1.0), (0.75, 0.5, 0.5, 1.0)
WALL, DOOR = Thing(("wall",), (), (LEFT,)), Thing(("door",), (), (RIGHT,))
RED_WALL = Thing(("red wall",), (), (LEFT,))
NOUNS = [("door",), ("red wall",), ("wall",)]


def batch_of(size: int) -> Pairs:
    return Pairs(np.arange(size), ["a wall"] * size, torch.zeros(size, 32, 32, 3), None)


@pytest.fixture
def recognition(vocabulary) -> Recognition:
    return Recognition(tiny(vocabulary), vocabulary, NOUNS)


def test_a_noun_of_several_pieces_is_their_mean(recognition, vocabulary):
    red, wall = (vocabulary.pieces.index(word) for word in ("red", "wall"))
    states = torch.randn(1, 32)
    logits = recognition.network.nouns(states, recognition.means)[0]
    whole = recognition.network.words(states)[0]
    assert logits[2].item() == pytest.approx(whole[wall].item(), abs=1e-5)
    assert logits[1].item() == pytest.approx((whole[red] + whole[wall]).item() / 2, abs=1e-5)


def test_the_loss_is_that_of_the_nouns_of_the_patches(recognition):
    patches = torch.randn(2, 4, 32)
    found = recognition(batch_of(2), [Example(["a wall"], [None], [WALL, DOOR]), Example(["?"], [None], [])], patches)
    expected = []
    for thing, pooled in ((WALL, patches[0, [0, 2]].mean(0)), (DOOR, patches[0, [1, 3]].mean(0))):
        logits = recognition.network.nouns(pooled[None], recognition.means)
        expected.append(-logits.log_softmax(1)[0, NOUNS.index(thing.names)].item())
    assert found.loss.item() == pytest.approx(np.mean(expected), abs=1e-5)


def test_false_nouns_are_likely_as_they_are_taken_for_what_is_shown(recognition):
    patches = torch.randn(3, 4, 32)
    shown = [[WALL], [], [WALL, DOOR, RED_WALL]]
    chances = recognition(batch_of(3), [Example(["?"], [None], things) for things in shown], patches).chances()
    assert chances.sum(1) == pytest.approx(1)
    taken = recognition.network.nouns(patches[0, [0, 2]].mean(0)[None], recognition.means).softmax(1)[0].tolist()
    false = [UNIFORM / 3 + (1 - UNIFORM) * taken[i] / (taken[0] + taken[1]) for i in (0, 1)]
    assert chances[0] == pytest.approx([false[0] / sum(false), false[1] / sum(false), 0], abs=1e-5)
    assert chances[1] == pytest.approx([1 / 3] * 3, abs=1e-5)  # nothing is shown
    assert (chances[2] > 0).all()  # all is shown: whichever is drawn is refused where it is read


def test_without_objects_there_is_nothing_to_tell(recognition):
    found = recognition(batch_of(1), [Example(["?"], [None], [])], torch.randn(1, 4, 32, requires_grad=True))
    assert (found.loss.item(), found.chances()) == (0, None)
    found.loss.backward()


def test_the_pictures_of_a_contrastive_batch_are_recognized_too(data, vocabulary):
    def loss(**objectives: float) -> float:
        task = Pretraining(tiny(vocabulary), vocabulary, data, None, stage(objectives, augment_rate=0), seed=1)
        return task.losses(0)["recognition"][1].item()

    plain, paired = loss(contrastive=1, recognition=1), loss(recognition=1, matching=1)
    assert plain != paired
    assert loss(contrastive=1, recognition=1, matching=1) == pytest.approx((plain + paired) / 2, abs=1e-5)


def test_alone_it_reads_no_captions(data, vocabulary):
    task = Pretraining(tiny(vocabulary), vocabulary, data, None, stage({"recognition": 1}, augment_rate=0), seed=1)
    task.paired.batches.tokens = None
    loss = task.losses(0)["recognition"][1]
    loss.backward()
    assert loss.item() > 0
