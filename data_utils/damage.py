"""Damage drawn onto a picture, to see what a detector makes of a defect of known size and place.

Every function returns the damaged picture and its mask; pixels outside the mask are untouched.
The same arguments give the same pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

SUPERSAMPLING = 4
BRIGHT_SCRATCH_COLOUR, DARK_SCRATCH_COLOUR = (225, 222, 214), (40, 38, 36)
STAIN_COLOUR = (70, 44, 20)
HOLE_COLOUR, RIM_COLOUR = (10, 9, 8), (150, 146, 140)
SCRATCH_STEPS = 24
OUTLINE_STEPS = 120

Painted = tuple[NDArray[np.uint8], NDArray[np.bool_]]
Point = tuple[float, float]


@dataclass(frozen=True)
class Damage:
    """Where and how large."""

    across: float = 0.5  # the centre, from 0 (left) to 1 (right)
    down: float = 0.5  # from 0 (top) to 1 (bottom)
    size: float = 0.2  # length or diameter, as a share of the shorter side
    angle: float = 30.0  # in degrees, counter-clockwise from the horizontal
    strength: float = 1.0  # from 0 (nothing is changed) to 1 (as strong as it gets)
    seed: int = 0  # draws the irregular outline

    def __post_init__(self) -> None:
        if not all(0 <= value <= 1 for value in (self.across, self.down, self.size, self.strength)):
            raise ValueError("Place, size and strength of a damage lie between 0 and 1.")


@dataclass(frozen=True)
class Stroke:
    """One stroke of a brush, in pixels of the picture."""

    points: tuple[Point, ...]  # x and y, from the top left corner
    width: float
    colour: str  # #rrggbb


def scratch(picture: NDArray[np.uint8], damage: Damage) -> Painted:
    """Draw a thin, slightly shaky line, bright on dark parts and dark on bright ones.

    Its width is a thirtieth of its length, at least 1 px.

    Returns
    -------
    picture : uint8 [H, W, 3]
    mask : bool [H, W]
    """
    rng = np.random.default_rng(damage.seed)
    length = damage.size * min(picture.shape[:2])
    along = np.linspace(-0.5, 0.5, SCRATCH_STEPS) * length
    drift = np.cumsum(rng.normal(0, length / 150, SCRATCH_STEPS))
    points = _placed(picture, damage, along, drift - drift.mean())
    cover = _cover(picture, points, width=max(1.0, length / 30))
    below = picture[cover > 0]
    on_bright = below.size > 0 and below.mean() > 128
    colour = DARK_SCRATCH_COLOUR if on_bright else BRIGHT_SCRATCH_COLOUR
    return _painted(picture, cover * damage.strength, colour)


def stain(picture: NDArray[np.uint8], damage: Damage) -> Painted:
    """Draw a brown, translucent blot with a darker edge, as of a dried drop."""
    outline = _outline(picture, damage, roughness=0.12)
    cover, inner = _cover(picture, outline), _cover(picture, _shrunk(outline, 0.85))
    opacity = (cover * (0.75 - 0.3 * inner) * damage.strength).astype(np.float32)
    return _painted(picture, opacity, STAIN_COLOUR)


def hole(picture: NDArray[np.uint8], damage: Damage) -> Painted:
    """Draw a black hole with a bright, broken rim."""
    outline = _outline(picture, damage, roughness=0.05)
    cover, inner = _cover(picture, outline), _cover(picture, _shrunk(outline, 0.86))
    rimmed, mask = _painted(picture, cover * damage.strength, RIM_COLOUR)
    holed, _ = _painted(rimmed, inner * damage.strength, HOLE_COLOUR)
    return holed, mask


DAMAGES: dict[str, Callable[[NDArray[np.uint8], Damage], Painted]] = {
    "scratch": scratch,
    "stain": stain,
    "hole": hole,
}


def drawn(picture: NDArray[np.uint8], strokes: Sequence[Stroke]) -> Painted:
    """Draw strokes of a brush on a picture, one over the other; the mask is what they touch."""
    result = picture.copy()
    touched = np.zeros(picture.shape[:2], np.bool_)
    for stroke in strokes:
        cover = _cover(picture, stroke.points, stroke.width)
        result, mask = _painted(result, cover, ImageColor.getrgb(stroke.colour))
        touched |= mask
    return result, touched


def _outline(picture: NDArray[np.uint8], damage: Damage, roughness: float) -> list[Point]:
    """Return an ellipse whose radius wavers with a few random waves."""
    rng = np.random.default_rng(damage.seed)
    radius = damage.size * min(picture.shape[:2]) / 2
    turn = np.linspace(0, 2 * np.pi, OUTLINE_STEPS, endpoint=False)
    waves = np.arange(2, 7)
    phases, weights = rng.uniform(0, 2 * np.pi, len(waves)), rng.normal(0, roughness / waves**0.5)
    wavering = 1 + (weights[:, None] * np.sin(waves[:, None] * turn + phases[:, None])).sum(axis=0)
    along, across = radius * wavering * np.cos(turn), 0.8 * radius * wavering * np.sin(turn)
    return _placed(picture, damage, along, across)


def _placed(
    picture: NDArray[np.uint8],
    damage: Damage,
    along: NDArray[np.float64],
    across: NDArray[np.float64],
) -> list[Point]:
    """Return points given along and across the direction of a damage, from its centre."""
    height, width = picture.shape[:2]
    cosine, sine = math.cos(math.radians(damage.angle)), math.sin(math.radians(damage.angle))
    x = damage.across * width + along * cosine + across * sine
    y = damage.down * height - along * sine + across * cosine
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _shrunk(outline: Sequence[Point], factor: float) -> list[Point]:
    x, y = np.mean(outline, axis=0)
    return [(x + factor * (a - x), y + factor * (b - y)) for a, b in outline]


def _cover(
    picture: NDArray[np.uint8], points: Sequence[Point], width: float | None = None
) -> NDArray[np.float32]:
    """Return how much of each pixel, 0 to 1, is covered by an outline, or by a line of a width."""
    rows, columns = picture.shape[:2]
    large = Image.new("L", (columns * SUPERSAMPLING, rows * SUPERSAMPLING))
    draw = ImageDraw.Draw(large)
    at = [(x * SUPERSAMPLING - 0.5, y * SUPERSAMPLING - 0.5) for x, y in points]
    if width is None:
        draw.polygon(at, fill=255)
    else:  # with round ends and joints
        radius = width * SUPERSAMPLING / 2
        if len(at) > 1:
            draw.line(at, fill=255, width=max(1, round(2 * radius)))
        for x, y in at:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return (np.asarray(large.reduce(SUPERSAMPLING)) / 255).astype(np.float32)


def _painted(
    picture: NDArray[np.uint8], opacity: NDArray[np.float32], colour: tuple[int, ...]
) -> Painted:
    weight = opacity.astype(np.float32)[..., None]
    mixed = picture * (1 - weight) + np.asarray(colour[:3], np.float32) * weight
    return np.rint(mixed).astype(np.uint8), opacity > 0
