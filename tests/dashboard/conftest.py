"""Results on disk for the pages' tests, made once by the real runner."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.make_data import write_category
from tests.runs import finished_run


@pytest.fixture(autouse=True)
def no_demo_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the app from evaluating the demo data by itself, where these stand in."""
    monkeypatch.setattr("dashboard.frame.begin_demo", lambda *_, **__: None)


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data folder with two categories and the outputs of PaDiM and PatchCore on it.

    Pictures have a smaller side than usual, which takes a third of the time.
    """
    base = tmp_path_factory.mktemp("evaluated")
    write_category(base / "data", "part")
    write_category(base / "data", "bare", masks=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data_utils.transform.PAPER_CROP", 128)
        run = finished_run(base, "part", "bare")
    return run.data, run.outputs


@pytest.fixture
def results(evaluated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the app its own copy of the evaluated outputs; return that folder.

    Its cells are newer than the summary, so that the pages show what tests change in them.
    """
    data, outputs = evaluated
    own = tmp_path / "own-outputs"
    shutil.copytree(outputs, own)
    os.utime(own / "summary.csv", (0, 0))
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(own))
    return own


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Keep the app from starting programs; return the arguments of those it wanted to start."""
    seen: list[list[str]] = []
    monkeypatch.setattr(
        "dashboard.run.control.start", lambda _, arguments: seen.append(list(arguments))
    )
    return seen
