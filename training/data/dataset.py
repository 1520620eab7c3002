"""Captioned pictures in Karpathy's layout, from files or from the raw pixels that data/scenes draws."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from training.data.pictures import Pictures, Shape, cached, join, model_size

TRAIN = frozenset({"train", "restval"})  # Karpathy and Li (CVPR 2015); COCO is trained on both (paper, 4.4)
VALIDATION = frozenset({"val"})
COVERS = "in front of/behind"
# What else a picture of data/scenes shows: with a background or weather of this name, and with a thing of this noun.
SURROUNDINGS = {
    "city": ("building", "buildings"),
    "forest": ("tree", "trees", "plant", "plants"),
    "mountains": ("mountain",),
    "night": ("star", "stars"),
    "space": ("star", "stars"),
    "storm": ("cloud", "clouds", "rain"),
}
ALSO_CALLED = {
    "boat": ("ship", "ships"),
    "fire truck": ("truck", "trucks"),
    "locomotive": ("train", "trains"),
    "phone": ("telephone", "telephones"),
    "police car": ("car", "cars"),
    "sailboat": ("boat", "boats"),
    "ship": ("boat", "boats"),
    "taxi": ("car", "cars"),
    "telephone": ("phone", "phones"),
    "train": ("locomotive", "locomotives"),
}
RELATED = frozenset({"beside", "stacked", "sizes"})  # layouts of data/scenes that show a relation


@dataclass(frozen=True)
class Thing:
    """An object of a drawn scene."""

    names: tuple[str, ...]  # its noun and, where it has one, the plural: "fox", "foxes"
    others: tuple[str, ...]  # synonyms and hypernyms, with their plurals: "animal", "animals"
    boxes: tuple[tuple[float, float, float, float], ...]  # centre x, y, width, height as fractions of the picture
    tint: str | None = None  # colour that it is drawn in, where that is not its own

    def all_names(self) -> tuple[str, ...]:
        return self.names + self.others


@dataclass(frozen=True)
class Example:
    captions: list[str]
    swapped: list[str | None]  # of each caption, one that its relation makes false; None where it has none
    things: list[Thing] = field(default_factory=list)
    has_relation: bool = False  # of a drawn scene that shows one: "left of", "above", ...
    covers: bool = False  # that one is "in front of"
    setting: tuple[str, ...] = ()  # names of a drawn scene's background and weather: "beach", "rain"

    def shows(self) -> frozenset[str]:
        """Every name of what is in a drawn scene, its surroundings and weather among them."""
        shown = {*self.setting}
        for place in self.setting:
            shown.update(SURROUNDINGS.get(place, ()))
        for thing in self.things:
            shown.update(thing.all_names(), ALSO_CALLED.get(thing.names[0], ()))
        return frozenset(shown)

    def swapped_of(self, caption: str) -> str | None:
        return self.swapped[self.captions.index(caption)] if caption in self.captions else None

    def draw_caption(self, shares: Sequence[float], random: np.random.Generator) -> str:
        """shares: how often each caption is drawn, in their order, those without a share never; none: all alike"""
        if not shares:
            return str(random.choice(self.captions))
        chances = np.array(shares[: len(self.captions)])
        return self.captions[random.choice(len(chances), p=chances / chances.sum())]


@dataclass
class Dataset:
    examples: list[Example]
    pictures: Pictures
    sources: dict[str, range] = field(default_factory=dict)  # which examples are of which source

    def __len__(self) -> int:
        return len(self.examples)

    def captions(self) -> list[str]:
        return [caption for example in self.examples for caption in example.captions]

    def only(self, sources: Sequence[str]) -> "Dataset":
        """Those of some sources, sharing the pictures of all."""
        indices = [i for source in sources for i in self.sources[source]]
        return Dataset([self.examples[i] for i in indices], self.pictures.only(indices))


def read_datasets(sources: list[str], splits: frozenset[str], *, side: int, patch: int, cache: Path) -> Dataset:
    parts = [read_dataset(Path(source), splits, side=side, patch=patch, cache=cache) for source in sources]
    ends = [0, *accumulate(map(len, parts))]
    return Dataset(
        [e for part in parts for e in part.examples],
        join([part.pictures for part in parts]),
        {source: range(*bounds) for source, bounds in zip(sources, pairwise(ends), strict=True)},
    )


def read_dataset(source: Path, splits: frozenset[str], *, side: int, patch: int, cache: Path) -> Dataset:
    """source: a Karpathy JSON, or a folder that has one named dataset*.json"""
    file = find_index(source)
    images = json.loads(file.read_text(encoding="utf-8"))["images"]
    chosen = [image for image in images if image["split"] in splits]
    if not chosen:
        there = ", ".join(sorted({image["split"] for image in images}))
        raise ValueError(f"{file} has no picture of the split {' or '.join(sorted(splits))}; it has {there}.")
    raw = file.parent / "images.bin"
    if raw.exists():
        pictures = read_raw(raw, images, chosen, side, patch)
    else:
        pictures = cached([find_picture(file.parent, image) for image in chosen], cache, side, patch)
    return Dataset([to_example(image) for image in chosen], pictures)


def find_index(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(source.glob("dataset*.json"))
    if len(found) != 1:
        raise FileNotFoundError(f"{source} must hold one dataset*.json, but holds {len(found)}: name the file.")
    return found[0]


def find_picture(folder: Path, image: dict) -> Path:
    name, below = image["filename"], image.get("filepath", "")
    candidates = [
        folder / below / name,
        folder / "images" / below / name,
        folder / "images" / name,
        folder / name,
    ]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"{name} is not there: looked for {', '.join(map(str, dict.fromkeys(candidates)))}.")


def read_raw(file: Path, images: list[dict], chosen: list[dict], side: int, patch: int) -> Pictures:
    """images.bin of data/scenes: uint8 RGB of shape (height, width, 3) from each picture's `offset` on. Without one,
    pictures are squares of equal size, and picture `imgid` is row `imgid`."""
    pixels = np.memmap(file, np.uint8, "r")
    square = round((len(pixels) / len(images) / 3) ** 0.5)
    groups: dict[Shape, list[np.ndarray]] = {}
    places: list[tuple[Shape, int]] = []
    for image in chosen:
        height, width = image.get("height", square), image.get("width", square)
        start = image.get("offset", image["imgid"] * 3 * square**2)
        bytes_ = pixels[start : start + 3 * height * width]
        if len(bytes_) < 3 * height * width:
            raise ValueError(f"{file} ends before picture {image['imgid']}: it is not whole.")
        picture = bytes_.reshape(height, width, 3)
        size = model_size(width, height, side, patch)
        if size != (width, height):
            picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
        group = groups.setdefault(picture.shape[:2], [])
        places.append((picture.shape[:2], len(group)))
        group.append(picture)
    return Pictures({shape: np.stack(group) for shape, group in groups.items()}, places)


def to_example(image: dict) -> Example:
    sentences = image["sentences"]
    return Example(
        captions=[sentence["raw"] for sentence in sentences],
        swapped=[sentence.get("swapped") for sentence in sentences],
        things=[to_thing(thing) for thing in image.get("objects", [])],
        has_relation=image.get("relation") is not None or image.get("layout") in RELATED,
        covers=image.get("relation") == COVERS,
        setting=tuple(image[key] for key in ("background", "weather") if image.get(key)),
    )


def to_thing(thing: dict) -> Thing:
    names = (thing["noun"], thing["plural"])
    boxes = tuple((x, y, *(sides if len(sides) == 2 else sides * 2)) for x, y, *sides in thing["boxes"])
    others = (*thing.get("synonyms", []), *thing.get("hypernyms", []))
    return Thing(
        tuple(name for name in dict.fromkeys(names) if name is not None),
        tuple(dict.fromkeys(others)),
        boxes,
        thing.get("colour"),
    )
