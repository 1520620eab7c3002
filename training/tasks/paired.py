"""Objectives of true and false pairs, among neighbours that the prefilter confuses."""

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.edits import edit_caption
from training.data.negatives import confuse
from training.data.order import MATCHED, random_of
from training.network import Vilt, full_precision, without_gradient
from training.objectives.alignment import alignment_loss, transport_distance
from training.objectives.contrastive import hard_contrastive_loss
from training.objectives.grounding import grounding_loss
from training.objectives.matching import editing_loss, matching_loss, ranking_loss
from training.tasks.batch import Batches, Pairs, find_nouns, patches_of
from training.tasks.mining import Mining
from training.tasks.recognition import Recognition, Recognized

# How often a caption that has a swapped one is edited in any way, that one among them, rather than by it alone: which
# of two covers the other is learned last.
COVERED_EDITS, OTHER_EDITS = 0.1, 0.75

OF_FALSE_PAIRS = frozenset({"matching", "ranking", "alignment"})
OF_CONFUSED = OF_FALSE_PAIRS | {"hard_contrastive"}  # ask what the prefilter confuses within the batch
OF_JOINT = OF_FALSE_PAIRS | {"editing", "grounding"}  # read joint passes
OF_PAIRS = OF_JOINT | OF_CONFUSED | {"recognition"}


@dataclass
class Scored:
    """Joint passes over n pairs: B true ones, the false ones and those of edited captions, in this order."""

    texts: list[int]  # (n): of the batch's captions and then the edited ones
    images: list[int]  # (n): of the batch
    false_end: int  # where the edited ones begin
    scores: Tensor  # (n)
    words: Tensor  # final states of the B true pairs; of false ones, too, where word-patch alignment asks: (m, L, H)
    patches: Tensor  # (m, P, H)


