"""What the demo pictures share: light, noise, defects, and the tools their scenes are drawn with.

The idea is that a scene is drawn twice from the same random numbers, once whole and once with one
defect. The mask is where the two drawings differ, so it is exact by construction; sensor noise is
added afterwards and is the same for both. Positions are in pixels of the final picture, x to the
right, y down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Rng = np.random.Generator

SIZE = 256
MARGIN = 48
VISIBLE_CHANGE = 6.0
SMALLEST_SPECK = 6
COVERAGE = (0.0015, 0.12)
NOISE_SIGMA = 2.2
NOISE_LIMIT = 9.0


@dataclass(frozen=True)
class Scene:
    """One whole scene and the way to damage it."""

    clean: Floats  # [256, 256, 3]: without defect, light and noise, in grey levels 0 to 255
    surface: Flags  # [256, 256]: where a scratch or a stain may lie
    damaged: Callable[[Rng], Floats]  # draws the scene with a piece missing or deformed
    scratch_rgb: tuple[float, float, float]  # colour a scratch lays bare, grey levels 0 to 255
    stain_rgb: tuple[float, float, float]  # share of the light, 0 to 1, that a full stain passes


def photographed(
    draw_scene: Callable[[Rng], Scene], defect: str | None, seed: int, key: tuple[int, ...]
) -> tuple[Bytes, Bytes]:
    """Draw a scene, damage it, light it and add noise; return picture and mask.

    See ``demo_scenes.draw_picture``.
    """
    scene_rng, light_rng, noise_rng, defect_rng = (
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*key, part)))
        for part in range(4)
    )
    scene = draw_scene(scene_rng)
    light = _illumination(light_rng)
    picture = _exposed(scene.clean, light)
    changed = np.zeros((SIZE, SIZE), bool)
    if defect is not None:
        picture, changed = _with_defect(scene, defect, defect_rng, picture, light)
    noise = noise_rng.standard_normal(picture.shape, np.float32) * NOISE_SIGMA
    noisy = picture + np.clip(noise, -NOISE_LIMIT, NOISE_LIMIT)
    return np.rint(noisy).astype(np.uint8), changed.astype(np.uint8) * 255


def _with_defect(
    scene: Scene, defect: str, rng: Rng, whole: Floats, light: Floats
) -> tuple[Floats, Flags]:
    """Redraw with a defect until its visible part has a sensible size; keep only that part."""
    for _ in range(50):
        match defect:
            case "scratch":
                drawing = _scratched(scene, rng)
            case "stain":
                drawing = _stained(scene, rng)
            case "missing" | "deformed":
                drawing = scene.damaged(rng)
            case _:
                raise ValueError(f"Unknown defect {defect!r}.")
        broken = _exposed(drawing, light)
        changed = _without_specks(np.abs(broken - whole).max(axis=2) > VISIBLE_CHANGE)
        if COVERAGE[0] <= changed.mean() <= COVERAGE[1]:
            break
    return np.where(changed[..., None], broken, whole), changed


def _without_specks(flags: Flags) -> Flags:
    labels, _ = ndimage.label(flags, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes >= SMALLEST_SPECK)[labels]


def _exposed(drawing: Floats, light: Floats) -> Floats:
    """Light a drawing; the limits leave room for the noise, so that no pixel saturates."""
    return np.clip(drawing * light[..., None], NOISE_LIMIT + 1, 254 - NOISE_LIMIT)


def _illumination(rng: Rng) -> Floats:
    """Return [256, 256] gains around 1: overall level, a slope, and darker corners."""
    y, x = pixels()
    angle = rng.uniform(0, 2 * math.pi)
    slope = (math.cos(angle) * (x / SIZE - 0.5) + math.sin(angle) * (y / SIZE - 0.5)) * 2
    corners = ((x / SIZE - 0.5) ** 2 + (y / SIZE - 0.5) ** 2) * 2
    gains = rng.uniform(0.93, 1.05) * (
        1 + rng.uniform(0, 0.07) * slope - rng.uniform(0.04, 0.12) * corners
    )
    return gains.astype(np.float32, copy=False)


def _scratched(scene: Scene, rng: Rng) -> Floats:
    """Draw a thin, slightly bent line, bare in some places and faint in others."""
    along, across = _line_through(*spot(scene.surface, rng), rng.uniform(0, math.pi))
    half = rng.uniform(24, 48)
    across += rng.uniform(-4, 4) * (along / half) ** 2 + cloud(rng, 20, 20) * 0.5
    width = rng.uniform(1.1, 2.2) * np.clip(1.3 - (along / half) ** 2, 0.3, 1)
    depth = rng.uniform(0.65, 1.0) * soft_step(-np.abs(along), -half, 5 - half)
    depth *= np.clip(0.9 + 0.35 * cloud(rng, 24, 24), 0.3, 1.1) * scene.surface
    cover = np.minimum(depth, 1) * np.exp(-((across / width) ** 2))
    return painted(scene.clean, scene.scratch_rgb, cover)


def _stained(scene: Scene, rng: Rng) -> Floats:
    """Draw a translucent blot with a ragged outline and a darker rim."""
    along, across = _line_through(*spot(scene.surface, rng), rng.uniform(0, math.pi))
    radius, stretch = rng.uniform(8, 22), rng.uniform(1, 1.5)
    ragged = 0.22 * cloud(rng, 14, 14) + 0.07 * cloud(rng, 50, 50)
    inside = 1 - np.hypot(along / stretch, across * stretch**0.5) / radius + ragged
    body = soft_step(inside, 0, 0.25)
    rim = body * (1 - soft_step(inside, 0.2, 0.5))
    cover = rng.uniform(0.5, 0.95) * (0.75 * body + 0.4 * rim) * scene.surface
    absorbed = 1 - np.asarray(scene.stain_rgb, np.float32)
    return scene.clean * (1 - np.minimum(cover, 1)[..., None] * absorbed)


def _line_through(y0: float, x0: float, angle: float) -> tuple[Floats, Floats]:
    """Return the distances of all pixels along and across a line through a point."""
    y, x = pixels()
    cosine, sine = math.cos(angle), math.sin(angle)
    return cosine * (x - x0) + sine * (y - y0), cosine * (y - y0) - sine * (x - x0)


@lru_cache(maxsize=2)
def pixels(size: int = SIZE) -> tuple[Floats, Floats]:
    """Return y and x of the pixel centres of a [size, size] grid laid over the picture."""
    axis = ((np.arange(size) + 0.5) * SIZE / size).astype(np.float32)
    y, x = (np.ascontiguousarray(part) for part in np.meshgrid(axis, axis, indexing="ij"))
    y.flags.writeable = x.flags.writeable = False
    return y, x


def spot(surface: Flags, rng: Rng) -> tuple[float, float]:
    """Pick y, x of a surface pixel away from the border."""
    inner = np.zeros_like(surface)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    y, x = divmod(int(rng.choice(np.flatnonzero(surface & inner))), SIZE)
    return y + 0.5, x + 0.5


def cloud(rng: Rng, rows: int, columns: int) -> Floats:
    """Return smooth noise, mean about 0 and deviation below 1, with rows x columns bumps."""
    coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
    return np.asarray(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def soft_step(x: Floats, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high` and a smooth rise between them."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def inside(depth: Floats) -> Floats:
    """Return the share of a pixel inside a shape, given the depth of its centre in pixels."""
    return np.clip(depth + 0.5, 0, 1)


def blurred(picture: Floats, sigma: float) -> Floats:
    """Blur a layer; beyond its border it goes on as it ends."""
    return ndimage.gaussian_filter(picture, sigma, mode="nearest", truncate=3)


def shadow(cover: Floats, softness: float, shift: int) -> Floats:
    """Return the shadow, 0 to 1, of an object that keeps away from the border."""
    return np.roll(blurred(cover, softness), (shift, shift), axis=(0, 1))


def painted(ground: Floats, colour: Floats | tuple[float, ...], cover: Floats) -> Floats:
    """Lay a colour over a drawing; cover is [256, 256], 0 to 1."""
    return ground + (np.asarray(colour, np.float32) - ground) * cover[..., None]
