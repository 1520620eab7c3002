"""Each loss equals a small re-computation that shares no code with it."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from training.objectives.alignment import alignment_loss, cosine_cost, ipot, transport_distance
from training.objectives.answering import answering_loss, soft_accuracy
from training.objectives.contrastive import SMOOTHING, contrastive_loss, hard_contrastive_loss
from training.objectives.grounding import TEMPERATURE, grounding_loss, patch_targets
from training.objectives.masking import IGNORED, mask_words, masking_loss
from training.objectives.matching import editing_loss, matching_loss, ranking_loss
from training.objectives.reasoning import reasoning_loss
from training.objectives.recognition import pool_objects, recognition_loss
from training.objectives.retrieval import retrieval_loss

GOLDEN = Path(__file__).parents[2] / "test/fixtures/ipot/cases.safetensors"


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def cross_entropy(logits: list[float], label: int) -> float:
    return math.log(sum(math.exp(x) for x in logits)) - logits[label]


def test_matching():
    true, false = [1.5, -0.5], [0.2, -1.0, 3.0]
    expected = np.mean([-math.log(sigmoid(x)) for x in true]) + np.mean([-math.log(1 - sigmoid(x)) for x in false])
    assert matching_loss(torch.tensor(true), torch.tensor(false)).item() == pytest.approx(expected / 2)


def test_ranking():
    none = -math.inf
    scores = [[1.0, 0.5, none], [none, 2.0, 3.0], [-1.0, 0.0, 0.2]]
    by_text = [cross_entropy([1, 0.5], 0), cross_entropy([2, 3], 0), cross_entropy([0.2, -1, 0], 0)]
    by_picture = [cross_entropy([1, -1], 0), cross_entropy([2, 0.5, 0], 0), cross_entropy([0.2, 3], 0)]
    expected = (np.mean(by_text) + np.mean(by_picture)) / 2
    assert ranking_loss(torch.tensor(scores)).item() == pytest.approx(expected)


def test_editing():
    true, edited = [1.0, 0.0], [0.5, 2.0]
    expected = np.mean([-math.log(sigmoid(t - e)) for t, e in zip(true, edited, strict=True)])
    assert editing_loss(torch.tensor(true), torch.tensor(edited)).item() == pytest.approx(expected)
    assert editing_loss(torch.tensor([]), torch.tensor([])).item() == 0


def test_contrastive():
    random = np.random.default_rng(1)
    images, texts = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in random.normal(size=(2, 3, 4)))
    logits = 5 * images @ texts.T
    target = np.full((3, 3), SMOOTHING / 3) + np.eye(3) * (1 - SMOOTHING)
    rows = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    columns = np.exp(logits) / np.exp(logits).sum(0, keepdims=True)
    expected = -(target * np.log(rows)).sum(1).mean() / 2 - (target * np.log(columns)).sum(0).mean() / 2
    found = contrastive_loss(torch.from_numpy(images), torch.from_numpy(texts), torch.tensor(5.0))
    assert found.item() == pytest.approx(expected)


def test_hard_contrastive():
    logits = [[2.0, 1.5, -1.0], [0.5, 1.0, 3.0], [0.0, 2.5, 0.5]]
    maybe_true = [[True, False, False], [False, True, True], [False, False, True]]
    rows = [cross_entropy([2.0, 1.5, -1.0], 0), cross_entropy([0.5, 1.0], 1), cross_entropy([0.0, 2.5, 0.5], 2)]
    columns = [cross_entropy([2.0, 0.5, 0.0], 0), cross_entropy([1.5, 1.0, 2.5], 1), cross_entropy([-1.0, 0.5], 1)]
    found = hard_contrastive_loss(torch.tensor(logits), torch.tensor(maybe_true))
    assert found.item() == pytest.approx((np.mean(rows) + np.mean(columns)) / 2)


def test_hard_contrastive_with_captions_made_false():
    logits, edited = [[2.0, 1.5], [0.5, 1.0]], [1.8, -math.inf]
    rows = [cross_entropy([2.0, 1.5], 0), cross_entropy([0.5, 1.0], 1)]
    columns = [cross_entropy([2.0, 0.5, 1.8], 0), cross_entropy([1.5, 1.0], 1)]
    own = torch.eye(2, dtype=torch.bool)
    found = hard_contrastive_loss(torch.tensor(logits), own, torch.tensor(edited))
    assert found.item() == pytest.approx((np.mean(rows) + np.mean(columns)) / 2)


def test_recognition():
    patches = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]]])
    pooled = pool_objects(patches, torch.tensor([[0.5, 0.5, 0.0]]))
    assert pooled.tolist() == [[2.0, 2.0]]
    logits = [[1.0, 2.0, 0.5], [0.0, -1.0, 4.0]]
    expected = np.mean([cross_entropy(logits[0], 1), cross_entropy(logits[1], 0)])
    assert recognition_loss(torch.tensor(logits), torch.tensor([1, 0])).item() == pytest.approx(expected)
    assert recognition_loss(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)).item() == 0


def test_masking():
    logits = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 4.0]])
    expected = np.mean([cross_entropy([1.0, 2.0, 0.5], 1), cross_entropy([0.0, -1.0, 4.0], 0)])
    assert masking_loss(logits, torch.tensor([1, 0])).item() == pytest.approx(expected)


def test_whole_words_are_masked_at_the_rate():
    words = np.tile([-1, 0, 1, 1, 1, 2, 3, -1, -1], (20_000, 1))  # the second word has three pieces
    ids = np.where(words >= 0, 100 + np.arange(9), np.array([2, 0, 0, 0, 0, 0, 0, 3, 0]))
    options = {"rate": 0.15, "mask_id": 4, "first_word": 5, "vocabulary": 200}
    inputs, labels = mask_words(ids, words, **options, random=np.random.default_rng(2))
    chosen = labels != IGNORED
    assert (labels[chosen] == ids[chosen]).all()
    assert (inputs[~chosen] == ids[~chosen]).all()
    assert not chosen[words < 0].any()
    assert (chosen[:, 2] == chosen[:, 3]).all()
    assert (chosen[:, 3] == chosen[:, 4]).all()
    assert chosen.any(axis=1).all()
    # Each word by the rate, or as the one that a text has at least: 0.85^4 of the texts have no other, a quarter each.
    assert chosen[:, 1].mean() == pytest.approx(0.15 + 0.85**4 / 4, abs=0.01)
    assert (inputs[chosen] == 4).mean() == pytest.approx(0.8, abs=0.02)
    assert (inputs[chosen] == ids[chosen]).mean() == pytest.approx(0.1, abs=0.02)


def test_words_are_masked_at_rates_of_their_own():
    words = np.tile([-1, 0, 1, 1, 2, -1], (20_000, 1))  # the second word has two pieces
    ids = np.where(words >= 0, 100 + np.arange(6), np.array([2, 0, 0, 0, 0, 3]))
    rates = np.tile([0, 0, 0.6, 0.1, 0.3, 0], (20_000, 1))  # that of its second piece does not count
    options = {"rate": rates, "mask_id": 4, "first_word": 5, "vocabulary": 200}
    _, labels = mask_words(ids, words, **options, random=np.random.default_rng(2))
    chosen = labels != IGNORED
    assert not chosen[:, 1].any()
    assert (chosen[:, 2] == chosen[:, 3]).all()
    assert chosen.any(axis=1).all()
    # Where neither is drawn, 0.4 * 0.7 of the texts, the one nearest to its rate is.
    assert 0.6 < chosen[:, 2].mean() < 0.6 + 0.28
    assert 0.3 < chosen[:, 4].mean() < 0.3 + 0.28
    _, labels = mask_words(ids, words, **options | {"rate": np.zeros((20_000, 6))}, random=np.random.default_rng(2))
    assert ((labels != IGNORED).any(axis=1)).all()


@pytest.mark.parametrize("case", ["caption", "short"])
def test_transport_is_the_reference_s(case: str):
    golden = {name.removeprefix(f"{case}."): t for name, t in load_file(GOLDEN).items() if name.startswith(case)}
    text, patches = golden["text"][None], golden["patches"][None]
    cost = cosine_cost(text, patches)
    present = torch.ones(1, text.shape[1], dtype=torch.bool)
    for steps in (50, 1000):
        plan = ipot(cost, present, steps=steps)
        torch.testing.assert_close(plan[0].T, golden[f"plan{steps}"], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close((plan * cost).sum()[None], golden[f"distance{steps}"], rtol=1e-5, atol=1e-7)


def test_padding_moves_no_transport():
    torch.manual_seed(0)
    words, patches = torch.randn(2, 5, 8), torch.randn(2, 6, 8)
    mask = torch.tensor([[True, True, True, False, False], [False] * 5])
    found = transport_distance(words, patches, mask)
    alone = transport_distance(words[:1, :3], patches[:1], torch.ones(1, 3, dtype=torch.bool))
    assert found[0].item() == pytest.approx(alone.item(), rel=1e-5)
    assert found[1].item() == 0


def test_alignment():
    assert alignment_loss(torch.tensor([0.4, 0.2]), torch.tensor([0.5, 0.6, 0.7])).item() == pytest.approx(-1.2 / 5)


def test_patch_targets():
    boxes = torch.tensor([[[0.25, 0.5, 0.5, 1.0], [math.nan] * 4], [[0.99, 0.01, 0.01, 0.01], [0.1, 0.9, 0.2, 0.2]]])
    targets = patch_targets(boxes, 2, 4).view(2, 2, 4)
    assert targets[0].tolist() == [[0.25, 0.25, 0, 0], [0.25, 0.25, 0, 0]]
    assert targets[1].tolist() == [[0, 0, 0, 0.5], [0.5, 0, 0, 0]]


def test_grounding():
    random = np.random.default_rng(3)
    nouns, patches = random.normal(size=(2, 4)), random.normal(size=(2, 3, 4))
    targets = np.array([[1.0, 0, 0], [0.5, 0.5, 0]])
    expected = []
    for noun, row, target in zip(nouns, patches, targets, strict=True):
        cosines = [noun @ p / np.linalg.norm(noun) / np.linalg.norm(p) / TEMPERATURE for p in row]
        expected.append(sum(t * cross_entropy(cosines, i) for i, t in enumerate(target)))
    found = grounding_loss(*(torch.from_numpy(x).float() for x in (nouns, patches, targets)))
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-5)
    assert grounding_loss(torch.zeros(0, 4), torch.zeros(0, 3, 4), torch.zeros(0, 3)).item() == 0


def test_retrieval():
    scores = torch.arange(32.0).view(2, 16) / 10
    expected = np.mean([cross_entropy(row.tolist(), 0) for row in scores])
    assert retrieval_loss(scores).item() == pytest.approx(expected)


def test_answering():
    logits, scores = [[1.0, -2.0, 0.0]], [[0.3, 0.0, 1.0]]
    expected = sum(
        -s * math.log(sigmoid(x)) - (1 - s) * math.log(1 - sigmoid(x))
        for x, s in zip(logits[0], scores[0], strict=True)
    )
    assert answering_loss(torch.tensor(logits), torch.tensor(scores)).item() == pytest.approx(expected)
    assert soft_accuracy(torch.tensor(logits), torch.tensor(scores)).tolist() == [pytest.approx(0.3)]


def test_reasoning():
    expected = np.mean([cross_entropy([1.0, 0.0], 1), cross_entropy([0.0, 2.0], 1)])
    assert reasoning_loss(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([1, 1])).item() == pytest.approx(
        expected
    )
