"""Draw the demo pictures: a woven cloth, a turned gear and a printed label.

The idea is that a scene is drawn twice from the same random numbers, once whole and once with one
defect. The mask is where the two drawings differ, so it is exact by construction; sensor noise is
added afterwards and is the same for both. Threads fade over one pixel at their edges; gear and
label are drawn at twice the size and averaged down. Positions are in pixels of the final picture,
x to the right, y down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

SIZE = 256
MARGIN = 48
VISIBLE_CHANGE = 6.0
SMALLEST_SPECK = 6
COVERAGE = (0.0015, 0.12)
NOISE_SIGMA = 2.2
NOISE_LIMIT = 9.0

_FINE = 2 * SIZE


@dataclass(frozen=True)
class Scene:
    """One whole scene and the way to damage it.

    Attributes
    ----------
    clean : float32 array (256, 256, 3)
        The drawing without defect, light and noise, in grey levels 0 to 255.
    surface : bool array (256, 256)
        Where a scratch or a stain may lie.
    damaged : callable
        Draws the same scene with a piece missing or deformed; same shape as ``clean``.
    scratch_rgb : tuple of float
        Colour a scratch lays bare, grey levels 0 to 255.
    stain_rgb : tuple of float
        Share of the light, 0 to 1 per channel, that a full stain lets through.
    """

    clean: Floats
    surface: Flags
    damaged: Callable[[np.random.Generator], Floats]
    scratch_rgb: tuple[float, float, float]
    stain_rgb: tuple[float, float, float]


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
    picture : uint8 array (256, 256, 3)
        RGB.
    mask : uint8 array (256, 256)
        255 where the defect changed the picture, 0 elsewhere.

    Raises
    ------
    KeyError
        If the category is unknown.
    ValueError
        If the defect is unknown.
    """
    scene_rng, light_rng, noise_rng, defect_rng = (
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*key, part)))
        for part in range(4)
    )
    scene = SCENES[category](scene_rng)
    light = _illumination(light_rng)
    picture = _expose(scene.clean, light)
    changed = np.zeros((SIZE, SIZE), bool)
    if defect is not None:
        picture, changed = _add_defect(scene, defect, defect_rng, picture, light)
    noise = noise_rng.standard_normal(picture.shape, np.float32) * NOISE_SIGMA
    noisy = picture + np.clip(noise, -NOISE_LIMIT, NOISE_LIMIT)
    return np.rint(noisy).astype(np.uint8), changed.astype(np.uint8) * 255


def _add_defect(
    scene: Scene, defect: str, rng: np.random.Generator, whole: Floats, light: Floats
) -> tuple[Floats, Flags]:
    """Redraw with a defect until its visible part has a sensible size; keep only that part."""
    for _ in range(50):
        if defect == "scratch":
            drawing = _scratch(scene, rng)
        elif defect == "stain":
            drawing = _stain(scene, rng)
        elif defect in ("missing", "deformed"):
            drawing = scene.damaged(rng)
        else:
            raise ValueError(f"Unknown defect {defect!r}.")
        broken = _expose(drawing, light)
        changed = _without_specks(np.abs(broken - whole).max(axis=2) > VISIBLE_CHANGE)
        if COVERAGE[0] <= changed.mean() <= COVERAGE[1]:
            break
    return np.where(changed[..., None], broken, whole), changed


