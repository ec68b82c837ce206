"""Runs of the evaluation in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pytest

from detectors.backbones.engines import TORCH_FLOAT32, Engine
from detectors.backbones.features import Backbone
from detectors.backbones.names import ALWAYS_THERE, RANDOM
from detectors.backbones.networks import load_backbone
from detectors.registry import Options
from evaluation.run.category import evaluate
from evaluation.run.job import read_status
from evaluation.run.plan import Run
from evaluation.run.progress import JobStatus, RunProgress
from evaluation.store.cells import read_cell
from evaluation.store.places import SCORES_FILE
from evaluation.store.settings import Settings

BOTH = ["padim", "patchcore"]
DEFAULT = Settings()
SMALL = Settings(options=Options(padim_channels=20), image_size=64)

load_once = cache(load_backbone)


def _loaded(
    name: str, source: str | None = None, seed: int = 0, engine: Engine = TORCH_FLOAT32
) -> Backbone:
    once = source == RANDOM or (source is None and name in ALWAYS_THERE)
    return (load_once if once else load_backbone)(name, source, seed, engine)


@contextmanager
def backbones_made_once() -> Iterator[None]:
    """Keep backbones that are the same each time; making one takes longer than a small cell."""
    with mock.patch("evaluation.run.backbone_source.load_backbone", _loaded):
        yield


def evaluated(run: Run) -> list[tuple[str, str]]:
    """Evaluate; return state and reason of every cell in the order of the plan."""
    progress = RunProgress(run.outputs, run.planned, show_bars=False)
    with backbones_made_once():
        evaluate(run, progress)
    progress.finish()
    return [(cell.state, str(cell.reason or "")) for cell in progress.status.cells]


def states(run: Run) -> list[str]:
    """Evaluate; return the state of every cell in the order of the plan."""
    return [state for state, _ in evaluated(run)]


def finished_run(base: Path, *categories: str, settings: Settings = DEFAULT) -> Run:
    """Return a finished run of two methods on the data below `base`, with all it makes there."""
    run = Run(base / "data", base / "outputs", list(categories), BOTH, settings, "random")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        assert set(states(run)) == {"done"}
    return run


def cell(run: Run, method: str) -> dict[str, Any]:
    return read_cell(run.place(run.categories[0], method).folder)


def scores(run: Run, method: str) -> pd.DataFrame:
    return pd.read_csv(run.place("part", method).folder / SCORES_FILE, dtype={"stem": str})


def scores_text(run: Run, method: str) -> str:
    return (run.place("part", method).folder / SCORES_FILE).read_text()


def told(outputs: Path) -> JobStatus:
    """Return what the last run says of itself."""
    status = read_status(outputs)
    assert status is not None
    return status
