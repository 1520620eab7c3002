"""Recognition: the patches of an object, in a pass without words, tell its noun. For drawn scenes, with known boxes.

As UNITER's masked region classification (Chen et al., 2020) and X-VLM (Zeng et al., 2022): a match score is one bit a
pair, the name of each object many.
"""

import torch.nn.functional as F
from torch import Tensor


def pool_objects(patches: Tensor, targets: Tensor) -> Tensor:
    """patches (n, P, H) of each object's picture, targets (n, P): which of them show it, summing to 1 -> (n, H)"""
    return (targets[:, None, :].to(patches.dtype) @ patches)[:, 0]


def recognition_loss(logits: Tensor, nouns: Tensor) -> Tensor:
    """logits (n, V) of each object, nouns (n): ids -> scalar; zero without objects"""
    return F.cross_entropy(logits, nouns) if len(nouns) > 0 else logits.sum()
