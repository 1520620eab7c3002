"""What a recipe may say. Defaults are the paper's, unless their comment names another source."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

OPTIMIZERS = ("adamw", "muon")
TASKS = ("pretraining", "vqa", "nlvr2")
OBJECTIVES = (
    "matching",
    "ranking",
    "editing",
    "masking",
    "alignment",
    "grounding",
    "recognition",
    "contrastive",
    "hard_contrastive",
    "retrieval",
)


@dataclass(frozen=True)
class Network:
    """Without a start, weights are random; a start decides every size but `side` and `projection`."""

    start: str = ""  # folder of a ViLT or of a ViT in Hugging Face's layout
    hidden: int = 768
    layers: int = 12
    heads: int = 12
    patch: int = 32
    side: int = 0  # shorter side of a picture, in pixels; 0: that of the start, 384 without one
    projection: int = 0  # dimension of the prefilter's embeddings; 0: that of the start, 128 without one


@dataclass(frozen=True)
class Data:
    train: tuple[str, ...] = ()  # Karpathy JSONs or folders that hold one; VQAv2 and NLVR2: annotation files
    validation: tuple[str, ...] = ()
    images: str = ""  # folder of the pictures of VQAv2 and NLVR2
    vocabulary: str = "data/vocabulary/bert-base-uncased.txt"  # pruned to the training captions' pieces
    prune: bool = True  # False: every piece of `vocabulary`
    cache: str = ".training-cache"  # pictures at model size


@dataclass(frozen=True)
class Stage:
    name: str
    steps: int
    keep_start: float = 0.0  # share of the start's weights that is averaged in before the stage (Wortsman et al., 2022)
    train: tuple[str, ...] = ()  # those of the recipe's data.train that the stage reads; none: all
    objectives: dict[str, float] = field(default_factory=dict)  # weight of each
    take_turns: tuple[str, ...] = ()  # objectives of which each step has one, in turn
    batch: int = 256
    accumulate: int = 1  # batches of one step, for batches larger than a machine holds
    masked: int = 0  # pairs of a step of masking, the first of its batch; 0: all of them
    pairs: int = 64  # true pairs of a step of matching; each brings about 2.6 false ones
    optimizer: str = "adamw"  # "muon": for the matrices of the blocks (Jordan et al., 2024), and AdamW for the rest
    learning_rate: float = 1e-4
    head_factor: float = 1.0  # of the learning rate, for a classifier; the paper's code has 10
    weight_decay: float = 0.01
    warm_up: float = 0.1  # share of the steps
    falls_to: float = 0.0  # share of the learning rate that is left at the end
    clip: float = 1.0  # largest norm of the gradient
    mean_decay: float = 0.0  # of the running mean of the weights, which is measured and kept (Polyak, 1992); 0: none
    augment_rate: float = 1.0  # of pictures; RandAugment(2, 9)
    mask_rate: float = 0.15  # of words
    noun_rate: float = 0.0  # of the nouns of drawn scenes; with it, words that need no picture are never hidden
    unknown_rate: float = 0.02  # of words that become [UNK]
    caption_shares: tuple[float, ...] = ()  # how often each caption of a picture is read, in their order; none: alike
    part_rate: float = 0.0  # of captions of drawn scenes, that become one of a part of the scene
    edit_rate: float = 0.6  # of true captions that get an edited one
    false_pictures: int = 1  # of each true caption in a step of matching; each picture gets one false caption
    hard_negatives: bool = True  # chosen by the prefilter, which must be trained for it; False: at random
    mine_every: int = 150  # batches; 0: false pairs are of a random batch
    mine_from: int = 4000  # examples
    measure_every: int = 1000  # steps
    measure_queries: int = 200  # of the validation set, reranked

    def __post_init__(self):
        if not 0 <= self.keep_start <= 1:
            raise ValueError(f"Stage {self.name}: keep_start is a share from 0 to 1, but is {self.keep_start}.")
        unknown = [name for name in (*self.objectives, *self.take_turns) if name not in OBJECTIVES]
        if unknown:
            raise ValueError(
                f"Stage {self.name}: no objective {', '.join(unknown)}; there are {', '.join(OBJECTIVES)}."
            )
        if self.objectives and not any(weight > 0 for weight in self.objectives.values()):
            raise ValueError(f"Stage {self.name}: no objective has a weight above 0.")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f'Stage {self.name}: optimizer must be one of {", ".join(OPTIMIZERS)}, but is "{self.optimizer}".'
            )
        if self.false_pictures < 1:
            raise ValueError(f"Stage {self.name}: false_pictures is 1 or more, but is {self.false_pictures}.")
        if not 0 <= self.part_rate <= 1:
            raise ValueError(f"Stage {self.name}: part_rate is a share from 0 to 1, but is {self.part_rate}.")
        if not 0 <= self.mean_decay < 1:
            raise ValueError(f"Stage {self.name}: mean_decay is from 0 to below 1, but is {self.mean_decay}.")
        if self.caption_shares and not (min(self.caption_shares) >= 0 and self.caption_shares[0] > 0):
            raise ValueError(
                f"Stage {self.name}: caption_shares are from 0 on, and the first, which every picture has, is above 0."
            )
        idle = [name for name in self.take_turns if name not in self.objectives]
        if idle:
            raise ValueError(f"Stage {self.name}: {', '.join(idle)} takes turns, but has no weight in objectives.")


@dataclass(frozen=True)
class Recipe:
    task: str = "pretraining"
    seed: int = 1
    precision: str = "auto"  # "fp32", "bf16" (autocast), "auto": bf16 where the machine multiplies it natively
    half: bool = False  # write weights as float16
    checkpoint_every: int = 300  # seconds
    network: Network = field(default_factory=Network)
    data: Data = field(default_factory=Data)
    stages: tuple[Stage, ...] = ()

    def __post_init__(self):
        if self.task not in TASKS:
            raise ValueError(f"task must be one of {', '.join(TASKS)}, but is {self.task}.")
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            raise ValueError("A recipe has one stage or more, each with a name of its own.")
        aimless = [stage.name for stage in self.stages if self.task == "pretraining" and not stage.objectives]
        if aimless:
            raise ValueError(f"A stage of pretraining has objectives, but {', '.join(aimless)} has none.")
        for stage in self.stages:
            if stage.train and (self.task != "pretraining" or not set(stage.train) <= set(self.data.train)):
                raise ValueError(f"Stage {stage.name}: train is for pretraining, and names some of data.train.")
        keeping = [stage.name for stage in self.stages if stage.keep_start > 0]
        if keeping and not (self.network.start and self.task == "pretraining"):
            raise ValueError(f"keep_start is for pretraining from a network.start, but {', '.join(keeping)} has it.")


def read_recipe(file: Path, changes: list[str] = ()) -> Recipe:
    """changes: KEY=VALUE with a dotted key and a value as TOML has it: stages.contrastive.steps=100"""
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    for change in changes:
        apply_change(table, change)
    return to_recipe(table, file.name)


def to_recipe(table: dict, where: str) -> Recipe:
    """table: as TOML has it, or JSON"""
    return build(Recipe, table, where)


def apply_change(table: dict, change: str) -> None:
    key, _, value = change.partition("=")
    *path, last = key.split(".")
    for name in path:
        if isinstance(table, list):
            found = [entry for entry in table if entry.get("name") == name]
            if not found:
                raise ValueError(f"{change}: there is no stage {name}.")
            table = found[0]
        else:
            table = table.setdefault(name, {})
    try:
        table[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = value


NESTED = {"network": Network, "data": Data}


def build(cls: type, table: dict, where: str):
    known = {f.name for f in dataclasses.fields(cls)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(unknown)}; there are {', '.join(sorted(known))}.")
    values = dict(table)
    for name, value in table.items():
        if name in NESTED:
            values[name] = build(NESTED[name], value, f"{where}, {name}")
        elif name == "stages":
            values[name] = tuple(build(Stage, stage, f"{where}, a stage") for stage in value)
        elif isinstance(value, list):
            values[name] = tuple(value)
    return cls(**values)
