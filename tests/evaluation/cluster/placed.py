"""Runs whose units are made by other processes, and settings that end those processes."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from detectors.registry import Options
from evaluation.run.category import evaluate
from evaluation.run.plan import Run
from evaluation.run.progress import RunProgress
from evaluation.store.places import CURVES_FILE, MAPS_FILE, SCORES_FILE
from evaluation.store.settings import Settings
from tests.make_data import write_category

SMALL = Settings(options=Options(coreset_ratio=0.05, padim_channels=12), image_size=64)
BOTH = ["padim", "patchcore"]
LONGEST_S = 60.0


@dataclass(frozen=True)
class Deadly(Settings):
    """Settings with which the first cells of a method, counted in a folder, kill their process."""

    method: str = ""
    times: int = 0
    deaths: Path = Path()

    def fingerprint(self, method: str, data_fingerprint: str) -> str:
        died = len(list(self.deaths.iterdir()))
        if method == self.method and died < self.times:
            (self.deaths / str(died)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fingerprint(method, data_fingerprint)


def deadly(folder: Path, method: str, times: int) -> Deadly:
    folder.mkdir()
    return Deadly(options=SMALL.options, image_size=64, method=method, times=times, deaths=folder)


@dataclass(frozen=True)
class Held(Settings):
    """Settings with which a cell notes that it is written, and waits for a file ``go`` beside."""

    notes: Path = Path()

    def fingerprint(self, method: str, data_fingerprint: str) -> str:
        (self.notes / method).touch()
        end = time.monotonic() + LONGEST_S
        while not (self.notes / "go").exists() and time.monotonic() < end:
            time.sleep(0.02)
        return super().fingerprint(method, data_fingerprint)


def small_run(
    folder: Path, settings: Settings = SMALL, categories: tuple[str, ...] = ("part",)
) -> Run:
    for name in categories:
        if not (folder / "data" / name).exists():
            write_category(folder / "data", name, train=8, good=3, bad=3)
    return Run(folder / "data", folder / "outputs", list(categories), BOTH, settings, "random")


def progress_of(run: Run) -> RunProgress:
    return RunProgress(run.outputs, run.planned, show_bars=False)


def states(progress: RunProgress) -> dict[tuple[str, str], str]:
    """Return the state of every cell by category and method; other settings must not differ."""
    return {(cell.category, cell.method): cell.state for cell in progress.status.cells}


def numbers(run: Run) -> dict[str, bytes]:
    """Return the files of a run that hold numbers, by their path below the outputs folder."""
    names = (SCORES_FILE, MAPS_FILE, CURVES_FILE)
    return {
        path.relative_to(run.outputs).as_posix(): path.read_bytes()
        for name in names
        for path in sorted(run.outputs.rglob(name))
    }


def numbers_in_this_process(run: Run) -> dict[str, bytes]:
    here = replace(run, outputs=run.outputs.with_name("here"))
    evaluate(here, progress_of(here))
    return numbers(here)
