"""Which pictures a step of true and false pairs reads: those that the prefilter confuses, where it is good for that."""

import numpy as np

from training.data.negatives import Pool, mine
from training.data.order import MINED, random_of
from training.measure import embed_all
from training.network import Vilt, full_precision, without_gradient
from training.tasks.batch import Batches


class Mining:
    def __init__(self, network: Vilt, batches: Batches, seed: int, *, hard: bool):
        """hard: pools of neighbours, for objectives of what the prefilter confuses"""
        self.network, self.batches, self.seed, self.hard = network, batches, seed, hard
        self.train, self.vocabulary, self.stage = batches.train, batches.vocabulary, batches.stage
        # A false pair is of two pictures of one shape.
        self.groups = [group for group in batches.shapes.values() if len(group) > 1]
        self.pools: list[Pool] = []

    def draw(self, step: int, random: np.random.Generator) -> tuple[np.ndarray, list[str] | None]:
        """-> indices and their captions, from a pool of neighbours; without a pool any of one shape, and no captions"""
        if not self.groups:
            raise ValueError("False pairs are made of two pictures of one shape, and no two training pictures are.")
        stage = self.stage
        if self.hard and stage.mine_every and (step % stage.mine_every == 0 or not self.pools):
            self.pools = self.mine(random_of(self.seed, MINED, step))
        if not self.pools:
            group = self.groups[random.choice(len(self.groups), p=shares(self.groups))]
            return random.choice(group, min(stage.pairs, len(group)), replace=False), None
        pools = [pool.indices for pool in self.pools]
        return self.pools[random.choice(len(pools), p=shares(pools))].draw(stage.pairs, random)

    @without_gradient()
    def mine(self, random: np.random.Generator) -> list[Pool]:
        pools, stage = [], self.stage
        for group, share in zip(self.groups, shares(self.groups), strict=True):
            count = min(len(group), max(2 * stage.pairs, round(share * stage.mine_from)))
            indices = np.sort(random.choice(group, count, replace=False))
            captions = self.batches.draw_captions(indices, random)
            texts, images = embed_all(self.network, self.vocabulary, captions, self.train.pictures, indices)
            with full_precision(images):
                pools.append(mine(indices, captions, texts, images))
        return pools

    def state(self) -> dict:
        return {"pools": [vars(pool) for pool in self.pools]}

    def load(self, state: dict) -> None:
        self.pools = [Pool(**pool) for pool in state["pools"]]


def shares(groups: list) -> np.ndarray:
    sizes = np.array([len(group) for group in groups])
    return sizes / sizes.sum()
