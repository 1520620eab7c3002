"""One batch of captioned pictures, and where the things of its captions are."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from training.data.dataset import Thing
from training.data.vocabulary import Vocabulary


@dataclass
class Pairs:
    indices: np.ndarray  # (B) of the dataset
    captions: list[str]  # (B)
    pixels: Tensor  # (B, height, width, 3)
    moved: np.ndarray | None  # (B, 2, 3), where augmentation moved the points of each picture


def find_nouns(
    ids: list[list[int]], things: list[list[Thing]], vocabulary: Vocabulary
) -> tuple[list[int], list[int], list[Thing]]:
    """The last piece of each name of a thing that its text says, the first time that it is said. A name that fits two
    things of a picture ("animal") points at neither.

    ids (B, L); things of each picture -> rows and columns of `ids`, and the thing of each
    """
    rows, columns, found = [], [], []
    for row, (text, shown) in enumerate(zip(ids, things, strict=True)):
        counts = Counter(name for thing in shown for name in thing.all_names())
        for thing in shown:
            for name in thing.all_names():
                pieces = vocabulary.pieces_of(name)
                at = find(text, list(pieces)) if counts[name] == 1 else None
                if at is not None:
                    rows.append(row)
                    columns.append(at + len(pieces) - 1)
                    found.append(thing)
    return rows, columns, found


def find(text: list[int], pieces: list[int]) -> int | None:
    if not pieces:
        return None
    return next((i for i in range(len(text) - len(pieces) + 1) if text[i : i + len(pieces)] == pieces), None)


def pad_boxes(boxes: list[tuple[tuple[float, ...], ...]]) -> np.ndarray:
    """-> (n, most, 4), NaN where a thing has fewer"""
    padded = np.full((len(boxes), max(map(len, boxes)), 4), np.nan)
    for row, of_one in zip(padded, boxes, strict=True):
        row[: len(of_one)] = of_one
    return padded
