"""A step lowers each loss on the batch that it saw."""

import numpy as np
import pytest
import torch

from training.data.dataset import Dataset
from training.data.order import MATCHED, random_of
from training.optimizer import make_optimizers
from training.recipe import OBJECTIVES, OPTIMIZERS
from training.tasks.pretraining import Pretraining
from training.tests.conftest import stage, tiny


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_step_lowers_the_loss(objective: str, optimizer: str, data, vocabulary):
    network = tiny(vocabulary)
    chosen = stage({objective: 1.0}, optimizer=optimizer, learning_rate=1e-4, edit_rate=1.0, augment_rate=0)
    task = Pretraining(network, vocabulary, data, None, chosen, seed=1)

    def loss() -> torch.Tensor:
        ((weight, value),) = task.losses(1).values()
        return weight * value

    loss()  # mines, with the network as it is; later calls at step 1 read the same pool
    before = loss()
    before.backward()
    for each in make_optimizers(network, chosen):
        each.step()
    after = loss()
    assert after.item() < before.item()


def test_objectives_take_turns(data, vocabulary):
    task = Pretraining(
        tiny(vocabulary),
        vocabulary,
        data,
        None,
        stage({"matching": 1, "masking": 0.5, "contrastive": 2}, take_turns=("masking", "contrastive")),
        seed=1,
    )
    assert {name: weight for name, (weight, _) in task.losses(0).items()} == {"matching": 1, "masking": 0.5}
    assert {name: weight for name, (weight, _) in task.losses(1).items()} == {"matching": 1, "contrastive": 2}


def test_masking_may_read_the_first_pairs_of_a_larger_batch(data, vocabulary, monkeypatch):
    network = tiny(vocabulary)
    joint, read = network.joint, []

    def counted(texts: torch.Tensor, *rest, **options) -> torch.Tensor:
        read.append(len(texts))
        return joint(texts, *rest, **options)

    monkeypatch.setattr(network, "joint", counted)
    for masked in (3, 0):
        chosen = stage({"contrastive": 1, "masking": 1}, masked=masked)
        Pretraining(network, vocabulary, data, None, chosen, seed=1).losses(0)
    assert read == [3, chosen.batch]


def test_false_pairs_are_chosen_alike_whether_the_prefilter_learns_from_them(data, vocabulary):
    network = tiny(vocabulary)
    chosen = [
        Pretraining(network, vocabulary, data, None, stage(dict.fromkeys(names, 1.0)), seed=1).losses(0)["matching"]
        for names in [["matching"], ["matching", "hard_contrastive"]]
    ]
    assert chosen[0][1].item() == chosen[1][1].item()


def test_false_pairs_may_be_drawn_at_random_beside_a_prefilter_that_learns(data, vocabulary):
    network = tiny(vocabulary)
    chosen = [
        Pretraining(network, vocabulary, data, None, stage(dict.fromkeys(names, 1.0), hard_negatives=False), seed=1)
        .losses(0)["matching"][1]
        .item()
        for names in [["matching"], ["matching", "hard_contrastive"]]
    ]
    assert chosen[0] == chosen[1]


def test_a_picture_alone_of_its_shape_is_no_false_pair_of_itself(data, vocabulary):
    square, wide = data.pictures.by_shape().values()

    def draws(indices: list[int], *, hard: bool) -> list[list[int]]:
        some = Dataset([data.examples[i] for i in indices], data.pictures.only(indices))
        chosen = stage({"matching": 1.0}, hard_negatives=hard)
        task = Pretraining(tiny(vocabulary), vocabulary, some, None, chosen, seed=1)
        return [sorted(task.paired.mining.draw(step, random_of(1, MATCHED, step))[0]) for step in range(8)]

    for hard in (True, False):
        assert draws([square[0], square[1], wide[0]], hard=hard) == [[0, 1]] * 8
        with pytest.raises(ValueError, match="no two training pictures are"):
            draws([square[0], wide[0]], hard=hard)


def test_negatives_leave_no_weight_without_gradient_under_autocast(data, vocabulary):
    network = tiny(vocabulary)
    task = Pretraining(network, vocabulary, data, None, stage({"matching": 1.0}), seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        losses = task.losses(0)
    losses["matching"][1].backward()
    idle = [name for name, p in network.vilt.named_parameters() if p.grad is None or not p.grad.any()]
    assert [name for name in idle if "key.bias" not in name] == []  # softmax does not see a key's bias


def test_a_step_draws_the_same_whenever_it_is_drawn(data, vocabulary):
    network = tiny(vocabulary)
    objectives = dict.fromkeys(OBJECTIVES, 1.0)
    first, second = (Pretraining(network, vocabulary, data, None, stage(objectives), seed=1) for _ in range(2))
    with torch.no_grad():
        first.losses(0)
        after = {name: loss.item() for name, (_, loss) in first.losses(2).items()}
        assert {name: loss.item() for name, (_, loss) in second.losses(2).items()} == after
    assert np.isfinite(list(after.values())).all()
