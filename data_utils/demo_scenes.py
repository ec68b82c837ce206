"""The scenes of the demo pictures: a woven cloth, a turned gear and a printed label.

Threads fade over one pixel at their edges; gear and label are drawn at twice the size and
averaged down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from data_utils.demo_drawing import (
    SIZE,
    Bytes,
    Flags,
    Floats,
    Rng,
    Scene,
    blurred,
    cloud,
    inside,
    painted,
    photographed,
    pixels,
    shadow,
    soft_step,
    spot,
)

FINE = 2 * SIZE


def draw_picture(
    category: str, defect: str | None, seed: int, key: tuple[int, ...]
) -> tuple[Bytes, Bytes]:
    """Draw one picture and its mask.

    Two calls that differ only in ``defect`` show the same object, light and noise; their pictures
    differ exactly in the pixels of the mask.

    Parameters
    ----------
    category : str
        A key of ``SCENES``.
    defect : str or None
        ``"scratch"``, ``"stain"``, ``"missing"`` or ``"deformed"``; None draws a good picture.
        The last two both ask for the damage that belongs to the category.
    seed, key : int, tuple of int
        Name the picture: the same pair gives the same bytes whatever was drawn before.

    Returns
    -------
    picture : uint8 [256, 256, 3]
    mask : uint8 [256, 256]
        255 where the defect changed the picture, 0 elsewhere.
    """
    return photographed(SCENES[category], defect, seed, key)


THREAD = 9.0
WARP_RGB = np.array((216, 204, 182), np.float32)
WEFT_RGB = np.array((116, 146, 168), np.float32)
GAP_RGB = np.array((38, 36, 36), np.float32)


def _weave(rng: Rng) -> Scene:
    """Draw a plain weave of pale warp (vertical) and blue weft (horizontal) threads."""
    y, x = pixels()
    angle, (right, down) = rng.normal(0, 0.006), rng.uniform(-2, 2, 2).tolist()
    u = (x + angle * y + right + 0.7 * cloud(rng, 5, 5)) / THREAD + 4
    v = (y - angle * x + down + 0.7 * cloud(rng, 5, 5)) / THREAD + 4
    i, j = u.astype(np.intp), v.astype(np.intp)
    a, b = u - i.astype(np.float32) - 0.5, v - j.astype(np.float32) - 0.5
    widths = rng.uniform(0.9, 1.0, (2, 64)).astype(np.float32)
    tones = rng.normal(1, 0.03, (2, 64)).astype(np.float32)
    twists = rng.uniform(0, 1, (2, 64)).astype(np.float32)
    side = (1 - 2 * ((i + j) & 1)).astype(np.float32)
    warp_tone = tones[0][i] * (1 + 0.05 * cloud(rng, 8, 40))
    weft_tone = tones[1][j] * (1 + 0.05 * cloud(rng, 40, 8))

    def render(no_warp: Flags, no_weft: Flags) -> Floats:
        bend = side * ~(no_warp | no_weft)
        warp_height, warp_cover, warp_shade = _threads(
            a, b, bend, widths[0][i], twists[0][i], light=-0.22
        )
        weft_height, weft_cover, weft_shade = _threads(
            b, a, -bend, widths[1][j], twists[1][j], light=-0.30
        )
        warp_cover, weft_cover = warp_cover * ~no_warp, weft_cover * ~no_weft
        warp_on_top = np.clip(0.5 + 1.5 * (warp_height - weft_height), 0, 1)
        warp_share = warp_cover * (1 - weft_cover * (1 - warp_on_top))
        weft_share = weft_cover * (1 - warp_cover * warp_on_top)
        gap = (1 - warp_cover) * (1 - weft_cover)
        return (
            (warp_share * warp_shade * warp_tone)[..., None] * WARP_RGB
            + (weft_share * weft_shade * weft_tone)[..., None] * WEFT_RGB
            + gap[..., None] * GAP_RGB
        )

    nowhere = np.zeros((SIZE, SIZE), bool)

    def damaged(defect_rng: Rng) -> Floats:
        row, column = (int(place) for place in spot(~nowhere, defect_rng))
        half = defect_rng.uniform(1.5, 5.0)
        if defect_rng.random() < 0.5:
            return render((i == i[row, column]) & (np.abs(v - v[row, column]) < half), nowhere)
        return render(nowhere, (j == j[row, column]) & (np.abs(u - u[row, column]) < half))

    return Scene(render(nowhere, nowhere), ~nowhere, damaged, (246, 244, 238), (0.50, 0.38, 0.24))


def _threads(
    across: Floats, along: Floats, side: Floats, width: Floats, twist: Floats, light: float
) -> tuple[Floats, Floats, Floats]:
    """Shape round twisted threads that go up where side is 1, down where -1, straight where 0.

    Returns their height, cover and shade, each [256, 256].
    """
    offset = 2 * across / width
    cover = inside((1 - np.abs(offset)) * width * (THREAD / 2))
    profile = np.sqrt(np.maximum(1 - offset**2, 0))
    lift = side * np.cos(math.pi * along)
    fibres = 1 + 0.07 * np.sin(2 * math.pi * (2.2 * across + 3 * along + twist))
    shade = (0.42 + 0.58 * profile) * (0.80 + 0.24 * lift) * (1 + light * offset) * fibres
    return profile + lift, cover, shade


TEETH = 22
TIP, ROOT = 98.0, 83.0
STEEL_RGB = np.array((186, 190, 194), np.float32)
MAT_RGB = np.array((58, 76, 88), np.float32)


def _gear(rng: Rng) -> Scene:
    """Draw a turned steel gear with five bores and a keyed hub, lying on a dark mat."""
    down, right = rng.uniform(-3, 3, 2).tolist()
    turn, lamp = rng.normal(0, 0.03), rng.normal(0.75, 0.06)
    tip, sheen = TIP + rng.normal(0, 0.4), rng.uniform(0.22, 0.36)
    radius, angle = _polar(FINE, SIZE / 2 + down, SIZE / 2 + right)
    turns = (angle - turn) * (TEETH / (2 * math.pi))
    tooth = np.rint(turns)
    flank = np.clip(0.5 + 1.5 * np.cos(2 * math.pi * (turns - tooth)), 0, 1)

    r, phi = _polar(SIZE, SIZE / 2 + down, SIZE / 2 + right)
    sector = phi - turn - np.rint((phi - turn) * (5 / (2 * math.pi))) * (2 * math.pi / 5)
    bore = np.hypot(r * np.cos(sector) - 52, r * np.sin(sector))
    keyway = inside(4 - np.abs(r * np.cos(phi - turn)))
    keyway *= inside(8 - np.abs(r * np.sin(phi - turn) + 15))
    body = inside(r - 17) * inside(bore - 10.5) * (1 - keyway)
    rims = 1 - inside(r - 30) * inside(72 - r)
    chamfers = inside(1 - np.abs(r - 77)) + inside(12.5 - bore)
    relief = (1.6 + 0.6 * rims - 0.35 * chamfers).astype(np.float32, copy=False)
    grooves = np.interp(r, np.arange(0, 195, 1.2), rng.standard_normal(163)).astype(np.float32)
    glint = np.abs(np.cos(phi - lamp)) ** 5
    face = (1 + 0.022 * grooves) * (0.76 + sheen * glint) + 0.012 * cloud(rng, 60, 60)
    mat = 1 + 0.03 * cloud(rng, 128, 128) + 0.03 * cloud(rng, 6, 6)

    def render(teeth: Floats) -> Floats:
        outline = ROOT + flank * teeth * (tip - ROOT)
        metal = _halved(inside((outline - radius) * 2)) * body
        slope_y, slope_x = np.gradient(blurred(metal * relief, 0.9))
        bevel = np.clip(0.55 * (math.sin(lamp) * slope_y + math.cos(lamp) * slope_x), -0.5, 0.5)
        ground = (mat * (1 - 0.55 * shadow(metal, 4.0, 5)))[..., None] * MAT_RGB
        return painted(ground, (face + bevel)[..., None] * STEEL_RGB, metal)

    def damaged(defect_rng: Rng) -> Floats:
        which = defect_rng.integers(TEETH) - TEETH // 2
        crack = defect_rng.uniform(0.0, 0.5) + 0.12 * defect_rng.standard_normal(9)
        break_ = np.interp(turns - tooth, np.linspace(-0.5, 0.5, 9), np.clip(crack, 0, 0.8))
        return render(np.where(tooth == which, break_, 1.0).astype(np.float32))

    whole, surface = np.ones_like(turns), (r < ROOT - 2) & (body > 0.99)
    return Scene(render(whole), surface, damaged, (232, 234, 238), (0.62, 0.42, 0.26))


def _polar(size: int, y0: float, x0: float) -> tuple[Floats, Floats]:
    """Return radius and angle about a point for a [size, size] grid."""
    y, x = pixels(size)
    return np.hypot(y - y0, x - x0), np.arctan2(y - y0, x - x0)


def _halved(fine: Floats) -> Floats:
    rows = fine[0::2] + fine[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


LABEL_WIDTH, LABEL_HEIGHT = 204, 148
PAPER_RGB = (228, 224, 214)
TEAL, INK, AMBER = (22, 108, 122), (44, 46, 54), (224, 142, 48)

OVAL = ((1.2, 0), (2.8, 0), (4, 1.4), (4, 4.6), (2.8, 6), (1.2, 6), (0, 4.6), (0, 1.4), (1.2, 0))
MARKS = (
    *((30, 18), (60, 18), (128, 18), (172, 18), (38, 54), (20, 76), (38, 84), (30, 125), (50, 125)),
    *((84, 57), (112, 57), (146, 57), (174, 57), (100, 114), (140, 114), (176, 114)),
)
STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "D": (((0, 0), (0, 6), (2.2, 6), (4, 4.6), (4, 1.4), (2.2, 0), (0, 0)),),
    "E": (((4, 0), (0, 0), (0, 6), (4, 6)), ((0, 3), (3.2, 3))),
    "M": (((0, 6), (0, 0), (2, 3), (4, 0), (4, 6)),),
    "O": (OVAL,),
    "0": (OVAL, ((2.8, 2), (1.2, 4))),
    "L": (((0, 0), (0, 6), (4, 6)),),
    "T": (((0, 0), (4, 0)), ((2, 0), (2, 6))),
    "2": (((0, 1.4), (1.2, 0), (2.8, 0), (4, 1.4), (4, 2.4), (0, 6), (4, 6)),),
    "4": (((3, 6), (3, 0), (0, 4.2), (4, 4.2)),),
    "7": (((0, 0), (4, 0), (1.4, 6)),),
}


def _label(rng: Rng) -> Scene:
    """Draw a printed paper label on cardboard."""
    (down, right), turn = rng.uniform(-2, 2, 2).tolist(), rng.normal(0, 0.006)
    density = 0.97 + 0.02 * cloud(rng, 6, 6) + 0.02 * cloud(rng, 120, 120)
    fibres = 1 + 0.035 * cloud(rng, 150, 90) + 0.02 * cloud(rng, 40, 16)
    paper_grain = 1 + 0.010 * cloud(rng, 128, 128)
    board_rgb = np.array((172, 134, 96), np.float32) * rng.uniform(0.96, 1.04)
    y0, x0, cosine, sine = SIZE + 2 * down, SIZE + 2 * right, math.cos(turn), math.sin(turn)
    to_label_x = (cosine, sine, LABEL_WIDTH - cosine * x0 - sine * y0)
    to_label_y = (-sine, cosine, LABEL_HEIGHT - cosine * y0 + sine * x0)

    def placed(layer: Bytes) -> Floats:
        """Turn a layer of the label, at twice its size, into its place on the board."""
        picture = Image.fromarray(layer).transform(
            (FINE, FINE),
            Image.Transform.AFFINE,
            to_label_x + to_label_y,
            Image.Resampling.BILINEAR,
        )
        return np.asarray(picture.reduce(2), np.float32)

    cover = placed(_label_shape()) / np.float32(255)
    board = (fibres * (1 - 0.4 * shadow(cover, 2.0, 2)))[..., None] * board_rgb
    paper = np.asarray(PAPER_RGB, np.float32)

    def render(artwork: Bytes) -> Floats:
        ink = (paper - placed(artwork)) * density[..., None]
        return painted(board, (paper - ink) * paper_grain[..., None], cover)

    def damaged(defect_rng: Rng) -> Floats:
        return render(_smudged(_artwork(), defect_rng))

    return Scene(render(_artwork()), cover > 0.99, damaged, (104, 92, 84), (0.66, 0.50, 0.30))


@lru_cache(maxsize=1)
def _label_shape() -> Bytes:
    """Return the outline of the label as uint8 [2 * height, 2 * width].

    A margin of 2 px stays empty, so that the edge stays smooth when the label is turned.
    """
    width, height = 4 * LABEL_WIDTH, 4 * LABEL_HEIGHT
    shape = Image.new("L", (width, height))
    ImageDraw.Draw(shape).rounded_rectangle((8, 8, width - 9, height - 9), 36, fill=255)
    return np.asarray(shape.reduce(2))


@lru_cache(maxsize=1)
def _artwork() -> Bytes:
    """Return the print of the label as uint8 [2 * height, 2 * width, 3]."""
    picture = Image.new("RGB", (4 * LABEL_WIDTH, 4 * LABEL_HEIGHT), PAPER_RGB)
    pen = ImageDraw.Draw(picture)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return 4 * left, 4 * top, 4 * right - 1, 4 * bottom - 1

    def write(text: str, left: float, top: float, unit: float, colour: tuple[int, ...]) -> None:
        for place, letter in enumerate(text):
            for stroke in STROKES.get(letter, ()):
                points = [
                    (4 * (left + unit * (6 * place + x)), 4 * (top + unit * y)) for x, y in stroke
                ]
                pen.line(points, fill=colour, width=round(4.4 * unit), joint="curve")
                for px, py in (points[0], points[-1]):
                    r = 2.2 * unit - 0.5
                    pen.ellipse((px - r, py - r, px + r, py + r), fill=colour)

    pen.rectangle(box(0, 0, LABEL_WIDTH, 36), fill=TEAL)
    pen.rectangle(box(0, 36, LABEL_WIDTH, 39), fill=AMBER)
    write("DEMO", 16, 9, 3.0, PAPER_RGB)
    for step in range(3):
        pen.ellipse(box(120 + 22 * step, 10, 136 + 22 * step, 26), outline=PAPER_RGB, width=9)
    pen.ellipse(box(14, 52, 62, 100), outline=TEAL, width=20)
    pen.polygon([(4 * 38, 4 * 62), (4 * 50, 4 * 84), (4 * 26, 4 * 84)], fill=AMBER)
    write("LOT 2047", 78, 50, 2.4, INK)
    lengths = np.random.default_rng(5).uniform(2.5, 9, (3, 32))
    for row, words in enumerate(lengths):
        edges = 78 + np.append(0, np.cumsum(words + 2.2))
        for start, end in pairwise(edges[edges < (193, 180, 150)[row]]):
            pen.rectangle(box(start, 77 + 7 * row, end - 2.2, 79.6 + 7 * row), fill=INK)
    bars = 78 + np.cumsum(np.random.default_rng(9).choice((1.4, 1.4, 2.8, 4.2), (100, 2)))
    for start, end in bars[bars < 193][: bars[bars < 193].size // 2 * 2].reshape(-1, 2):
        pen.rectangle(box(start, 104, end, 138), fill=INK)
    pen.rounded_rectangle(box(14, 112, 62, 138), 16, outline=INK, width=7)
    write("7", 22, 118, 2.2, INK)
    write("4", 44, 118, 2.2, INK)
    return np.asarray(picture.reduce(2))


def _smudged(artwork: Bytes, rng: Rng) -> Bytes:
    """Drag the wet ink around one mark a few pixels to one side, leaving a film of it."""
    mark_x, mark_y = MARKS[rng.integers(len(MARKS))]
    radius, angle, pull = rng.uniform(9, 17), rng.uniform(0, 2 * math.pi), rng.uniform(4, 9)
    top, left = max(int(2 * (mark_y - radius)), 0), max(int(2 * (mark_x - radius)), 0)
    part = artwork[top : top + int(4 * radius), left : left + int(4 * radius)]
    y, x = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
    reach = np.hypot((y + top) / 2 - mark_y, (x + left) / 2 - mark_x) / radius
    wet = soft_step(1 - reach, 0, 0.8)
    bump = 2 * pull * wet
    smeared = np.zeros(part.shape, np.float32)
    for share in np.linspace(0.1, 1, 7):
        where = [y - math.sin(angle) * share * bump, x - math.cos(angle) * share * bump]
        for channel in range(3):
            smeared[..., channel] += ndimage.map_coordinates(
                part[..., channel], where, np.float32, order=1, mode="nearest"
            )
    film = ndimage.gaussian_filter(part.astype(np.float32), (9, 9, 0), mode="nearest")
    smeared = painted(smeared / np.float32(7), film, 0.35 * wet)
    smudged = artwork.copy()
    smudged[top : top + int(4 * radius), left : left + int(4 * radius)] = np.rint(smeared)
    return smudged


SCENES: dict[str, Callable[[Rng], Scene]] = {
    "demo_weave": _weave,
    "demo_gear": _gear,
    "demo_label": _label,
}
