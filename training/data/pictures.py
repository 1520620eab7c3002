"""Pictures at model size, as uint8, grouped by shape, because a batch holds one patch grid."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

LONGEST_ASPECT = 1333 / 800  # COCO's detectors; ViLT resizes like them (paper, 4.1)
RESIDENT_BYTES = 24 << 30  # pictures of up to this size in all are held on a GPU

Shape = tuple[int, int]  # height, width


def model_size(width: int, height: int, side: int, patch: int) -> tuple[int, int]:
    """Shorter side `side`, longer at most 1333/800 of it, both floored to whole patches, of which there is one or more.

    The reference's arithmetic, rounding included. -> (width, height)
    """
    longest = int(LONGEST_ASPECT * side)
    scale = side / min(width, height)
    new_width = side if width <= height else scale * width
    new_height = side if height < width else scale * height
    if max(new_width, new_height) > longest:
        scale = longest / max(new_width, new_height)
        new_width, new_height = new_width * scale, new_height * scale
    width, height = (max(1, int(length + 0.5) // patch) * patch for length in (new_width, new_height))
    return width, height


def read_picture(file: Path, side: int, patch: int) -> np.ndarray:
    """What the model sees of a file: upright, alpha over white, bicubic. -> (height, width, 3) uint8"""
    with Image.open(file) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB")
        size = model_size(*image.size, side, patch)
        return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BICUBIC))


class Pictures:
    """Arrays (n, height, width, 3), one for each shape; they may be files mapped into memory."""

    def __init__(self, arrays: dict[Shape, np.ndarray], places: list[tuple[Shape, int]]):
        """places: of each picture, its shape and row"""
        self.arrays = arrays
        self.places = places
        self.resident: dict[Shape, Tensor] | None = None

    def only(self, indices: Sequence[int]) -> "Pictures":
        """Some of them, sharing the memory of all."""
        some = Pictures(self.arrays, [self.places[i] for i in indices])
        some.resident = self.resident
        return some

    def by_shape(self) -> dict[Shape, np.ndarray]:
        """Which pictures have which shape."""
        groups = self.group(np.arange(len(self.places)))
        return {self.places[group[0]][0]: group for group in sorted(groups, key=lambda g: self.places[g[0]][0])}

    def group(self, indices: np.ndarray) -> list[np.ndarray]:
        """Positions in `indices` of pictures that have one shape, for each shape."""
        groups: dict[Shape, list[int]] = {}
        for position, index in enumerate(indices):
            groups.setdefault(self.places[index][0], []).append(position)
        return [np.array(group) for group in groups.values()]

    def to(self, device: torch.device) -> None:
        """Holds the pictures on a GPU where they fit, from then on."""
        if (
            self.resident is None
            and device.type == "cuda"
            and sum(array.nbytes for array in self.arrays.values()) <= RESIDENT_BYTES
        ):
            self.resident = {
                shape: torch.from_numpy(np.array(array)).to(device) for shape, array in self.arrays.items()
            }

    def take(self, indices: np.ndarray, device: torch.device) -> Tensor:
        """Pictures of one shape: (n, height, width, 3) uint8"""
        shape = self.places[indices[0]][0]
        rows = np.array([self.places[i][1] for i in indices])
        if self.resident is not None:
            return self.resident[shape][torch.from_numpy(rows).to(device)]
        return torch.from_numpy(np.ascontiguousarray(self.arrays[shape][rows])).to(device)


def join(parts: list[Pictures]) -> Pictures:
    """The pictures of several datasets, in their order."""
    if len(parts) == 1:
        return parts[0]
    arrays: dict[Shape, list[np.ndarray]] = {}
    places: list[tuple[Shape, int]] = []
    for part in parts:
        start = {shape: sum(map(len, arrays.get(shape, []))) for shape in part.arrays}
        places += [(shape, start[shape] + row) for shape, row in part.places]
        for shape, array in part.arrays.items():
            arrays.setdefault(shape, []).append(array)
    return Pictures({shape: np.concatenate(group) for shape, group in arrays.items()}, places)


def cached(files: list[Path], cache: Path, side: int, patch: int) -> Pictures:
    """Decodes and resizes each file once; later runs map the same bytes from the cache."""
    key = hashlib.sha256(
        json.dumps([side, patch, [[str(f), f.stat().st_size, f.stat().st_mtime_ns] for f in files]]).encode()
    )
    folder = cache / key.hexdigest()[:16]
    index = folder / "places.json"  # written last: a folder that has it is whole
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_cache(files, folder, side, patch)
    places = [((height, width), row) for height, width, row in json.loads(index.read_text())]
    arrays = {shape: np.memmap(folder / name_of(shape), np.uint8, "r").reshape(-1, *shape, 3) for shape, _ in places}
    return Pictures(arrays, places)


def write_cache(files: list[Path], folder: Path, side: int, patch: int) -> None:
    counts: dict[Shape, int] = {}
    places: list[tuple[int, int, int]] = []
    opened = {}
    for file in files:
        picture = read_picture(file, side, patch)
        shape = picture.shape[:2]
        if shape not in opened:
            opened[shape] = (folder / name_of(shape)).open("wb")
        opened[shape].write(picture.tobytes())
        places.append((*shape, counts.get(shape, 0)))
        counts[shape] = counts.get(shape, 0) + 1
    for stream in opened.values():
        stream.close()
    partial = folder / "places.json.partial"
    partial.write_text(json.dumps(places))
    partial.rename(folder / "places.json")


def name_of(shape: Shape) -> str:
    return f"{shape[1]}x{shape[0]}.bin"
