"""The app evaluates the demo data by itself: once, quick methods first, and nothing else ever."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from dashboard import frame
from dashboard.run.control import PROBLEM, begin_demo
from dashboard.state import Selection
from evaluation.run.job import BusyError
from evaluation.run.progress import JobStatus, write_status
from tests.dashboard.driver import opened

QUICK = ["--data", "demo", "--methods", "padim", "patchcore"]
SLOW = ["--data", "demo", "--methods", "ae"]


@pytest.fixture
def selection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Selection:
    """Return the demo data with outputs of its own, in a session of its own."""
    monkeypatch.setattr(st, "session_state", {})
    demo = tmp_path / "demo"
    return Selection(demo, True, ("dial",), "dial", "padim", tmp_path / "outputs")


def begun(
    selection: Selection, starts: list[list[str]], nothing_yet: bool, **job: Any
) -> list[list[str]]:
    """Return what is begun after a job, if there was any."""
    if job:
        write_status(selection.outputs, JobStatus(**job))
    begin_demo(selection, nothing_yet)
    return starts


def test_the_quick_methods_are_begun_where_there_is_nothing(
    selection: Selection, starts: list[list[str]]
) -> None:
    assert begun(selection, starts, nothing_yet=True) == [QUICK]


def test_with_results_nothing_is_begun(selection: Selection, starts: list[list[str]]) -> None:
    assert begun(selection, starts, nothing_yet=False) == []


def test_the_slow_one_follows_when_the_quick_ones_are_done(
    selection: Selection, starts: list[list[str]]
) -> None:
    assert begun(selection, starts, nothing_yet=False, state="done", arguments=QUICK) == [SLOW]


@pytest.mark.parametrize("nothing_yet", [True, False])
@pytest.mark.parametrize(
    ("state", "arguments"),
    [
        ("cancelled", QUICK),
        ("failed", QUICK),
        ("done", SLOW),
        ("cancelled", SLOW),
        ("done", [*QUICK, "--force"]),
        ("done", ["--data", "/own", "--methods", "padim", "patchcore"]),
        ("done", []),
    ],
)
def test_after_any_other_job_nothing_is_begun(
    selection: Selection,
    starts: list[list[str]],
    state: str,
    arguments: list[str],
    nothing_yet: bool,
) -> None:
    assert begun(selection, starts, nothing_yet, state=state, arguments=arguments) == []


def test_what_prevents_it_is_not_said_because_nobody_has_asked(
    selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise BusyError("outputs_locked", outputs="/out")

    monkeypatch.setattr("dashboard.run.control.start", busy)
    begin_demo(selection, nothing_yet=True)
    assert PROBLEM not in st.session_state


@pytest.fixture
def asked(demo_data: Path, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether there was nothing yet each time that the app would begin the demo run."""
    seen: list[bool] = []
    monkeypatch.setattr(frame, "begin_demo", lambda _, nothing_yet: seen.append(nothing_yet))
    monkeypatch.setenv("MVTEC_DEMO", str(demo_data))
    return seen


def test_the_app_asks_for_it_where_the_demo_data_stand_in(asked: list[bool]) -> None:
    opened("pages/run.py")
    assert asked == [True]


@pytest.mark.usefixtures("results")
def test_the_app_never_asks_for_it_on_own_data_or_on_demo_data_that_somebody_has_chosen(
    asked: list[bool], demo_data: Path
) -> None:
    app = opened("pages/run.py")
    app.text_input(key="data_folder").set_value(str(demo_data)).run()
    assert asked == []


def test_the_app_says_that_there_are_results_already(
    asked: list[bool], results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "no-data"))
    opened("pages/run.py")
    shutil.rmtree(results / "part")
    opened("pages/run.py")
    assert asked == [False, False]
