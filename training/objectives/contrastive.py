"""Image-text contrastive loss on unimodal passes: it trains the prefilter, which ViLT has none of."""

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTHING = 0.02  # other captions of a batch may be true of a picture as well


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE (Radford et al., CLIP, 2021): each picture finds its text in the batch, each text its picture.

    images, texts (B, dimension), of unit length; scale: what cosines are multiplied by -> scalar
    """
    logits = scale * images @ texts.T  # (B, B)
    labels = torch.arange(len(logits), device=logits.device)
    rows = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    return (rows + F.cross_entropy(logits.T, labels, label_smoothing=SMOOTHING)) / 2


def hard_contrastive_loss(logits: Tensor, maybe_true: Tensor) -> Tensor:
    """The same among pictures that the prefilter confuses, where nothing that may be true counts as false.

    logits (B, B): scaled cosines of texts with pictures; maybe_true (B, B) bool -> scalar
    """
    labels = torch.arange(len(logits), device=logits.device)
    logits = logits.masked_fill(maybe_true & (labels != labels[:, None]), -torch.inf)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
