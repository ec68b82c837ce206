"""Results on disk for the pages' tests, made once by the real runner."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate
from tests.make_data import write_category


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data folder with two categories and the outputs of PaDiM and PatchCore on it."""
    base = tmp_path_factory.mktemp("evaluated")
    data, outputs = base / "data", base / "outputs"
    write_category(data, "part")
    write_category(data, "bare", masks=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        run = Run(data, outputs, ["part", "bare"], ["padim", "patchcore"], weights="random")
        progress = RunProgress(outputs, [], show_bars=False)
        evaluate(run, progress)
        progress.finish()
    return data, outputs


@pytest.fixture
def results(evaluated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the app its own copy of the evaluated outputs; return that folder.

    Its cells are not sealed and newer than the summary, so that tests can edit them.
    """
    data, outputs = evaluated
    own = tmp_path / "own-outputs"
    shutil.copytree(outputs, own)
    os.utime(own / "summary.csv", (0, 0))
    for file in own.glob("*/*/cell.json"):
        cell = json.loads(file.read_text())
        del cell["files"], cell["checksum"]
        file.write_text(json.dumps(cell))
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(own))
    return own