class PairedTask:
    def __init__(self, network: Vilt, batches: Batches, recognition: Recognition, seed: int):
        self.network, self.batches, self.recognition, self.seed = network, batches, recognition, seed
        self.train, self.vocabulary, self.stage = batches.train, batches.vocabulary, batches.stage
        confused = any(self.stage.objectives.get(name, 0) > 0 for name in OF_CONFUSED)
        self.mining = Mining(network, batches, seed, hard=self.stage.hard_negatives and confused)

    def losses(self, active: set[str], step: int) -> dict[str, Tensor]:
        network, random = self.network, random_of(self.seed, MATCHED, step)
        indices, captions = self.mining.draw(step, random)
        batch = self.batches.draw(indices, random, captions)
        size = len(batch.captions)
        losses: dict[str, Tensor] = {}
        image, seen, recognized = network.embed_image(batch.pixels), None, None
        if "recognition" in active:
            seen = network.encode(image)
            recognized = self.recognition(batch, self.batches.examples(batch), seen[:, 1:])
            losses["recognition"] = recognized.loss
            if active & OF_PAIRS == {"recognition"}:
                return losses
        owners, edited = self.edit(batch, random, recognized) if "editing" in active else ([], [])
        ids, mask = self.batches.tokens(batch.captions + edited)
        false_images, false_texts = np.empty((0, size), np.int64), np.empty(0, np.int64)
        if active & OF_CONFUSED:
            maybe_true = self.batches.maybe_true(batch)
            learns = "hard_contrastive" in active
            compared_texts = (ids, mask) if learns else (ids[:size], mask[:size])
            compared = self.compare(batch, *compared_texts, seen, learns=learns)
            if learns:
                losses["hard_contrastive"] = self.hard_contrastive(compared, maybe_true, owners)
            if active & OF_FALSE_PAIRS:
                similarity = compared[:size].detach()
                likeness = similarity if self.stage.hard_negatives else torch.zeros_like(similarity)
                false_images, false_texts = confuse(likeness, maybe_true, random, self.stage.false_pictures)
        if not active & OF_JOINT:
            return losses
        scored = self.score(image, ids, mask, false_images, false_texts, owners, aligns="alignment" in active)
        true, end = scored.scores[:size], scored.false_end
        if "matching" in active:
            losses["matching"] = matching_loss(true, scored.scores[size:])
        if "ranking" in active:
            among = true.new_full((size, size), -torch.inf)  # -inf: not scored
            among[scored.texts[:end], scored.images[:end]] = scored.scores[:end]
            losses["ranking"] = ranking_loss(among)
        if "editing" in active:
            losses["editing"] = editing_loss(true[owners], scored.scores[end:])
        if "alignment" in active:
            losses["alignment"] = self.alignment(scored, mask, size)
        if "grounding" in active:
            losses["grounding"] = self.grounding(batch, ids[:size], scored.words[:size], scored.patches[:size])
        return losses

    def edit(
        self, batch: Pairs, random: np.random.Generator, recognized: Recognized | None
    ) -> tuple[list[int], list[str]]:
        """recognized: objects of the batch, whose confusions are false nouns
        -> which captions of the batch were edited, and into what"""
        owners, edited = [], []
        chances = recognized.chances() if recognized else None
        for owner, (index, caption) in enumerate(zip(batch.indices, batch.captions, strict=True)):
            if random.random() >= self.stage.edit_rate:
                continue
            example = self.train.examples[index]
            swapped = example.swapped_of(caption)
            if swapped is None or random.random() < (COVERED_EDITS if example.covers else OTHER_EDITS):
                likely = None if chances is None else chances[owner]
                swapped = edit_caption(caption, example, self.recognition.nouns, random, likely) or swapped
            if swapped is not None:
                owners.append(owner)
                edited.append(swapped)
        return owners, edited

    def compare(self, batch: Pairs, ids: Tensor, mask: Tensor, seen: Tensor | None, *, learns: bool) -> Tensor:
        """How much the prefilter takes each text for each picture's, scaled: (texts, B)

        seen: final states (B, T, H) of the pictures alone, where they are there already
        """
        if not (learns or self.stage.hard_negatives):
            return torch.zeros(len(ids), len(batch.captions))
        network = self.network
        with nullcontext() if learns else without_gradient():
            images = network.embed_images(batch.pixels) if seen is None else network.project_images(seen)
            texts = network.embed_texts(ids, mask)
            with full_precision(images):
                return network.scale() * texts @ images.T

    def score(
        self,
        image: Tensor,
        ids: Tensor,
        mask: Tensor,
        false_images: np.ndarray,
        false_texts: np.ndarray,
        owners: list[int],
        *,
        aligns: bool,
    ) -> Scored:
        """image (B, 1 + P, H); ids, mask (B + edited, L); false_images (each, B) of the texts, false_texts (B) of the
        pictures, or none; owners (edited): the picture of each edited caption; aligns: states of false pairs, too"""
        network, size = self.network, len(image)
        texts = [*range(size), *false_texts, *np.tile(range(size), len(false_images))]
        images = [*range(size), *range(len(false_texts)), *false_images.flat]
        false_end = len(texts)
        texts += range(size, len(ids))
        images += owners
        text = network.embed_text(ids)
        whole = false_end if aligns else size  # pairs whose words and patches are read too
        states = network.joint(text[texts[:whole]], mask[texts[:whole]], image[images[:whole]])
        scores = network.match(states)
        if whole < len(texts):
            rest = text[texts[whole:]], mask[texts[whole:]], image[images[whole:]]
            scores = torch.cat([scores, network.match(network.joint(*rest, only_first=True))])
        length = ids.shape[1]
        return Scored(texts, images, false_end, scores, states[:, :length], states[:, length + 1 :])

    # Losses of what was compared and scored

    def hard_contrastive(self, compared: Tensor, maybe_true: np.ndarray, owners: list[int]) -> Tensor:
        """compared (B + edited, B); maybe_true (B, B)"""
        size = compared.shape[1]
        made_false = compared.new_full((size,), -torch.inf)
        made_false[owners] = compared[size:][range(len(owners)), owners]
        return hard_contrastive_loss(compared[:size], torch.from_numpy(maybe_true).to(compared.device), made_false)

    def alignment(self, scored: Scored, mask: Tensor, true: int) -> Tensor:
        """Over words without [CLS] and [SEP]."""
        end = scored.false_end
        words, mask = scored.words[:end], mask[scored.texts[:end]]
        mask[torch.arange(len(mask)), mask.sum(1) - 1] = False
        mask[:, 0] = False
        with full_precision(words):
            distance = transport_distance(words, scored.patches[:end], mask)
        return alignment_loss(distance[:true], distance[true:])

    def grounding(self, batch: Pairs, ids: Tensor, words: Tensor, patches: Tensor) -> Tensor:
        """Of the true pairs: ids (B, L), words (B, L, H), patches (B, P, H)"""
        things = [example.things for example in self.batches.examples(batch)]
        rows, columns, found = find_nouns(ids.tolist(), things, self.vocabulary)
        if not rows:
            return words.sum() * 0
        targets = patches_of(batch, rows, found, self.network.config.patch_size)
        with full_precision(words):
            return grounding_loss(words[rows, columns], patches[rows], targets)
