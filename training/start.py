"""Where weights come from: nowhere, a ViT (the paper's way, 4.2) or a ViLT, whatever its vocabulary."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor
from transformers import ViltConfig

from training.data.vocabulary import Vocabulary
from training.network import IMAGE, SECOND_IMAGE, Vilt
from training.recipe import Network

Tensors = dict[str, Tensor]

DEFAULT_SIDE = 384
DEFAULT_PROJECTION = 128
POSITIONS = "vilt.embeddings.position_embeddings"
MODALITIES = "vilt.embeddings.token_type_embeddings.weight"
BY_WORD = ("vilt.embeddings.text_embeddings.word_embeddings.weight", "mlm_score.decoder.bias")
COPIED = ("patch_size", "qkv_bias", "hidden_act", "layer_norm_eps", "intermediate_size")


def build_network(options: Network, vocabulary: Vocabulary, full: Path, modalities: int = 2) -> tuple[Vilt, set[str]]:
    """full: the vocabulary of a start that brings none. -> the network, and which heads its start had"""
    if not options.start:
        side = options.side or DEFAULT_SIDE
        config = ViltConfig(
            hidden_size=options.hidden,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            intermediate_size=4 * options.hidden,
            patch_size=options.patch,
            image_size=side,
            vocab_size=len(vocabulary),
            modality_type_vocab_size=modalities,
        )
        return Vilt(config, options.projection or DEFAULT_PROJECTION), set()
    folder = Path(options.start)
    known = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = config_of(known, options.side, len(vocabulary), modalities)
    tensors = read_weights(folder)
    if known["model_type"] == "vit":
        tensors = from_vit(tensors)
    else:
        tensors = by_word(rename(tensors), read_vocabulary(folder, full), vocabulary.pieces)
    there = tensors.get("prefilter.image_projection.bias", torch.empty(DEFAULT_PROJECTION))
    network = Vilt(config, options.projection or len(there))
    return network, carry_over(network, tensors)


def config_of(known: dict, side: int, vocabulary: int, modalities: int) -> ViltConfig:
    if known["model_type"] not in ("vit", "vilt"):
        raise ValueError(f'A start is a "vit" or a "vilt", but this one is a "{known["model_type"]}".')
    return ViltConfig(
        hidden_size=known.get("hidden_size", 768),
        num_hidden_layers=known.get("num_hidden_layers", 12),
        num_attention_heads=known.get("num_attention_heads", 12),
        image_size=side or known.get("image_size", 384 if known["model_type"] == "vilt" else 224),
        vocab_size=vocabulary,
        modality_type_vocab_size=modalities,
        **{"patch_size": 32 if known["model_type"] == "vilt" else 16}
        | {name: known[name] for name in COPIED if name in known},
    )


def read_weights(folder: Path) -> Tensors:
    tensors = read_stored(folder)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def read_stored(folder: Path) -> Tensors:
    """In the precision of the file."""
    if (folder / "model.safetensors").exists():
        return load_file(folder / "model.safetensors")
    return torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)


def read_vocabulary(folder: Path, full: Path) -> list[str]:
    """Word pieces of a ViLT in the order of their ids."""
    if (folder / "vocab.txt").exists():
        return (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    if (folder / "tokenizer.json").exists():
        ids = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        return sorted(ids, key=ids.get)
    return full.read_text(encoding="utf-8").splitlines()


def from_vit(tensors: Tensors) -> Tensors:
    """A ViT's embeddings, blocks and final LayerNorm are called alike; its pooler and classifier are of no use."""
    names = ("embeddings.", "encoder.", "layernorm.")
    plain = {name.removeprefix("vit."): tensor for name, tensor in tensors.items()}
    return {f"vilt.{name}": tensor for name, tensor in plain.items() if name.startswith(names)}


def rename(tensors: Tensors) -> Tensors:
    """What checkpoints hold under other names, or in another form."""
    tensors = dict(tensors)
    if "mlm_score.bias" in tensors:
        tensors.setdefault("mlm_score.decoder.bias", tensors.pop("mlm_score.bias"))
    tensors.pop("mlm_score.decoder.weight", None)  # tied to the word embeddings
    if "prefilter.logit_scale" in tensors:  # a file has the factor, the network its logarithm
        tensors["prefilter.logit_scale"] = tensors["prefilter.logit_scale"].log().reshape(())
    if "itm_score.fc.weight" in tensors and "rank_output.weight" not in tensors:
        # One logit that means the same: "match" minus "no match". The paper (4.4) takes the row of "match" alone.
        for part in ("weight", "bias"):
            no_match, match = tensors[f"itm_score.fc.{part}"]
            tensors[f"rank_output.{part}"] = (match - no_match)[None]
    return tensors


