"""Writes a network as the folder that Patchword, and Hugging Face's ViLT classes, read."""

import contextlib
import io
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertTokenizer
from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil

from training.data.vocabulary import MAXIMUM_LENGTH, Vocabulary
from training.network import Vilt

ARCHITECTURES = {
    "pretraining": "ViltForImageAndTextRetrieval",
    "vqa": "ViltForQuestionAnswering",
    "nlvr2": "ViltForImagesAndTextClassification",
}


def export(
    network: Vilt,
    vocabulary: Vocabulary,
    folder: Path,
    *,
    heads: set[str],
    task: str = "pretraining",
    labels: list[str] | None = None,
    half: bool = False,
) -> None:
    """heads: which of "rank_output", "mlm_score", "prefilter" and "classifier" were trained; others are left out, so
    that nobody uses what is random. The folder is written aside and renamed, in place of an older one."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    tensors = {}
    for name, tensor in network.state_dict().items():
        head = name.split(".")[0]
        if (head == "vilt" or head in heads) and name != "mlm_score.decoder.weight":  # tied to the word embeddings
            tensors[name] = tensor.detach().cpu().to(torch.float16 if half else torch.float32).contiguous()
    if "prefilter" in heads:
        scale = network.scale().detach().cpu().reshape(1)
        tensors["prefilter.logit_scale"] = scale.to(torch.float16 if half else torch.float32)
    save_file(tensors, partial / "model.safetensors", metadata={"format": "pt"})
    (partial / "model.safetensors").chmod(0o644)  # safetensors writes for its owner alone

    config = network.config
    config.architectures = [ARCHITECTURES[task]]
    config.num_images = 2 if task == "nlvr2" else -1
    if labels is not None:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: i for i, label in enumerate(labels)}
    config.save_pretrained(partial)
    processor = ViltImageProcessorPil(size={"shortest_edge": config.image_size}, size_divisor=config.patch_size)
    processor.save_pretrained(partial)
    (partial / "vocab.txt").write_text("".join(f"{piece}\n" for piece in vocabulary.pieces), encoding="utf-8")
    with contextlib.redirect_stderr(io.StringIO()):
        tokenizer = BertTokenizer(str(partial / "vocab.txt"), do_lower_case=True, model_max_length=MAXIMUM_LENGTH)
    tokenizer.save_pretrained(partial)
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
