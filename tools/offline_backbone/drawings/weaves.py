"""Cloth and nets: threads over and under each other."""

from __future__ import annotations

import numpy as np

from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    any_angle,
    inside,
    log_uniform,
    turned,
)


def cloth(rng: Random, side: int) -> Floats:
    """Plain weave or twill: each thread a cylinder that dives under others."""
    along, across = turned(side, any_angle(rng))
    fine = np.float32(log_uniform(rng, 3, 18))
    u, v = along * fine, across * fine * np.float32(rng.uniform(0.6, 1.6))
    column, row = np.floor(u), np.floor(v)
    du, dv = u - column - np.float32(0.5), v - row - np.float32(0.5)
    over, period = rng.integers(1, 4), rng.integers(2, 5)
    step = rng.integers(1, period)
    warp = np.mod(column + step * row, period) < min(over, period - 1)
    thick = np.float32(rng.uniform(0.7, 1.0))
    roundness = np.where(warp, 1 - (2 * du / thick) ** 2, 1 - (2 * dv / thick) ** 2)
    arch = np.where(warp, np.cos(dv * np.float32(np.pi)), np.cos(du * np.float32(np.pi)))
    value = np.sqrt(np.clip(roundness, 0, 1)) * (np.float32(0.5) + np.float32(0.5) * arch)
    contrast = np.where(warp, np.float32(1), np.float32(rng.uniform(0.3, 1)))
    return np.clip(value * contrast, 0, 1)


def mesh(rng: Random, side: int) -> Floats:
    """Wires with holes between them."""
    along, across = turned(side, any_angle(rng))
    fine = np.float32(log_uniform(rng, 3, 16))
    wires = np.zeros((side, side), np.float32)
    for axis in (along, across + along * np.float32(rng.uniform(-0.5, 0.5))):
        u = axis * fine
        off = np.abs(u - np.round(u))
        wires = np.maximum(wires, 1 - off / np.float32(rng.uniform(0.12, 0.3)))
    return np.sqrt(np.clip(wires, 0, 1))


def knit(rng: Random, side: int) -> Floats:
    """Columns of slanted stitches."""
    along, across = turned(side, any_angle(rng))
    fine = np.float32(log_uniform(rng, 3, 12))
    u, v = along * fine, across * fine * np.float32(rng.uniform(0.8, 1.6))
    slant = np.abs(u - np.round(u)) * np.float32(rng.uniform(0.8, 2))
    stitch = np.abs(np.mod(v + slant, 1) - np.float32(0.5))
    groove = np.abs(np.mod(u, np.float32(0.5)) - np.float32(0.25))
    return inside(np.float32(0.38) - stitch, 0.35) * np.clip(1.1 - 3 * groove, 0.2, 1)
