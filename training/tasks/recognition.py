"""What a network takes the objects of drawn scenes for, in a pass over their pictures alone."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.dataset import Example
from training.data.vocabulary import Vocabulary
from training.network import Vilt
from training.objectives.recognition import pool_objects, recognition_loss
from training.tasks.batch import Pairs, patches_of

UNIFORM = 0.25  # share of the false nouns that are drawn as if nothing were known of what is confused


@dataclass
class Recognized:
    """What n objects of the B pictures of a batch are taken for."""

    loss: Tensor
    logits: Tensor  # (n, nouns)
    rows: list[int]  # (n): the picture of each
    nouns: list[int]  # (n): which each is
    pictures: int  # B

    def chances(self) -> np.ndarray | None:
        """How likely each noun is taken for an object of a picture that does not show it: (B, nouns), each row 1
        together; None without objects"""
        if not self.rows:
            return None
        taken = np.zeros((self.pictures, self.logits.shape[1]))
        np.add.at(taken, self.rows, self.logits.detach().softmax(1).double().cpu().numpy())
        false = np.ones_like(taken)
        false[self.rows, self.nouns] = 0
        false[~false.any(1)] = 1  # every noun is shown
        taken = normalize(taken * false + 1e-12)
        return normalize(false * (UNIFORM / taken.shape[1] + (1 - UNIFORM) * taken))


class Recognition:
    def __init__(self, network: Vilt, vocabulary: Vocabulary, nouns: list[tuple[str, ...]]):
        """nouns: the names of every thing of the dataset, as Thing.names"""
        self.network, self.nouns = network, nouns
        self.ids = {names: i for i, names in enumerate(nouns)}
        means = np.zeros((len(nouns), len(vocabulary)), np.float32)
        for row, names in zip(means, nouns, strict=True):
            pieces = vocabulary.pieces_of(names[0])
            np.add.at(row, list(pieces), 1 / len(pieces))
        self.means = torch.from_numpy(means).to(network.device)  # (nouns, V)

    def __call__(self, batch: Pairs, examples: list[Example], patches: Tensor) -> Recognized:
        """examples: of the batch; patches (B, P, H): final states of the pictures alone"""
        objects = [(row, thing) for row, example in enumerate(examples) for thing in example.things]
        rows, things = [row for row, _ in objects], [thing for _, thing in objects]
        if not objects:
            return Recognized(patches.sum() * 0, patches.new_zeros(0, len(self.ids)), [], [], len(examples))
        targets = patches_of(batch, rows, things, self.network.config.patch_size)
        logits = self.network.nouns(pool_objects(patches[rows], targets), self.means)
        nouns = [self.ids[thing.names] for thing in things]
        loss = recognition_loss(logits, torch.tensor(nouns, device=logits.device))
        return Recognized(loss, logits, rows, nouns, len(examples))


def normalize(rows: np.ndarray) -> np.ndarray:
    return rows / rows.sum(1, keepdims=True)
