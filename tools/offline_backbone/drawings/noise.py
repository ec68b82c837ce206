"""Noise of a chosen band, direction and contrast."""

from __future__ import annotations

from functools import cache

import numpy as np

from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    any_angle,
    log_uniform,
    soft_step,
    stretched,
)


@cache
def _frequencies(side: int) -> tuple[Floats, Floats]:
    rows = np.fft.fftfreq(side).astype(np.float32)[:, None] * side
    columns = np.fft.rfftfreq(side).astype(np.float32)[None, :] * side
    return rows, columns


def _shaped(rng: Random, side: int, spectrum: Floats) -> Floats:
    white = np.fft.rfft2(rng.standard_normal((side, side), np.float32))
    return np.fft.irfft2(white * spectrum, (side, side)).astype(np.float32)


def cloud(rng: Random, side: int, slope: float = 1.6) -> Floats:
    """Noise whose amplitude falls with frequency to the power `slope`, 0 to 1."""
    rows, columns = _frequencies(side)
    spectrum = np.maximum(np.hypot(rows, columns), 1) ** np.float32(-slope)
    return stretched(_shaped(rng, side, spectrum))


def clouds(rng: Random, side: int) -> Floats:
    """Clouds of a random roughness."""
    return cloud(rng, side, rng.uniform(0.4, 2.2))


def band(rng: Random, side: int) -> Floats:
    """Noise around one frequency."""
    rows, columns = _frequencies(side)
    centre = log_uniform(rng, 3, 50)
    width = rng.uniform(0.15, 0.6)
    octaves = np.log(np.maximum(np.hypot(rows, columns), 0.5) / np.float32(centre))
    return stretched(_shaped(rng, side, np.exp(-((octaves / np.float32(width)) ** 2))))


def brushed(rng: Random, side: int) -> Floats:
    """Noise drawn out along one direction, as on brushed metal or wood."""
    rows, columns = _frequencies(side)
    angle = any_angle(rng)
    along = columns * np.float32(np.cos(angle)) + rows * np.float32(np.sin(angle))
    across = rows * np.float32(np.cos(angle)) - columns * np.float32(np.sin(angle))
    length, reach = log_uniform(rng, 1, 6), log_uniform(rng, 10, 60)
    spectrum = np.exp(-((along / np.float32(length)) ** 2) - (across / np.float32(reach)) ** 2)
    return stretched(_shaped(rng, side, spectrum))


def marble(rng: Random, side: int) -> Floats:
    """Bands along the level lines of clouds."""
    folds = rng.uniform(3, 14)
    waves = np.sin(cloud(rng, side, rng.uniform(1.4, 2.2)) * np.float32(folds * np.pi))
    return np.float32(0.5) + np.float32(0.5) * waves


def patches(rng: Random, side: int) -> Floats:
    """Islands: noise of one band, cut at a level."""
    level = rng.uniform(0.4, 0.65)
    return soft_step(band(rng, side), level - 0.04, level + 0.04)
