"""``scores.csv``: the raw score of every test picture and of the calibration pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.base import Calibration

COLUMNS = ["split", "defect", "stem", "label", "score", "has_mask", "file"]


def scores_table(
    root: Path,
    records: pd.DataFrame,
    test_scores: NDArray[np.float32],
    calibration: Calibration,
) -> pd.DataFrame:
    """Return one row per test picture, then one per calibration picture.

    Parameters
    ----------
    root : Path
        The data folder; ``file`` is relative to it.
    records : DataFrame
        All readable pictures, training first.
    test_scores : float32 [T]
    calibration : Calibration
    """
    test = records[records["split"] == "test"].assign(score=test_scores)
    train = records[records["split"] == "train"].iloc[calibration.positions]
    held_out = train.assign(split="calibration", score=calibration.result.scores)
    table = pd.concat([test, held_out], ignore_index=True)
    table["file"] = [path.relative_to(root).as_posix() for path in table["image_path"]]
    return table[COLUMNS]
