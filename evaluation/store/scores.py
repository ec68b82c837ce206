"""``scores.csv``: the raw score of every test picture and of the calibration pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.base import Calibration
from evaluation.measure.drift import background
from evaluation.store.checksums import changed
from evaluation.store.places import SCORES_FILE, CellError

COLUMNS = [
    "split",
    "defect",
    "stem",
    "label",
    "score",
    "has_mask",
    "defect_pixels",
    "brightness",
    "file",
    "background",
    "sharpness",
    "size",
]


def scores_table(
    root: Path,
    records: pd.DataFrame,
    test_scores: NDArray[np.float32],
    calibration: Calibration,
    looks: pd.DataFrame,
    maps: NDArray[np.float32],
    masks: NDArray[np.bool_],
) -> pd.DataFrame:
    """Return one row per test picture, then one per calibration picture.

    ``defect_pixels`` is the marked area in pixels of the transformed picture; empty where there
    is no usable mask. ``background`` is a low quantile of the raw map, ``size`` that of the file.

    Parameters
    ----------
    root : Path
        The data folder; ``file`` is relative to it.
    records : DataFrame
        All readable pictures, training first.
    test_scores : float32 [T]
    calibration : Calibration
    looks : DataFrame
        ``brightness`` and ``sharpness`` of every record's picture.
    maps : float32 [T, H, W]
        Raw maps of the test pictures.
    masks : bool [T, H, W]
    """
    sizes = records["width"].astype(str) + "x" + records["height"].astype(str)
    records = records.assign(**looks, size=sizes)
    test = records[records["split"] == "test"]
    test = test.assign(score=test_scores, background=background(maps))
    areas = masks.sum(axis=(1, 2))
    test["defect_pixels"] = pd.array(areas, "Int64")
    test.loc[~test["has_mask"].astype(bool), "defect_pixels"] = pd.NA
    train = records[records["split"] == "train"].iloc[calibration.positions]
    train = train.assign(defect_pixels=pd.array(np.zeros(len(train), int), "Int64"))
    good = calibration.result
    held_out = train.assign(
        split="calibration", score=good.scores, background=background(good.maps)
    )
    table = pd.concat([test, held_out], ignore_index=True)
    table["file"] = [path.relative_to(root).as_posix() for path in table["image_path"]]
    return table[COLUMNS]


def read_scores(folder: Path, cell: Mapping[str, Any]) -> pd.DataFrame:
    """Read what ``scores_table`` gave.

    Parameters
    ----------
    folder : Path
        Of the cell.
    cell : mapping
        Its ``cell.json``, as from ``read_cell``.

    Raises
    ------
    CellError
        If it is not as it was written.
    """
    path = folder / SCORES_FILE
    if changed(path, cell):
        raise CellError("cell_changed", path=path)
    text = {"split": str, "defect": str, "stem": str, "file": str}
    empty = {name: [""] for name in ("score", "defect_pixels", "background")}
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=empty)


def held_out(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of held-out good training pictures in such a table."""
    return scores[scores["split"] == "calibration"]


def calibration_scores(scores: pd.DataFrame) -> NDArray[np.float64]:
    """Return the scores of held-out good training pictures in such a table, float64 ``[K]``."""
    return held_out(scores)["score"].to_numpy(np.float64)
