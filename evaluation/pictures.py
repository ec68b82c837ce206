"""The four PNG files of every test picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from evaluation.heatmap import Scale, gray, overlay

KINDS = ("img", "gt", "map", "overlay")
NO_MASK_GRAY = 128
COMPRESS_LEVEL = 1
WRITE_THREADS = min(8, os.cpu_count() or 1)


def picture_name(defect: str, stem: str, kind: str) -> str:
    """Return the file name of one picture of a test sample."""
    return f"{defect}_{stem}_{kind}.png"


def write_pictures(
    folder: Path,
    records: pd.DataFrame,
    images: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    maps: NDArray[np.float32],
    scale: Scale,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write picture, ground truth, map and overlay of every test sample.

    The ground truth is white where there is a defect; a defective picture without a usable
    mask gets a plain gray one, because black would say "no defect".

    Raises
    ------
    ValueError
        If two samples would be written to the same file (``a`` / ``b_c`` and ``a_b`` / ``c``).
    """

    names = records["defect"] + "_" + records["stem"]
    for name in names[names.duplicated()]:
        raise ValueError(
            f"Two test pictures would both be written as {name}_img.png; rename one of them or "
            "its folder."
        )

    def write(position: int) -> None:
        row = records.iloc[position]
        mask = np.where(masks[position], np.uint8(255), np.uint8(0))
        if not row["has_mask"]:
            mask[:] = NO_MASK_GRAY
        panels = {
            "img": images[position],
            "gt": mask,
            "map": gray(maps[position], scale),
            "overlay": overlay(images[position], maps[position], scale),
        }
        for kind, panel in panels.items():
            path = folder / picture_name(row["defect"], row["stem"], kind)
            Image.fromarray(panel).save(path, compress_level=COMPRESS_LEVEL)

    with ThreadPoolExecutor(WRITE_THREADS) as pool:
        for done, _ in enumerate(pool.map(write, range(len(records))), start=1):
            if progress is not None:
                progress(done, len(records))
