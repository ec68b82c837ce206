"""``scores.csv`` holds every test picture once and the calibration pictures after them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.base import AnomalyResult, Calibration
from evaluation.store.scores import COLUMNS, scores_table

ROOT = Path("data")


def records() -> pd.DataFrame:
    rows = [("train", "good", f"{i:03}", 0, True) for i in range(4)]
    rows += [("test", "good", "000", 0, True), ("test", "blot", "000", 1, True)]
    rows += [("test", "blot", "001", 1, False)]
    table = pd.DataFrame(rows, columns=["split", "defect", "stem", "label", "has_mask"])
    paths = [ROOT / "part" / split / defect / f"{stem}.png" for split, defect, stem, *_ in rows]
    return table.assign(image_path=pd.Series(paths, dtype=object), width=np.arange(7), height=9)


def calibration(positions: list[int]) -> Calibration:
    scores = np.array(positions, np.float32) * 10
    maps = np.full((len(positions), 2, 2), scores[:, None, None] / 2)
    maps[:, 0, 0] = scores
    return Calibration(np.array(positions, np.int64), AnomalyResult(scores, maps))


TEST_SCORES = np.array([1.5, 2.5, 3.5], np.float32)
LOOKS = pd.DataFrame({"brightness": 10.0 * np.arange(7), "sharpness": 0.5 * np.arange(7)})
MASKS = np.arange(3)[:, None, None] > np.zeros((3, 2, 2))


def table_of(scores: NDArray[np.float32], held_out: list[int]) -> pd.DataFrame:
    maps = np.full((3, 2, 2), scores[:, None, None] - 1)
    return scores_table(ROOT, records(), scores, calibration(held_out), LOOKS, maps, MASKS)


def test_test_pictures_come_first_then_held_out_ones_with_marked_area_and_looks() -> None:
    table = table_of(TEST_SCORES, [1, 3])

    assert list(table.columns) == COLUMNS
    assert table[["split", "defect", "stem", "score"]].values.tolist() == [
        ["test", "good", "000", 1.5],
        ["test", "blot", "000", 2.5],
        ["test", "blot", "001", 3.5],
        ["calibration", "good", "001", 10.0],
        ["calibration", "good", "003", 30.0],
    ]
    assert table["label"].tolist() == [0, 1, 1, 0, 0]
    assert table["has_mask"].tolist() == [True, True, False, True, True]
    assert table["file"].tolist()[3:] == ["part/train/good/001.png", "part/train/good/003.png"]
    assert table["defect_pixels"].isna().tolist() == [False, False, True, False, False]
    assert table["defect_pixels"].dropna().tolist() == [0, 4, 0, 0]
    assert table["brightness"].tolist() == [40, 50, 60, 10, 30]
    assert table["sharpness"].tolist() == [2, 2.5, 3, 0.5, 1.5]
    assert table["background"].tolist() == [0.5, 1.5, 2.5, 5, 15]
    assert table["size"].tolist() == ["4x9", "5x9", "6x9", "1x9", "3x9"]
