"""Grounding: a noun's final state points at the patches of its object. For drawn scenes, whose boxes are known."""

import torch
import torch.nn.functional as F
from torch import Tensor

TEMPERATURE = 0.07


def patch_targets(boxes: Tensor, rows: int, columns: int) -> Tensor:
    """Which patches show an object, as a uniform distribution over them.

    boxes (n, most, 4): centre x, centre y, width, height as fractions of the picture; NaN where an object has fewer.
    A patch counts where its centre lies in nine tenths of a box; at least the patch at the first box's centre does.
    -> (n, rows * columns)
    """
    x = (torch.arange(columns, device=boxes.device) + 0.5) / columns
    y = (torch.arange(rows, device=boxes.device) + 0.5) / rows
    centre_x, centre_y, width, height = (side[..., None] for side in boxes.unbind(-1))  # (n, most, 1)
    across = (x - centre_x).abs() < (0.45 * width).clamp(min=0.5 / columns)  # NaN compares as false
    down = (y - centre_y).abs() < (0.45 * height).clamp(min=0.5 / rows)
    shown = (down[..., :, None] & across[..., None, :]).any(1).flatten(1).float()  # (n, rows * columns)
    column = (boxes[:, 0, 0] * columns).long().clamp(0, columns - 1)
    row = (boxes[:, 0, 1] * rows).long().clamp(0, rows - 1)
    shown.scatter_(1, (row * columns + column)[:, None], 1)
    return shown / shown.sum(1, keepdim=True)


def grounding_loss(nouns: Tensor, patches: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy between the targets and where a noun points: the softmax of its cosines with the patches.

    nouns (n, H), patches (n, P, H) of each noun's picture, targets (n, P) -> scalar; zero without nouns
    """
    if len(nouns) == 0:
        return nouns.sum()
    return -(targets * pointing(nouns, patches).log_softmax(1)).sum(1).mean()


def pointing(nouns: Tensor, patches: Tensor) -> Tensor:
    """Logits of where nouns point: (n, P)"""
    nouns, patches = F.normalize(nouns.float(), dim=-1), F.normalize(patches.float(), dim=-1)
    return (patches @ nouns[:, :, None])[:, :, 0] / TEMPERATURE
