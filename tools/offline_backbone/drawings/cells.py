"""Cells around scattered points: grain, cobbles, cracks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    coordinates,
    log_uniform,
    soft_step,
    stretched,
)


def _nearest(rng: Random, side: int) -> tuple[Floats, NDArray[np.int64], int]:
    """Distances to the two nearest points ``[side, side, 2]``, the nearest one, their number."""
    count = int(log_uniform(rng, 12, 500))
    points = rng.uniform(-1.1, 1.1, (count, 2))
    points[:, 0] *= rng.uniform(0.6, 1.4)
    half = side // 2
    y, x = coordinates(half)
    found, index = cKDTree(points).query(np.stack([y.ravel(), x.ravel()], 1), k=2, eps=0.05)
    distance = np.asarray(found, np.float32).reshape(half, half, 2)
    owner = np.asarray(index, np.int64)[:, 0].reshape(half, half)
    enlarged = distance.repeat(2, 0).repeat(2, 1)
    return enlarged, owner.repeat(2, 0).repeat(2, 1), count


def cobbles(rng: Random, side: int) -> Floats:
    """Round bumps."""
    distance, _, _ = _nearest(rng, side)
    return 1 - stretched(distance[..., 0])


def cracks(rng: Random, side: int) -> Floats:
    """Lines between the cells."""
    distance, _, count = _nearest(rng, side)
    width = rng.uniform(0.1, 0.5) / np.sqrt(count)
    return soft_step(distance[..., 1] - distance[..., 0], 0, width)


def grains(rng: Random, side: int) -> Floats:
    """Every cell in a value of its own, with or without a joint."""
    distance, owner, count = _nearest(rng, side)
    values = rng.random(count, np.float32)[owner]
    if rng.random() < 0.5:
        return values
    width = rng.uniform(0.1, 0.4) / np.sqrt(count)
    return values * soft_step(distance[..., 1] - distance[..., 0], 0, width)
