"""Visual question answering (paper, 4.3): VQAv2's soft scores over its 3,129 frequent answers."""

import torch.nn.functional as F
from torch import Tensor


def answering_loss(logits: Tensor, scores: Tensor) -> Tensor:
    """Binary cross-entropy summed over the answers. logits, scores (B, answers) -> scalar"""
    return F.binary_cross_entropy_with_logits(logits, scores, reduction="sum") / len(logits)


def soft_accuracy(logits: Tensor, scores: Tensor) -> Tensor:
    """The score of the likeliest answer of each question: (B)"""
    return scores.gather(1, logits.argmax(1, keepdim=True))[:, 0]
