"""Which examples a step trains on: a function of the seed and the step's number, so that resuming needs no state."""

from collections.abc import Hashable

import numpy as np

ORDER, PLAIN, MATCHED, MINED = range(1, 5)  # streams of random numbers


def random_of(seed: int, stream: int, number: int) -> np.random.Generator:
    """What a step draws for one purpose comes from one generator, seeded by what the step is."""
    return np.random.default_rng((seed, stream, number))


class BatchOrder:
    """An epoch passes over all examples once, in batches of one shape; what is left of a shape waits for another."""

    def __init__(self, shapes: dict[Hashable, np.ndarray], batch: int, seed: int):
        self.shapes = list(shapes.values())
        self.batch = batch
        self.seed = seed
        self.length = sum(len(group) // batch for group in self.shapes)
        if self.length == 0:
            raise ValueError(f"No batch of {batch}: the largest group of one shape has {max(map(len, self.shapes))}.")
        self.epoch, self.batches = -1, []

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
            whole = len(group) // self.batch
            batches += list(shuffled[: whole * self.batch].reshape(whole, self.batch))
        return [batches[i] for i in random.permutation(len(batches))]
