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
    """Where and how large.

    Attributes
    ----------
    across, down : float
        The centre, from 0 (left, top) to 1 (right, bottom).
    size : float
        Length of a scratch or diameter of a stain or hole, as a share of the shorter side.
    angle : float
        Direction in degrees, counter-clockwise from the horizontal.
    strength : float
        From 0 (nothing is changed) to 1 (as strong as it gets).
    seed : int
        Draws the irregular outline.
    """

    across: float = 0.5
    down: float = 0.5
    size: float = 0.2
    angle: float = 30.0
    strength: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not all(0 <= value <= 1 for value in (self.across, self.down, self.size, self.strength)):
            raise ValueError("Place, size and strength of a damage lie between 0 and 1.")


@dataclass(frozen=True)
class Stroke:
    """One stroke of a brush.

    Attributes
    ----------
    points : sequence of (x, y)
        In pixels of the picture, from its top left corner.
    width : float
        Of the brush, in pixels of the picture.
    colour : str
        ``#rrggbb``.
    """

    points: tuple[Point, ...]
    width: float
    colour: str


def scratch(picture: NDArray[np.uint8], damage: Damage) -> Painted:
    """Draw a thin, slightly shaky line, bright on dark parts and dark on bright ones.

    Its width is a thirtieth of its length, at least 1 px.

    Returns
    -------
    picture : uint8 [H, W, 3]
    mask : bool [H, W]
    """
    rng = np.random.default_rng(damage.seed)
    (x, y), unit = _centre(picture, damage), _unit(picture)
    length = damage.size * unit
    width = max(1.0, length / 30)
    along = np.linspace(-0.5, 0.5, SCRATCH_STEPS) * length
    drift = np.cumsum(rng.normal(0, length / 150, SCRATCH_STEPS))
    drift -= drift.mean()
    angle = math.radians(damage.angle)
    points = [
        (
            x + a * math.cos(angle) + d * math.sin(angle),
            y - a * math.sin(angle) + d * math.cos(angle),
        )
        for a, d in zip(along, drift, strict=True)
    ]
    cover = _cover(picture, lambda draw, scale: _draw_line(draw, points, width, scale))
    below = picture[cover > 0]
    on_bright = below.size > 0 and below.mean() > 128
    colour = DARK_SCRATCH_COLOUR if on_bright else BRIGHT_SCRATCH_COLOUR
    return _painted(picture, cover * damage.strength, colour)


def stain(picture: NDArray[np.uint8], damage: Damage) -> Painted:
    """Draw a brown, translucent blot with a darker edge, as of a dried drop."""
    outline = _outline(picture, damage, roughness=0.12)
    cover = _cover(picture, lambda draw, scale: draw.polygon(_scaled(outline, scale), fill=255))
    inner_outline = _shrunk(outline, 0.85)
    inner = _cover(
        picture, lambda draw, scale: draw.polygon(_scaled(inner_outline, scale), fill=255)
    )
    opacity = (cover * (0.75 - 0.3 * inner) * damage.strength).astype(np.float32)
    return _painted(picture, opacity, STAIN_COLOUR)


def hole(picture: NDArray[np.uint8], damage: Damage) -> Painted:
    """Draw a black hole with a bright, broken rim."""
    outline = _outline(picture, damage, roughness=0.05)
    cover = _cover(picture, lambda draw, scale: draw.polygon(_scaled(outline, scale), fill=255))
    inner_outline = _shrunk(outline, 0.86)
    inner = _cover(
        picture, lambda draw, scale: draw.polygon(_scaled(inner_outline, scale), fill=255)
    )
    rimmed, mask = _painted(picture, cover * damage.strength, RIM_COLOUR)
    holed, _ = _painted(rimmed, inner * damage.strength, HOLE_COLOUR)
    return holed, mask


DAMAGES: dict[str, Callable[[NDArray[np.uint8], Damage], Painted]] = {
    "scratch": scratch,
    "stain": stain,
    "hole": hole,
}


def drawn(picture: NDArray[np.uint8], strokes: Sequence[Stroke]) -> Painted:
    """Draw strokes of a brush, one over the other.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
    strokes : sequence of Stroke

    Returns
    -------
    picture : uint8 [H, W, 3]
    mask : bool [H, W]
        Pixels that a stroke touches.
    """
    result = picture.copy()
    touched = np.zeros(picture.shape[:2], np.bool_)
    for stroke in strokes:
        result, mask = _painted(
            result, _stroke_cover(picture, stroke), ImageColor.getrgb(stroke.colour)
        )
        touched |= mask
    return result, touched


def _stroke_cover(picture: NDArray[np.uint8], stroke: Stroke) -> NDArray[np.float32]:
    return _cover(picture, lambda draw, scale: _draw_line(draw, stroke.points, stroke.width, scale))


def _unit(picture: NDArray[np.uint8]) -> int:
    return min(picture.shape[:2])


def _centre(picture: NDArray[np.uint8], damage: Damage) -> Point:
    height, width = picture.shape[:2]
    return damage.across * width, damage.down * height


def _outline(picture: NDArray[np.uint8], damage: Damage, roughness: float) -> list[Point]:
    """Return an ellipse whose radius wavers with a few random waves."""
    rng = np.random.default_rng(damage.seed)
    (x, y), radius = _centre(picture, damage), damage.size * _unit(picture) / 2
    turn = np.linspace(0, 2 * np.pi, OUTLINE_STEPS, endpoint=False)
    waves = np.arange(2, 7)
    phases, weights = rng.uniform(0, 2 * np.pi, len(waves)), rng.normal(0, roughness / waves**0.5)
    wavering = 1 + (weights[:, None] * np.sin(waves[:, None] * turn + phases[:, None])).sum(axis=0)
    angle = math.radians(damage.angle)
    a, b = radius * wavering * np.cos(turn), 0.8 * radius * wavering * np.sin(turn)
    across = x + a * math.cos(angle) + b * math.sin(angle)
    down = y - a * math.sin(angle) + b * math.cos(angle)
    return list(zip(across.tolist(), down.tolist(), strict=True))


def _shrunk(outline: Sequence[Point], factor: float) -> list[Point]:
    x, y = np.mean(outline, axis=0)
    return [(x + factor * (a - x), y + factor * (b - y)) for a, b in outline]


def _scaled(points: Sequence[Point], scale: int) -> list[Point]:
    return [(x * scale - 0.5, y * scale - 0.5) for x, y in points]


def _draw_line(
    draw: ImageDraw.ImageDraw, points: Sequence[Point], width: float, scale: int
) -> None:
    """Draw a line with round ends and joints."""
    at = _scaled(points, scale)
    radius = width * scale / 2
    if len(at) > 1:
        draw.line(at, fill=255, width=max(1, round(2 * radius)))
    for x, y in at:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _cover(
    picture: NDArray[np.uint8], paint: Callable[[ImageDraw.ImageDraw, int], None]
) -> NDArray[np.float32]:
    """Return how much of each pixel is covered, 0 to 1, by what `paint` draws enlarged."""
    height, width = picture.shape[:2]
    large = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    paint(ImageDraw.Draw(large), SUPERSAMPLING)
    return (np.asarray(large.reduce(SUPERSAMPLING)) / 255).astype(np.float32)


def _painted(
    picture: NDArray[np.uint8], opacity: NDArray[np.float32], colour: tuple[int, ...]
) -> Painted:
    weight = opacity.astype(np.float32)[..., None]
    mixed = picture * (1 - weight) + np.asarray(colour[:3], np.float32) * weight
    return np.rint(mixed).astype(np.uint8), opacity > 0
