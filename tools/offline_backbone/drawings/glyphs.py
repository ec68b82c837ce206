"""Print: strokes that look like signs of a script nobody can read."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tools.offline_backbone.drawings.canvas import (
    Floats,
    Random,
    any_angle,
    log_uniform,
    of_image,
)


def _sign(rng: Random) -> list[list[tuple[float, float]]]:
    """A few strokes between the points of a 3 x 3 grid."""
    strokes = []
    for _ in range(int(rng.integers(1, 4))):
        points = rng.integers(0, 3, (int(rng.integers(2, 5)), 2)) / 2
        strokes.append([(float(x) * 0.7, float(y)) for x, y in points])
    return strokes


def print_lines(rng: Random, side: int) -> Floats:
    """Lines of signs, turned by any angle; ink is 0."""
    sheet = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(sheet)
    height = log_uniform(rng, 0.05, 0.25) * side
    thick = max(1, round(height * rng.uniform(0.08, 0.22)))
    alphabet = [_sign(rng) for _ in range(int(rng.integers(2, 12)))]
    y = -height
    while y < side:
        x = -rng.uniform(0, height)
        while x < side:
            if rng.random() > 0.12:
                for stroke in alphabet[int(rng.integers(len(alphabet)))]:
                    pen.line([(x + a * height, y + b * height) for a, b in stroke], 0, thick)
            x += height
        y += height * 1.5
    turned = sheet.rotate(
        float(np.degrees(any_angle(rng))), Image.Resampling.BILINEAR, fillcolor=255
    )
    return of_image(turned)


def sign(rng: Random, side: int) -> tuple[Floats, Floats]:
    """One large sign: cover and value."""
    large = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(large)
    height = rng.uniform(0.3, 0.7) * side
    thick = max(2, round(height * rng.uniform(0.08, 0.25)))
    for stroke in _sign(rng):
        points = [
            ((side - height) / 2 + x * height, (side - height) / 2 + y * height) for x, y in stroke
        ]
        pen.line(points, 255, thick, joint="curve")
        for x, y in points:
            pen.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], 255)
    turned = large.rotate(float(np.degrees(any_angle(rng))), Image.Resampling.BILINEAR)
    cover = of_image(turned)
    return cover, np.full_like(cover, rng.uniform(0, 1))
