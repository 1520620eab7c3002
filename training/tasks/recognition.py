"""What a network takes the objects of drawn scenes for, in a pass over their pictures alone."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.dataset import Example, Thing
from training.data.vocabulary import Vocabulary
from training.network import Vilt
from training.objectives.recognition import pool_objects, recognition_loss
from training.tasks.batch import Pairs, patches_of

UNIFORM = 0.25  # share of the false nouns that are drawn as if nothing were known of what is confused


@dataclass
class Recognized:
    loss: Tensor
    chances: np.ndarray | None  # (B, nouns): how likely each is taken for an object of a picture that does not show it


class Recognition:
    def __init__(self, network: Vilt, vocabulary: Vocabulary, nouns: list[tuple[str, ...]]):
        """nouns: the names of every thing of the dataset, as Thing.names"""
        self.network = network
        self.rows = {names: row for row, names in enumerate(nouns)}
        pieces = [vocabulary.pieces_of(names[0]) for names in nouns]
        means = np.zeros((len(nouns), len(vocabulary)), np.float32)
        for row, ids in zip(means, pieces, strict=True):
            np.add.at(row, list(ids), 1 / len(ids))
        self.means = torch.from_numpy(means)  # (nouns, V)

    def __call__(self, batch: Pairs, examples: list[Example], patches: Tensor) -> Recognized:
        """examples: of the batch; patches (B, P, H): final states of the pictures alone"""
        objects = [(row, thing) for row, example in enumerate(examples) for thing in example.things]
        if not objects:
            return Recognized(patches.sum() * 0, None)
        rows, things = map(list, zip(*objects, strict=True))
        self.means = self.means.to(patches.device)
        targets = patches_of(batch, rows, things, self.network.config.patch_size)
        logits = self.network.nouns(pool_objects(patches[rows], targets), self.means)
        nouns = torch.tensor([self.rows[thing.names] for thing in things], device=logits.device)
        return Recognized(recognition_loss(logits, nouns), self.chances(logits, rows, things, len(examples)))

    def chances(self, logits: Tensor, rows: list[int], things: list[Thing], count: int) -> np.ndarray:
        """logits (n, nouns) of things of the pictures `rows` -> (count, nouns), each row 1 together"""
        taken = np.zeros((count, logits.shape[1]))
        np.add.at(taken, rows, logits.detach().softmax(1).double().cpu().numpy())
        false = np.ones_like(taken)
        false[rows, [self.rows[thing.names] for thing in things]] = 0
        false[~false.any(1)] = 1  # every noun is shown
        taken = normalize(taken * false + 1e-12)
        return normalize(false * (UNIFORM / logits.shape[1] + (1 - UNIFORM) * taken))


def normalize(rows: np.ndarray) -> np.ndarray:
    return rows / rows.sum(1, keepdims=True)
