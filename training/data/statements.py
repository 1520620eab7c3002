"""NLVR2's annotation files: one JSON object a line, a sentence about two pictures."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.pictures import Pictures, cached


@dataclass(frozen=True)
class Statement:
    text: str
    pictures: tuple[int, int]  # left, right
    is_true: bool


@dataclass
class StatementSet:
    statements: list[Statement]
    pictures: Pictures

    def captions(self) -> list[str]:
        return [statement.text for statement in self.statements]

    def by_shape(self) -> dict[tuple, np.ndarray]:
        """Which statements have pictures of which two shapes."""
        groups: dict[tuple, list[int]] = {}
        for i, statement in enumerate(self.statements):
            groups.setdefault(tuple(self.pictures.places[p][0] for p in statement.pictures), []).append(i)
        return {shapes: np.array(groups[shapes]) for shapes in sorted(groups)}


def read_statements(sources: list[str], images: Path, *, side: int, patch: int, cache: Path) -> StatementSet:
    """sources: train.json, dev.json, test1.json; images: the folder of the pictures, in NLVR2's layout or flat"""
    files: dict[Path, int] = {}
    statements = []
    for source in sources:
        for line in Path(source).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            pair = [find_picture(images, entry, number) for number in (0, 1)]
            numbers = tuple(files.setdefault(file, len(files)) for file in pair)
            is_true = str(entry["label"]).lower() == "true"
            statements.append(Statement(entry["sentence"], numbers, is_true))
    return StatementSet(statements, cached(list(files), cache, side, patch))


def find_picture(images: Path, entry: dict, number: int) -> Path:
    """Statement "train-4100-0-1" is about train-4100-0-img0.png and -img1.png."""
    stem = entry["identifier"].rsplit("-", 1)[0]
    split, name = stem.split("-")[0], f"{stem}-img{number}.png"
    folders = [images / split / str(entry.get("directory", "")), images / split, images]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is not there: looked in {', '.join(map(str, dict.fromkeys(folders)))}.")
