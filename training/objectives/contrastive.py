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
