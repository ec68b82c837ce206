"""Small data sets in MVTec AD layout, made by the tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.store.cells import CELL_FORMAT

SIDE = 64


def good_picture(rng: np.random.Generator, side: int = SIDE) -> NDArray[np.uint8]:
    """Draw a gray stripe pattern with noise, uint8 ``[side, side, 3]``."""
    stripes = 128 + 40 * np.sin(np.arange(side) / 3.0)
    picture = np.broadcast_to(stripes[:, None, None], (side, side, 3))
    return np.clip(picture + rng.normal(0, 6, (side, side, 3)), 0, 255).astype(np.uint8)


def defective_picture(
    rng: np.random.Generator, side: int = SIDE
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a good picture with a bright blot; return it and its mask (0 or 255)."""
    picture = good_picture(rng, side)
    row, column = rng.integers(side // 4, side // 2, size=2)
    blot = (slice(row, row + side // 5), slice(column, column + side // 5))
    picture[blot] = 255
    mask = np.zeros((side, side), np.uint8)
    mask[blot] = 255
    return picture, mask


def save(picture: NDArray[np.uint8] | NDArray[np.uint16], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def write_category(
    root: Path,
    name: str = "part",
    train: int = 24,
    good: int = 6,
    bad: int = 6,
    masks: float = math.inf,
    draw: Callable[[np.random.Generator], tuple[NDArray[np.uint8], NDArray[np.uint8]]] = (
        defective_picture
    ),
) -> Path:
    """Write a category with one defect type, ``blot``, and so many masks; return its folder."""
    rng = np.random.default_rng(7)
    folder = root / name
    for i in range(train):
        save(good_picture(rng), folder / "train" / "good" / f"{i:03}.png")
    for i in range(good):
        save(good_picture(rng), folder / "test" / "good" / f"{i:03}.png")
    for i in range(bad):
        picture, mask = draw(rng)
        save(picture, folder / "test" / "blot" / f"{i:03}.png")
        if i < masks:
            save(mask, folder / "ground_truth" / "blot" / f"{i:03}_mask.png")
    return folder


def cell_content(category: str = "part", method: str = "padim", **changes: Any) -> dict[str, Any]:
    """Return what ``cell.json`` holds, with numbers that are easy to tell apart."""
    content: dict[str, Any] = {
        "format": CELL_FORMAT,
        "category": category,
        "method": method,
        "metrics": {
            "image_auroc": 0.9,
            "image_auroc_low": 0.8,
            "image_auroc_high": 0.95,
            "pixel_auroc": 0.85,
            "aupro": 0.7,
            "image_ap": 0.91,
            "pixel_ap": 0.4,
            "image_best_f1": 0.88,
            "pixel_best_f1": 0.45,
            "brightness_auroc": 0.6,
            "by_defect": {"blot": {"count": 3, "image_auroc": 0.9, "pixel_auroc": 0.85}},
        },
        "counts": {
            "train_images": 24,
            "test_good": 6,
            "test_defective": 6,
            "test_with_mask": 6,
            "calibration_images": 24,
        },
        "settings": {"seed": 0, "image_size": None},
        "settings_id": "",
        "fingerprint": "f" * 24,
        "timings": {"decode": 0.5, "fit": 1.0},
        "fit_s": 1.5,
        "score_s": 0.5,
        "runtime_s": 2.0,
        "ms_per_image": 41.6,
        "latency_ms": 52.5,
        "wall_s": 3.6,
        "model_mb": 1.25,
        "peak_memory_mb": 300.0,
        "backbone": "resnet18",
        "weights": "random (seed 0)",
        "backbone_identity": "resnet18-0",
        "data_root": "/data",
        "scale": {"low": 1.0, "high": 5.0, "origin": "held-out good pictures"},
        "demo_data": False,
        "transform": "whole picture 224 x 224 px",
        "geometry": {"height": 224, "width": 224, "shorter_side": None},
        "finished": "2024-01-01T00:00:00+00:00",
    }
    return content | changes
