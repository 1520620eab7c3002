"""Pretraining and retrieval fine-tuning: every objective over captioned pictures."""

from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor

from training.data.augmentation import augment
from training.data.dataset import Dataset, Example
from training.data.edits import edit_caption
from training.data.negatives import confuse, find_maybe_true
from training.data.order import MATCHED, PLAIN, BatchOrder, random_of
from training.data.vocabulary import PAD, Vocabulary, drop_words
from training.measure import encode, measure_retrieval
from training.network import Vilt, full_precision, without_gradient
from training.objectives.alignment import alignment_loss, transport_distance
from training.objectives.contrastive import contrastive_loss, hard_contrastive_loss
from training.objectives.grounding import grounding_loss
from training.objectives.masking import IGNORED, mask_words, masking_loss
from training.objectives.matching import editing_loss, matching_loss, ranking_loss
from training.objectives.retrieval import RANDOM_TEXTS, retrieval_loss
from training.recipe import Stage
from training.tasks.batch import Pairs, find_nouns, patches_of, rates_of_words
from training.tasks.mining import Mining
from training.tasks.recognition import Recognition, Recognized

# Which objectives read true and false pairs, and which a plain batch.
OF_PAIRS = frozenset({"matching", "ranking", "editing", "alignment", "grounding", "recognition", "hard_contrastive"})
OF_FALSE_PAIRS = frozenset({"matching", "ranking", "alignment"})
OF_CONFUSED = OF_FALSE_PAIRS | {"hard_contrastive"}  # ask what the prefilter confuses within the batch

# How often a caption that has a swapped one is edited in another way: which of two covers the other is learned last.
COVERED_EDITS, OTHER_EDITS = 0.1, 0.75

Losses = dict[str, Tensor]


