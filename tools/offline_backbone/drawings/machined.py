"""Made things with shading: turned parts, threads, plates, gears, rims seen from above."""

from __future__ import annotations

import numpy as np

from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    any_angle,
    blurred,
    inside,
    lit,
    polar,
    stretched,
    turned,
)
from tools.offline_backbone.drawings.shapes import Thing


def _profile(rng: Random, along: Floats, count: int, low: float, high: float) -> Floats:
    """A random curve over `along` (-1 to 1) through `count` points, in steps or slopes."""
    places = np.sort(rng.uniform(-1, 1, count))
    heights = rng.uniform(low, high, count)
    if rng.random() < 0.6:
        places = np.repeat(places, 2)[1:] + np.tile([0, 0.02], count)[1:]
        heights = np.repeat(heights, 2)[:-1]
    return np.interp(along, places, heights).astype(np.float32)


def _round_shading(rng: Random, sine: Floats) -> Floats:
    """Brightness of a cylinder by the sine of its normal: diffuse, glossy, a reflected window."""
    normal = np.arcsin(np.clip(sine, -1, 1))
    value = np.float32(rng.uniform(0.1, 0.4)) + np.float32(rng.uniform(0.3, 0.6)) * np.cos(
        normal - np.float32(rng.uniform(-0.9, 0.9))
    )
    for _ in range(int(rng.integers(0, 4))):
        place, sharp = np.float32(rng.uniform(-1.1, 1.1)), np.float32(rng.uniform(4, 25))
        stripe = np.exp(-(((normal - place) * sharp) ** 2))
        value = value + np.float32(rng.uniform(-0.4, 0.7)) * stripe
    return np.clip(value, 0, 1)


def turned_part(rng: Random, side: int) -> Thing:
    """A part from the lathe, seen from its side."""
    along, across = turned(side, any_angle(rng))
    length = np.float32(rng.uniform(0.5, 1.0))
    radius = _profile(rng, along / length, int(rng.integers(2, 8)), 0.08, 0.5)
    cover = inside(radius - np.abs(across)) * inside(length - np.abs(along))
    return cover, _round_shading(rng, across / radius)


def screw(rng: Random, side: int) -> Thing:
    """A rod with a thread over part of its length, a head and a tip."""
    along, across = turned(side, any_angle(rng))
    length, core = np.float32(rng.uniform(0.6, 0.95)), np.float32(rng.uniform(0.07, 0.25))
    pitch, depth = np.float32(rng.uniform(8, 24)), core * np.float32(rng.uniform(0.1, 0.4))
    lean = np.float32(rng.uniform(0.1, 0.5)) / pitch
    phase = (along + across / core * lean) * pitch
    tooth = 1 - 2 * np.abs(phase - np.floor(phase) - np.float32(0.5))
    first = np.float32(rng.uniform(-0.7, 0.3))
    threaded = inside((along / length - first) * length, 0.04)
    radius = core + threaded * depth * (tooth - np.float32(0.5))
    tip = np.float32(rng.uniform(0, 0.4))
    radius = radius * np.clip((length - along) / (tip + np.float32(0.01)), 0, 1)
    head = core * np.float32(rng.uniform(1.3, 2.4))
    rise = np.float32(rng.uniform(0.08, 0.3))
    under = np.clip((along + length) / rise, 0, 1)
    cone = head - (head - core) * under if rng.random() < 0.5 else np.where(under < 1, head, core)
    radius = np.maximum(radius, np.where(under < 1, cone, 0))
    cover = inside(radius - np.abs(across)) * inside(length - np.abs(along))
    shade = _round_shading(rng, across / np.maximum(radius, np.float32(0.02)))
    slope = threaded * (tooth - np.float32(0.5)) * np.float32(rng.uniform(0.2, 0.8))
    return cover, np.clip(shade + slope, 0, 1)


