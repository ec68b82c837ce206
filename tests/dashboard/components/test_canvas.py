"""What the browser sends as strokes: taken whole, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.components.canvas import (
    MAX_POINTS,
    MAX_STROKES,
    START_COLOUR,
    START_WIDTH,
    StrokesError,
    parse_strokes,
)
from data_utils.damage import Stroke

GOOD: dict[str, Any] = {"points": [[1, 2.5], [10, 20]], "width": 4, "colour": "#10ff00"}


def test_strokes_are_taken_as_they_were_sent() -> None:
    expected = Stroke(((1.0, 2.5), (10.0, 20.0)), 4.0, "#10ff00")
    assert parse_strokes([GOOD, GOOD], 64, 64) == [expected, expected]


@pytest.mark.parametrize("nothing", [None, []])
def test_an_empty_canvas_has_no_strokes(nothing: object) -> None:
    assert parse_strokes(nothing, 64, 64) == []


def test_the_corners_of_the_picture_and_its_largest_drawing_are_allowed() -> None:
    corners = GOOD | {"points": [[0, 0], [80, 64]]}
    assert parse_strokes([corners], 64, 80)[0].points[1] == (80.0, 64.0)
    largest = [GOOD | {"points": [[1, 1]] * MAX_POINTS}] * MAX_STROKES
    assert len(parse_strokes(largest, 64, 64)) == MAX_STROKES


def test_what_the_canvas_starts_with_is_allowed() -> None:
    start = GOOD | {"width": START_WIDTH, "colour": START_COLOUR}
    assert parse_strokes([start], 64, 64)[0].colour == START_COLOUR


@pytest.mark.parametrize(
    "sent",
    [
        "strokes",
        {"points": []},
        7,
        [GOOD] * (MAX_STROKES + 1),
        [None],
        [[1, 2]],
        [GOOD | {"more": 1}],
        [{"points": [[1, 1]], "width": 3}],
        [GOOD | {"points": []}],
        [GOOD | {"points": [[1, 1]] * (MAX_POINTS + 1)}],
        [GOOD | {"points": "ab"}],
        [GOOD | {"points": [[1, 2, 3]]}],
        [GOOD | {"points": [["1", "2"]]}],
        [GOOD | {"points": [[True, False]]}],
        [GOOD | {"points": [[float("nan"), 1]]}],
        [GOOD | {"points": [[float("inf"), 1]]}],
        [GOOD | {"points": [[-0.1, 1]]}],
        [GOOD | {"points": [[65, 1]]}],
        [GOOD | {"points": [[1, 64.5]]}],
        [GOOD | {"width": 0}],
        [GOOD | {"width": 1000}],
        [GOOD | {"width": float("nan")}],
        [GOOD | {"width": "4"}],
        [GOOD | {"colour": "red"}],
        [GOOD | {"colour": "#FF0000"}],
        [GOOD | {"colour": "#ff0000\n"}],
        [GOOD | {"colour": "#ff00000"}],
        [GOOD | {"colour": "#１23456"}],
        [GOOD | {"colour": 16711680}],
        [GOOD | {"colour": "url(http://example.org)"}],
    ],
)
def test_anything_else_is_refused(sent: object) -> None:
    with pytest.raises(StrokesError, match="The canvas sent"):
        parse_strokes(sent, 64, 64)
