import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from training.averaging import average_models
from training.command import main
from training.data.vocabulary import Vocabulary
from training.export import export
from training.tests.conftest import FULL, tiny

WORDS = "vilt.embeddings.text_embeddings.word_embeddings.weight"
HEADS = {"rank_output", "prefilter"}


@pytest.fixture
def models(vocabulary, tmp_path):
    """Three of one shape; the last knows one word more, in another place, and the first has no rank head."""
    pieces = vocabulary.pieces
    words = {"a": pieces, "b": pieces, "c": [*pieces[:5], "zebra", *pieces[5:]]}
    for seed, (name, pieces) in enumerate(words.items()):
        network = tiny(Vocabulary(pieces))
        torch.manual_seed(seed)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += torch.randn_like(parameter)
        heads = HEADS - {"rank_output"} if name == "a" else HEADS
        export(network, Vocabulary(pieces), tmp_path / name, heads=heads, half=name == "c")
    return [tmp_path / name for name in words]


def test_is_the_weighted_mean_with_words_by_name(models, vocabulary, tmp_path):
    main(["average", *map(str, models), "--shares", "0.2", "0.3", "0.5", "--output", str(tmp_path / "mean")])
    a, b, c = (load_file(model / "model.safetensors") for model in models)
    mean = load_file(tmp_path / "mean/model.safetensors")
    dense = "vilt.encoder.layer.0.intermediate.dense.weight"
    expected = 0.2 * a[dense] + 0.3 * b[dense] + 0.5 * c[dense].float()
    assert torch.allclose(mean[dense].float(), expected, atol=5e-3)
    assert mean.keys() == c.keys()
    assert (tmp_path / "mean/vocab.txt").read_text() == (models[-1] / "vocab.txt").read_text()
    assert torch.allclose(mean[WORDS][5], c[WORDS][5], atol=5e-3)  # the others do not know the word
    word = len(vocabulary.pieces) - 1
    expected = 0.2 * a[WORDS][word] + 0.3 * b[WORDS][word] + 0.5 * c[WORDS][word + 1].float()
    assert torch.allclose(mean[WORDS][word + 1].float(), expected, atol=5e-3)
    # The first has no such head: the mean is that of the others.
    rank = "rank_output.weight"
    assert torch.allclose(mean[rank].float(), (0.3 * b[rank] + 0.5 * c[rank].float()) / 0.8, atol=5e-3)
    with safe_open(tmp_path / "mean/model.safetensors", "pt") as tensors:
        assert tensors.get_slice(WORDS).get_dtype() == "F16"


def test_reads_weights_that_pytorch_saved(models, tmp_path):
    last = models[-1]
    average_models([models[1], last], [0.3, 0.7], tmp_path / "mean", FULL)
    torch.save(load_file(last / "model.safetensors"), last / "pytorch_model.bin")
    (last / "model.safetensors").unlink()
    average_models([models[1], last], [0.3, 0.7], tmp_path / "same", FULL)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("mean", "same"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert other[WORDS].dtype == torch.float16


@pytest.mark.parametrize("shares", [["1"], ["0.5", "0.4", "0.3"], ["0", "0.5", "0.5"]])
def test_bad_shares_are_told(models, shares, tmp_path):
    with pytest.raises(SystemExit, match="a share above 0 of each, 1 together"):
        main(["average", *map(str, models), "--shares", *shares, "--output", str(tmp_path / "mean")])
    assert not (tmp_path / "mean").exists()


def test_another_shape_is_told(models, vocabulary, tmp_path):
    export(tiny(vocabulary, hidden=64), vocabulary, tmp_path / "wide", heads=HEADS)
    with pytest.raises(ValueError, match=r"models of one shape, but .*wide has another"):
        average_models([tmp_path / "wide", models[-1]], [0.5, 0.5], tmp_path / "mean", FULL)
