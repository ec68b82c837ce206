"""Bricks, tiles and punched sheets: one unit, many times."""

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


def bricks(rng: Random, side: int) -> Floats:
    """Rows of bricks, each in a shade of its own; squares where nothing is shifted."""
    along, across = turned(side, any_angle(rng))
    fine = np.float32(log_uniform(rng, 2, 10))
    v = across * fine
    row = np.floor(v)
    shift = np.float32(rng.choice([0.0, 0.5, 0.33]))
    u = along * fine * np.float32(rng.uniform(0.35, 1.0)) + row * shift
    column = np.floor(u)
    shades = rng.random((64, 64), np.float32)
    spread = np.float32(rng.uniform(0, 0.6))
    shade = 1 - spread * shades[row.astype(int) % 64, column.astype(int) % 64]
    joint = np.float32(rng.uniform(0.03, 0.12))
    du, dv = np.float32(0.5) - np.abs(u - column - 0.5), np.float32(0.5) - np.abs(v - row - 0.5)
    return shade * inside(np.minimum(du, dv) - joint, 0.08)


def dots(rng: Random, side: int) -> Floats:
    """Dots or holes on a square or staggered grid."""
    along, across = turned(side, any_angle(rng))
    fine = np.float32(log_uniform(rng, 2, 14))
    v = across * fine
    row = np.round(v)
    u = along * fine + np.mod(row, 2) * np.float32(rng.choice([0.0, 0.5]))
    power = np.float32(rng.choice([1.0, 2.0, 2.0, 4.0]))
    off = (np.abs(u - np.round(u)) ** power + np.abs(v - row) ** power) ** (1 / power)
    return inside(np.float32(rng.uniform(0.15, 0.42)) - off, rng.uniform(0.04, 0.3))


def hexagons(rng: Random, side: int) -> Floats:
    """Honeycomb: the level lines of three crossed waves."""
    angle = any_angle(rng)
    fine = np.float32(log_uniform(rng, 3, 16) * np.pi)
    total = np.zeros((side, side), np.float32)
    for turn in (0, np.pi / 3, 2 * np.pi / 3):
        along, _ = turned(side, angle + turn)
        total = total + np.cos(along * fine)
    level = rng.uniform(-1.2, 1.5)
    return inside(total - np.float32(level), rng.uniform(0.3, 2.5))