def plate(rng: Random, side: int) -> Thing:
    """A plate with rounded corners and holes."""
    along, across = turned(side, any_angle(rng))
    width, height = rng.uniform(0.35, 0.75, 2).astype(np.float32)
    power = np.float32(rng.choice([2, 4, 8, 16]))
    off = (np.abs(along / width) ** power + np.abs(across / height) ** power) ** (1 / power)
    cover = inside(1 - off, 0.05)
    for _ in range(int(rng.integers(0, 6))):
        u, v = rng.uniform(-0.8, 0.8) * width, rng.uniform(-0.8, 0.8) * height
        hole = np.hypot(along - np.float32(u), across - np.float32(v))
        cover = cover * (1 - inside(np.float32(rng.uniform(0.04, 0.16)) - hole))
    return cover, _bevelled(rng, cover)


def gear(rng: Random, side: int) -> Thing:
    """A wheel with teeth, a bore and openings."""
    radius, angle = polar(side)
    teeth = int(rng.integers(5, 36))
    steep = np.float32(rng.uniform(1.5, 6))
    tooth = np.tanh(steep * np.sin(angle * teeth + np.float32(any_angle(rng)))) / np.tanh(steep)
    outer = np.float32(rng.uniform(0.5, 0.85))
    cover = inside(outer + np.float32(rng.uniform(0.03, 0.1)) * tooth - radius)
    cover = cover * inside(radius - np.float32(rng.uniform(0.05, 0.25)))
    if rng.random() < 0.6:
        spokes = int(rng.integers(3, 9))
        belt = np.float32(0.12) - np.abs(radius - outer * np.float32(0.62))
        wide = np.float32(rng.uniform(-0.3, 0.6))
        gap = np.cos(angle * spokes + np.float32(any_angle(rng))) - wide
        cover = cover * (1 - inside(np.minimum(belt, gap * np.float32(0.2))))
    return cover, _bevelled(rng, cover)


def rim(rng: Random, side: int) -> Thing:
    """A bottle, bowl or lens from above: rings of a random profile with reflections."""
    radius, angle = polar(side)
    reach = np.float32(rng.uniform(0.5, 0.98))
    height = _profile(rng, radius / reach * 2 - 1, int(rng.integers(4, 14)), 0, 1)
    shine = np.float32(0)
    for order in (1, 2, int(rng.integers(2, 7))):
        swing = np.float32(rng.uniform(0, 0.5 / order))
        shine = shine + swing * np.cos(order * angle + np.float32(any_angle(rng)))
    place, sharp = np.float32(rng.uniform(0.3, 0.95)), np.float32(rng.uniform(8, 40))
    glow = np.exp(-(((radius / reach - place) * sharp) ** 2)) * np.clip(shine, 0, 1)
    value = height * (1 + shine * np.float32(rng.uniform(0, 0.8))) + glow
    return inside(reach - radius), np.clip(value, 0, 1)


def pill(rng: Random, side: int) -> Thing:
    """A rounded body: ball, egg, capsule, at times with a seam."""
    along, across = turned(side, any_angle(rng))
    long, wide = np.float32(rng.uniform(0.3, 0.75)), np.float32(rng.uniform(0.2, 0.5))
    straight = np.float32(rng.uniform(0, 0.6)) * long
    ends = np.maximum(np.abs(along) - straight, 0) / (long - straight)
    squared = ends**2 + (across / wide) ** 2
    height = np.sqrt(np.clip(1 - squared, 0, 1))
    value = height * np.float32(0.6) + np.float32(0.8) * (
        lit(height, any_angle(rng), float(rng.uniform(5, 20))) - np.float32(0.3)
    )
    if rng.random() < 0.4:
        seam = np.abs(along - np.float32(rng.uniform(-0.3, 0.3)))
        value = value - np.float32(0.4) * inside(np.float32(0.02) - seam)
    return inside(1 - np.sqrt(squared), 0.06), np.clip(value, 0, 1)


def _bevelled(rng: Random, cover: Floats) -> Floats:
    """A flat top with edges that catch the light."""
    height = blurred(cover, float(rng.uniform(0.8, 3)))
    edges = lit(height, any_angle(rng), float(rng.uniform(2, 12)))
    top = stretched(blurred(cover, 12)) if rng.random() < 0.3 else np.float32(rng.uniform(0.3, 0.7))
    return np.clip(top + np.float32(rng.uniform(0.5, 1.4)) * (edges - np.float32(0.5)), 0, 1)
