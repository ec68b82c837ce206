"""Iterated function systems: points that random affine maps send around."""

from __future__ import annotations

import numpy as np

from tools.offline_backbone.drawings.canvas import Floats, Random, blurred, inside

POINTS = 1500
STEPS = 26
KEPT = 18


def attractor(rng: Random, side: int) -> Floats:
    """The density of the attractor of two to six contracting maps, 0 to 1."""
    maps = int(rng.integers(2, 7))
    matrices = np.empty((maps, 2, 2), np.float32)
    for i in range(maps):
        left, right = (_rotation(angle) for angle in rng.uniform(0, 2 * np.pi, 2))
        matrices[i] = left @ np.diag(rng.uniform([0.35, 0.2], [0.85, 0.7])) @ right
    shifts = rng.uniform(-1, 1, (maps, 2)).astype(np.float32)
    points = rng.uniform(-1, 1, (POINTS, 2)).astype(np.float32)
    visited = np.empty((KEPT, POINTS, 2), np.float32)
    for step in range(STEPS):
        choice = rng.integers(maps, size=POINTS)
        points = np.einsum("nij,nj->ni", matrices[choice], points) + shifts[choice]
        if step >= STEPS - KEPT:
            visited[step - STEPS + KEPT] = points
    flat = visited.reshape(-1, 2)
    low, high = np.percentile(flat[::7], [1, 99], axis=0)
    cells = ((flat - low) / np.maximum(high - low, 1e-3) * (side * 0.8) + side * 0.1).astype(int)
    kept = ((cells >= 0) & (cells < side)).all(1)
    counts = np.bincount(cells[kept] @ np.array([side, 1]), minlength=side * side)
    density = np.log1p(counts.reshape(side, side).astype(np.float32))
    density = blurred(density, float(rng.uniform(0.4, 1.2)))
    return np.clip(density / np.float32(np.percentile(density, 99) + 1e-3), 0, 1)


def leaf(rng: Random, side: int) -> tuple[Floats, Floats]:
    """An attractor as a thing: cover and value."""
    density = attractor(rng, side)
    return inside(density - np.float32(0.15), 0.1), np.float32(0.3) + np.float32(0.7) * density


def _rotation(angle: float) -> Floats:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]], np.float32)
