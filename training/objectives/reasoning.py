"""NLVR2 (paper, 4.3): whether a sentence is true of two pictures, each read in a pass of its own."""

import torch.nn.functional as F
from torch import Tensor


def reasoning_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """logits (B, 2): false, true; labels (B) -> scalar"""
    return F.cross_entropy(logits, labels)