def _without_specks(flags: Flags) -> Flags:
    labels, _ = ndimage.label(flags, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept: Flags = (sizes >= SMALLEST_SPECK)[labels]
    return kept


def _expose(drawing: Floats, light: Floats) -> Floats:
    """Light a drawing; the limits leave room for the noise, so that no pixel saturates."""
    lit: Floats = np.clip(drawing * light[..., None], NOISE_LIMIT + 1, 254 - NOISE_LIMIT)
    return lit


def _illumination(rng: np.random.Generator) -> Floats:
    """Return (256, 256) gains around 1: overall level, a slope, and darker corners."""
    y, x = _pixels()
    angle = rng.uniform(0, 2 * math.pi)
    slope = (math.cos(angle) * (x / SIZE - 0.5) + math.sin(angle) * (y / SIZE - 0.5)) * 2
    corners = ((x / SIZE - 0.5) ** 2 + (y / SIZE - 0.5) ** 2) * 2
    gains = rng.uniform(0.93, 1.05) * (
        1 + rng.uniform(0, 0.07) * slope - rng.uniform(0.04, 0.12) * corners
    )
    return gains.astype(np.float32, copy=False)


# --- helpers ---------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _pixels(size: int = SIZE) -> tuple[Floats, Floats]:
    """Return y and x of the pixel centres of a (size, size) grid laid over the picture."""
    axis = ((np.arange(size) + 0.5) * SIZE / size).astype(np.float32)
    y, x = (np.ascontiguousarray(part) for part in np.meshgrid(axis, axis, indexing="ij"))
    y.flags.writeable = x.flags.writeable = False
    return y, x


def _halved(fine: Floats) -> Floats:
    rows = fine[0::2] + fine[1::2]
    halved: Floats = (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
    return halved


def _soft_step(x: Floats, low: float, high: float) -> Floats:
    t = np.clip((x - low) / (high - low), 0, 1)
    step: Floats = t * t * (3 - 2 * t)
    return step


def _cloud(rng: np.random.Generator, rows: int, columns: int, size: int = SIZE) -> Floats:
    """Return smooth noise, mean about 0 and deviation below 1, with rows x columns bumps."""
    coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def _blurred(picture: Floats, sigma: float) -> Floats:
    blurred: Floats = ndimage.gaussian_filter(picture, sigma, mode="nearest", truncate=3)
    return blurred


def _shadow(cover: Floats, softness: float, shift: int) -> Floats:
    """Return the shadow, 0 to 1, of an object that keeps away from the border."""
    return np.roll(_blurred(cover, softness), (shift, shift), axis=(0, 1))


def _painted(ground: Floats, colour: Floats | tuple[float, ...], cover: Floats) -> Floats:
    """Lay a colour over a drawing; cover is (256, 256), 0 to 1."""
    weight = cover[..., None]
    painted: Floats = ground + (np.asarray(colour, np.float32) - ground) * weight
    return painted


def _spot(surface: Flags, rng: np.random.Generator) -> tuple[float, float]:
    """Pick y, x of a surface pixel away from the border."""
    inner = np.zeros_like(surface)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    places = np.flatnonzero(surface & inner)
    y, x = divmod(int(rng.choice(places)), SIZE)
    return y + 0.5, x + 0.5


def _polar(size: int, y0: float, x0: float) -> tuple[Floats, Floats]:
    """Return radius and angle about a point for a (size, size) grid."""
    y, x = _pixels(size)
    return np.hypot(y - y0, x - x0), np.arctan2(y - y0, x - x0)


def _inside(depth: Floats) -> Floats:
    """Return the share of a pixel inside a shape, given the depth of its centre in pixels."""
    share: Floats = np.clip(depth + 0.5, 0, 1)
    return share


def _frame(y0: float, x0: float, angle: float) -> tuple[Floats, Floats]:
    """Return the distances of all pixels along and across a line through a point."""
    y, x = _pixels()
    cosine, sine = math.cos(angle), math.sin(angle)
    return cosine * (x - x0) + sine * (y - y0), cosine * (y - y0) - sine * (x - x0)


# --- defects of any surface ------------------------------------------------------------------


def _scratch(scene: Scene, rng: np.random.Generator) -> Floats:
    """Draw a thin, slightly bent line, bare in some places and faint in others."""
    along, across = _frame(*_spot(scene.surface, rng), rng.uniform(0, math.pi))
    half = rng.uniform(24, 48)
    across += rng.uniform(-4, 4) * (along / half) ** 2 + _cloud(rng, 20, 20) * 0.5
    width = rng.uniform(1.1, 2.2) * np.clip(1.3 - (along / half) ** 2, 0.3, 1)
    depth = rng.uniform(0.65, 1.0) * _soft_step(-np.abs(along), -half, 5 - half)
    depth *= np.clip(0.9 + 0.35 * _cloud(rng, 24, 24), 0.3, 1.1) * scene.surface
    cover = np.minimum(depth, 1) * np.exp(-((across / width) ** 2))
    return _painted(scene.clean, scene.scratch_rgb, cover)


def _stain(scene: Scene, rng: np.random.Generator) -> Floats:
    """Draw a translucent blot with a ragged outline and a darker rim."""
    along, across = _frame(*_spot(scene.surface, rng), rng.uniform(0, math.pi))
    radius, stretch = rng.uniform(8, 22), rng.uniform(1, 1.5)
    ragged = 0.22 * _cloud(rng, 14, 14) + 0.07 * _cloud(rng, 50, 50)
    inside = 1 - np.hypot(along / stretch, across * stretch**0.5) / radius + ragged
    body = _soft_step(inside, 0, 0.25)
    rim = body * (1 - _soft_step(inside, 0.2, 0.5))
    cover = rng.uniform(0.5, 0.95) * (0.75 * body + 0.4 * rim) * scene.surface
    absorbed = 1 - np.asarray(scene.stain_rgb, np.float32)
    stained: Floats = scene.clean * (1 - np.minimum(cover, 1)[..., None] * absorbed)
    return stained


# --- woven cloth -----------------------------------------------------------------------------

_THREAD = 9.0
_WARP_RGB = np.array((216, 204, 182), np.float32)
_WEFT_RGB = np.array((116, 146, 168), np.float32)
_GAP_RGB = np.array((38, 36, 36), np.float32)


def _weave(rng: np.random.Generator) -> Scene:
    """Draw a plain weave of pale warp (vertical) and blue weft (horizontal) threads."""
    y, x = _pixels()
    angle, (right, down) = rng.normal(0, 0.006), rng.uniform(-2, 2, 2).tolist()
    u = (x + angle * y + right + 0.7 * _cloud(rng, 5, 5)) / _THREAD + 4
    v = (y - angle * x + down + 0.7 * _cloud(rng, 5, 5)) / _THREAD + 4
    i, j = u.astype(np.intp), v.astype(np.intp)
    a, b = u - i.astype(np.float32) - 0.5, v - j.astype(np.float32) - 0.5
    widths = rng.uniform(0.9, 1.0, (2, 64)).astype(np.float32)
    tones = rng.normal(1, 0.03, (2, 64)).astype(np.float32)
    twists = rng.uniform(0, 1, (2, 64)).astype(np.float32)
    side = (1 - 2 * ((i + j) & 1)).astype(np.float32)
    warp_tone = tones[0][i] * (1 + 0.05 * _cloud(rng, 8, 40))
    weft_tone = tones[1][j] * (1 + 0.05 * _cloud(rng, 40, 8))

    def render(no_warp: Flags, no_weft: Flags) -> Floats:
        bend = side * ~(no_warp | no_weft)
        warp = _threads(a, b, bend, widths[0][i], twists[0][i], light=-0.22)
        weft = _threads(b, a, -bend, widths[1][j], twists[1][j], light=-0.30)
        warp_cover, weft_cover = warp.cover * ~no_warp, weft.cover * ~no_weft
        warp_on_top = np.clip(0.5 + 1.5 * (warp.height - weft.height), 0, 1)
        warp_share = warp_cover * (1 - weft_cover * (1 - warp_on_top))
        weft_share = weft_cover * (1 - warp_cover * warp_on_top)
        gap = (1 - warp_cover) * (1 - weft_cover)
        return (
            (warp_share * warp.shade * warp_tone)[..., None] * _WARP_RGB
            + (weft_share * weft.shade * weft_tone)[..., None] * _WEFT_RGB
            + gap[..., None] * _GAP_RGB
        )

    nowhere = np.zeros((SIZE, SIZE), bool)

    def damaged(defect_rng: np.random.Generator) -> Floats:
        row, column = (int(place) for place in _spot(~nowhere, defect_rng))
        half = defect_rng.uniform(1.5, 5.0)
        if defect_rng.random() < 0.5:
            return render((i == i[row, column]) & (np.abs(v - v[row, column]) < half), nowhere)
        return render(nowhere, (j == j[row, column]) & (np.abs(u - u[row, column]) < half))

    return Scene(render(nowhere, nowhere), ~nowhere, damaged, (246, 244, 238), (0.50, 0.38, 0.24))


@dataclass(frozen=True)
class _Threads:
    """One set of parallel threads; three float32 arrays (256, 256)."""

    height: Floats
    cover: Floats
    shade: Floats


def _threads(
    across: Floats, along: Floats, side: Floats, width: Floats, twist: Floats, light: float
) -> _Threads:
    """Shape round twisted threads that go up where side is 1, down where -1, straight where 0."""
    offset = 2 * across / width
    cover = _inside((1 - np.abs(offset)) * width * (_THREAD / 2))
    profile = np.sqrt(np.maximum(1 - offset**2, 0))
    lift = side * np.cos(math.pi * along)
    fibres = 1 + 0.07 * np.sin(2 * math.pi * (2.2 * across + 3 * along + twist))
    shade = (0.42 + 0.58 * profile) * (0.80 + 0.24 * lift) * (1 + light * offset) * fibres
    return _Threads(profile + lift, cover, shade)


# --- machined gear ---------------------------------------------------------------------------

_TEETH = 22
_TIP, _ROOT = 98.0, 83.0
_STEEL_RGB = np.array((186, 190, 194), np.float32)
_MAT_RGB = np.array((58, 76, 88), np.float32)


def _gear(rng: np.random.Generator) -> Scene:
    """Draw a turned steel gear with five bores and a keyed hub, lying on a dark mat."""
    down, right = rng.uniform(-3, 3, 2).tolist()
    turn, lamp = rng.normal(0, 0.03), rng.normal(0.75, 0.06)
    tip, sheen = _TIP + rng.normal(0, 0.4), rng.uniform(0.22, 0.36)
    radius, angle = _polar(_FINE, SIZE / 2 + down, SIZE / 2 + right)
    turns = (angle - turn) * (_TEETH / (2 * math.pi))
    tooth = np.rint(turns)
    flank = np.clip(0.5 + 1.5 * np.cos(2 * math.pi * (turns - tooth)), 0, 1)

    r, phi = _polar(SIZE, SIZE / 2 + down, SIZE / 2 + right)
    sector = phi - turn - np.rint((phi - turn) * (5 / (2 * math.pi))) * (2 * math.pi / 5)
    bore = np.hypot(r * np.cos(sector) - 52, r * np.sin(sector))
    keyway = _inside(4 - np.abs(r * np.cos(phi - turn)))
    keyway *= _inside(8 - np.abs(r * np.sin(phi - turn) + 15))
    body = _inside(r - 17) * _inside(bore - 10.5) * (1 - keyway)
    rims = 1 - _inside(r - 30) * _inside(72 - r)
    chamfers = _inside(1 - np.abs(r - 77)) + _inside(12.5 - bore)
    relief = (1.6 + 0.6 * rims - 0.35 * chamfers).astype(np.float32, copy=False)
    grooves = np.interp(r, np.arange(0, 195, 1.2), rng.standard_normal(163)).astype(np.float32)
    glint = np.abs(np.cos(phi - lamp)) ** 5
    face = (1 + 0.022 * grooves) * (0.76 + sheen * glint) + 0.012 * _cloud(rng, 60, 60)
    mat = 1 + 0.03 * _cloud(rng, 128, 128) + 0.03 * _cloud(rng, 6, 6)

    def render(teeth: Floats) -> Floats:
        outline = _ROOT + flank * teeth * (tip - _ROOT)
        metal = _halved(_inside((outline - radius) * 2)) * body
        slope_y, slope_x = np.gradient(_blurred(metal * relief, 0.9))
        bevel = np.clip(0.55 * (math.sin(lamp) * slope_y + math.cos(lamp) * slope_x), -0.5, 0.5)
        ground = (mat * (1 - 0.55 * _shadow(metal, 4.0, 5)))[..., None] * _MAT_RGB
        return _painted(ground, (face + bevel)[..., None] * _STEEL_RGB, metal)

    def damaged(defect_rng: np.random.Generator) -> Floats:
        which = defect_rng.integers(_TEETH) - _TEETH // 2
        crack = defect_rng.uniform(0.0, 0.5) + 0.12 * defect_rng.standard_normal(9)
        break_ = np.interp(turns - tooth, np.linspace(-0.5, 0.5, 9), np.clip(crack, 0, 0.8))
        return render(np.where(tooth == which, break_, 1.0).astype(np.float32))

    whole, surface = np.ones_like(turns), (r < _ROOT - 2) & (body > 0.99)
    return Scene(render(whole), surface, damaged, (232, 234, 238), (0.62, 0.42, 0.26))


# --- printed label ---------------------------------------------------------------------------

_LABEL_WIDTH, _LABEL_HEIGHT = 204, 148
_PAPER_RGB = (228, 224, 214)
_TEAL, _INK, _AMBER = (22, 108, 122), (44, 46, 54), (224, 142, 48)

_OVAL = ((1.2, 0), (2.8, 0), (4, 1.4), (4, 4.6), (2.8, 6), (1.2, 6), (0, 4.6), (0, 1.4), (1.2, 0))
_MARKS = (
    *((30, 18), (60, 18), (128, 18), (172, 18), (38, 54), (20, 76), (38, 84), (30, 125), (50, 125)),
    *((84, 57), (112, 57), (146, 57), (174, 57), (100, 114), (140, 114), (176, 114)),
)
_STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "D": (((0, 0), (0, 6), (2.2, 6), (4, 4.6), (4, 1.4), (2.2, 0), (0, 0)),),
    "E": (((4, 0), (0, 0), (0, 6), (4, 6)), ((0, 3), (3.2, 3))),
    "M": (((0, 6), (0, 0), (2, 3), (4, 0), (4, 6)),),
    "O": (_OVAL,),
    "0": (_OVAL, ((2.8, 2), (1.2, 4))),
    "L": (((0, 0), (0, 6), (4, 6)),),
    "T": (((0, 0), (4, 0)), ((2, 0), (2, 6))),
    "2": (((0, 1.4), (1.2, 0), (2.8, 0), (4, 1.4), (4, 2.4), (0, 6), (4, 6)),),
    "4": (((3, 6), (3, 0), (0, 4.2), (4, 4.2)),),
    "7": (((0, 0), (4, 0), (1.4, 6)),),
}


def _label(rng: np.random.Generator) -> Scene:
    """Draw a printed paper label on cardboard."""
    (down, right), turn = rng.uniform(-2, 2, 2).tolist(), rng.normal(0, 0.006)
    density = 0.97 + 0.02 * _cloud(rng, 6, 6) + 0.02 * _cloud(rng, 120, 120)
    fibres = 1 + 0.035 * _cloud(rng, 150, 90) + 0.02 * _cloud(rng, 40, 16)
    paper_grain = 1 + 0.010 * _cloud(rng, 128, 128)
    board_rgb = np.array((172, 134, 96), np.float32) * rng.uniform(0.96, 1.04)
    y0, x0, cosine, sine = SIZE + 2 * down, SIZE + 2 * right, math.cos(turn), math.sin(turn)
    to_label_x = (cosine, sine, _LABEL_WIDTH - cosine * x0 - sine * y0)
    to_label_y = (-sine, cosine, _LABEL_HEIGHT - cosine * y0 + sine * x0)

    def placed(layer: Bytes) -> Floats:
        """Turn a layer of the label, at twice its size, into its place on the board."""
        picture = Image.fromarray(layer).transform(
            (_FINE, _FINE),
            Image.Transform.AFFINE,
            to_label_x + to_label_y,
            Image.Resampling.BILINEAR,
        )
        return np.asarray(picture.reduce(2), np.float32)

    cover = placed(_label_shape()) / np.float32(255)
    board = (fibres * (1 - 0.4 * _shadow(cover, 2.0, 2)))[..., None] * board_rgb
    paper = np.asarray(_PAPER_RGB, np.float32)

    def render(artwork: Bytes) -> Floats:
        ink = (paper - placed(artwork)) * density[..., None]
        return _painted(board, (paper - ink) * paper_grain[..., None], cover)

    def damaged(defect_rng: np.random.Generator) -> Floats:
        return render(_smudged(_artwork(), defect_rng))

    return Scene(render(_artwork()), cover > 0.99, damaged, (104, 92, 84), (0.66, 0.50, 0.30))


@lru_cache(maxsize=1)
def _label_shape() -> Bytes:
    """Return the outline of the label as a uint8 array (2 * height, 2 * width).

    A margin of 2 px stays empty, so that the edge stays smooth when the label is turned.
    """
    width, height = 4 * _LABEL_WIDTH, 4 * _LABEL_HEIGHT
    shape = Image.new("L", (width, height))
    ImageDraw.Draw(shape).rounded_rectangle((8, 8, width - 9, height - 9), 36, fill=255)
    return np.asarray(shape.reduce(2))


@lru_cache(maxsize=1)
def _artwork() -> Bytes:
    """Return the print of the label as a uint8 array (2 * height, 2 * width, 3)."""
    picture = Image.new("RGB", (4 * _LABEL_WIDTH, 4 * _LABEL_HEIGHT), _PAPER_RGB)
    pen = ImageDraw.Draw(picture)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return 4 * left, 4 * top, 4 * right - 1, 4 * bottom - 1

    def write(text: str, left: float, top: float, unit: float, colour: tuple[int, ...]) -> None:
        for place, letter in enumerate(text):
            for stroke in _STROKES.get(letter, ()):
                points = [
                    (4 * (left + unit * (6 * place + x)), 4 * (top + unit * y)) for x, y in stroke
                ]
                pen.line(points, fill=colour, width=round(4.4 * unit), joint="curve")
                for px, py in (points[0], points[-1]):
                    r = 2.2 * unit - 0.5
                    pen.ellipse((px - r, py - r, px + r, py + r), fill=colour)

    pen.rectangle(box(0, 0, _LABEL_WIDTH, 36), fill=_TEAL)
    pen.rectangle(box(0, 36, _LABEL_WIDTH, 39), fill=_AMBER)
    write("DEMO", 16, 9, 3.0, _PAPER_RGB)
    for step in range(3):
        pen.ellipse(box(120 + 22 * step, 10, 136 + 22 * step, 26), outline=_PAPER_RGB, width=9)
    pen.ellipse(box(14, 52, 62, 100), outline=_TEAL, width=20)
    pen.polygon([(4 * 38, 4 * 62), (4 * 50, 4 * 84), (4 * 26, 4 * 84)], fill=_AMBER)
    write("LOT 2047", 78, 50, 2.4, _INK)
    lengths = np.random.default_rng(5).uniform(2.5, 9, (3, 32))
    for row, words in enumerate(lengths):
        edges = 78 + np.append(0, np.cumsum(words + 2.2))
        for start, end in pairwise(edges[edges < (193, 180, 150)[row]]):
            pen.rectangle(box(start, 77 + 7 * row, end - 2.2, 79.6 + 7 * row), fill=_INK)
    bars = 78 + np.cumsum(np.random.default_rng(9).choice((1.4, 1.4, 2.8, 4.2), (100, 2)))
    for start, end in bars[bars < 193][: bars[bars < 193].size // 2 * 2].reshape(-1, 2):
        pen.rectangle(box(start, 104, end, 138), fill=_INK)
    pen.rounded_rectangle(box(14, 112, 62, 138), 16, outline=_INK, width=7)
    write("7", 22, 118, 2.2, _INK)
    write("4", 44, 118, 2.2, _INK)
    return np.asarray(picture.reduce(2))


def _smudged(artwork: Bytes, rng: np.random.Generator) -> Bytes:
    """Drag the wet ink around one mark a few pixels to one side, leaving a film of it."""
    mark_x, mark_y = _MARKS[rng.integers(len(_MARKS))]
    radius, angle, pull = rng.uniform(9, 17), rng.uniform(0, 2 * math.pi), rng.uniform(4, 9)
    top, left = max(int(2 * (mark_y - radius)), 0), max(int(2 * (mark_x - radius)), 0)
    part = artwork[top : top + int(4 * radius), left : left + int(4 * radius)]
    y, x = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
    reach = np.hypot((y + top) / 2 - mark_y, (x + left) / 2 - mark_x) / radius
    wet = _soft_step(1 - reach, 0, 0.8)
    bump = 2 * pull * wet
    smeared = np.zeros(part.shape, np.float32)
    for share in np.linspace(0.1, 1, 7):
        where = [y - math.sin(angle) * share * bump, x - math.cos(angle) * share * bump]
        for channel in range(3):
            smeared[..., channel] += ndimage.map_coordinates(
                part[..., channel], where, np.float32, order=1, mode="nearest"
            )
    film = ndimage.gaussian_filter(part.astype(np.float32), (9, 9, 0), mode="nearest")
    smeared = _painted(smeared / np.float32(7), film, 0.35 * wet)
    smudged = artwork.copy()
    smudged[top : top + int(4 * radius), left : left + int(4 * radius)] = np.rint(smeared)
    return smudged


SCENES: dict[str, Callable[[np.random.Generator], Scene]] = {
    "demo_weave": _weave,
    "demo_gear": _gear,
    "demo_label": _label,
}
