"""The components' side on the server: what the browser sends is checked before it is used."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st

from dashboard.components import picture_viewer, score_lines
from dashboard.components.assets import HERE
from dashboard.components.canvas import LIMITS, START, StrokesError, parse_strokes
from dashboard.components.gallery import KEY, take_over
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
    take_over(frozenset({"good/000", "blot/001"}))
    assert state["sample"] == chosen


@pytest.mark.parametrize("name", ["gallery", "picture_viewer", "score_lines", "canvas"])
def test_a_script_never_reads_text_as_html(name: str) -> None:
    script = (HERE / f"{name}.js").read_text(encoding="utf-8")
    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", script)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the session's state, and let the components be registered only."""
    session: dict[str, Any] = {"sample": "good/000", "zoom": ""}
    monkeypatch.setattr(st, "session_state", session)
    for module, name in ((picture_viewer, "_viewer"), (score_lines, "_lines")):
        monkeypatch.setattr(module, name, lambda **given: session.update(given=given))
    return session


@pytest.fixture
def shown_viewer(state: dict[str, Any]) -> Callable[..., list[int]]:
    """Return what lets the viewer send state, and returns the turns that it asks for."""

    def sent(event: str, **content: object) -> list[int]:
        turns: list[int] = []
        names = ["good/000", "blot/001"]
        bare: dict[str, object] = {"absent": {}, "detail": None}
        picture_viewer.draw_viewer(lambda _: bare, names, 0, "", [], {}, 0.5, turns.append)
        state["viewer"] = content
        state["given"][f"on_{event}_change"]()
        return turns

    return sent


@pytest.mark.parametrize(
    ("sample", "chosen"),
    [
        ("blot/001", "blot/001"),
        ("../../etc", "good/000"),
        (None, "good/000"),
        (["blot/001"], "good/000"),
        (1, "good/000"),
    ],
)
def test_the_viewer_steps_to_a_sample_of_its_list_only(
    state: dict[str, Any], shown_viewer: Callable[..., list[int]], sample: object, chosen: str
) -> None:
    shown_viewer("sample", sample=sample)
    assert state["sample"] == chosen


@pytest.mark.parametrize(
    ("view", "zoom"),
    [
        ([2, 0.25, 0.5], "2,0.25,0.5"),
        ([1, 0.25, 0.5], ""),
        ([0.5, 0, 0], ""),
        ([2, 0.5], ""),
        ([2, 0.5, 0.5, 1], ""),
        (["2", "x", 1], ""),
        ([math.inf, 0, 0], ""),
        ([2, math.nan, 0], ""),
        ([10**400, 0, 0], ""),
        (None, ""),
        (7, ""),
        ({}, ""),
    ],
)
def test_a_view_is_three_numbers_or_the_whole_picture(
    state: dict[str, Any], shown_viewer: Callable[..., list[int]], view: object, zoom: str
) -> None:
    state["zoom"] = "3,0,0"
    shown_viewer("view", view=view)
    assert state["zoom"] == zoom


@pytest.mark.parametrize(
    ("zoom", "view"),
    [
        ("2,0.25,0.5", (2, 0.25, 0.5)),
        ("41,0.5,0.5", picture_viewer.WHOLE),
        ("2,1.5,0", picture_viewer.WHOLE),
        ("nan,0,0", picture_viewer.WHOLE),
        ("2,nan,0", picture_viewer.WHOLE),
        ("2,0", picture_viewer.WHOLE),
        ("", picture_viewer.WHOLE),
        ("a,b,c", picture_viewer.WHOLE),
    ],
)
def test_a_zoom_from_the_address_lies_within_the_picture(
    state: dict[str, Any], zoom: str, view: tuple[float, float, float]
) -> None:
    state["zoom"] = zoom
    assert picture_viewer.zoom() == view


@pytest.mark.parametrize(
    ("method", "turns"), [(1, [1]), (-1, [-1]), (2, []), (None, []), ([1], []), ("1", [])]
)
def test_a_turn_is_one_method_up_or_down(
    shown_viewer: Callable[..., list[int]], method: object, turns: list[int]
) -> None:
    assert shown_viewer("method", method=method) == turns


def lines_sent(state: dict[str, Any], event: str, sent: object) -> list[object]:
    """Let the lines send something; return what is taken of it."""
    taken: list[object] = []
    groups = {"good": [1.0, 2.0], "defective": [3.0], "held": []}
    score_lines.draw_score_lines(
        "key", groups, (2.0, 2.0), [], {}, lambda *ends: taken.append(ends), taken.append
    )
    state["key"] = {event: sent}
    state["given"][f"on_{event}_change"]()
    return taken


def test_two_lines_in_order_are_taken(state: dict[str, Any]) -> None:
    assert lines_sent(state, "lines", [1, 2.5]) == [(1.0, 2.5)]
    assert lines_sent(state, "lines", [2, 2]) == [(2.0, 2.0)]


@pytest.mark.parametrize(
    "sent",
    [
        *(None, 7, "12", [], [1], [1, 2, 3], [2, 1], ["1", "2"], [1, None], {"0": 1, "1": 2}),
        *([1, math.nan], [-math.inf, 1], [1, math.inf], [1, 10**400], [[1], [2]]),
    ],
)
def test_lines_that_are_no_two_numbers_in_order_are_not_taken(
    state: dict[str, Any], sent: object
) -> None:
    assert lines_sent(state, "lines", sent) == []


def test_a_bar_or_a_zone_becomes_its_condition(state: dict[str, Any]) -> None:
    assert lines_sent(state, "open", [1, 2.5, "good", "score"]) == ["score:1.0:2.5:good"]
    assert lines_sent(state, "open", ["-inf", 2, "defective", "within"]) == [
        "within:-inf:2.0:defective"
    ]


@pytest.mark.parametrize(
    "sent",
    [
        *(None, 7, [], [1, 2, "good"], [1, 2, "held", "score"], [1, None, "good", "score"]),
        *([1, "x", "good", "score"], [10**400, 1, "good", "score"], [1, 2, ["good"], "score"]),
        {"0": 1},
    ],
)
def test_what_is_no_bar_opens_nothing(state: dict[str, Any], sent: object) -> None:
    assert lines_sent(state, "open", sent) == []


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
