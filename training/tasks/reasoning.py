"""NLVR2 fine-tuning (paper, 4.3): two passes, one for each picture with the same sentence, and a binary classifier."""

import numpy as np
import torch
from torch import Tensor

from training.data.augmentation import augment
from training.data.order import PLAIN, BatchOrder, random_of
from training.data.statements import StatementSet
from training.data.vocabulary import Vocabulary
from training.measure import encode
from training.network import IMAGE, SECOND_IMAGE, Vilt
from training.objectives.reasoning import reasoning_loss
from training.recipe import Stage

CHUNK = 256


class Reasoning:
    def __init__(
        self,
        network: Vilt,
        vocabulary: Vocabulary,
        train: StatementSet,
        validation: StatementSet | None,
        stage: Stage,
        seed: int,
    ):
        self.network, self.vocabulary, self.stage, self.seed = network, vocabulary, stage, seed
        self.train, self.validation = train, validation
        self.order = BatchOrder(train.by_shape(), stage.batch, seed)

    def losses(self, step: int) -> dict[str, tuple[float, Tensor]]:
        random = random_of(self.seed, PLAIN, step) if self.stage.augment_rate > 0 else None
        logits, labels = self.logits(self.train, self.order[step], random)
        return {"reasoning": (1.0, reasoning_loss(logits, labels))}

    def logits(
        self, data: StatementSet, indices: np.ndarray, random: np.random.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Statements whose left pictures have one shape, and right pictures one -> logits (B, 2), labels (B)"""
        network, statements = self.network, [data.statements[i] for i in indices]
        ids, mask = encode(self.vocabulary, [statement.text for statement in statements], network.device)
        pooled = []
        for side, modality in enumerate((IMAGE, SECOND_IMAGE)):
            pixels = data.pictures.take(
                np.array([statement.pictures[side] for statement in statements]), network.device
            )
            if random is not None:
                pixels, _ = augment(pixels, random, self.stage.augment_rate)
            image = network.embed_image(pixels, modality)
            states = network.joint(network.embed_text(ids), mask, image, only_first=True)
            pooled.append(network.pool(states))
        labels = torch.tensor([int(statement.is_true) for statement in statements], device=network.device)
        return network.classifier(torch.cat(pooled, dim=1)).float(), labels

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Accuracy in percent."""
        data = self.validation
        if data is None:
            return {}
        self.network.eval()
        right = 0
        for group in data.by_shape().values():
            for start in range(0, len(group), CHUNK):
                logits, labels = self.logits(data, group[start : start + CHUNK], None)
                right += (logits.argmax(1) == labels).sum().item()
        self.network.train()
        return {"accuracy": round(100 * right / len(data.statements), 2)}

    def state(self) -> dict:
        return {}

    def load(self, state: dict) -> None:
        pass
