"""Results on disk for the pages' tests, made once by the real runner."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from evaluation.run.category import evaluate
from evaluation.run.plan import Run
from evaluation.run.progress import RunProgress
from tests.make_data import write_category


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data folder with two categories and the outputs of PaDiM and PatchCore on it.

    Pictures have a smaller side than usual, which takes a third of the time.
    """
    base = tmp_path_factory.mktemp("evaluated")
    data, outputs = base / "data", base / "outputs"
    write_category(data, "part")
    write_category(data, "bare", masks=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        patch.setattr("data_utils.transform.PAPER_CROP", 128)
        run = Run(data, outputs, ["part", "bare"], ["padim", "patchcore"], weights="random")
        progress = RunProgress(outputs, [], show_bars=False)
        evaluate(run, progress)
        progress.finish()
    return data, outputs


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
