"""The components' side on the server: what the browser sends is checked before it is used."""

from __future__ import annotations

import re
from typing import Any

import pytest
import streamlit as st

from dashboard.components.canvas import LIMITS, START, StrokesError, parse_strokes
from dashboard.components.gallery import HERE, KEY, take_over
from data_utils.damage import Stroke

GOOD: dict[str, Any] = {"points": [[1, 2.5], [10, 20]], "width": 4, "colour": "#10ff00"}


@pytest.mark.parametrize(
    ("picked", "chosen"),
    [("blot/001", "blot/001"), ("../../etc", "good/000"), (None, "good/000"), (["x"], "good/000")],
)
def test_only_a_tile_of_the_gallery_can_be_picked(
    picked: object, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {KEY: {"picked": picked}, "sample": "good/000"}
    monkeypatch.setattr(st, "session_state", state)
    take_over(KEY, frozenset({"good/000", "blot/001"}))
    assert state["sample"] == chosen


def test_the_script_never_reads_text_as_html() -> None:
    script = (HERE / "gallery.js").read_text(encoding="utf-8")
    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", script)


def test_strokes_are_taken_as_they_were_sent_up_to_the_corners_and_the_largest_drawing() -> None:
    corners = GOOD | {"points": [[0, 0], [80, 64]]}
    assert parse_strokes([GOOD, corners], 64, 80) == [
        Stroke(((1.0, 2.5), (10.0, 20.0)), 4.0, "#10ff00"),
        Stroke(((0.0, 0.0), (80.0, 64.0)), 4.0, "#10ff00"),
    ]
    assert parse_strokes(None, 64, 64) == parse_strokes([], 64, 64) == []
    largest = [GOOD | START | {"points": [[1, 1]] * LIMITS["points"]}] * LIMITS["strokes"]
    assert len(parse_strokes(largest, 64, 64)) == LIMITS["strokes"]


@pytest.mark.parametrize(
    "sent",
    [
        7,
        [GOOD] * (LIMITS["strokes"] + 1),
        [None],
        [{"points": [[1, 1]], "width": 3}],
        [GOOD | {"points": []}],
        [GOOD | {"points": [[1, 1]] * (LIMITS["points"] + 1)}],
        [GOOD | {"points": [[1, 2, 3]]}],
        [GOOD | {"points": [[float("nan"), 1]]}],
        [GOOD | {"points": [[-0.1, 1]]}],
        [GOOD | {"points": [[10**400, 1]]}],
        [GOOD | {"points": [[65, 1]]}],
        [GOOD | {"points": [[1, 64.5]]}],
        [GOOD | {"width": 0}],
        [GOOD | {"width": 1000}],
        [GOOD | {"width": float("nan")}],
        [GOOD | {"colour": "red"}],
        [GOOD | {"colour": "#FF0000"}],
        [GOOD | {"colour": "#ff0000\n"}],
        [GOOD | {"colour": "#ff00000"}],
        [GOOD | {"colour": "#１23456"}],
    ],
)
def test_anything_else_is_refused(sent: object) -> None:
    with pytest.raises(StrokesError, match="The canvas sent"):
        parse_strokes(sent, 64, 64)
