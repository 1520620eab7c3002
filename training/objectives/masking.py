"""Masked language modelling of whole words (paper, 3.2 and 3.3): given a piece of a word, a model need not look."""

import numpy as np
import torch.nn.functional as F
from torch import Tensor

KEPT, RANDOM = 0.1, 0.1  # of the chosen: left as they are, or replaced by any word (BERT)
IGNORED = -100  # label of what is not predicted
NEVER = 1e-9  # rate of what is chosen only where there is nothing else

# Words that are guessed without a look at the picture: hidden objects teach more (Bitton et al., "Data Efficient Masked
# Language Modeling for Vision and Language", 2021).
EMPTY_WORDS = frozenset(
    [
        *("a", "an", "the", "this", "that", "it", "its", "is", "are", "there", "here", "i", "we", "you", "see", "can"),
        *(
            "of",
            "and",
            "with",
            "to",
            "in",
            "on",
            "at",
            "by",
            "some",
            "be",
            "picture",
            "image",
            "photo",
            "scene",
            "view",
        ),
        *("shows", "showing", "depicting", "drawing", ".", ",", ":", ";", "'", "-", "!", "?"),
    ]
)


def mask_words(
    ids: np.ndarray,
    words: np.ndarray,
    *,
    rate: float | np.ndarray,
    mask_id: int,
    first_word: int,
    vocabulary: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Chooses whole words and hides all of their pieces.

    ids (B, L); words (B, L): which word of its text each token is a piece of, -1 for none. Ids below `first_word` are
    no words. At least one word of each text is chosen. rate: one for all, or (B, L) of each token; a word's is that of
    its first piece.
    -> inputs (B, L), labels (B, L), IGNORED where nothing is predicted
    """
    candidates = (words >= 0) & (ids >= first_word)
    numbers = np.where(candidates, words, 0)
    draws = random.random(ids.shape)  # one a word: that of the column with the word's number
    draw = np.where(candidates, np.take_along_axis(draws, numbers, axis=1), np.inf)
    if isinstance(rate, np.ndarray):
        begins = np.diff(words, axis=1, prepend=-1) != 0
        first = np.maximum.accumulate(np.where(begins, np.arange(ids.shape[1]), 0), axis=1)
        rate = np.maximum(np.take_along_axis(rate, first, axis=1), NEVER)
    draw = draw / rate  # of words with several rates, the likeliest is chosen where none is
    chosen = candidates & ((draw < 1) | (draw == draw.min(axis=1, keepdims=True)))
    how = np.take_along_axis(random.random(ids.shape), numbers, axis=1)
    anything = random.integers(first_word, vocabulary, ids.shape)
    replacement = np.where(how < RANDOM, anything, np.where(how < RANDOM + KEPT, ids, mask_id))
    return np.where(chosen, replacement, ids), np.where(chosen, ids, IGNORED)


def masking_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """logits (n, V) of the chosen pieces, labels (n) -> scalar"""
    return F.cross_entropy(logits, labels) if len(labels) > 0 else logits.sum()
