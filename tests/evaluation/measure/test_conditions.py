"""Conditions on test pictures: which they let pass, and which texts are none."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from evaluation.measure.conditions import above, of_size, passing

TEST = pd.DataFrame(
    {
        "defect": ["good", "good", "good", "blot", "blot", "hole"],
        "stem": list("abcdef"),
        "label": [0, 0, 0, 1, 1, 1],
        "score": [1.0, 2.0, 4.0, 2.0, 3.0, 5.0],
        "defect_pixels": [None, None, None, 30, 10, 20],
        "has_mask": [False] * 3 + [True] * 3,
    }
)
TOGETHER = pd.DataFrame(
    {
        "padim": ["passed", "passed", "false_alarm", "missed", "hit", "hit"],
        "ae": ["passed", "false_alarm", "false_alarm", "missed", "missed", "hit"],
    }
)


def passed(show: str, threshold: float = 2.5, together: pd.DataFrame = TOGETHER) -> str | None:
    """Return the stems of the pictures that pass."""
    met = passing(show, TEST, threshold, lambda: together)
    return None if met is None else "".join(TEST["stem"][met])


@pytest.mark.parametrize(
    ("show", "stems"),
    [
        ("hit", "ef"),
        ("missed", "d"),
        ("passed", "ab"),
        ("false_alarm", "c"),
        ("wrong", "cd"),
        ("disputed", "be"),
        ("all_missed", "d"),
        ("all_false_alarm", "c"),
        (above(3.0), "cef"),
        (above(4.0000001), "cf"),  # curves are kept with fewer digits
        ("above:inf", ""),
        ("within:2.0:4.0:good", "c"),
        ("within:2.0:3.0:defective", "e"),
        ("within:-inf:2.0:defective", "d"),
        ("within:2.0:inf:good", "c"),
        ("score:1.0:2.0:good", "a"),
        ("score:2.0:4.0:defective", "de"),
        ("score:4.0:5.0:defective", "f"),  # the last bar has its upper end
        (of_size(0), "e"),
        (of_size(2), "d"),
    ],
)
def test_a_condition_lets_its_pictures_pass(show: str, stems: str) -> None:
    assert passed(show) == stems


def test_without_a_threshold_no_verdict_is_met_and_without_methods_none_of_all() -> None:
    for show in ("hit", "missed", "passed", "false_alarm", "wrong"):
        assert passed(show, math.nan) == ""
    for show in ("disputed", "all_missed", "all_false_alarm"):
        assert passed(show, together=pd.DataFrame(index=range(6))) == ""


@pytest.mark.parametrize(
    "show",
    [
        *("nonsense", ":", "hit:1", "all_", "all_hit", "disputed:", "missed "),
        *("above", "above:", "above:x", "above:1:2"),
        *("score:1", "score:1:2", "score:1:2:bad", "score:x:2:good", "score:1:2:good:more"),
        *("within:::", "within:1:2:"),
        *("size", "size:", "size:x", "size:1:2", "size:1.5", "size:99", "size:-1"),
    ],
)
def test_what_is_no_condition_is_none(show: str) -> None:
    assert passed(show) is None


def test_sizes_are_none_where_the_pictures_have_no_areas() -> None:
    met = passing("size:0", TEST.drop(columns="defect_pixels"), 2.5, lambda: TOGETHER)
    assert met is None
