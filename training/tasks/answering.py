"""VQAv2 fine-tuning (paper, 4.3): a classifier over the frequent answers, trained on their soft scores."""

import numpy as np
import torch
from torch import Tensor

from training.data.augmentation import augment
from training.data.order import PLAIN, BatchOrder, random_of
from training.data.questions import QuestionSet
from training.data.vocabulary import Vocabulary
from training.measure import encode
from training.network import Vilt
from training.objectives.answering import answering_loss, soft_accuracy
from training.recipe import Stage

CHUNK = 256


class Answering:
    def __init__(
        self,
        network: Vilt,
        vocabulary: Vocabulary,
        train: QuestionSet,
        validation: QuestionSet | None,
        stage: Stage,
        seed: int,
    ):
        self.network, self.vocabulary, self.stage, self.seed = network, vocabulary, stage, seed
        self.train, self.validation = train, validation
        self.order = BatchOrder(train.by_shape(), stage.batch, seed)

    def losses(self, step: int) -> dict[str, tuple[float, Tensor]]:
        questions = [self.train.questions[i] for i in self.order[step]]
        pixels = self.train.pictures.take(np.array([question.picture for question in questions]), self.network.device)
        if self.stage.augment_rate > 0:
            pixels, _ = augment(pixels, random_of(self.seed, PLAIN, step), self.stage.augment_rate)
        logits = self.logits([question.text for question in questions], pixels)
        return {"answering": (1.0, answering_loss(logits, self.train.scores(questions).to(logits.device)))}

    def logits(self, texts: list[str], pixels: Tensor) -> Tensor:
        """texts (B), pixels (B, height, width, 3) -> (B, answers)"""
        network = self.network
        ids, mask = encode(self.vocabulary, texts, network.device)
        states = network.joint(network.embed_text(ids), mask, network.embed_image(pixels), only_first=True)
        return network.classifier(network.pool(states)).float()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """VQA's soft accuracy in percent, of all questions."""
        data = self.validation
        if data is None:
            return {}
        self.network.eval()
        accuracy = torch.zeros(len(data.questions))
        for group in data.by_shape().values():
            for start in range(0, len(group), CHUNK):
                part = group[start : start + CHUNK]
                questions = [data.questions[i] for i in part]
                pixels = data.pictures.take(np.array([question.picture for question in questions]), self.network.device)
                logits = self.logits([question.text for question in questions], pixels)
                accuracy[part] = soft_accuracy(logits.cpu(), data.scores(questions))
        self.network.train()
        return {"accuracy": round(100 * accuracy.mean().item(), 2)}

    def state(self) -> dict:
        return {}

    def load(self, state: dict) -> None:
        pass
