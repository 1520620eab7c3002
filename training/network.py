"""ViLT: one pre-norm transformer over word and patch embeddings, with no convolution and no region detector.

The modules are Hugging Face's, so that their names are those of published checkpoints. The order of calls is ours: the
reference embeds words and patches together, shuffles the patches and pads pictures; here a batch has one patch grid,
and a pass may hold one modality alone.
"""

import math
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import ViltConfig, ViltModel
from transformers.models.vilt.modeling_vilt import ViltMLMHead

TEXT, IMAGE, SECOND_IMAGE = 0, 1, 2  # rows of the modality table; the last is NLVR2's

# Contrastive temperature: starts at 0.07, and is never below 0.01 (Radford et al., CLIP, 2021).
START_SCALE, MAXIMUM_SCALE = math.log(1 / 0.07), math.log(100)

# Parts that a batch is split into by length, and rows that a part has at least.
MOST_PARTS, LEAST_ROWS = 3, 16


@contextmanager
def without_gradient():
    """Within a training step. Autocast keeps the weights that it has cast, and those cast here have no gradient."""
    with torch.no_grad():
        yield
    torch.clear_autocast_cache()


def full_precision(tensor: Tensor) -> torch.autocast:
    """Without autocast: similarities in bfloat16 are equal too often to rank by."""
    return torch.autocast(tensor.device.type, enabled=False)


class Prefilter(nn.Module):
    """Embeddings for the first stage of a search: token 0 of a unimodal pass, projected, of unit length."""

    def __init__(self, hidden: int, dimension: int):
        super().__init__()
        self.image_projection = nn.Linear(hidden, dimension)
        self.text_projection = nn.Linear(hidden, dimension)
        self.logit_scale = nn.Parameter(torch.tensor(START_SCALE))


