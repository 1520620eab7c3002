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


def hard_contrastive_loss(logits: Tensor, maybe_true: Tensor) -> Tensor:
    """The same among pictures that the prefilter confuses, where nothing that may be true counts as false.

    logits (B, B): scaled cosines of texts with pictures; maybe_true (B, B) bool -> scalar
    """
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return both_ways(logits.masked_fill(maybe_true & ~own, -torch.inf))


def both_ways(logits: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Of logits (B, B), row i finds column i, and column i row i -> scalar"""
    labels = torch.arange(len(logits), device=logits.device)
    rows = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    return (rows + F.cross_entropy(logits.T, labels, label_smoothing=smoothing)) / 2
