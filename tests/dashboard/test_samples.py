"""The order of samples, worst mistakes first among them, on tables made by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from dashboard.samples.sample_set import (
    defect_names,
    is_wrong,
    ordered,
    sample_name,
    sample_names,
    wrongness,
)


def table(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Return test pictures from (defect, stem, score)."""
    made = pd.DataFrame(rows, columns=["defect", "stem", "score"])
    return made.assign(label=(made["defect"] != "good").astype(int))


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
    """Return the stems in the order they are shown."""
    return [str(PICTURES["stem"][at]) for at in ordered(PICTURES, defect, order, threshold)]


def test_mistakes_come_by_distance_to_the_threshold_then_right_ones_by_how_close_they_were() -> (
    None
):
    assert stems("mistakes", 5.0) == [
        "missed",
        "alarm",
        "small alarm",
        "just missed",
        "just found",
        "clear",
        "calm",
    ]


def test_wrongness_is_the_distance_to_the_threshold_in_score() -> None:
    expected = [-4.0, 1.5, 0.2, -3.0, 3.0, 0.1, -0.1]
    assert wrongness(PICTURES, 5.0).tolist() == pytest.approx(expected)
    assert is_wrong(PICTURES, 5.0).tolist() == [False, True, True, False, True, True, False]


def test_a_defect_exactly_at_the_threshold_is_missed_and_a_good_part_there_is_not_reported() -> (
    None
):
    at_threshold = table(("good", "a", 5.0), ("blot", "b", 5.0))
    assert is_wrong(at_threshold, 5.0).tolist() == [False, True]
    assert ordered(at_threshold, "", "mistakes", 5.0) == [1, 0]


def test_without_a_threshold_high_good_ones_and_low_defective_ones_come_first() -> None:
    assert stems("mistakes", math.nan)[:3] == ["alarm", "small alarm", "missed"]
    assert not is_wrong(PICTURES, math.nan).any()


def test_without_a_threshold_a_perfect_ranking_puts_the_two_nearest_to_the_gap_first() -> None:
    parted = table(("good", "a", 1), ("good", "b", 2), ("blot", "c", 3), ("blot", "d", 4))
    distance = wrongness(parted, math.nan)
    assert (distance < 0).all()
    assert ordered(parted, "", "mistakes", math.nan)[:2] == [1, 2]
    assert distance[1] == distance[2]


def test_by_score_and_by_name_and_by_defect() -> None:
    assert stems("score", 5.0)[0] == "clear"
    assert stems("score", 5.0)[-1] == "calm"
    assert stems("name", 5.0) == list(PICTURES["stem"])
    assert stems("mistakes", 5.0, "hole") == ["just missed", "just found"]


def test_a_defect_called_all_is_a_defect_like_others() -> None:
    pictures = table(("good", "0", 1.0), ("all", "1", 2.0))
    assert ordered(pictures, "all", "name", math.nan) == [1]
    assert defect_names(pictures) == ["good", "all"]


def test_names_are_defect_and_stem() -> None:
    assert sample_names(PICTURES[:2]) == ["good/calm", "good/alarm"]
    assert sample_name(PICTURES, 4) == "blot/missed"
