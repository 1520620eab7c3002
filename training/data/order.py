"""Which examples a step trains on: a function of the seed and the step's number, so that resuming needs no state."""

from collections.abc import Hashable

import numpy as np

ORDER, PLAIN, MATCHED, MINED = range(1, 5)  # streams of random numbers


def random_of(seed: int, stream: int, number: int) -> np.random.Generator:
    """What a step draws for one purpose comes from one generator, seeded by what the step is."""
    return np.random.default_rng((seed, stream, number))


class BatchOrder:
    """An epoch passes over all examples once, in batches of one shape. What is left of a shape waits for another epoch;
    a shape of fewer examples than a batch has is one smaller batch."""

    def __init__(self, shapes: dict[Hashable, np.ndarray], batch: int, seed: int):
        self.shapes = list(shapes.values())
        self.batch = batch
        self.seed = seed
        self.length = sum(self.batches_of(group) for group in self.shapes)
        if self.length == 0:
            raise ValueError("There is nothing to train on: no example was read.")
        self.epoch, self.batches = -1, []

    def batches_of(self, group: np.ndarray) -> int:
        return max(len(group) // self.batch, min(len(group), 1))

    def __getitem__(self, step: int) -> np.ndarray:
        """-> indices (batch)"""
        epoch, position = divmod(step, self.length)
        if epoch != self.epoch:
            self.epoch, self.batches = epoch, self.draw(random_of(self.seed, ORDER, epoch))
        return self.batches[position]

    def draw(self, random: np.random.Generator) -> list[np.ndarray]:
        batches = []
        for group in self.shapes:
            shuffled = random.permutation(group)
            starts = range(0, self.batches_of(group) * self.batch, self.batch)
            batches += [shuffled[start : start + self.batch] for start in starts]
        return [batches[i] for i in random.permutation(len(batches))]
