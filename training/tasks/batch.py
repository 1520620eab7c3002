"""Batches of captioned pictures, and where the things of their captions are."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.augmentation import augment, move_boxes
from training.data.dataset import Dataset, Example, Thing
from training.data.negatives import find_maybe_true
from training.data.parts import tell_part
from training.data.vocabulary import Vocabulary, drop_words
from training.measure import encode
from training.objectives.grounding import patch_targets
from training.objectives.masking import EMPTY_WORDS
from training.recipe import Stage


@dataclass
class Pairs:
    indices: np.ndarray  # (B) of the dataset
    captions: list[str]  # (B)
    pixels: Tensor  # (B, height, width, 3)
    moved: np.ndarray | None  # (B, 2, 3), where augmentation moved the points of each picture


class Batches:
    """Captioned pictures of a dataset, as a stage reads them."""

    def __init__(self, train: Dataset, vocabulary: Vocabulary, stage: Stage, device: torch.device):
        self.train, self.vocabulary, self.stage, self.device = train, vocabulary, stage, device
        self.shapes = train.pictures.by_shape()

    def draw(self, indices: np.ndarray, random: np.random.Generator, captions: list[str] | None = None) -> Pairs:
        """Pictures of one shape, each with one of its captions."""
        if captions is None:
            captions = self.draw_captions(indices, random)
        captions = [drop_words(caption, self.stage.unknown_rate, random) for caption in captions]
        pixels = self.train.pictures.take(indices, self.device)
        moved = None
        if self.stage.augment_rate > 0:
            pixels, moved = augment(pixels, random, self.stage.augment_rate)
        return Pairs(indices, captions, pixels, moved)

    def draw_captions(self, indices: np.ndarray, random: np.random.Generator) -> list[str]:
        """One of each picture, some of them of a part of it."""
        stage, examples = self.stage, self.train.examples
        captions = [examples[i].draw_caption(stage.caption_shares, random) for i in indices]
        if stage.part_rate > 0:
            parts = random.random(len(captions)) < stage.part_rate
            captions = [
                (tell_part(examples[i], random) if is_part else None) or caption
                for i, caption, is_part in zip(indices, captions, parts, strict=True)
            ]
        return captions

    def tokens(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """-> ids and mask, (B, L) each"""
        return encode(self.vocabulary, texts, self.device)

    def examples(self, batch: Pairs) -> list[Example]:
        return [self.train.examples[i] for i in batch.indices]

    def maybe_true(self, batch: Pairs) -> np.ndarray:
        """Which captions may be true of which pictures: (B, B)"""
        return find_maybe_true(batch.captions, self.examples(batch))


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


def patches_of(batch: Pairs, rows: list[int], things: list[Thing], patch: int) -> Tensor:
    """Which patches of the picture in its row show each thing: (n, patches), each row summing to 1"""
    boxes = pad_boxes([thing.boxes for thing in things])
    if batch.moved is not None:
        boxes = move_boxes(boxes, batch.moved[rows])
    height, width = batch.pixels.shape[1:3]
    return patch_targets(torch.from_numpy(boxes).float().to(batch.pixels.device), height // patch, width // patch)


def rates_of_words(vocabulary: Vocabulary, examples: list[Example], stage: Stage) -> np.ndarray:
    """(V): how often each piece, where a word begins with it, is hidden"""
    rates = np.full(len(vocabulary), stage.mask_rate)
    rates[[i for i, piece in enumerate(vocabulary.pieces) if piece in EMPTY_WORDS]] = 0
    names = {name for example in examples for thing in example.things for name in thing.all_names()}
    for word in {word for name in names for word in name.split()} - EMPTY_WORDS:
        rates[list(vocabulary.pieces_of(word)[:1])] = stage.noun_rate
    return rates
