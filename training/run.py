"""A run: its folder, its data, its network, its stages one after the other. The same command again goes on with it."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from training.data.dataset import TRAIN, VALIDATION, read_datasets
from training.data.questions import read_answers, read_questions
from training.data.statements import read_statements
from training.data.vocabulary import Vocabulary, prune
from training.export import export
from training.network import Vilt, classifier
from training.recipe import Recipe, Stage, to_recipe
from training.start import DEFAULT_SIDE, average, build_network, weights_at_start
from training.tasks.answering import Answering
from training.tasks.paired import OF_FALSE_PAIRS
from training.tasks.pretraining import Pretraining
from training.tasks.reasoning import Reasoning
from training.trainer import Trainer

# Heads that an objective trains.
HEADS = {
    **dict.fromkeys(["matching", "ranking", "editing", "retrieval"], "rank_output"),
    **dict.fromkeys(["masking", "recognition"], "mlm_score"),
    **dict.fromkeys(["contrastive", "hard_contrastive"], "prefilter"),
}


@dataclass
class Material:
    """What the stages of a run share."""

    network: Vilt
    vocabulary: Vocabulary
    heads: set[str]  # trained before the first stage
    labels: list[str] | None
    task: Callable  # (stage, seed) -> the task of a stage


def run_recipe(recipe: Recipe, folder: Path, device: torch.device) -> Path:
    """Trains every stage that is not done yet, and writes `folder`/model after each. -> that folder"""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = begin(recipe, folder)
    torch.manual_seed(recipe.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    material = gather(recipe, device)
    start = weights_before(recipe, material)
    heads = set(material.heads)
    names = [stage.name for stage in recipe.stages]
    first = names.index(checkpoint["stage"]) if checkpoint else 0
    for number, stage in enumerate(recipe.stages):
        heads |= {HEADS[name] for name, weight in stage.objectives.items() if weight > 0 and name in HEADS}
        if number < first:
            continue
        check_negatives(stage, heads)
        goes_on = checkpoint is not None and number == first
        if stage.keep_start > 0 and not goes_on:
            average(material.network, (start, stage.keep_start))
        task = material.task(stage, recipe.seed * 1000 + number)
        trainer = Trainer(
            material.network,
            task,
            stage,
            folder,
            precision=recipe.precision,
            checkpoint_every=recipe.checkpoint_every,
        )
        if goes_on:
            trainer.load(checkpoint)
        trainer.run()
        export(
            material.network,
            material.vocabulary,
            folder / "model",
            heads=heads,
            task=recipe.task,
            labels=material.labels,
            half=recipe.half,
        )
    return folder / "model"


def weights_before(recipe: Recipe, material: Material) -> dict[str, torch.Tensor]:
    """What stages with keep_start return to; nothing where there are none."""
    if not any(stage.keep_start > 0 for stage in recipe.stages):
        return {}
    folder, full = Path(recipe.network.start), Path(recipe.data.vocabulary)
    return weights_at_start(material.network, material.heads, folder, material.vocabulary, full)


def begin(recipe: Recipe, folder: Path) -> dict | None:
    """Keeps the recipe in the run's folder. -> the checkpoint that a run of the same recipe left, if any"""
    written = json.dumps(dataclasses.asdict(recipe), indent=1)
    kept, checkpoint = folder / "recipe.json", folder / "checkpoint.pt"
    # Keys that the run did not know yet have their defaults.
    if kept.exists() and to_recipe(json.loads(kept.read_text(encoding="utf-8")), str(kept)) != recipe:
        raise ValueError(f"{folder} holds a run of another recipe (recipe.json): choose another output, or remove it.")
    kept.write_text(written, encoding="utf-8")
    if checkpoint.exists():
        return torch.load(checkpoint, map_location="cpu", weights_only=True)
    (folder / "log.jsonl").unlink(missing_ok=True)  # of a run that ended before its first checkpoint
    return None


def check_negatives(stage: Stage, heads: set[str]) -> None:
    needs = any(weight > 0 and name in OF_FALSE_PAIRS for name, weight in stage.objectives.items())
    if needs and stage.hard_negatives and "prefilter" not in heads:
        raise ValueError(
            f"Stage {stage.name} takes its false pairs from a prefilter that was never trained: "
            "train the contrastive loss before or beside, or set hard_negatives = false."
        )


def gather(recipe: Recipe, device: torch.device) -> Material:
    readers = {"pretraining": gather_pairs, "vqa": gather_questions, "nlvr2": gather_statements}
    material = readers[recipe.task](recipe)
    material.network.to(device)
    return material


def sizes(recipe: Recipe) -> dict:
    """How pictures are prepared: from the recipe, else from its start."""
    network, known = recipe.network, {}
    if network.start:
        known = json.loads((Path(network.start) / "config.json").read_text(encoding="utf-8"))
    return {
        "side": network.side or known.get("image_size", DEFAULT_SIDE),
        "patch": known.get("patch_size", network.patch),
        "cache": Path(recipe.data.cache),
    }


def make_vocabulary(recipe: Recipe, captions: list[str]) -> Vocabulary:
    file = Path(recipe.data.vocabulary)
    if recipe.data.prune:
        return prune(file, captions)
    return Vocabulary(file.read_text(encoding="utf-8").splitlines())


def build(recipe: Recipe, captions: list[str], modalities: int = 2) -> tuple[Vilt, Vocabulary, set[str]]:
    vocabulary = make_vocabulary(recipe, captions)
    network, heads = build_network(recipe.network, vocabulary, Path(recipe.data.vocabulary), modalities)
    return network, vocabulary, heads


def gather_pairs(recipe: Recipe) -> Material:
    data = recipe.data
    train = read_datasets(data.train, TRAIN, **sizes(recipe))
    validation = read_datasets(data.validation, VALIDATION, **sizes(recipe)) if data.validation else None
    network, vocabulary, heads = build(recipe, train.captions())

    def task(stage: Stage, seed: int) -> Pretraining:
        for part in (train, validation):
            if part is not None:
                part.pictures.to(network.device)
        chosen = train.only(stage.train) if stage.train else train
        return Pretraining(network, vocabulary, chosen, validation, stage, seed)

    return Material(network, vocabulary, heads, None, task)


def gather_questions(recipe: Recipe) -> Material:
    data, images = recipe.data, Path(recipe.data.images)
    answers = read_answers([*data.train, *data.validation])
    train = read_questions(data.train, images, answers, training=True, **sizes(recipe))
    validation = (
        read_questions(data.validation, images, answers, training=False, **sizes(recipe)) if data.validation else None
    )
    network, vocabulary, _ = build(recipe, train.captions())
    hidden = network.config.hidden_size
    network.classifier = classifier(hidden, 2 * hidden, len(answers))
    return Material(
        network,
        vocabulary,
        {"classifier"},
        answers,
        lambda stage, seed: Answering(network, vocabulary, train, validation, stage, seed),
    )


def gather_statements(recipe: Recipe) -> Material:
    data, images = recipe.data, Path(recipe.data.images)
    train = read_statements(data.train, images, **sizes(recipe))
    validation = read_statements(data.validation, images, **sizes(recipe)) if data.validation else None
    network, vocabulary, _ = build(recipe, train.captions(), modalities=3)
    hidden = network.config.hidden_size
    network.classifier = classifier(2 * hidden, 2 * hidden, 2)
    return Material(
        network,
        vocabulary,
        {"classifier"},
        ["False", "True"],
        lambda stage, seed: Reasoning(network, vocabulary, train, validation, stage, seed),
    )
