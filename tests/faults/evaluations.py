"""Calls of ``evaluate.py`` that tests disturb, and what must hold afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from data_utils.locations import PROJECT
from detectors.backbones.loading import load_backbone
from detectors.registry import METHODS
from evaluation.cells import (
    CURVES_FILE,
    MAPS_FILE,
    MODEL_FILE,
    NEW_SUFFIX,
    OLD_SUFFIX,
    SCORES_FILE,
    UNFINISHED_SUFFIX,
    CellPlace,
    read_cell,
)
from evaluation.job import read_status
from evaluation.settings import Settings
from evaluation.summary import COLUMNS, SUMMARY_FILE
from tests.make_data import write_category

CATEGORIES, BOTH = ("part", "plate"), ("padim", "patchcore")
TRAIN, GOOD, BAD, SIDE = 10, 3, 3, 64
STARTED_WITHIN_S = 120


@dataclass(frozen=True)
class Plan:
    """What is evaluated: with random weights, so that nothing need be downloaded."""

    categories: tuple[str, ...]
    methods: tuple[str, ...]
    settings: Settings
    test_pictures: int
    words: tuple[str, ...] = ()


SMALL = Plan(CATEGORIES, BOTH, Settings(image_size=SIDE), GOOD + BAD, ("--image-size", str(SIDE)))


@dataclass
class Evaluation:
    """Calls of ``evaluate.py`` with one data folder and one outputs folder."""

    data: Path
    outputs: Path
    plan: Plan = SMALL

    def arguments(self, force: bool = False) -> list[str]:
        """Return the words of the call without those that name program and outputs."""
        words = ["--data", str(self.data), "--weights", "random", "--threads", "1"]
        words += ["--methods", *self.plan.methods, *self.plan.words]
        return words + ["--force"] * force

    def command(self, force: bool) -> list[str]:
        """Return the words of the call."""
        words = [sys.executable, "evaluate.py", "--out", str(self.outputs)]
        return words + self.arguments(force)

    def start(self, force: bool, file_bytes: int | None = None) -> subprocess.Popen[bytes]:
        """Start it as a process group of its own, perhaps with a limit on the size of files."""
        return subprocess.Popen(
            self.command(force),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=None if file_bytes is None else lambda: _limit_files(file_bytes),
        )

    def ended(self, force: bool = False, file_bytes: int | None = None) -> tuple[int, str]:
        """Run it to its end; return its exit status and what it said."""
        process = self.start(force, file_bytes)
        output, _ = process.communicate()
        return process.returncode, output.decode()

    def to_the_end(self) -> float:
        """Run it undisturbed; return the seconds from its first status to its end."""
        process = self.start(force=False)
        began = self.begun(process)
        output, _ = process.communicate()
        assert process.returncode == 0, output.decode()
        return time.monotonic() - began

    def begun(self, process: subprocess.Popen[bytes]) -> float:
        """Wait until it says that it is running; return that moment."""
        until = time.monotonic() + STARTED_WITHIN_S
        while time.monotonic() < until and process.poll() is None:
            status = read_status(self.outputs)
            if status is not None and status.pid == process.pid:
                break
            time.sleep(0.01)
        return time.monotonic()

    def killed_after(self, seconds: float, force: bool) -> bool:
        """Kill it so long after it began; tell whether that was before its end."""
        process = self.start(force)
        self.begun(process)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def places(self) -> list[CellPlace]:
        """Return the places of all cells."""
        return [
            CellPlace(self.outputs, category, method, self.plan.settings.identifier(method))
            for category in self.plan.categories
            for method in self.plan.methods
        ]

    def numbers(self) -> dict[str, tuple[str, object]]:
        """Return scores and metrics of every cell, as they are on disk."""
        return {
            str(place.folder.relative_to(self.outputs)): (
                (place.folder / SCORES_FILE).read_text(),
                repr(sorted(read_cell(place.folder)["metrics"].items())),
            )
            for place in self.places()
        }

    def expect_everything_whole(self) -> int:
        """Open every file of every finished cell and the summary; return the finished cells."""
        whole = set()
        for place in self.places():
            if place.finished:
                expect_whole(place, self.plan.test_pictures)
                whole.add((place.category, place.method))
        if (self.outputs / SUMMARY_FILE).is_file():
            table = pd.read_csv(self.outputs / SUMMARY_FILE)
            assert list(table.columns) == COLUMNS
            assert set(zip(table["category"], table["method"], strict=True)) <= whole
            assert table["image_auroc"].notna().all()
        return len(whole)

    def leftovers(self) -> list[Path]:
        """Return what an unfinished run may leave behind."""
        ends = (NEW_SUFFIX, OLD_SUFFIX, UNFINISHED_SUFFIX)
        return [path for path in self.outputs.rglob(".*") if path.name.endswith(ends)]


def _limit_files(size: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def write_data(base: Path) -> Path:
    """Write the data folder of these evaluations; return it."""
    for name in CATEGORIES:
        write_category(base / "data", name, TRAIN, GOOD, BAD)
    return base / "data"


def expect_whole(place: CellPlace, test_pictures: int) -> None:
    """Open every file of a finished cell."""
    read_cell(place.folder)
    scores = pd.read_csv(place.folder / SCORES_FILE)
    assert (scores["split"] == "test").sum() == test_pictures
    with np.load(place.folder / CURVES_FILE) as curves:
        assert all(np.isfinite(curves[name]).any() for name in curves.files)
    assert len(np.load(place.folder / MAPS_FILE)) == test_pictures
    backbone = load_backbone("resnet18", "random")
    METHODS[place.method].load(place.folder / MODEL_FILE, backbone)
    pictures = list(place.folder.rglob("*.png"))
    assert len(pictures) == 4 * test_pictures
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
