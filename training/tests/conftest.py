"""Small and honest data: colours and places that captions tell of, drawn in the test, and a tiny network."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from training.data.dataset import Dataset, Thing, read_dataset
from training.data.vocabulary import Vocabulary, prune
from training.network import Vilt
from training.recipe import Network, Stage
from training.start import build_network

FULL = Path(__file__).parents[2] / "data/vocabulary/bert-base-uncased.txt"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230), "yellow": (230, 220, 40)}
SIDE, PATCH = 32, 16

BOX = (0.5, 0.5, 0.2, 0.2)
FOX = Thing(("fox", "foxes"), ("animal", "animals"), (BOX,))
FOXES = Thing(FOX.names, FOX.others, (BOX, BOX))
CAT = Thing(("cat", "cats"), ("animal", "animals"), (BOX,))
MILK = Thing(("milk", "glasses of milk"), (), (BOX,))


def draw(folder: Path, count: int = 24, split: str = "train") -> Path:
    """Two coloured halves; every third picture is half as wide again. Written as data/scenes writes raw pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(5)
    names, images, offset = list(COLOURS), [], 0
    with (folder / "images.bin").open("wb") as stream:
        for i in range(count):
            left, right = random.choice(names, 2, replace=False)
            width = SIDE * 3 // 2 if i % 3 == 2 else SIDE
            pixels = np.zeros((SIDE, width, 3), np.uint8)
            pixels[:, : width // 2], pixels[:, width // 2 :] = COLOURS[left], COLOURS[right]
            stream.write(pixels.tobytes())
            texts = [f"a {left} wall to the left of a {right} door", f"a {right} door and a {left} wall"]
            swapped = [f"a {left} wall to the right of a {right} door", None]
            images.append(
                {
                    "imgid": i,
                    "filename": f"{i}.jpg",
                    "split": split,
                    "sentences": [
                        {"raw": t} | ({"swapped": s} if s else {}) for t, s in zip(texts, swapped, strict=True)
                    ],
                    "width": width,
                    "height": SIDE,
                    "offset": offset,
                    "relation": "left/right",
                    "objects": [
                        {"noun": "wall", "plural": "walls", "hypernyms": ["thing"], "boxes": [[0.25, 0.5, 0.5, 1]]},
                        {"noun": "door", "plural": "doors", "hypernyms": ["thing"], "boxes": [[0.75, 0.5, 0.5, 1]]},
                    ],
                }
            )
            offset += pixels.nbytes
    (folder / "dataset.json").write_text(json.dumps({"images": images}))
    return folder


def tiny(vocabulary: Vocabulary, **options) -> Vilt:
    torch.manual_seed(0)
    sizes = {"hidden": 32, "layers": 2, "heads": 2, "patch": PATCH, "side": SIDE, "projection": 8}
    return build_network(Network(**sizes | options), vocabulary, FULL)[0]


def stage(objectives: dict[str, float], **options) -> Stage:
    quick = {"batch": 8, "pairs": 6, "mine_every": 2, "mine_from": 24, "measure_every": 1000, "learning_rate": 1e-3}
    return Stage(name="only", objectives=objectives, **{"steps": 4} | quick | options)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    return draw(tmp_path / "scenes")


@pytest.fixture
def data(scenes: Path, tmp_path: Path) -> Dataset:
    return read_dataset(scenes, frozenset({"train"}), side=SIDE, patch=PATCH, cache=tmp_path / "cache")


@pytest.fixture
def vocabulary(data: Dataset) -> Vocabulary:
    return prune(FULL, data.captions())
