"""A sheet: one drawn picture with a map that says which kind of drawing lies where.

Three sorts: a surface alone, one thing on a quiet ground, and several things on any ground. All
is drawn from the pair (seed, number), so a sheet can be made again at any time. The scenes of
the demo data are not among these drawings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.offline_backbone.drawings import (
    cells,
    fractals,
    glyphs,
    gratings,
    machined,
    noise,
    shapes,
    tiles,
    weaves,
)
from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    any_angle,
    blurred,
    lit,
    log_uniform,
    turned,
)
from tools.offline_backbone.drawings.colours import colour, coloured

SIDE = 160

SURFACES: tuple[Callable[[Random, int], Floats], ...] = (
    noise.clouds,
    noise.band,
    noise.brushed,
    noise.marble,
    noise.patches,
    gratings.stripes,
    gratings.plaid,
    gratings.checks,
    gratings.rings,
    gratings.spiral,
    gratings.zigzag,
    cells.cobbles,
    cells.cracks,
    cells.grains,
    weaves.cloth,
    weaves.mesh,
    weaves.knit,
    tiles.bricks,
    tiles.dots,
    tiles.hexagons,
    fractals.attractor,
    glyphs.print_lines,
)
THINGS: tuple[Callable[[Random, int], shapes.Thing], ...] = (
    shapes.polygon,
    shapes.blob,
    shapes.band,
    shapes.ring,
    fractals.leaf,
    glyphs.sign,
    machined.turned_part,
    machined.screw,
    machined.plate,
    machined.gear,
    machined.rim,
    machined.pill,
)
KINDS = 1 + len(SURFACES) + len(THINGS)  # kind 0 is plain ground


@dataclass(frozen=True)
class Sheet:
    """A drawn picture.

    Attributes
    ----------
    picture : uint8 [SIDE, SIDE, 3]
    kinds : uint8 [SIDE, SIDE]
        Which kind of drawing each pixel shows, below ``KINDS``.
    """

    picture: NDArray[np.uint8]
    kinds: NDArray[np.uint8]


def draw_sheet(seed: int, number: int) -> Sheet:
    """Draw sheet `number` of `seed`."""
    rng = np.random.default_rng((seed, number))
    sort = rng.random()
    if sort < 0.3:
        picture, kinds = _surface(rng, log_uniform(rng, 0.15, 1.0))
    elif sort < 0.65:
        picture, kinds = _quiet_ground(rng)
        _put(rng, picture, kinds, large=True)
    else:
        quiet = rng.random() < 0.5
        picture, kinds = _quiet_ground(rng) if quiet else _surface(rng, log_uniform(rng, 0.1, 0.8))
        for _ in range(int(rng.integers(2, 6))):
            _put(rng, picture, kinds, large=False)
    return Sheet(_exposed(rng, picture), kinds)


def _surface(rng: Random, contrast: float) -> tuple[Floats, NDArray[np.uint8]]:
    kind = int(rng.integers(len(SURFACES)))
    value = SURFACES[kind](rng, SIDE)
    if rng.random() < 0.25:
        other = SURFACES[int(rng.integers(len(SURFACES)))](rng, SIDE)
        value = value + np.float32(rng.uniform(0.1, 0.4)) * (other - value)
    picture = coloured(rng, value, contrast)
    if rng.random() < 0.4:
        light = lit(blurred(value, 1.0), any_angle(rng), float(rng.uniform(2, 15)))
        picture *= (np.float32(0.5) + light)[..., None]
    return picture, np.full((SIDE, SIDE), 1 + kind, np.uint8)


def _quiet_ground(rng: Random) -> tuple[Floats, NDArray[np.uint8]]:
    picture = np.empty((SIDE, SIDE, 3), np.float32)
    picture[:] = colour(rng)
    if rng.random() < 0.5:
        cloud = noise.clouds(rng, SIDE) - np.float32(0.5)
        picture += (np.float32(log_uniform(rng, 0.02, 0.2)) * cloud)[..., None]
    return picture, np.zeros((SIDE, SIDE), np.uint8)


def _put(rng: Random, picture: Floats, kinds: NDArray[np.uint8], large: bool) -> None:
    """Draw a thing into the picture, with its shadow."""
    kind = int(rng.integers(len(THINGS)))
    side = SIDE if large else int(SIDE * rng.uniform(0.3, 0.7))
    cover, value = THINGS[kind](rng, side)
    reach = SIDE - side
    top, left = (int(rng.integers(reach + 1)) for _ in range(2))
    place = np.s_[top : top + side, left : left + side]
    paint = coloured(rng, value, log_uniform(rng, 0.4, 1.2))
    if rng.random() < 0.3:
        surface = SURFACES[int(rng.integers(len(SURFACES)))](rng, side - side % 2 or 2)
        paint[: len(surface), : len(surface)] *= (
            1 - np.float32(rng.uniform(0.1, 0.6)) * surface[..., None]
        )
    if rng.random() < 0.4:
        shift = rng.integers(-6, 7, 2)
        shadow = np.roll(blurred(cover, float(rng.uniform(1, 5))), shift, (0, 1))
        picture[place] *= (1 - np.float32(rng.uniform(0.1, 0.5)) * shadow)[..., None]
    picture[place] += cover[..., None] * (paint - picture[place])
    kinds[place][cover > 0.5] = 1 + len(SURFACES) + kind


def _exposed(rng: Random, picture: Floats) -> NDArray[np.uint8]:
    """Light that falls off to one side, then 8 bits."""
    if rng.random() < 0.5:
        along, _ = turned(SIDE, any_angle(rng))
        picture *= (1 + np.float32(rng.uniform(0, 0.3)) * along)[..., None]
    if rng.random() < 0.15:
        picture[:] = picture.mean(2, keepdims=True)
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