class Pretraining:
    def __init__(
        self,
        network: Vilt,
        vocabulary: Vocabulary,
        train: Dataset,
        validation: Dataset | None,
        stage: Stage,
        seed: int,
    ):
        self.network, self.vocabulary, self.stage, self.seed = network, vocabulary, stage, seed
        self.train, self.validation = train, validation
        self.captions = train.captions()
        self.nouns = sorted({thing.names for example in train.examples for thing in example.things})
        self.recognition = Recognition(network, vocabulary, self.nouns)
        self.order = BatchOrder(train.pictures.by_shape(), stage.batch, seed)
        self.mining = Mining(network, vocabulary, train, self.order.shapes, stage, seed)
        self.mask_rates = rates_of_words(vocabulary, train.examples, stage) if stage.noun_rate > 0 else None

    def active(self, step: int) -> list[str]:
        """The objectives of a step: all but those whose turn it is not."""
        turns = self.stage.take_turns
        waiting = set(turns) - ({turns[step % len(turns)]} if turns else set())
        return [name for name, weight in self.stage.objectives.items() if weight > 0 and name not in waiting]

    def losses(self, step: int) -> dict[str, tuple[float, Tensor]]:
        active = set(self.active(step))
        losses: Losses = {}
        if active - OF_PAIRS:
            random = random_of(self.seed, PLAIN, step)
            batch = self.batch(self.order[step], random)
            if "contrastive" in active:
                losses |= self.contrastive(batch, recognizes="recognition" in active)
            if "masking" in active:
                losses["masking"] = self.masking(batch, random)
            if "retrieval" in active:
                losses["retrieval"] = self.retrieval(batch, random)
        if active & OF_PAIRS - losses.keys():
            paired = self.matched(active, step)
            if "recognition" in losses:  # of the pictures of both batches
                paired["recognition"] = (paired["recognition"] + losses["recognition"]) / 2
            losses |= paired
        return {name: (self.stage.objectives[name], loss) for name, loss in losses.items()}

    # Batches

    def batch(self, indices: np.ndarray, random: np.random.Generator, captions: list[str] | None = None) -> Pairs:
        """Pictures of one shape, each with one of its captions."""
        if captions is None:
            captions = self.train.draw_captions(indices, self.stage.caption_shares, random)
        captions = [drop_words(caption, self.stage.unknown_rate, random) for caption in captions]
        pixels = self.train.pictures.take(indices, self.network.device)
        moved = None
        if self.stage.augment_rate > 0:
            pixels, moved = augment(pixels, random, self.stage.augment_rate)
        return Pairs(indices, captions, pixels, moved)

    def tokens(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        return encode(self.vocabulary, texts, self.network.device)

    # Objectives of a plain batch

    def contrastive(self, batch: Pairs, *, recognizes: bool) -> Losses:
        """recognizes: objects too, in the same passes over pictures"""
        network, losses = self.network, {}
        seen = network.encode(network.embed_image(batch.pixels), only_first=not recognizes)
        if recognizes:
            losses["recognition"] = self.recognize(batch, seen).loss
        images, texts = network.project_images(seen), network.embed_texts(*self.tokens(batch.captions))
        with full_precision(images):
            if not self.nouns:
                return losses | {"contrastive": contrastive_loss(images, texts, network.scale())}
            maybe_true = torch.from_numpy(self.maybe_true(batch)).to(images.device)
            return losses | {"contrastive": hard_contrastive_loss(network.scale() * texts @ images.T, maybe_true)}

    def recognize(self, batch: Pairs, seen: Tensor) -> Recognized:
        """seen (B, 1 + patches, H): final states of the pictures alone"""
        return self.recognition(batch, self.examples(batch), seen[:, 1:])

    def examples(self, batch: Pairs) -> list[Example]:
        return [self.train.examples[i] for i in batch.indices]

    def maybe_true(self, batch: Pairs) -> np.ndarray:
        return find_maybe_true(batch.captions, self.examples(batch))

    def masking(self, batch: Pairs, random: np.random.Generator) -> Tensor:
        network = self.network
        ids, words = self.vocabulary.encode(batch.captions)
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
        states = network.joint(network.embed_text(inputs), inputs != PAD, network.embed_image(batch.pixels))
        chosen = labels != IGNORED
        return masking_loss(network.words(states[:, : ids.shape[1]][chosen]), labels[chosen])

    def retrieval(self, batch: Pairs, random: np.random.Generator) -> Tensor:
        network, size = self.network, len(batch.captions)
        false = random.choice(self.captions, (size, RANDOM_TEXTS)).tolist()
        texts = [text for true, others in zip(batch.captions, false, strict=True) for text in (true, *others)]
        ids, mask = self.tokens(texts)
        image = network.embed_image(batch.pixels).repeat_interleave(1 + RANDOM_TEXTS, dim=0)
        scores = network.match(network.joint(network.embed_text(ids), mask, image, only_first=True))
        return retrieval_loss(scores.view(size, 1 + RANDOM_TEXTS))

    # Objectives of true and false pairs, joint passes over (true; a false text each; false pictures; edited)

    def matched(self, active: set[str], step: int) -> Losses:
        """`texts` and `images` say which text and which picture of the batch each pair is made of."""
        network, random = self.network, random_of(self.seed, MATCHED, step)
        indices, captions = self.mining.draw(step, random)
        batch = self.batch(indices, random, captions)
        size = len(batch.captions)
        losses: Losses = {}
        image, seen, recognized = network.embed_image(batch.pixels), None, None
        if "recognition" in active:
            seen = network.encode(image)
            recognized = self.recognize(batch, seen)
            losses["recognition"] = recognized.loss
            if not active & (OF_PAIRS - losses.keys()):
                return losses
        owners, edited = self.edit(batch, random, recognized) if "editing" in active else ([], [])
        ids, mask = self.tokens(batch.captions + edited)
        text = network.embed_text(ids)
        if active & OF_CONFUSED:
            maybe_true = self.maybe_true(batch)
            learns = "hard_contrastive" in active
            compared_texts = (ids, mask) if learns else (ids[:size], mask[:size])
            compared = self.compare(batch, *compared_texts, seen, learns=learns)
            similarity = compared[:size]
        texts, images = [*range(size)], [*range(size)]
        if active & OF_FALSE_PAIRS:
            likeness = similarity.detach() if self.stage.hard_negatives else torch.zeros_like(similarity)
            false_images, false_texts = confuse(likeness, maybe_true, random, self.stage.false_pictures)
            texts += [*false_texts, *np.tile(range(size), len(false_images))]
            images += [*range(size), *false_images.flat]
        false_end = len(texts)
        texts += range(size, size + len(edited))
        images += owners
        whole = false_end if "alignment" in active else size  # pairs whose words and patches are read too
        states = network.joint(text[texts[:whole]], mask[texts[:whole]], image[images[:whole]])
        scores = network.match(states)
        if whole < len(texts):
            rest = text[texts[whole:]], mask[texts[whole:]], image[images[whole:]]
            scores = torch.cat([scores, network.match(network.joint(*rest, only_first=True))])
        true, below = scores[:size], scores[false_end:]
        if "matching" in active:
            losses["matching"] = matching_loss(true, scores[size:])
        if "ranking" in active:
            scored = scores.new_full((size, size), -torch.inf)
            scored[texts[:false_end], images[:false_end]] = scores[:false_end]
            losses["ranking"] = ranking_loss(scored)
        if "editing" in active:
            losses["editing"] = editing_loss(true[owners], below)
        if "hard_contrastive" in active:
            made_false = similarity.new_full((size,), -torch.inf)
            made_false[owners] = compared[size:][range(len(owners)), owners]
            maybe_true = torch.from_numpy(maybe_true).to(ids.device)
            losses["hard_contrastive"] = hard_contrastive_loss(similarity, maybe_true, made_false)
        words, patches = states[:, : ids.shape[1]], states[:, ids.shape[1] + 1 :]
        if "alignment" in active:
            losses["alignment"] = self.alignment(words[:false_end], patches[:false_end], mask[texts[:false_end]], size)
        if "grounding" in active:
            losses["grounding"] = self.grounding(batch, ids[:size], words[:size], patches[:size])
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
                swapped = edit_caption(caption, example, self.nouns, random, likely) or swapped
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

    def alignment(self, words: Tensor, patches: Tensor, mask: Tensor, true: int) -> Tensor:
        """Over words without [CLS] and [SEP]."""
        mask = mask.clone()
        mask[torch.arange(len(mask)), mask.sum(1) - 1] = False
        mask[:, 0] = False
        with full_precision(words):
            distance = transport_distance(words, patches, mask)
        return alignment_loss(distance[:true], distance[true:])

    def grounding(self, batch: Pairs, ids: Tensor, words: Tensor, patches: Tensor) -> Tensor:
        things = [example.things for example in self.examples(batch)]
        rows, columns, found = find_nouns(ids.tolist(), things, self.vocabulary)
        if not rows:
            return words.sum() * 0
        targets = patches_of(batch, rows, found, self.network.config.patch_size)
        with full_precision(words):
            return grounding_loss(words[rows, columns], patches[rows], targets)

    # What the trainer asks for

    def measure(self) -> dict[str, float]:
        if self.validation is None:
            return {}
        return measure_retrieval(self.network, self.vocabulary, self.validation, self.stage.measure_queries)

    def state(self) -> dict:
        return self.mining.state()

    def load(self, state: dict) -> None:
        self.mining.load(state)