def split_by_length(mask: Tensor) -> list[tuple[Tensor, int]]:
    """Texts of about one length together, so that little of a pass is padding: each part as its rows and their length.

    mask (B, L). On a GPU, where a pass costs by its calls rather than by its tokens, a batch is one part.
    """
    if mask.is_cuda:
        return [(torch.arange(len(mask), device=mask.device), mask.shape[1])]
    lengths = mask.sum(1)
    count = min(MOST_PARTS, max(1, len(mask) // LEAST_ROWS))
    rows = lengths.argsort(stable=True).tensor_split(count)
    return [(part, int(lengths[part].max())) for part in rows]


def order_of(parts: list[tuple[Tensor, int]]) -> Tensor:
    """Where in the parts, one after the other, each row of the batch is: (B)"""
    return torch.cat([rows for rows, _ in parts]).argsort()


def first_of_block(block: nn.Module, states: Tensor, mask: Tensor | None) -> Tensor:
    """block(states, mask)[0][:, :1], with nothing computed of the other tokens but their keys and values: (B, 1, H)"""
    attention, normed = block.attention.attention, block.layernorm_before(states)

    def heads(x: Tensor) -> Tensor:  # (B, T, H) -> (B, heads, T, H / heads)
        return x.unflatten(2, (attention.num_attention_heads, -1)).transpose(1, 2)

    query, keys, values = (
        heads(attention.query(normed[:, :1])),
        heads(attention.key(normed)),
        heads(attention.value(normed)),
    )
    scores = query @ keys.transpose(-1, -2) / math.sqrt(attention.attention_head_size)
    weights = (scores if mask is None else scores + mask).softmax(dim=-1)
    context = (attention.dropout(weights) @ values).transpose(1, 2).flatten(2)
    first = states[:, :1] + block.attention.output(context, states)
    return block.output(block.intermediate(block.layernorm_after(first)), first)


def classifier(hidden: int, width: int, labels: int) -> nn.Sequential:
    """The reference's head for VQAv2 and NLVR2."""
    return nn.Sequential(nn.Linear(hidden, width), nn.LayerNorm(width), nn.GELU(), nn.Linear(width, labels))


class Vilt(nn.Module):
    def __init__(self, config: ViltConfig, projection: int):
        super().__init__()
        self.config = config
        hidden = config.hidden_size
        self.vilt = ViltModel(config)
        self.rank_output = nn.Linear(hidden, 1)
        self.mlm_score = ViltMLMHead(config)
        self.mlm_score.decoder.weight = self.vilt.embeddings.text_embeddings.word_embeddings.weight
        self.prefilter = Prefilter(hidden, projection)
        self.classifier: nn.Sequential | None = None
        for module in [self.rank_output, self.mlm_score.transform.dense, *self.prefilter.children()]:
            nn.init.normal_(module.weight, std=config.initializer_range)
            nn.init.zeros_(module.bias)
        nn.init.zeros_(self.mlm_score.decoder.bias)
        nn.init.normal_(self.vilt.embeddings.cls_token, std=config.initializer_range)
        nn.init.normal_(self.vilt.embeddings.position_embeddings, std=config.initializer_range)

    @property
    def device(self) -> torch.device:
        return self.rank_output.weight.device

    # Embedding layers

    def embed_text(self, ids: Tensor) -> Tensor:
        """ids (B, L) -> (B, L, H)"""
        embeddings = self.vilt.embeddings
        return embeddings.text_embeddings(ids) + embeddings.token_type_embeddings.weight[TEXT]

    def embed_image(self, pixels: Tensor, modality: int = IMAGE) -> Tensor:
        """pixels (B, height, width, 3) uint8 or float in [0, 255] -> (B, 1 + patches, H), row by row behind a [CLS]"""
        embeddings = self.vilt.embeddings
        x = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1  # (B, 3, height, width)
        x = embeddings.patch_embeddings(x)  # (B, H, rows, columns)
        rows, columns = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)  # (B, patches, H)
        x = torch.cat([embeddings.cls_token.expand(len(x), -1, -1).to(x.dtype), x], dim=1)
        return x + self.positions(rows, columns) + embeddings.token_type_embeddings.weight[modality]

    def positions(self, rows: int, columns: int) -> Tensor:
        """The learned square of positions, interpolated to a grid as the reference does: (1, 1 + patches, H)"""
        learned = self.vilt.embeddings.position_embeddings
        side = self.config.image_size // self.config.patch_size
        if (rows, columns) == (side, side):
            return learned
        square = learned[:, 1:].transpose(1, 2).unflatten(2, (side, side))  # (1, H, side, side)
        grid = F.interpolate(square, size=(rows, columns), mode="bilinear", align_corners=True)
        return torch.cat([learned[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)

    # Passes

    def encode(self, states: Tensor, mask: Tensor | None = None, *, only_first: bool = False) -> Tensor:
        """states (B, T, H), mask (B, T) true where there is a token -> final states (B, T, H); only_first: (B, 1, H)

        Attention is written out in Hugging Face's ViLT. On a CPU that is a gain: the backward pass of
        `scaled_dot_product_attention` took 40 % of a step there.
        """
        if mask is not None:
            mask = torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, -1e4)[:, None, None, :]
        *blocks, last = self.vilt.encoder.layer
        for block in blocks:
            states = block(states, mask)[0]
        return self.vilt.layernorm(first_of_block(last, states, mask) if only_first else last(states, mask)[0])

    def joint(self, text: Tensor, mask: Tensor, image: Tensor, *, only_first: bool = False) -> Tensor:
        """text (B, L, H), mask (B, L), image (B, 1 + patches, H) -> final states (B, L + 1 + patches, H)

        Those of masked words may be zeros. only_first: (B, 1, H)
        """
        parts = split_by_length(mask)
        states = []
        for rows, length in parts:
            words, image_states = text[rows, :length], image[rows].to(text.dtype)
            present = mask.new_ones(image_states.shape[:2])
            part = self.encode(
                torch.cat([words, image_states], dim=1),
                torch.cat([mask[rows, :length], present], dim=1),
                only_first=only_first,
            )
            if not only_first:
                padding = part.new_zeros(len(part), mask.shape[1] - length, part.shape[2])
                part = torch.cat([part[:, :length], padding, part[:, length:]], dim=1)
            states.append(part)
        return torch.cat(states)[order_of(parts)]

    def embed_texts(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unimodal pass over words: (B, dimension), of unit length"""
        parts = split_by_length(mask)
        text = self.embed_text(ids)
        first = [self.encode(text[rows, :length], mask[rows, :length], only_first=True) for rows, length in parts]
        return F.normalize(self.prefilter.text_projection(torch.cat(first)[order_of(parts), 0]).float(), dim=-1)

    def embed_images(self, pixels: Tensor) -> Tensor:
        """Unimodal pass over patches: (B, dimension), of unit length"""
        return self.project_images(self.encode(self.embed_image(pixels), only_first=True))

    def project_images(self, states: Tensor) -> Tensor:
        """Final states (B, T, H) of a unimodal pass, of which the first is read -> (B, dimension), of unit length"""
        return F.normalize(self.prefilter.image_projection(states[:, 0]).float(), dim=-1)

    # Heads

    def pool(self, states: Tensor) -> Tensor:
        """Final states (B, T, H), of which the first is read -> (B, H)"""
        return self.vilt.pooler(states)

    def match(self, states: Tensor) -> Tensor:
        """Final states (B, T, H), of which the first is read -> match scores (B)"""
        return self.rank_output(self.pool(states)).squeeze(-1).float()

    def words(self, states: Tensor) -> Tensor:
        """States of masked words (n, H) -> logits over the vocabulary (n, V)"""
        return self.mlm_score(states).float()

    def nouns(self, states: Tensor, means: Tensor) -> Tensor:
        """The head of hidden words over nouns alone, each the mean of its pieces: states (n, H), means (nouns, V), rows
        summing to 1 -> logits (n, nouns)"""
        head = self.mlm_score
        nouns, biases = means @ head.decoder.weight, means @ head.decoder.bias
        return (head.transform(states) @ nouns.T + biases).float()

    def scale(self) -> Tensor:
        """What cosines are multiplied by in the contrastive loss."""
        return self.prefilter.logit_scale.clamp(max=MAXIMUM_SCALE).exp()
