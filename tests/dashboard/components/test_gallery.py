"""The gallery's side on the server: what a click may change, and how names are shown."""

from __future__ import annotations

import re

import pytest
import streamlit as st

from dashboard.components.gallery import HERE, take_over

NAMES = frozenset({"good/000", "blot/001"})


@pytest.mark.parametrize(
    ("picked", "chosen"),
    [("blot/001", "blot/001"), ("../../etc", "good/000"), (None, "good/000"), (["x"], "good/000")],
)
def test_only_a_tile_of_the_gallery_can_be_picked(
    picked: object, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"gallery": {"picked": picked}, "sample": "good/000"}
    monkeypatch.setattr(st, "session_state", state)

    take_over("gallery", "sample", NAMES)

    assert state["sample"] == chosen


def test_the_script_never_reads_text_as_html() -> None:
    script = (HERE / "gallery.js").read_text(encoding="utf-8")

    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", script)
