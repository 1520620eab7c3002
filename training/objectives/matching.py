"""Image-text matching (paper, 3.2), with what the first bundled model added to it."""

import torch.nn.functional as F
from torch import Tensor

from training.objectives.contrastive import both_ways


def matching_loss(true: Tensor, false: Tensor) -> Tensor:
    """Binary cross-entropy of match scores; true and false pairs count the same however many there are.

    true (n), false (m) -> scalar. The paper draws as many false pairs as true ones and uses two logits; one logit is
    their difference.
    """
    return (F.softplus(-true).mean() + F.softplus(false).mean()) / 2


def ranking_loss(scores: Tensor) -> Tensor:
    """Cross-entropy of the true pair among the pairs of its text, and among those of its picture.

    scores (B, B) of texts with pictures: true pairs on the diagonal, false ones beside it, -inf where a pair was not
    scored -> scalar
    """
    return both_ways(scores)


def editing_loss(true: Tensor, edited: Tensor) -> Tensor:
    """A caption made false by one change must score below the true one of the same picture.

    true (n), edited (n) -> scalar; zero where no caption could be edited
    """
    return F.softplus(edited - true).mean() if len(true) > 0 else true.sum()
