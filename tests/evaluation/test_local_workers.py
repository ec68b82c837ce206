"""Several processes make the cells of one: they may die, and they end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest

from data_utils.locations import PROJECT
from evaluation.backbone_source import BackboneSources
from evaluation.cells import NEW_SUFFIX, failures
from evaluation.job import CANCELLED, cancel, read_status
from evaluation.local_workers import Crew, evaluate_with_workers, plan
from evaluation.request import Sweep
from evaluation.runner import Run
from evaluation.summary import SUMMARY_FILE
from evaluation.unit import Board, Unit, units_of
from tests.evaluation.placed import (
    BOTH,
    SMALL,
    deadly,
    numbers,
    numbers_in_this_process,
    progress_of,
    small_run,
    states,
)
from tests.make_data import write_category

WAIT_S = 60.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail if it does not in a long time."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def units(categories: int, *methods: str) -> list[Unit]:
    """Return the units of a run over so many categories."""
    run = Run(Path(), Path(), [f"c{i}" for i in range(categories)], list(methods), SMALL, "random")
    sources = BackboneSources("random")
    return [unit for name in run.categories for unit in units_of(run, name, sources)]


def test_cells_that_share_a_backbone_are_one_unit_and_an_autoencoder_is_its_own() -> None:
    sweep = Sweep(backbones=("resnet34",), coreset_ratios=(0.2,))
    run = Run(Path(), Path(), ["part"], ["ae", *BOTH], SMALL, variants=sweep.variants(SMALL))
    found = units_of(run, "part", BackboneSources(None))

    assert [[cell.method for cell in unit.cells] for unit in found] == [
        ["ae"],
        ["padim", "patchcore", "patchcore"],
        ["padim", "patchcore", "patchcore"],
    ]
    assert sorted(cell for unit in found for cell in unit.cells) == sorted(run.planned)


def test_random_weights_of_every_seed_are_a_unit() -> None:
    run = Run(
        Path(), Path(), ["part"], BOTH, SMALL, "random", variants=Sweep(seeds=(1,)).variants(SMALL)
    )

    assert len(units_of(run, "part", BackboneSources("random"))) == 2


def test_units_that_fill_all_workers_come_first_and_the_last_ones_get_more_threads() -> None:
    parts = plan(units(5, "ae", "padim"), workers=4, threads=None, cores=8)

    assert [(len(part), at_once, each) for part, at_once, each in parts] == [
        (8, 4, 2),
        (1, 1, 8),
        (1, 1, 8),
    ]
    assert [unit.cells[0].method for unit in parts[0][0]] == ["ae"] * 4 + ["padim"] * 4


def test_a_number_of_threads_that_is_asked_for_is_that_of_every_worker() -> None:
    parts = plan(units(3, "padim"), workers=2, threads=1, cores=8)

    assert [(len(part), at_once, each) for part, at_once, each in parts] == [(3, 2, 1)]


def test_more_workers_than_units_leave_each_its_share_of_the_memory() -> None:
    parts = plan(units(1, "ae"), workers=4, threads=2, cores=8)

    assert [(len(part), at_once, each) for part, at_once, each in parts] == [(1, 1, 2)]


def test_the_summary_is_not_rebuilt_after_every_cell_where_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    rebuilt: list[float] = []

    def slow(outputs: Path) -> None:
        assert outputs == tmp_path
        rebuilt.append(now[0])
        now[0] += 2.0

    monkeypatch.setattr("evaluation.unit.write_summary", slow)
    monkeypatch.setattr("evaluation.unit.time.monotonic", lambda: now[0])
    run = Run(Path(), tmp_path, [f"c{i}" for i in range(10)], ["ae"], SMALL)
    board = Board(run, progress_of(run))
    for cell in run.planned:
        board.end(cell, "done")
        now[0] += 5.0

    assert rebuilt == [100.0, 122.0, 144.0]


def test_two_workers_give_the_numbers_of_one_process(tmp_path: Path) -> None:
    run = small_run(tmp_path, categories=("part", "other"))
    run = replace(run, variants=Sweep(seeds=(1,)).variants(SMALL))
    progress = progress_of(run)
    evaluate_with_workers(run, 2, 1, progress)

    assert {cell.state for cell in progress.status.cells} == {"done"}
    assert len(numbers(run)) == 3 * 8
    assert numbers(run) == numbers_in_this_process(run)
    assert len(pd.read_csv(run.outputs / SUMMARY_FILE)) == 8


def test_a_worker_that_dies_loses_nothing_but_time(tmp_path: Path) -> None:
    run = small_run(tmp_path, deadly(tmp_path / "deaths", "patchcore", times=1))
    progress = progress_of(run)
    evaluate_with_workers(run, 2, 1, progress)

    assert len(list((tmp_path / "deaths").iterdir())) == 1
    assert set(states(progress).values()) == {"done"}
    assert not list(run.outputs.rglob(f".*{NEW_SUFFIX}"))
    assert numbers(run) == numbers_in_this_process(replace(run, settings=SMALL))


def test_a_cell_that_kills_every_worker_fails_and_the_rest_goes_on(tmp_path: Path) -> None:
    run = small_run(tmp_path, deadly(tmp_path / "deaths", "padim", times=99))
    progress = progress_of(run)
    evaluate_with_workers(run, 2, 1, progress)

    assert states(progress) == {("part", "padim"): "failed", ("part", "patchcore"): "done"}
    assert len(list((tmp_path / "deaths").iterdir())) == 3
    assert [note["reason"][:22] for note in failures(run.outputs)] == ["given up after 3 tries"]


def test_a_worker_that_dies_between_two_units_loses_nothing(tmp_path: Path) -> None:
    run = small_run(tmp_path, categories=("part", "other"))
    progress = progress_of(run)
    sources = BackboneSources("random")
    first, second = (unit for name in run.categories for unit in units_of(run, name, sources))
    crew = Crew(run, 1, progress)
    try:
        assert crew.make([first], 1, 1) == []
        [idle] = crew._workers
        [process] = idle._executor._processes
        psutil.Process(process).kill()
        wait_for(lambda: idle._executor._flags.broken is not None)
        assert crew.make([second], 1, 1) == []
    finally:
        crew.close()

    assert set(states(progress).values()) == {"done"}


def test_cells_without_room_beside_others_are_made_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small_run(tmp_path, categories=("part", "other"))
    monkeypatch.setattr("evaluation.local_workers.free_bytes", lambda: 0)
    progress = progress_of(run)
    evaluate_with_workers(run, 2, 1, progress)

    assert set(states(progress).values()) == {"done"}


# The program as a process, ended in several ways.


@pytest.fixture
def job(tmp_path: Path) -> Iterator[tuple[psutil.Popen, Path]]:
    """Return a job that trains two autoencoders in two workers, and its outputs folder."""
    for name in ("part", "other"):
        write_category(tmp_path / "data", name, train=100)
    outputs = tmp_path / "outputs"
    command = [sys.executable, str(PROJECT / "evaluate.py"), "--data", str(tmp_path / "data")]
    command += ["--methods", "ae", "--workers", "2", "--threads", "1", "--out", str(outputs)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGINT, before)

    def training() -> bool:
        status = read_status(outputs)
        assert process.poll() is None
        return status is not None and len(status.current) == 2

    try:
        wait_for(training)
        yield process, outputs
    finally:
        for member in (*process.children(recursive=True), process) if process.is_running() else ():
            member.kill()
        process.wait(10)


def test_cancelling_ends_every_process(job: tuple[psutil.Popen, Path]) -> None:
    process, outputs = job
    others = process.children(recursive=True)
    assert cancel(outputs)
    status = read_status(outputs)

    assert len(others) >= 2
    assert psutil.wait_procs(others, timeout=WAIT_S)[1] == []
    assert status is not None
    assert status.state == CANCELLED
    assert status.workers == []


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(job: tuple[psutil.Popen, Path], ending: int) -> None:
    process, _ = job
    others = process.children(recursive=True)
    process.send_signal(ending)

    assert process.wait(WAIT_S) == (130 if ending != signal.SIGKILL else -signal.SIGKILL)
    assert psutil.wait_procs(others, timeout=WAIT_S)[1] == []
