"""Passes over texts of many lengths equal a pass over each text alone."""

import pytest
import torch

from training.network import LEAST_ROWS, MOST_PARTS, Vilt, order_of, split_by_length
from training.tests.conftest import tiny

LENGTHS = torch.randint(3, 12, (MOST_PARTS * LEAST_ROWS,), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def network(vocabulary) -> Vilt:
    return tiny(vocabulary).eval()


@pytest.fixture
def texts(vocabulary) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.randint(5, len(vocabulary), (len(LENGTHS), 12), generator=torch.Generator().manual_seed(2))
    mask = torch.arange(12)[None] < LENGTHS[:, None]
    return ids * mask, mask


def test_a_batch_is_split_by_length(texts):
    parts = split_by_length(texts[1])
    assert len(parts) == MOST_PARTS
    assert [length for _, length in parts] == sorted(length for _, length in parts)
    assert torch.cat([rows for rows, _ in parts])[order_of(parts)].tolist() == list(range(len(LENGTHS)))
    assert len(split_by_length(texts[1][: 2 * LEAST_ROWS - 1])) == 1


@torch.no_grad()
def test_a_joint_pass_reads_each_text_with_its_own_picture(network, texts):
    ids, mask = texts
    text = network.embed_text(ids)
    image = torch.randn(len(ids), 5, text.shape[2], generator=torch.Generator().manual_seed(3))
    states = network.joint(text, mask, image)
    assert states.shape == (len(ids), 12 + 5, text.shape[2])
    for row, length in enumerate(LENGTHS):
        alone = network.encode(torch.cat([text[row : row + 1, :length], image[row : row + 1]], dim=1))[0]
        found = torch.cat([states[row, :length], states[row, 12:]])
        assert torch.allclose(found, alone, atol=1e-5)


def test_the_first_state_alone_is_that_of_all(network, texts):
    ids, mask = texts
    image = torch.randn(len(ids), 5, 32, generator=torch.Generator().manual_seed(3))
    gradients = []
    for first in (
        lambda text: network.joint(text, mask, image)[:, :1],
        lambda text: network.joint(text, mask, image, only_first=True),
    ):
        network.zero_grad()
        states = first(network.embed_text(ids))
        states[..., ::2].sum().backward()
        gradients.append([states.detach()] + [p.grad for p in network.vilt.encoder.parameters()])
    for whole, alone in zip(*gradients, strict=True):
        assert torch.allclose(whole, alone, atol=1e-4)


@torch.no_grad()
def test_embeddings_of_texts_do_not_depend_on_the_others(network, texts):
    ids, mask = texts
    embeddings = network.embed_texts(ids, mask)
    for row, length in enumerate(LENGTHS):
        alone = network.embed_texts(ids[row : row + 1, :length], mask[row : row + 1, :length])[0]
        assert torch.allclose(embeddings[row], alone, atol=1e-5)
