"""Image-text contrastive loss on unimodal passes: it trains the prefilter, which ViLT has none of."""

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTHING = 0.02  # other captions of a batch may be true of a picture as well


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE (Radford et al., CLIP, 2021): each picture finds its text in the batch, each text its picture.

    images, texts (B, dimension), of unit length; scale: what cosines are multiplied by -> scalar
    """
    return both_ways(scale * images @ texts.T, smoothing=SMOOTHING)


def hard_contrastive_loss(logits: Tensor, maybe_true: Tensor, edited: Tensor | None = None) -> Tensor:
    """The same among pictures that the prefilter confuses, where nothing that may be true counts as false.

    logits (B, B): scaled cosines of texts with pictures; maybe_true (B, B) bool; edited (B): those of each picture with
    its caption made false, -inf where there is none, which is a text more that a picture must not find (NegCLIP,
    Yuksekgonul et al., 2023) -> scalar
    """
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return both_ways(logits.masked_fill(maybe_true & ~own, -torch.inf), more=edited)


def both_ways(logits: Tensor, *, smoothing: float = 0.0, more: Tensor | None = None) -> Tensor:
    """Of logits (B, B), row i finds column i, and column i row i rather than `more` (B) -> scalar"""
    labels = torch.arange(len(logits), device=logits.device)
    rows = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    columns = logits.T if more is None else torch.cat([logits.T, more[:, None]], dim=1)
    return (rows + F.cross_entropy(columns, labels, label_smoothing=smoothing)) / 2
