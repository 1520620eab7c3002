"""Retrieval fine-tuning (paper, 4.4): the true text of a picture among 15 drawn at random."""

import torch
import torch.nn.functional as F
from torch import Tensor

RANDOM_TEXTS = 15


def retrieval_loss(scores: Tensor) -> Tensor:
    """scores (B, 1 + RANDOM_TEXTS), the true text first -> scalar"""
    return F.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long, device=scores.device))
