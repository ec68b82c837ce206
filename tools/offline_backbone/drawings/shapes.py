"""Flat shapes: polygons, blobs, bands along curves, rings."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    any_angle,
    blurred,
    inside,
    of_image,
    polar,
)

Thing = tuple[Floats, Floats]


def _flat(rng: Random, cover: Floats) -> Thing:
    """Give `cover` an even value, or a rounded edge."""
    if rng.random() < 0.5:
        return cover, np.full_like(cover, rng.uniform(0, 1))
    return cover, blurred(cover, float(rng.uniform(2, 8)))


def polygon(rng: Random, side: int) -> Thing:
    """Three to nine corners around the middle."""
    corners = int(rng.integers(3, 10))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    if rng.random() < 0.5:
        angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + any_angle(rng)
    reach = rng.uniform(0.25, 0.5) * side
    radii = reach * (rng.uniform(0.4, 1, corners) if rng.random() < 0.5 else np.ones(corners))
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] + side / 2
    image = Image.new("L", (side, side), 0)
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in points], 255)
    return _flat(rng, blurred(of_image(image), 0.6))


def blob(rng: Random, side: int) -> Thing:
    """A round shape with a wavy outline; a flower or a star at times."""
    radius, angle = polar(side)
    outline = np.float32(rng.uniform(0.4, 0.75))
    for order in rng.integers(1, 9, int(rng.integers(1, 5))):
        swing = np.float32(rng.uniform(0, 0.25) / np.sqrt(order))
        outline = outline + swing * np.cos(angle * order + np.float32(any_angle(rng)))
    return _flat(rng, inside(outline - radius))


def band(rng: Random, side: int) -> Thing:
    """A band along a smooth curve, rounded like a wire or flat."""
    ends = rng.uniform(0.08 * side, 0.92 * side, (4, 2))
    t = np.linspace(0, 1, 24)[:, None]
    curve = (
        (1 - t) ** 3 * ends[0]
        + 3 * t * (1 - t) ** 2 * ends[1]
        + 3 * t**2 * (1 - t) * ends[2]
        + t**3 * ends[3]
    )
    image = Image.new("L", (side, side), 0)
    thick = max(2, round(rng.uniform(0.03, 0.2) * side))
    ImageDraw.Draw(image).line([(float(x), float(y)) for x, y in curve], 255, thick, "curve")
    cover = blurred(of_image(image), 0.6)
    if rng.random() < 0.4:
        return _flat(rng, cover)
    soft = blurred(cover, thick / 4)
    return cover, np.clip(soft / max(float(soft.max()), 1e-3), 0, 1) ** 2


def ring(rng: Random, side: int) -> Thing:
    """A ring, whole or open, round or oval."""
    radius, angle = polar(side)
    flat = np.float32(rng.uniform(0.0, 0.35))
    radius = radius * (1 + flat * np.cos(2 * (angle - np.float32(any_angle(rng)))))
    middle, width = rng.uniform(0.35, 0.7), rng.uniform(0.05, 0.2)
    off = np.abs(radius - np.float32(middle)) / np.float32(width)
    cover = inside(1 - off, 0.1)
    if rng.random() < 0.3:
        gap = np.float32(rng.uniform(0.1, 1.0))
        cover = cover * inside(
            np.abs(np.mod(angle + np.float32(any_angle(rng)), 2 * np.pi) - 1) - gap
        )
    return cover, np.sqrt(np.clip(1 - off**2, 0, 1))