def average(network: Vilt, *others: tuple[Tensors, float]) -> None:
    """Every weight becomes the mean of its own and of others', each with its share; its own has the rest. With those
    that it started from, what was learned first and is hardly trained any more comes back, at little cost to what was
    learned since (Wortsman et al., Robust fine-tuning of zero-shot models, 2022).

    others: weights as the network's, NaN where there are none, as of words that were not known: the mean is of the rest
    """
    rest = 1 - sum(share for _, share in others)
    with torch.no_grad():
        for name, own in network.named_parameters():
            total, weight = rest * own, torch.full_like(own, rest)
            for tensors, share in others:
                lacking = tensors[name].isnan()
                total += share * tensors[name].masked_fill(lacking, 0)
                weight += share * ~lacking
            own.copy_(torch.where(weight > 0, total / weight, own))


def weights_at_start(network: Vilt, heads: set[str], folder: Path, vocabulary: Vocabulary, full: Path) -> Tensors:
    """A network that was just built from a ViLT, as `average` takes it. heads: those of the start"""
    if json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"] != "vilt":
        raise ValueError(f"Only a ViLT's weights can be averaged in, and {folder} is none: it has read no captions.")
    added = added_words(read_vocabulary(folder, full), vocabulary.pieces)
    start = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    for name, tensor in start.items():
        if name.split(".")[0] not in {"vilt", *heads}:
            tensor.fill_(torch.nan)
        elif name in BY_WORD:
            tensor[added] = torch.nan
    return start


def added_words(old: list[str], new: list[str]) -> Tensor:
    """-> (new words,) bool"""
    known = set(old)
    return torch.tensor([piece not in known for piece in new])


def by_word(tensors: Tensors, old: list[str], new: list[str]) -> Tensors:
    """Rows of the word embeddings in the order of another vocabulary. New words get the row of [UNK], a little moved:
    to the network they are unknown words, until it learns them."""
    rows = {piece: row for row, piece in enumerate(old)}
    chosen = torch.tensor([rows.get(piece, rows["[UNK]"]) for piece in new])
    added = added_words(old, new)
    carried = dict(tensors)
    for name in BY_WORD:
        if name in tensors:
            values = tensors[name][chosen]
            values[added] += 0.02 * torch.randn_like(values[added])
            carried[name] = values
    return carried


def carry_over(network: Vilt, tensors: Tensors) -> set[str]:
    """Loads what fits; positions are interpolated to another side, the second image starts as the first (paper's code).

    -> the heads that were there and whole: "rank_output", "mlm_score", "prefilter"
    """
    tensors = dict(tensors)
    own = network.state_dict()
    if tensors[POSITIONS].shape != own[POSITIONS].shape:
        tensors[POSITIONS] = resize_positions(tensors[POSITIONS], own[POSITIONS].shape[1])
    modalities = tensors.get(MODALITIES)
    if modalities is not None:
        wanted = own[MODALITIES].shape[0]
        if wanted > len(modalities):
            modalities = torch.cat([modalities[:SECOND_IMAGE], modalities[IMAGE][None]])
        tensors[MODALITIES] = modalities[:wanted]
    unfit = [name for name, tensor in own.items() if name in tensors and tensors[name].shape != tensor.shape]
    wrong = [name for name in unfit if name.startswith("vilt.") and "text_embeddings" not in name]
    if wrong:
        raise ValueError(f"The start does not fit its configuration: {', '.join(wrong)}.")
    network.load_state_dict({n: t for n, t in tensors.items() if n in own and n not in unfit}, strict=False)
    tied = {"mlm_score.decoder.weight"}
    missing = {name.split(".")[0] for name in own if (name not in tensors or name in unfit) and name not in tied}
    return {name.split(".")[0] for name in own} - missing - {"vilt"}


def resize_positions(positions: Tensor, count: int) -> Tensor:
    """(1, 1 + old patches, H) -> (1, count, H), both squares behind [CLS]"""
    old, new = round((positions.shape[1] - 1) ** 0.5), round((count - 1) ** 0.5)
    square = positions[:, 1:].transpose(1, 2).unflatten(2, (old, old))
    square = F.interpolate(square, size=(new, new), mode="bilinear", align_corners=True)
    return torch.cat([positions[:, :1], square.flatten(2).transpose(1, 2)], dim=1)
