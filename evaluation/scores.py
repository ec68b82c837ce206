"""``scores.csv``: the raw score of every test picture and of the calibration pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from detectors.base import Calibration

LARGEST_SCORE = float(np.finfo(np.float32).max)
LARGEST_AREA = 1e9
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
]


def scores_table(
    root: Path,
    records: pd.DataFrame,
    test_scores: NDArray[np.float32],
    calibration: Calibration,
    brightness: NDArray[np.float64],
    masks: NDArray[np.bool_],
) -> pd.DataFrame:
    """Return one row per test picture, then one per calibration picture.

    ``defect_pixels`` is the marked area in pixels of the transformed picture; empty where there
    is no usable mask.

    Parameters
    ----------
    root : Path
        The data folder; ``file`` is relative to it.
    records : DataFrame
        All readable pictures, training first.
    test_scores : float32 [T]
    calibration : Calibration
    brightness : float64 [N]
        Mean brightness of every record's picture, 0 to 255.
    masks : bool [T, H, W]
    """
    records = records.assign(brightness=brightness)
    test = records[records["split"] == "test"].assign(score=test_scores)
    areas = masks.sum(axis=(1, 2))
    test["defect_pixels"] = pd.array(areas, "Int64")
    test.loc[~test["has_mask"].astype(bool), "defect_pixels"] = pd.NA
    train = records[records["split"] == "train"].iloc[calibration.positions]
    train = train.assign(defect_pixels=pd.array(np.zeros(len(train), int), "Int64"))
    held_out = train.assign(split="calibration", score=calibration.result.scores)
    table = pd.concat([test, held_out], ignore_index=True)
    table["file"] = [path.relative_to(root).as_posix() for path in table["image_path"]]
    return table[COLUMNS]


def read_scores(path: Path, counts: Mapping[str, int]) -> pd.DataFrame:
    """Read what ``scores_table`` gave.

    Parameters
    ----------
    path : Path
    counts : mapping
        ``counts`` of the cell's ``cell.json``.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is damaged or holds other pictures than were counted; the message says how.
    """
    text = {"split": str, "defect": str, "stem": str, "file": str}
    empty = {"score": [""], "defect_pixels": [""]}
    table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=empty)
    if wrong := _wrong_in(table) or _miscounted(table, counts):
        raise ValueError(wrong)
    return table


def _wrong_in(table: pd.DataFrame) -> str:
    """Return what is wrong with the table by itself, "" if nothing is."""
    if not set(COLUMNS) <= set(table.columns):
        return "a column is missing"
    if not is_numeric_dtype(table["score"]) or not (table["score"].abs() <= LARGEST_SCORE).all():
        return "a score is not a number"
    if not table["label"].isin((0, 1)).all():
        return "a label is neither 0 nor 1"
    if not table["split"].isin(("test", "calibration")).all():
        return "a picture is of no known split"
    if not table["has_mask"].isin((True, False)).all():
        return "whether there is a mask is neither True nor False"
    areas = table["defect_pixels"]
    if not is_numeric_dtype(areas) or not (areas.isna() | areas.between(0, LARGEST_AREA)).all():
        return "a marked area is not a number of pixels"
    if table.duplicated(["split", "defect", "stem"]).any():
        return "a picture has two rows"
    if not all(_is_inside(name) for name in table["file"]) or any(
        PurePath(name).name != name for name in (*table["defect"], *table["stem"])
    ):
        return "a name leads elsewhere"
    return ""


def _miscounted(table: pd.DataFrame, counts: Mapping[str, int]) -> str:
    """Return which rows are missing or too many, "" if none are."""
    test, good = table["split"] == "test", table["label"] == 0
    rows = [
        ("good test pictures", int((test & good).sum()), counts["test_good"]),
        ("defective test pictures", int((test & ~good).sum()), counts["test_defective"]),
        ("held-out training pictures", int((~test).sum()), counts["calibration_images"]),
    ]
    for what, found, counted in rows:
        if found != counted:
            return f"rows of {what}: {found}, counted in the evaluation: {counted}"
    return ""


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
