"""Calls of ``evaluate.py`` that tests disturb, and what must hold afterwards."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from detectors.registry import METHODS
from evaluation.run.job import read_status
from evaluation.run.progress import RUNNING, JobStatus
from evaluation.store.cells import NEW_SUFFIX, OLD_SUFFIX, read_cell
from evaluation.store.files import UNFINISHED_SUFFIX
from evaluation.store.places import CURVES_FILE, MAPS_FILE, MODEL_FILE, SCORES_FILE, CellPlace
from evaluation.store.settings import Settings
from evaluation.store.summary import COLUMNS, SUMMARY_FILE
from tests.runs import BOTH, backbones_made_once, load_once, told

CATEGORIES = ("part", "plate")
WITHIN_S = 120
NEW_USER_AND_MOUNTS = 0x10000000 | 0x00020000  # of Linux's unshare


@dataclass(frozen=True)
class Plan:
    """What is evaluated: with random weights, so that nothing need be downloaded."""

    categories: tuple[str, ...]
    methods: tuple[str, ...]
    settings: Settings
    test_pictures: int
    words: tuple[str, ...] = ()


SMALL = Plan(CATEGORIES, tuple(BOTH), Settings(image_size=64), 6, ("--image-size", "64"))


@dataclass(frozen=True)
class Started:
    process: ForkServerProcess
    said: Connection

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def ended(self) -> tuple[int, str]:
        """Wait for its end; return its exit status and what it said."""
        with os.fdopen(os.dup(self.said.fileno())) as said:
            text = said.read()
        self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode, text


@dataclass(frozen=True)
class Evaluation:
    """Calls of ``evaluate.py`` with one data folder and one outputs folder."""

    data: Path
    outputs: Path
    plan: Plan

    def arguments(self, force: bool = False) -> list[str]:
        words = ["--data", str(self.data), "--weights", "random", "--threads", "1"]
        words += ["--methods", *self.plan.methods, *self.plan.words]
        return words + ["--force"] * force

    def start(self, force: bool = False, **disturbed: Any) -> Started:
        """Start it in a process group of its own, disturbed as ``_call`` says.

        The process is forked from one that has loaded the program and a backbone.
        """
        context = get_context("forkserver")
        context.set_forkserver_preload(["tests.faults.loaded"])
        said, saying = context.Pipe(duplex=False)
        words = ["--out", str(self.outputs), *self.arguments(force)]
        process = context.Process(
            target=_call, args=(words, dict(os.environ), saying), kwargs=disturbed
        )
        process.start()
        saying.close()
        return Started(process, said)

    def to_the_end(self) -> float:
        """Run it undisturbed; return the seconds from its first status to its end."""
        started = self.start()
        self.wait_until_begun(started)
        began = time.monotonic()
        status, said = started.ended()
        assert status == 0, said
        return time.monotonic() - began

    def wait_until_begun(self, started: Started) -> None:
        """Wait until it is making a cell, or has ended."""
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until and started.process.is_alive():
            status = read_status(self.outputs)
            if status is not None and status.pid == started.pid and status.count(RUNNING):
                break
            time.sleep(0.01)

    @property
    def status(self) -> JobStatus:
        return told(self.outputs)

    def places(self) -> list[CellPlace]:
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

    def expect_finished_cells_whole(self) -> None:
        whole = set()
        for place in self.places():
            if place.finished:
                _expect_whole(place, self.plan.test_pictures)
                whole.add((place.category, place.method))
        if (self.outputs / SUMMARY_FILE).is_file():
            table = pd.read_csv(self.outputs / SUMMARY_FILE)
            assert list(table.columns) == COLUMNS
            assert set(zip(table["category"], table["method"], strict=True)) <= whole
            assert table["image_auroc"].notna().all()

    def expect_same(self, other: Evaluation) -> None:
        """Expect every cell, whole and with the numbers of another evaluation."""
        self.expect_finished_cells_whole()
        assert self.numbers() == other.numbers()

    def expect_to_go_on_like(self, other: Evaluation, force: bool = False) -> None:
        """Run again; expect the numbers of another evaluation and nothing beside them."""
        status, said = self.start(force).ended()
        assert status == 0, said
        self.expect_same(other)
        ends = (NEW_SUFFIX, OLD_SUFFIX, UNFINISHED_SUFFIX)
        assert not [path for path in self.outputs.rglob(".*") if path.name.endswith(ends)]


def copied(evaluation: Evaluation, outputs: Path) -> Evaluation:
    shutil.copytree(evaluation.outputs, outputs)
    return replace(evaluation, outputs=outputs)


def _call(
    words: list[str],
    environment: dict[str, str],
    saying: Connection,
    log: str = "",
    file_bytes: int | None = None,
    before: str = "",
    after: str = "",
) -> None:
    """Call ``evaluate.py``, what it says going to a pipe, or its standard output to a file `log`.

    No file may grow beyond `file_bytes`. The shell commands `before` and `after` it may mount, and
    see mounts of their own.
    """
    import evaluate

    os.setsid()
    os.environ.update(environment)
    os.dup2(saying.fileno(), sys.stdout.fileno())
    os.dup2(saying.fileno(), sys.stderr.fileno())
    if log:
        os.dup2(os.open(log, os.O_WRONLY), sys.stdout.fileno())
    if before:
        _take_own_mounts()
        subprocess.run(before, shell=True, check=True)
    if file_bytes is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    with backbones_made_once():
        status = evaluate.main(words)
    if after:
        subprocess.run(after, shell=True, check=True)
    sys.exit(status)


def _take_own_mounts() -> None:
    """Let this process mount what no other one sees, as ``unshare --map-root-user --mount``."""
    ids = {"uid_map": os.getuid(), "gid_map": os.getgid()}
    if ctypes.CDLL(None).unshare(NEW_USER_AND_MOUNTS):
        raise OSError("This process may not have mounts of its own.")
    Path("/proc/self/setgroups").write_text("deny")
    for name, own in ids.items():
        Path("/proc/self", name).write_text(f"0 {own} 1")


def _expect_whole(place: CellPlace, test_pictures: int) -> None:
    read_cell(place.folder)
    scores = pd.read_csv(place.folder / SCORES_FILE)
    assert (scores["split"] == "test").sum() == test_pictures
    with np.load(place.folder / CURVES_FILE) as curves:
        assert all(np.isfinite(curves[name]).any() for name in curves.files)
    assert len(np.load(place.folder / MAPS_FILE)) == test_pictures
    METHODS[place.method].load(place.folder / MODEL_FILE, load_once("resnet18", "random", 0))
    pictures = list(place.folder.rglob("*.png"))
    assert len(pictures) == 4 * test_pictures
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
