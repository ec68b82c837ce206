"""What an evaluation has noted in English is said in the session's language."""

from __future__ import annotations

import re

import pytest
import streamlit as st

from dashboard.recorded import phase_text, weights_text
from data_utils.locations import PROJECT

KOREAN = re.compile("[가-힣]")
STARTED = re.compile(r"progress\.phase\(\s*f?\"([^\"]+)\"")


@pytest.fixture
def korean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Korean the session's language."""
    monkeypatch.setattr(st, "session_state", {"lang": "ko"})


def phases() -> list[str]:
    """Return every phase that an evaluation starts, on a category and a method."""
    sources = [path.read_text(encoding="utf-8") for path in PROJECT.glob("evaluation/*.py")]
    started = [phase for source in sources for phase in STARTED.findall(source)]
    return [re.sub(r"\{[^}]*title\}", "PaDiM", phase) for phase in started]


@pytest.mark.usefixtures("korean")
def test_every_phase_of_an_evaluation_has_a_korean_name_with_its_category_and_method() -> None:
    found = phases()
    assert len(found) >= 8
    for phase in found:
        said = phase_text(re.sub(r"\{[^}]*\}", "bottle", phase))
        assert KOREAN.search(said), phase
        assert ("bottle" in said) == ("{" in phase)
        assert ("PaDiM" in said) == ("PaDiM" in phase)


def test_in_english_a_phase_is_said_as_it_was_noted() -> None:
    for phase in phases():
        noted = re.sub(r"\{[^}]*\}", "bottle", phase)
        assert phase_text(noted) == noted


@pytest.mark.usefixtures("korean")
def test_what_is_not_known_is_said_as_it_was_noted() -> None:
    assert phase_text("polishing lenses") == "polishing lenses"
    assert weights_text("ImageNet (torchvision IMAGENET1K_V1)").startswith("ImageNet")


@pytest.mark.usefixtures("korean")
def test_a_job_that_names_no_phase_yet_is_starting() -> None:
    assert phase_text("") == phase_text("starting") == "시작하는 중"


@pytest.mark.parametrize(
    "label", ["none (trained on these pictures)", "random (seed 7)", "file own.pth (1a2b3c4d)"]
)
def test_the_weights_are_said_in_the_sessions_language(
    label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert weights_text(label) == label
    monkeypatch.setattr(st, "session_state", {"lang": "ko"})
    said = weights_text(label)
    assert KOREAN.search(said)
    assert re.findall(r"\d|own\.pth", said) == re.findall(r"\d|own\.pth", label)
