"""Planted damage: what an autoencoder learns to remove, so that it does not copy it.

A network that is shown damaged pictures and has to draw the undamaged ones learns what belongs
where, and not only to pass pixels on (Vincent et al., "Extracting and composing robust features
with denoising autoencoders", 2008). Damage has many shapes and contents, because real defects are
not known: rectangles or round blobs, of another picture or of one colour, more or less opaque, with
noise over everything. All of it is drawn at random from the pictures of the batch themselves.
"""

from __future__ import annotations

import torch
from torch.nn import functional

INTACT = 0.2  # share of the pictures that stay whole
MOST_NOISE = 0.05  # standard deviation, of pictures in [0, 1]
RECTANGLES = 2
SMALLEST_SIDE, LARGEST_SIDE = 0.03, 0.25  # of a rectangle, as a share of the picture's
COARSEST, FINEST = 3, 13  # blobs are made of noise on so many points, at least and below
EDGE = 4.0  # steepness of a blob's rim


def damaged(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return pictures with something planted into most of them.

    Parameters
    ----------
    pictures : float32 [N, 3, h, w] in [0, 1]
    generator : torch.Generator
        Every random number comes from it.

    Returns
    -------
    float32 [N, 3, h, w] in [0, 1]
    """
    count, _, height, width = pictures.shape
    down, right = (int(torch.randint(n, (1,), generator=generator)) for n in (height, width))
    other = pictures.roll(1, dims=0).roll((down, right), dims=(2, 3))
    coloured = uniform(count, 1, generator) < 0.5
    colour = torch.where(coloured, uniform(count, 3, generator), uniform(count, 1, generator))
    content = torch.where(uniform(count, 1, generator) < 0.5, other, colour)
    opaque = 0.3 + 0.7 * uniform(count, 1, generator)
    opaque = opaque * (uniform(count, 1, generator) >= INTACT)
    planted = torch.lerp(pictures, content, opaque * shapes(count, height, width, generator))
    noise = torch.randn((count, 1, height, width), generator=generator)
    planted += MOST_NOISE * uniform(count, 1, generator) * noise
    return planted.clamp(0, 1).contiguous(memory_format=torch.channels_last)


def shapes(count: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Return where something is planted, float32 ``[count, 1, height, width]`` in [0, 1].

    Each picture has either rectangles, or blobs: what of smooth noise rises above a level.
    """
    points = int(torch.randint(COARSEST, FINEST, (1,), generator=generator))
    grid = (points, max(2, round(points * width / height)))
    coarse = torch.randn((count, 1, *grid), generator=generator)
    smooth = functional.interpolate(coarse, size=(height, width), mode="bicubic")
    level = 0.8 + uniform(count, 1, generator)
    blobs = ((smooth - level) * EDGE).clamp(0, 1)
    rows = torch.arange(height)[:, None] / height
    columns = torch.arange(width) / width
    rectangles = torch.zeros((count, 1, height, width), dtype=torch.bool)
    ratio = LARGEST_SIDE / SMALLEST_SIDE
    for _ in range(RECTANGLES):
        tall, wide = (SMALLEST_SIDE * ratio ** uniform(count, 1, generator) for _ in range(2))
        row, column = (uniform(count, 1, generator) for _ in range(2))
        inside_rows = (rows - row).abs() < tall / 2
        rectangles |= inside_rows & ((columns - column).abs() < wide / 2)
    return torch.where(uniform(count, 1, generator) < 0.5, blobs, rectangles.float())


def uniform(count: int, channels: int, generator: torch.Generator) -> torch.Tensor:
    """Return random numbers in [0, 1), ``[count, channels, 1, 1]``."""
    return torch.rand((count, channels, 1, 1), generator=generator)
