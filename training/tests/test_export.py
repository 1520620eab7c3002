"""What is exported is read back: by Hugging Face's classes, and by Patchword where it is built."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from transformers import AutoTokenizer, ViltForImageAndTextRetrieval, ViltForMaskedLM

from training.data.pictures import read_picture
from training.export import export
from training.measure import encode
from training.tests.conftest import PATCH, SIDE, tiny

ROOT = Path(__file__).parents[2]
PATCHWORD = ROOT / "bin/patchword.js"
HEADS = {"rank_output", "mlm_score", "prefilter"}
TEXT = "a red wall to the left of a blue door"


def patchword(*arguments: str) -> dict:
    run = subprocess.run(["node", PATCHWORD, "--json", *arguments], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


@pytest.fixture
def network(vocabulary):
    network = tiny(vocabulary).eval()
    for parameter in network.parameters():
        parameter.data.normal_(std=0.1)  # enough for a wrong transpose to move the score
    return network


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(7).integers(0, 256, (50, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@torch.no_grad()
def score(network, vocabulary, picture: Path) -> float:
    ids, mask = encode(vocabulary, [TEXT], network.device)
    image = network.embed_image(torch.from_numpy(read_picture(picture, SIDE, PATCH).copy())[None])
    return network.match(network.joint(network.embed_text(ids), mask, image)).item()


def test_names_are_the_bundled_model_s(network, vocabulary, tmp_path):
    export(network, vocabulary, tmp_path / "model", heads=HEADS)
    with safe_open(tmp_path / "model/model.safetensors", "pt") as found:
        names, scale = set(found.keys()), found.get_tensor("prefilter.logit_scale")
    with safe_open(ROOT / "data/model/model.safetensors", "pt") as bundled:
        expected = {name for name in bundled.keys() if ".layer." not in name or int(name.split(".")[3]) < 2}  # noqa: SIM118
    assert names == expected
    assert scale.shape == (1,)
    assert scale.item() == pytest.approx(network.scale().item())


def test_untrained_heads_are_left_out(network, vocabulary, tmp_path):
    export(network, vocabulary, tmp_path / "model", heads={"rank_output"})
    with safe_open(tmp_path / "model/model.safetensors", "pt") as found:
        heads = {name.split(".")[0] for name in found.keys()}  # noqa: SIM118
    assert heads == {"vilt", "rank_output"}


@torch.no_grad()
def test_hugging_face_gives_the_same_scores(network, vocabulary, picture, tmp_path):
    export(network, vocabulary, tmp_path / "model", heads=HEADS)
    tokens = AutoTokenizer.from_pretrained(tmp_path / "model")(TEXT, return_tensors="pt")
    ids = encode(vocabulary, [TEXT], network.device)[0]
    assert torch.equal(tokens["input_ids"], ids)
    pixels = torch.from_numpy(read_picture(picture, SIDE, PATCH).copy())[None]
    inputs = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": pixels.permute(0, 3, 1, 2) / 127.5 - 1,
        "pixel_mask": torch.ones(1, *pixels.shape[1:3], dtype=torch.long),
    }
    reference = ViltForImageAndTextRetrieval.from_pretrained(tmp_path / "model").eval()
    assert reference(**inputs).logits.item() == pytest.approx(score(network, vocabulary, picture), abs=1e-5)
    reference = ViltForMaskedLM.from_pretrained(tmp_path / "model").eval()
    states = network.joint(network.embed_text(ids), ids != 0, network.embed_image(pixels))
    torch.testing.assert_close(reference(**inputs).logits, network.words(states[:, : ids.shape[1]]), atol=1e-5, rtol=0)


@pytest.mark.skipif(not (ROOT / "dist/indexer").exists(), reason="Patchword is not built: npm run build")
@pytest.mark.parametrize("half", [False, True])
def test_patchword_gives_the_same_score(half: bool, network, vocabulary, picture, tmp_path):
    export(network, vocabulary, tmp_path / "model", heads=HEADS, half=half)
    if half:
        for parameter in network.parameters():
            parameter.data = parameter.data.half().float()
    found = patchword("score", "--model", tmp_path / "model", "--image", picture, "--text", TEXT)
    assert found["matchScore"] == pytest.approx(score(network, vocabulary, picture), abs=1e-4)
