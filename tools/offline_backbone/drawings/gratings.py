"""Stripes of many sorts: straight, crossed, round, bent."""

from __future__ import annotations

import numpy as np

from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    any_angle,
    log_uniform,
    polar,
    somewhere,
    turned,
)


def _wave(rng: Random, phase: Floats) -> Floats:
    """A periodic profile of `phase` (period 1): sine, bar, ramp or line, 0 to 1."""
    sort = rng.integers(4)
    if sort == 0:
        return np.float32(0.5) + np.float32(0.5) * np.sin(phase * np.float32(2 * np.pi))
    ramp = phase - np.floor(phase)
    if sort == 1:
        return ramp
    share = rng.uniform(0.1, 0.6)
    edge = rng.uniform(0.03, 0.2)
    return np.clip((np.float32(share / 2) - np.abs(ramp - 0.5)) * np.float32(1 / edge) + 0.5, 0, 1)


def stripes(rng: Random, side: int) -> Floats:
    """Parallel stripes."""
    along, _ = turned(side, any_angle(rng))
    return _wave(rng, along * np.float32(log_uniform(rng, 2, 22)) + np.float32(rng.random()))


def plaid(rng: Random, side: int) -> Floats:
    """Two sets of stripes on each other."""
    along, across = turned(side, any_angle(rng))
    first = _wave(rng, along * np.float32(log_uniform(rng, 2, 18)))
    second = _wave(rng, across * np.float32(log_uniform(rng, 2, 18)))
    return first * second if rng.random() < 0.5 else np.float32(0.5) * (first + second)


def checks(rng: Random, side: int) -> Floats:
    """A chessboard, its squares stretched."""
    along, across = turned(side, any_angle(rng))
    fine = log_uniform(rng, 2, 14)
    waves = np.sin(along * np.float32(fine * np.pi)) * np.sin(
        across * np.float32(fine * np.pi * rng.uniform(0.5, 2))
    )
    return np.clip(waves * np.float32(rng.uniform(2, 12)) + np.float32(0.5), 0, 1)


def rings(rng: Random, side: int) -> Floats:
    """Circles around one point."""
    radius, _ = polar(side, somewhere(rng, 1.0))
    return _wave(rng, radius * np.float32(log_uniform(rng, 2, 16)))


def spiral(rng: Random, side: int) -> Floats:
    """Rays from a point, wound up more or less."""
    radius, angle = polar(side, somewhere(rng, 0.8))
    arms = rng.integers(1, 24)
    turns = rng.uniform(0, 8) * (rng.random() < 0.6)
    return _wave(rng, angle * np.float32(arms / (2 * np.pi)) + radius * np.float32(turns))


def zigzag(rng: Random, side: int) -> Floats:
    """Stripes that run in waves or in corners."""
    along, across = turned(side, any_angle(rng))
    period = log_uniform(rng, 1.5, 10)
    swing = across * np.float32(period)
    bend = (
        np.abs(swing - np.round(swing))
        if rng.random() < 0.5
        else np.float32(0.3) * np.sin(swing * np.float32(2 * np.pi))
    )
    return _wave(
        rng, along * np.float32(log_uniform(rng, 2, 14)) + bend * np.float32(rng.uniform(0.5, 2))
    )
