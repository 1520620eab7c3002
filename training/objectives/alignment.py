"""Word-patch alignment (paper, 3.2): the cost of moving a text's words to a picture's patches, small for true pairs."""

import torch
import torch.nn.functional as F
from torch import Tensor

BETA = 0.5
STEPS = 50


def cosine_cost(words: Tensor, patches: Tensor) -> Tensor:
    """words (B, W, H), patches (B, P, H) -> (B, W, P)"""
    return 1 - F.normalize(words, dim=-1) @ F.normalize(patches, dim=-1).transpose(1, 2)


@torch.no_grad()
def ipot(cost: Tensor, mask: Tensor, beta: float = BETA, steps: int = STEPS) -> Tensor:
    """Transport plan between uniform words and uniform patches by the inexact proximal point method.

    Xie, Wang, Wang, Zha, "A fast proximal point method for computing exact Wasserstein distance" (UAI 2019),
    algorithm 2 with one inner step. Every picture has all of its patches; words are those under `mask`.

    cost (B, W, P), mask (B, W) -> plan (B, W, P), which sums to 1 and is zero outside the mask
    """
    present = mask.to(cost.dtype)  # (B, W)
    words = present.sum(1, keepdim=True)  # (B, 1)
    kernel = torch.exp(-cost / beta) * present[:, :, None]
    plan = present[:, :, None].expand_as(cost)
    word_scale = present / words  # (B, W)
    for _ in range(steps):
        plan = kernel * plan
        patch_scale = 1 / (cost.shape[2] * (word_scale[:, None] @ plan)[:, 0])  # (B, P)
        word_scale = present / (words * (plan @ patch_scale[:, :, None])[:, :, 0]).clamp(min=1e-30)
        plan = word_scale[:, :, None] * plan * patch_scale[:, None]
    return plan


def transport_distance(words: Tensor, patches: Tensor, mask: Tensor) -> Tensor:
    """Cost of the whole plan, through which no gradient flows: (B). Texts without a word are at distance 0."""
    has_words = mask.any(dim=1)
    mask = mask | ~has_words[:, None]  # keeps the plan finite where there is nothing to move
    cost = cosine_cost(words.float(), patches.float())
    return (cost * ipot(cost.detach(), mask)).sum((1, 2)) * has_words


def alignment_loss(true: Tensor, false: Tensor) -> Tensor:
    """True pairs nearer, false ones farther, as the paper's code has it: distances (n), (m) -> scalar"""
    return (true.sum() - false.sum()) / (len(true) + len(false))
