"""What the shown pictures have in common, in words."""

from __future__ import annotations

import math

import pytest
import streamlit as st

from dashboard.samples.picker import wording
from evaluation.measure.conditions import SINGLE, TOGETHER, above, of_size


@pytest.mark.parametrize(
    ("show", "words"),
    [
        ("missed", "7 missed"),
        (above(3.25), "7 with a score of 3.25 or more"),
        ("score:1.0:2.5:good", "7 good with a score from 1 to 2.5"),
        (f"within:{-math.inf!r}:2.0:good", "7 good with a score up to 2"),
        (f"within:2.0:{math.inf!r}:defective", "7 defective with a score above 2"),
        (of_size(2), "7 with the largest defects"),
    ],
)
def test_a_condition_is_said_with_its_count_and_scores(show: str, words: str) -> None:
    assert wording(show, 7) == words


def test_every_condition_is_said_in_korean_too(monkeypatch: pytest.MonkeyPatch) -> None:
    shows = [*SINGLE, *TOGETHER, above(1.0), *(of_size(group) for group in range(3))]
    english = [wording(show, 7) for show in shows]
    monkeypatch.setattr(st, "session_state", {"lang": "ko"})
    korean = [wording(show, 7) for show in shows]
    assert all("7" in words for words in (*english, *korean))
    assert not set(english) & set(korean)
