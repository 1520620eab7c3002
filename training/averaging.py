"""One model of several that were trained on from the same weights."""

from pathlib import Path

import torch

from training.data.vocabulary import Vocabulary
from training.export import export
from training.network import Vilt
from training.recipe import Network
from training.start import Tensors, average, build_network, read_stored, read_vocabulary, weights_at_start


def average_models(models: list[Path], shares: list[float], output: Path, full: Path) -> None:
    """Writes the weighted mean of their weights (Wortsman et al., Model soups, 2022), with the vocabulary, the sizes
    and the heads of the last. A head or a word that one does not have is the mean of the others.

    full: the vocabulary of a model that brings none
    """
    if len(shares) != len(models) or len(models) < 2 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(
            "Expected two models or more and a share above 0 of each, 1 together; "
            f"got {len(models)} models, shares {shares}."
        )
    last = models[-1]
    vocabulary = Vocabulary(read_vocabulary(last, full))
    network, heads = build_network(Network(start=str(last)), vocabulary, full)
    others = [read_like(network, model, vocabulary, full) for model in models[:-1]]
    average(network, *zip(others, shares[:-1], strict=True))
    half = any(tensor.dtype == torch.float16 for tensor in read_stored(last).values())
    export(network, vocabulary, output, heads=heads, half=half)


def read_like(network: Vilt, model: Path, vocabulary: Vocabulary, full: Path) -> Tensors:
    """Weights of a model as those of a network, NaN where it has none."""
    projection = network.prefilter.image_projection.out_features
    sizes = Network(start=str(model), side=network.config.image_size, projection=projection)
    other, heads = build_network(sizes, vocabulary, full)
    shapes = {name: tensor.shape for name, tensor in other.named_parameters()}
    for name, tensor in network.named_parameters():
        if shapes.get(name) != tensor.shape:
            raise ValueError(f"Expected models of one shape, but {model} has another {name} than the last.")
    return weights_at_start(other, heads, model, vocabulary, full)
