"""What all drawings share: coordinates, soft edges, light from the side."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float32]
Random = np.random.Generator


@cache
def coordinates(side: int) -> tuple[Floats, Floats]:
    """Return y and x of every pixel, float32 ``[side, side]``, from -1 to 1."""
    axis = np.linspace(-1 + 1 / side, 1 - 1 / side, side, dtype=np.float32)
    y: Floats = np.repeat(axis[:, None], side, 1)
    x: Floats = np.repeat(axis[None], side, 0)
    y.flags.writeable = x.flags.writeable = False
    return y, x


def turned(
    side: int, angle: float, centre: tuple[float, float] = (0.0, 0.0)
) -> tuple[Floats, Floats]:
    """Return coordinates along and across a direction, `angle` in radians, through `centre`."""
    y, x = coordinates(side)
    dy, dx = y - np.float32(centre[0]), x - np.float32(centre[1])
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return dx * cosine + dy * sine, dy * cosine - dx * sine


def polar(side: int, centre: tuple[float, float] = (0.0, 0.0)) -> tuple[Floats, Floats]:
    """Return distance from `centre` and angle in radians."""
    y, x = coordinates(side)
    dy, dx = y - np.float32(centre[0]), x - np.float32(centre[1])
    return np.hypot(dy, dx), np.arctan2(dy, dx)


def soft_step(x: Floats, low: float, high: float) -> Floats:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((x - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def inside(depth: Floats, softness: float = 0.02) -> Floats:
    """Return 1 where `depth` is above 0, with an edge of width `softness`."""
    return np.clip(depth * np.float32(1 / softness) + np.float32(0.5), 0, 1)


def stretched(x: Floats) -> Floats:
    """Bring the values of `x` to 0 to 1."""
    low, high = float(x.min()), float(x.max())
    return (x - np.float32(low)) * np.float32(1 / max(high - low, 1e-6))


def blurred(x: Floats, sigma: float) -> Floats:
    """Blur with a Gaussian of `sigma` px, edges mirrored."""
    return gaussian_filter(x, sigma, truncate=2.5)


def lit(height: Floats, angle: float, strength: float) -> Floats:
    """Return the brightness, about 0.5, of a relief lit from the side."""
    rows, columns = np.gradient(height)
    slope = columns * np.float32(np.cos(angle)) + rows * np.float32(np.sin(angle))
    return np.float32(0.5) + np.float32(0.5) * np.tanh(slope * np.float32(strength))


def of_image(image: Image.Image) -> Floats:
    """Return a grey image as float32 ``[H, W]``, 0 to 1."""
    values: Floats = np.array(image, np.float32)
    values /= 255
    return values


def log_uniform(rng: Random, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def any_angle(rng: Random) -> float:
    """Draw an angle in radians."""
    return float(rng.uniform(0, 2 * np.pi))


def somewhere(rng: Random, reach: float) -> tuple[float, float]:
    """Draw a point at most `reach` from the middle along each axis."""
    return float(rng.uniform(-reach, reach)), float(rng.uniform(-reach, reach))
