"""BERT's WordPiece tokenizer over the words that the training captions use."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tokenizers import BertWordPieceTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD = 0  # in every vocabulary, so that ids != PAD are tokens
MAXIMUM_LENGTH = 40  # tokens, [CLS] and [SEP] included (paper, 4.1)


class Vocabulary:
    def __init__(self, pieces: list[str]):
        """pieces in the order of their ids: [PAD] first, the other SPECIALS anywhere (BERT's own have 100 to 103)"""
        missing = [special for special in SPECIALS if special not in pieces]
        if missing or pieces[PAD] != SPECIALS[PAD]:
            raise ValueError(
                f"A vocabulary begins with {SPECIALS[PAD]} and has {', '.join(SPECIALS[1:])} too; this one begins with "
                f"{', '.join(pieces[:3])} and lacks {', '.join(missing) or 'none'}."
            )
        self.pieces = pieces
        self.unknown, self.mask = pieces.index("[UNK]"), pieces.index("[MASK]")
        self.first_word = 1 + max(map(pieces.index, SPECIALS))  # no id before it is a word's
        self.tokenizer = BertWordPieceTokenizer({piece: i for i, piece in enumerate(pieces)}, lowercase=True)
        self.tokenizer.enable_truncation(MAXIMUM_LENGTH)
        self.known: dict[str, tuple[int, ...]] = {}  # of pieces_of: nouns are few, and asked for at each step

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """-> ids (n, L), padded with PAD; words (n, L): the number of the word of its text that a token belongs to,
        -1 for [CLS], [SEP] and padding"""
        encodings = self.tokenizer.encode_batch(texts)
        length = max(len(encoding.ids) for encoding in encodings)
        ids = np.full((len(texts), length), PAD, dtype=np.int64)
        words = np.full((len(texts), length), -1, dtype=np.int64)
        for i, encoding in enumerate(encodings):
            ids[i, : len(encoding.ids)] = encoding.ids
            words[i, : len(encoding.ids)] = [-1 if word is None else word for word in encoding.word_ids]
        return ids, words

    def pieces_of(self, text: str) -> tuple[int, ...]:
        """Ids of a text, without [CLS] and [SEP]."""
        if text not in self.known:
            self.known[text] = tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)
        return self.known[text]


def prune(full: Path, captions: Iterable[str]) -> Vocabulary:
    """The pieces of a whole vocabulary (vocab.txt) that occur in the captions, in its order behind SPECIALS.

    A text of such pieces is tokenized as with the whole vocabulary, because longest match first meets no other piece.
    """
    pieces = full.read_text(encoding="utf-8").splitlines()
    tokenizer = BertWordPieceTokenizer({piece: i for i, piece in enumerate(pieces)}, lowercase=True)
    used: set[int] = set()
    for encoding in tokenizer.encode_batch(list(captions), add_special_tokens=False):
        used.update(encoding.ids)
    return Vocabulary(SPECIALS + [pieces[i] for i in sorted(used) if pieces[i] not in SPECIALS])


def drop_words(caption: str, rate: float, random: np.random.Generator) -> str:
    """Replaces a few words by [UNK], so that a model has met what an unknown word leaves behind."""
    if rate == 0:
        return caption
    words = caption.split()
    return " ".join(
        "[UNK]" if draw < rate else word for word, draw in zip(words, random.random(len(words)), strict=True)
    )
