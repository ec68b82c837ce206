"""Samples: their order, files and thumbnails, the outline's slider, and the colour bar."""

from __future__ import annotations

import base64
import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.samples import sample_set
from dashboard.samples.sample_set import Panels, SampleSet, stored_samples
from dashboard.samples.viewer import BAR_PX, colour_bar, draw_outline_slider, found_text
from evaluation.measure.telling import ordered, wrongness
from evaluation.store.heatmap import HEAT_TABLE, OUTLINE_COLOUR, Scale
from evaluation.store.places import CELL_FILE, MAPS_FILE
from tests.make_data import save

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))
SIZE = (96, 192)


def table(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Return test pictures from (defect, stem, score)."""
    made = pd.DataFrame(rows, columns=["defect", "stem", "score"])
    return made.assign(label=(made["defect"] != "good").astype(int), has_mask=False)


PICTURES = table(
    ("good", "calm", 1.0),
    ("good", "alarm", 6.5),
    ("good", "small alarm", 5.2),
    ("blot", "clear", 8.0),
    ("blot", "missed", 2.0),
    ("hole", "just missed", 4.9),
    ("hole", "just found", 5.1),
)


def stems(order: str, threshold: float, defect: str = "") -> list[str]:
    return [str(PICTURES["stem"][at]) for at in ordered(PICTURES, defect, order, threshold)]


def test_mistakes_come_by_distance_to_the_threshold_then_right_ones_by_how_close_they_were() -> (
    None
):
    mistakes = ["missed", "alarm", "small alarm", "just missed"]
    assert stems("mistakes", 5.0) == [*mistakes, "just found", "clear", "calm"]
    assert stems("mistakes", 5.0, "hole") == ["just missed", "just found"]
    expected = [-4.0, 1.5, 0.2, -3.0, 3.0, 0.1, -0.1]
    assert wrongness(PICTURES, 5.0).tolist() == pytest.approx(expected)


def test_a_defect_exactly_at_the_threshold_is_missed_and_a_good_part_there_is_not_reported() -> (
    None
):
    at_threshold = table(("good", "a", 5.0), ("blot", "b", 5.0))
    assert ordered(at_threshold, "", "mistakes", 5.0) == [1, 0]


def test_without_a_threshold_what_lies_deepest_among_the_other_kind_comes_first() -> None:
    assert stems("mistakes", math.nan)[:3] == ["alarm", "small alarm", "missed"]
    parted = table(("good", "a", 1), ("good", "b", 2), ("blot", "c", 3), ("blot", "d", 4))
    distance = wrongness(parted, math.nan)
    assert (distance < 0).all()
    assert ordered(parted, "", "mistakes", math.nan)[:2] == [1, 2]
    assert distance[1] == distance[2]


def test_by_score_by_name_and_by_defect_also_one_called_all() -> None:
    assert stems("score", 5.0)[::6] == ["clear", "calm"]
    assert stems("name", 5.0) == list(PICTURES["stem"])
    pictures = table(("good", "0", 1.0), ("all", "1", 2.0))
    assert ordered(pictures, "all", "name", math.nan) == [1]
    assert sample_set.defect_names(pictures) == ["good", "all"]
    assert sample_set.sample_names(pictures) == ["good/0", "all/1"]


def stored(folder: Path) -> SampleSet:
    """Write a cell of three plain pictures, where there is none yet, and read it."""
    test = table(("good", "0", 1.0), ("blot", "1", 2.0), ("blot", "2", 3.0))
    if not (folder / CELL_FILE).exists():
        for row, colour in zip(test.itertuples(), COLOURS, strict=True):
            picture = np.full((*SIZE, 3), colour, np.uint8)
            save(picture, folder / f"{row.defect}_{row.stem}_img.png")
        np.save(folder / MAPS_FILE, np.zeros((3, *SIZE), np.float16))
        (folder / CELL_FILE).write_text("{}")
    geometry = {"height": SIZE[0], "width": SIZE[1]}
    about = {"scale": {"low": 0, "high": 1}, "geometry": geometry}
    return stored_samples(folder, about, test, np.arange(3.0))


def seen(url: str) -> tuple[int, tuple[int, int]]:
    """Return which of COLOURS the picture in a data URL has, and its size."""
    head, content = url.split(",")
    assert head == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    mean = np.asarray(picture).reshape(-1, 3).mean(axis=0)
    return int(np.argmin([np.abs(mean - colour).sum() for colour in COLOURS])), picture.size


def test_thumbnails_are_small_in_the_asked_order_and_anew_for_a_new_cell(
    tmp_path: Path,
) -> None:
    first = stored(tmp_path).thumbnails([2, 0])
    assert [seen(url) for url in first] == [(2, (96, 48)), (0, (96, 48))]
    save(np.full((*SIZE, 3), COLOURS[1], np.uint8), tmp_path / "good_0_img.png")
    assert stored(tmp_path).thumbnails([1, 0])[1] == first[1]
    os.utime(tmp_path / CELL_FILE, ns=(1, 1))
    assert seen(stored(tmp_path).thumbnails([0])[0])[0] == 1


def test_a_missing_or_damaged_picture_has_no_thumbnail_and_is_not_shown(tmp_path: Path) -> None:
    samples = stored(tmp_path)
    (tmp_path / "good_0_img.png").unlink()
    (tmp_path / "blot_1_img.png").write_bytes(b"nonsense")
    save(np.zeros((5, 5, 3), np.uint8), tmp_path / "blot_2_img.png")
    assert samples.thumbnails([0, 1, 2]) == ["", "", ""]
    assert [samples.panels(at).overlay for at in range(3)] == [None] * 3


@pytest.mark.parametrize(
    ("threshold", "start", "outlined"),
    [(5.3, 5.3, 5.3), (math.nan, 5, 5), (1.0, 2, 1.0), (11.3, 8, 11.3)],
)
def test_the_outline_starts_at_the_threshold_also_where_the_scale_does_not_reach_it(
    monkeypatch: pytest.MonkeyPatch, threshold: float, start: float, outlined: float
) -> None:
    asked: list[Any] = []
    moved = 0.0

    def slider(_: str, *choices: float, **__: object) -> float:
        asked[:] = choices
        return choices[2] + moved

    monkeypatch.setattr(st, "slider", slider)
    assert draw_outline_slider(Scale(2, 8), threshold, "key", "unit") == outlined
    assert asked == [2, 8, start, pytest.approx(0.06)]
    moved = -0.06 if start == 8 else 0.06
    assert draw_outline_slider(Scale(2, 8), threshold, "key", "unit") == start + moved


@pytest.mark.parametrize("threshold", [1.0, 1.2, 2.0, 3.0, math.nan, 0.5, 3.5])
def test_the_bar_runs_from_cold_to_hot_with_a_tick_at_a_threshold_on_the_scale(
    threshold: float,
) -> None:
    picture = colour_bar(Scale(1, 3), threshold)
    assert picture.shape == (*BAR_PX, 3)
    ticked = np.flatnonzero((picture[0] == OUTLINE_COLOUR).all(axis=1))
    if 1 <= threshold <= 3:
        assert 0 < len(ticked) < 10
        assert abs(ticked.mean() - (threshold - 1) / 2 * (BAR_PX[1] - 1)) <= 7
    else:
        assert not len(ticked)
        ends = [0, BAR_PX[1] // 2, -1]
        assert (picture[0, ends] == HEAT_TABLE[[0, 127, -1]]).all()


def test_the_overlap_is_told_in_pixels_and_nothing_is_claimed_where_no_defect_is_marked() -> None:
    anomaly_map = np.zeros((4, 10), np.float32)
    anomaly_map[:, :5] = 9
    marked = np.zeros((4, 10), np.uint8)
    marked[:, 4:6] = 255

    def told(truth: NDArray[np.uint8] | None, defective: bool) -> str:
        panels = Panels(None, truth, anomaly_map, Scale(0, 9))
        return found_text(panels, None if truth is None else truth > 0, 5.0, defective)

    text = told(marked, defective=True)
    assert "1 of 1 marked areas touched; the outline covers 50 % of the defect (8 px)" in text
    assert "16 px outside" in text
    assert f"{4 / 24:.2f}" in text
    assert "20 of 40 px (50 %) of this good part" in told(0 * marked, defective=False)
    assert "outside the part of the picture that is used" in told(0 * marked, defective=True)
    assert "without a mask" in told(None, defective=True)
