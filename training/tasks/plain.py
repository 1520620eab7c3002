"""Objectives of a plain batch: captioned pictures of one shape, each with its own caption."""

import numpy as np
import torch
from torch import Tensor

from training.data.order import PLAIN, BatchOrder, random_of
from training.data.vocabulary import PAD, drop_words
from training.network import Vilt, full_precision
from training.objectives.contrastive import contrastive_loss, hard_contrastive_loss
from training.objectives.masking import IGNORED, mask_words, masking_loss
from training.objectives.retrieval import RANDOM_TEXTS, retrieval_loss
from training.tasks.batch import Batches, Pairs, rates_of_words
from training.tasks.recognition import Recognition


class PlainTask:
    def __init__(self, network: Vilt, batches: Batches, recognition: Recognition, seed: int):
        self.network, self.batches, self.recognition, self.seed = network, batches, recognition, seed
        train, self.vocabulary, self.stage = batches.train, batches.vocabulary, batches.stage
        self.captions = train.captions()
        self.order = BatchOrder(batches.shapes, self.stage.batch, seed)
        self.mask_rates = None
        if self.stage.noun_rate > 0:
            self.mask_rates = rates_of_words(self.vocabulary, train.examples, self.stage)

    def losses(self, active: set[str], step: int) -> dict[str, Tensor]:
        losses = {}
        random = random_of(self.seed, PLAIN, step)
        batch = self.batches.draw(self.order[step], random)
        if "contrastive" in active:
            losses |= self.contrastive(batch, recognizes="recognition" in active)
        if "masking" in active:
            losses["masking"] = self.masking(batch, random)
        if "retrieval" in active:
            losses["retrieval"] = self.retrieval(batch, random)
        return losses

    def contrastive(self, batch: Pairs, *, recognizes: bool) -> dict[str, Tensor]:
        """recognizes: objects too, in the same passes over pictures"""
        network, losses = self.network, {}
        seen = network.encode(network.embed_image(batch.pixels), only_first=not recognizes)
        if recognizes:
            losses["recognition"] = self.recognition(batch, self.batches.examples(batch), seen[:, 1:]).loss
        images, texts = network.project_images(seen), network.embed_texts(*self.batches.tokens(batch.captions))
        with full_precision(images):
            if not self.recognition.nouns:  # photographs: whose captions may be true of others is not known
                return losses | {"contrastive": contrastive_loss(images, texts, network.scale())}
            maybe_true = torch.from_numpy(self.batches.maybe_true(batch)).to(images.device)
            return losses | {"contrastive": hard_contrastive_loss(network.scale() * texts @ images.T, maybe_true)}

    def masking(self, batch: Pairs, random: np.random.Generator) -> Tensor:
        network = self.network
        some = slice(self.stage.masked or None)
        ids, words = self.vocabulary.encode(batch.captions[some])
        inputs, labels = mask_words(
            ids,
            words,
            rate=self.stage.mask_rate if self.mask_rates is None else self.mask_rates[ids],
            mask_id=self.vocabulary.mask,
            first_word=self.vocabulary.first_word,
            vocabulary=len(self.vocabulary),
            random=random,
        )
        inputs, labels = (torch.from_numpy(x).to(network.device) for x in (inputs, labels))
        states = network.joint(network.embed_text(inputs), inputs != PAD, network.embed_image(batch.pixels[some]))
        chosen = labels != IGNORED
        return masking_loss(network.words(states[:, : ids.shape[1]][chosen]), labels[chosen])

    def retrieval(self, batch: Pairs, random: np.random.Generator) -> Tensor:
        network, size = self.network, len(batch.captions)
        drawn = random.integers(len(self.captions), size=(size, RANDOM_TEXTS))
        # Words are lost as those of the true ones are: they would tell which is which.
        false = [[drop_words(self.captions[i], self.stage.unknown_rate, random) for i in row] for row in drawn]
        texts = [text for true, others in zip(batch.captions, false, strict=True) for text in (true, *others)]
        ids, mask = self.batches.tokens(texts)
        image = network.embed_image(batch.pixels).repeat_interleave(1 + RANDOM_TEXTS, dim=0)
        scores = network.match(network.joint(network.embed_text(ids), mask, image, only_first=True))
        return retrieval_loss(scores.view(size, 1 + RANDOM_TEXTS))
