from pathlib import Path

import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification

from training.data.vocabulary import SPECIALS, Vocabulary
from training.export import export
from training.recipe import Network
from training.start import average, build_network, rename, resize_positions, weights_at_start
from training.tests.conftest import FULL, PATCH, SIDE, tiny

WORDS = "vilt.embeddings.text_embeddings.word_embeddings.weight"
POSITIONS = "vilt.embeddings.position_embeddings"


def write_vit(folder: Path) -> ViTForImageClassification:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    torch.manual_seed(1)
    vit = ViTForImageClassification(ViTConfig(**sizes, image_size=SIDE + PATCH, patch_size=PATCH))
    vit.save_pretrained(folder)
    return vit


def test_a_vilt_brings_its_words_by_name(vocabulary, tmp_path):
    old = tiny(vocabulary)
    export(old, vocabulary, tmp_path / "old", heads={"rank_output", "prefilter", "mlm_score"})
    pieces = [*SPECIALS, "zebra", *reversed(vocabulary.pieces[len(SPECIALS) :])]
    network, heads = build_network(Network(start=str(tmp_path / "old"), projection=8), Vocabulary(pieces), FULL)
    assert heads == {"rank_output", "prefilter", "mlm_score"}
    before, after = old.state_dict(), network.state_dict()
    assert torch.equal(after[WORDS][pieces.index("wall")], before[WORDS][vocabulary.pieces.index("wall")])
    assert not torch.equal(after[WORDS][pieces.index("zebra")], before[WORDS][SPECIALS.index("[UNK]")])
    same = [name for name in before if name not in (WORDS, "mlm_score.decoder.weight", "mlm_score.decoder.bias")]
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in same)


def test_a_share_of_the_start_comes_back(vocabulary, tmp_path):
    export(tiny(vocabulary), vocabulary, tmp_path / "old", heads={"rank_output"})
    pieces = [*vocabulary.pieces, "zebra"]
    new = Vocabulary(pieces)
    network, heads = build_network(Network(start=str(tmp_path / "old"), projection=8), new, FULL)
    start = weights_at_start(network, heads, tmp_path / "old", new, FULL)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 1
    average(network, (start, 0.25))
    after = network.state_dict()
    zebra = pieces.index("zebra")
    assert torch.allclose(after[WORDS][:zebra], before[WORDS][:zebra] + 0.75, atol=1e-6)
    assert torch.allclose(after[WORDS][zebra], before[WORDS][zebra] + 1)  # the start did not know it
    assert torch.allclose(after["rank_output.weight"], before["rank_output.weight"] + 0.75, atol=1e-6)
    assert torch.allclose(after[POSITIONS], before[POSITIONS] + 0.75, atol=1e-6)
    head = "prefilter.image_projection.weight"  # the start had none
    assert torch.allclose(after[head], before[head] + 1)
    assert torch.equal(after["mlm_score.decoder.weight"], after[WORDS])  # still tied


def test_only_a_vilt_comes_back(vocabulary, tmp_path):
    write_vit(tmp_path / "vit")
    network, heads = build_network(Network(start=str(tmp_path / "vit"), side=SIDE, projection=8), vocabulary, FULL)
    with pytest.raises(ValueError, match="Only a ViLT's weights can be averaged in"):
        weights_at_start(network, heads, tmp_path / "vit", vocabulary, FULL)


def test_another_dimension_leaves_the_prefilter_untrained(vocabulary, tmp_path):
    export(tiny(vocabulary), vocabulary, tmp_path / "old", heads={"rank_output", "prefilter"})
    _, heads = build_network(Network(start=str(tmp_path / "old"), projection=4), vocabulary, FULL)
    assert heads == {"rank_output"}


def test_a_vit_brings_its_encoder(vocabulary, tmp_path):
    vit = write_vit(tmp_path / "vit")
    network, heads = build_network(Network(start=str(tmp_path / "vit"), side=SIDE, projection=8), vocabulary, FULL)
    assert heads == set()
    query = network.vilt.encoder.layer[1].attention.attention.query.weight
    assert torch.equal(query, vit.state_dict()["vit.layers.1.attention.q_proj.weight"])
    positions = vit.state_dict()["vit.embeddings.position_embeddings"]
    assert torch.equal(network.vilt.embeddings.position_embeddings, resize_positions(positions, 5))
    assert torch.equal(network.vilt.embeddings.position_embeddings[:, 1], positions[:, 1])  # corners stay corners


def test_the_second_image_starts_as_the_first(vocabulary, tmp_path):
    export(tiny(vocabulary), vocabulary, tmp_path / "old", heads=set())
    network, _ = build_network(Network(start=str(tmp_path / "old")), vocabulary, FULL, modalities=3)
    rows = network.vilt.embeddings.token_type_embeddings.weight
    assert torch.equal(rows[1], rows[2])
    assert not torch.equal(rows[0], rows[1])


def test_an_itm_head_becomes_the_rank_head():
    renamed = rename(
        {"itm_score.fc.weight": torch.tensor([[1.0, 2.0], [4.0, 1.0]]), "itm_score.fc.bias": torch.tensor([0.5, 1])}
    )
    assert renamed["rank_output.weight"].tolist() == [[3, -1]]
    assert renamed["rank_output.bias"].tolist() == [0.5]


def test_other_models_are_refused(vocabulary, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match='"vit" or a "vilt"'):
        build_network(Network(start=str(tmp_path)), vocabulary, FULL)
