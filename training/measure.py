"""How well a network finds pictures by captions: its prefilter alone, and reranked by match score."""

import numpy as np
import torch
from torch import Tensor

from training.data.dataset import Dataset
from training.data.pictures import Pictures
from training.data.vocabulary import PAD, Vocabulary
from training.network import Vilt, full_precision

RECALL_AT = (1, 5, 10, 32)
CANDIDATES = 32  # reranked of each query
CHUNK = 256  # sequences of one pass


def encode(vocabulary: Vocabulary, texts: list[str], device: torch.device) -> tuple[Tensor, Tensor]:
    """-> ids (n, L), mask (n, L)"""
    ids = torch.from_numpy(vocabulary.encode(texts)[0]).to(device)
    return ids, ids != PAD


@torch.no_grad()
def embed_all(
    network: Vilt, vocabulary: Vocabulary, captions: list[str], pictures: Pictures, indices: np.ndarray
) -> tuple[Tensor, Tensor]:
    """captions (n), indices (n) of pictures of any shapes -> texts, images (n, dimension)"""
    device = network.device
    texts = [
        network.embed_texts(*encode(vocabulary, captions[i : i + CHUNK], device))
        for i in range(0, len(captions), CHUNK)
    ]
    images = torch.empty(len(indices), network.prefilter.image_projection.out_features, device=device)
    for rows in pictures.group(indices):
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            images[part] = network.embed_images(pictures.take(indices[part], device))
    return torch.cat(texts), images


@torch.no_grad()
def measure_retrieval(network: Vilt, vocabulary: Vocabulary, data: Dataset, queries: int) -> dict[str, float]:
    """First captions look for their pictures. Recall in percent: `nearest@k` of all captions by the prefilter; of the
    first `queries` of them `first nearest@k`, and `reranked@k` once their 32 nearest are ranked by match score."""
    network.eval()
    captions = [example.captions[0] for example in data.examples]
    texts, images = embed_all(network, vocabulary, captions, data.pictures, np.arange(len(data)))
    with full_precision(images):
        similarity = texts @ images.T
    figures = recall("nearest", similarity)
    queries = min(queries, len(data))
    if queries > 0:
        figures |= recall("first nearest", similarity[:queries])
        nearest = similarity[:queries].topk(min(CANDIDATES, len(data)), dim=1).indices  # (queries, candidates)
        scores = torch.full_like(similarity[:queries], -torch.inf)
        for query, candidates in enumerate(nearest.cpu().numpy()):
            found = score(network, vocabulary, [captions[query]] * len(candidates), data.pictures, candidates)
            scores[query, candidates] = found
        figures |= recall("reranked", scores)
    network.train()
    return figures


@torch.no_grad()
def score(network: Vilt, vocabulary: Vocabulary, texts: list[str], pictures: Pictures, indices: np.ndarray) -> Tensor:
    """Match scores of pairs whose pictures may have any shapes: (n)"""
    ids, mask = encode(vocabulary, texts, network.device)
    scores = torch.empty(len(indices), device=network.device)
    for rows in pictures.group(indices):
        image = network.embed_image(pictures.take(indices[rows], network.device))
        scores[rows] = network.match(network.joint(network.embed_text(ids[rows]), mask[rows], image, only_first=True))
    return scores


def recall(name: str, scores: Tensor) -> dict[str, float]:
    """scores (n, m): query i looks for item i; of equals the wrong one counts as first where it was a candidate"""
    own = scores.diagonal()[:, None]
    rank = ((scores >= own).sum(1) - 1).where(own[:, 0] > -torch.inf, scores.shape[1])
    return {f"{name}@{k}": round(100 * (rank < k).float().mean().item(), 1) for k in RECALL_AT}
