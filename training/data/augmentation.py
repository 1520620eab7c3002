"""RandAugment(2, 9) (Cubuk et al., 2020) on whole batches, on the device where they lie.

As in the paper (3.3), without colour inversion and cutout: captions name colours, and an object may be small. Solarize
is left out too: at magnitude 9 it inverts every level above 76. There are no flips, which would turn left into right.
Where things moved is told, so that boxes can follow.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

OPERATIONS_EACH = 2
UNCHANGED = -1
MAGNITUDE = 9 / 30  # as a share of each operation's range

ANGLE = math.radians(30) * MAGNITUDE
SHEAR = 0.3 * MAGNITUDE
SHIFT = 100 / 640 * MAGNITUDE  # 100 pixels of a photograph of COCO, as a fraction of a side
FACTOR = 0.1 + 1.8 * MAGNITUDE  # of colour, contrast, brightness, sharpness: 1 leaves a picture as it is
BITS = 8 - round(4 * MAGNITUDE)
SOLAR = 110 * MAGNITUDE  # added to dark levels

GREY = torch.tensor([0.299, 0.587, 0.114])


def augment(pixels: Tensor, random: np.random.Generator, rate: float) -> tuple[Tensor, np.ndarray]:
    """Two operations on a share `rate` of the pictures.

    pixels (B, height, width, 3) uint8 -> the same as float in [0, 255], and (B, 2, 3): where each point went, in
    fractions of the picture: (x, y) -> moved[:, :2] @ (x, y) + moved[:, 2]
    """
    x = pixels.permute(0, 3, 1, 2).float()  # (B, 3, height, width)
    moved = np.tile(np.eye(3), (len(x), 1, 1))
    stay = random.random(len(x)) >= rate
    for _ in range(OPERATIONS_EACH):
        chosen = random.integers(len(COLOUR) + len(GEOMETRY), size=len(x))
        chosen[stay] = UNCHANGED
        signs = random.choice([-1.0, 1.0], size=len(x))
        for i, operation in enumerate(COLOUR):
            rows = torch.from_numpy(np.flatnonzero(chosen == i)).to(x.device)
            if len(rows) > 0:
                x[rows] = operation(x[rows]).clamp(0, 255)
        matrices = np.tile(np.eye(3), (len(x), 1, 1))
        for i, geometry in enumerate(GEOMETRY, start=len(COLOUR)):
            for row in np.flatnonzero(chosen == i):
                matrices[row] = geometry(signs[row], x.shape[3] / x.shape[2])
        x = warp(x, matrices, np.flatnonzero(chosen >= len(COLOUR)))
        moved = matrices @ moved
    return x.permute(0, 2, 3, 1), about_centre(moved)[:, :2]


def warp(x: Tensor, matrices: np.ndarray, rows: np.ndarray) -> Tensor:
    """Moves the points of some pictures; what comes in from outside is mid-gray. matrices are about the centre."""
    if len(rows) == 0:
        return x
    chosen = torch.from_numpy(rows).to(x.device)
    # grid_sample asks where a point of the result comes from, in [-1, 1].
    inverse = np.linalg.inv(matrices[rows])
    inverse[:, :2, 2] *= 2
    theta = torch.from_numpy(inverse[:, :2]).to(x)
    grid = F.affine_grid(theta, [len(rows), *x.shape[1:]], align_corners=False)
    x[chosen] = F.grid_sample(x[chosen] - 127.5, grid, mode="bilinear", align_corners=False) + 127.5
    return x


def about_centre(matrices: np.ndarray) -> np.ndarray:
    """Matrices about the picture's centre, as matrices about its corner."""
    to_centre, back = np.eye(3), np.eye(3)
    to_centre[:2, 2], back[:2, 2] = -0.5, 0.5
    return back @ matrices @ to_centre


def move_boxes(boxes: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Boxes of things whose pictures were moved: the centre goes along, the size stays (turns and shears are slight).

    boxes (n, most, 4), moved (n, 2, 3) -> (n, most, 4)
    """
    centres = np.einsum("nij,nkj->nki", moved[:, :, :2], boxes[:, :, :2]) + moved[:, None, :, 2]
    return np.concatenate([centres, boxes[:, :, 2:]], axis=2)


# Geometry: (sign, width / height) -> matrix of where points go, about the centre, in fractions of the sides


def rotate(sign: float, aspect: float) -> np.ndarray:
    sine, cosine = math.sin(sign * ANGLE), math.cos(ANGLE)
    return np.array([[cosine, -sine / aspect, 0], [sine * aspect, cosine, 0], [0, 0, 1]])


def shear_x(sign: float, aspect: float) -> np.ndarray:
    return np.array([[1, sign * SHEAR / aspect, 0], [0, 1, 0], [0, 0, 1]])


def shear_y(sign: float, aspect: float) -> np.ndarray:
    return np.array([[1, 0, 0], [sign * SHEAR * aspect, 1, 0], [0, 0, 1]])


def shift_x(sign: float, aspect: float) -> np.ndarray:
    return np.array([[1, 0, sign * SHIFT], [0, 1, 0], [0, 0, 1]])


def shift_y(sign: float, aspect: float) -> np.ndarray:
    return np.array([[1, 0, 0], [0, 1, sign * SHIFT], [0, 0, 1]])


# Colour: (n, 3, height, width) in [0, 255] -> the same


def grey(x: Tensor) -> Tensor:
    return (x * GREY.to(x)[:, None, None]).sum(1, keepdim=True)


def blend(from_: Tensor, x: Tensor) -> Tensor:
    return from_ + FACTOR * (x - from_)


def autocontrast(x: Tensor) -> Tensor:
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    return torch.where(high > low, (x - low) * 255 / (high - low).clamp(min=1), x)


def equalize(x: Tensor) -> Tensor:
    """Each channel's levels, by their rank among its pixels."""
    levels = x.round().long().flatten(2)  # (n, 3, pixels)
    counts = torch.zeros(*levels.shape[:2], 256, device=x.device).scatter_add_(
        2, levels, torch.ones_like(levels, dtype=x.dtype)
    )
    below = counts.cumsum(2) - counts  # pixels that are darker
    darkest = counts.gather(2, levels.amin(2, keepdim=True))
    rank = below.gather(2, levels) / (levels.shape[2] - darkest).clamp(min=1) * 255
    flat = (darkest == levels.shape[2]).expand_as(rank)
    return torch.where(flat, levels.to(x.dtype), rank).view_as(x)


def posterize(x: Tensor) -> Tensor:
    step = 2 ** (8 - BITS)
    return (x / step).floor() * step


def solarize_add(x: Tensor) -> Tensor:
    return torch.where(x < 128, x + SOLAR, x)


def sharpness(x: Tensor) -> Tensor:
    kernel = torch.ones(3, 1, 3, 3, device=x.device)
    kernel[:, :, 1, 1] = 5
    smooth = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel / 13, groups=3)
    return blend(smooth, x)


COLOUR = [
    autocontrast,
    equalize,
    posterize,
    solarize_add,
    lambda x: blend(grey(x), x),  # colour
    lambda x: blend(grey(x).mean((2, 3), keepdim=True), x),  # contrast
    lambda x: FACTOR * x,  # brightness
    sharpness,
]
GEOMETRY = [rotate, shear_x, shear_y, shift_x, shift_y]
