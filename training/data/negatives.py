"""Hard negatives: pairs that the prefilter itself confuses.

Matching with random false pairs goes nowhere once the prefilter is any good: it already tells them apart.
"""

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.dataset import Example, Thing
from training.data.edits import ARRANGED, NUMBERS

NEIGHBOURS = 8  # nearest pictures kept of each caption of the pool
TOGETHER = 3  # of them, that go into a batch with it


@dataclass
class Pool:
    """Examples of one shape whose nearest neighbours are known, as the prefilter was when they were mined."""

    indices: Tensor  # (n) of the dataset
    captions: list[str]  # (n), the caption that each was embedded with
    neighbours: Tensor  # (n, NEIGHBOURS), rows of the pool

    def draw(self, batch: int, random: np.random.Generator) -> tuple[np.ndarray, list[str]]:
        """Groups of neighbours, until there are enough. -> indices (batch), their captions"""
        chosen: dict[int, None] = {}
        for row in random.permutation(len(self.indices)):
            known = self.neighbours[row].numpy()
            near = random.choice(known, min(TOGETHER, len(known)), replace=False)
            chosen.update(dict.fromkeys([int(row), *map(int, near)]))
            if len(chosen) >= batch:
                break
        rows = list(chosen)[:batch]
        return self.indices[rows].numpy(), [self.captions[row] for row in rows]


def mine(indices: np.ndarray, captions: list[str], texts: Tensor, images: Tensor) -> Pool:
    """texts, images (n, dimension): embeddings of the pool's captions and pictures"""
    similarity = texts @ images.T
    similarity.fill_diagonal_(-torch.inf)
    count = min(NEIGHBOURS, len(indices) - 1)
    return Pool(torch.from_numpy(indices), captions, similarity.topk(count, dim=1).indices.cpu())


def find_maybe_true(captions: list[str], examples: list[Example]) -> np.ndarray:
    """(B, B): whether a caption may be true of another picture too; true on the diagonal.

    Equal captions are. In drawn scenes so is one whose every name fits a thing of the other picture, unless it tells
    how things are arranged and calls them by their nouns: then another arrangement is what teaches most. Nor is one
    that tells of several where the other picture has one, of another number, or of another tint. One that names nothing
    but the place or the weather may be true wherever that is the same, and one whose words were lost anywhere.
    """
    texts = np.array(captions)
    maybe_true = texts[:, None] == texts
    everything = [example.shows() for example in examples]
    for row, (caption, example) in enumerate(zip(captions, examples, strict=True)):
        said = [thing for thing in example.things if any(says(caption, name) for name in thing.all_names())]
        names = {name for thing in said for name in thing.all_names() if says(caption, name)}
        by_noun = all(any(says(caption, name) for name in thing.names) for thing in said)
        if names and not (example.has_relation and by_noun and ARRANGED.search(caption)):
            maybe_true[row] |= [
                names <= others and not any(contradicts(caption, thing, other) for thing in said)
                for others, other in zip(everything, examples, strict=True)
            ]
        elif not names and example.things:
            places = {name for name in example.setting if says(caption, name)}
            maybe_true[row] |= [places <= others for others in everything]
    return maybe_true


def contradicts(caption: str, thing: Thing, example: Example) -> bool:
    """Whether a caption tells of a thing what is true of nothing of its names in another picture."""
    spoken = {name for name in thing.all_names() if says(caption, name)}
    alike = [other for other in example.things if spoken.intersection(other.all_names())]
    tinted = thing.tint is not None and says(caption, thing.tint)
    return bool(alike) and all(
        (tinted and other.tint not in (None, thing.tint)) or miscounts(caption, thing, len(other.boxes))
        for other in alike
    )


def miscounts(caption: str, thing: Thing, count: int) -> bool:
    """Whether a caption that is true of a thing is false of `count`; what is not counted may be drawn as several, and
    "fox" may be said of several ("two glasses of milk" says no "milk")."""
    own = len(thing.boxes)
    if own < 2 or len(thing.names) < 2:
        return False
    rest = re.sub(rf"\b{re.escape(thing.names[-1])}\b", "", caption, flags=re.IGNORECASE)
    if says(rest, thing.names[0]):
        return False
    told = own - 2 < len(NUMBERS) and says(caption, NUMBERS[own - 2])
    return count == 1 or (told and count != own)


def says(caption: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", caption, re.IGNORECASE) is not None


def confuse(
    similarity: Tensor, maybe_true: np.ndarray, random: np.random.Generator, pictures: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """For each text false `pictures` of the batch, for each picture a false text: the more similar, the likelier.

    Source: ALBEF (Li et al., 2021). similarity (B, B) of texts with pictures, as the contrastive loss scales it.
    -> pictures (pictures, B), texts (B)
    """
    logits = similarity.double().cpu().numpy()
    logits[maybe_true] = -1e9  # still drawn where all are
    np.fill_diagonal(logits, -np.inf)
    drawn = np.empty((pictures, len(logits)), dtype=np.int64)
    for of_each in drawn:
        of_each[:] = sample_rows(logits, random)
        logits[np.arange(len(logits)), of_each] = -1e9  # the same pair a second time would teach nothing
    return drawn, sample_rows(logits.T, random)


def sample_rows(logits: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One column of each row by its softmax (Gumbel's trick)."""
    return (logits + random.gumbel(size=logits.shape)).argmax(1)
