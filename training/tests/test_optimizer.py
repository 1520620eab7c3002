"""Muon's steps against PyTorch's own, and which weights are whose."""

import torch
from torch import nn

from training.optimizer import Muon, make_optimizers, orthogonalize
from training.tests.conftest import stage, tiny


def test_singular_values_end_about_1():
    torch.manual_seed(1)
    for shape in [(3, 16, 16), (2, 8, 32), (2, 32, 8)]:
        matrices = torch.randn(shape)
        found = orthogonalize(matrices)
        assert found.shape == matrices.shape
        values = torch.linalg.svdvals(found)
        assert values.min() > 0.4
        assert values.max() < 1.3
        left, _, right = torch.linalg.svd(matrices, full_matrices=False)
        assert torch.cosine_similarity(found.flatten(1), (left @ right).flatten(1)).min() > 0.9


def test_muon_is_as_pytorchs_own():
    torch.manual_seed(1)
    own, theirs = ([nn.Parameter(torch.ones(shape)) for shape in [(8, 8), (4, 16), (16, 4)]] for _ in range(2))
    optimizers = [
        Muon(own, lr=0.01, weight_decay=0.1),
        torch.optim.Muon(theirs, lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
    ]
    for _ in range(3):
        for one, other in zip(own, theirs, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(own, theirs, strict=True):
        moved = other.detach() - 1
        assert (one.detach() - other.detach()).norm() < 0.05 * moved.norm()  # theirs has bfloat16


def test_muon_has_the_matrices_of_the_blocks_alone(vocabulary):
    network = tiny(vocabulary)
    adam, muon = make_optimizers(network, stage({"matching": 1}, optimizer="muon"))
    names = {parameter: name for name, parameter in network.named_parameters()}
    theirs = [names[parameter] for group in muon.param_groups for parameter in group["params"]]
    assert len(theirs) == 2 * 6  # of two blocks: query, key, value, output of the attention, and the two of the MLP
    assert all(name.startswith("vilt.encoder.layer.") and name.endswith(".weight") for name in theirs)
    rest = [names[parameter] for group in adam.param_groups for parameter in group["params"]]
    assert sorted(theirs + rest) == sorted(names.values())
    assert len(make_optimizers(network, stage({"matching": 1}))) == 1
