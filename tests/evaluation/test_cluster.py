"""The same sweep on real Dask processes of this machine: same numbers, whoever dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from data_utils.locations import PROJECT
from evaluation.backbone_source import BackboneSources
from evaluation.cells import CellKey, failures, read_cell
from evaluation.cluster import Foreman, Placed, evaluate_on_cluster
from evaluation.cluster_worker import Outcome, Task, room
from evaluation.cluster_worker import made as made_by_worker
from evaluation.errors import ClusterError
from evaluation.job import DONE
from evaluation.progress import RunProgress
from evaluation.runner import Run, cells_to_make, evaluate
from evaluation.summary import SUMMARY_FILE
from evaluation.unit import Unit
from tests.evaluation.placed import (
    SMALL,
    Held,
    deadly,
    numbers,
    numbers_in_this_process,
    progress_of,
    small_run,
    states,
)
from tests.make_data import write_category

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

WAIT_S = 60.0
PATIENCE_S = 180
LOOPBACK = "127.0.0.1"


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail if it does not in a long time."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def no_longer_than_patience() -> Iterator[None]:
    """End a test whose cluster has lost all its workers, for which a run waits for ever."""

    def give_up(*_: object) -> None:
        raise AssertionError("waited in vain for a worker")

    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(PATIENCE_S)
    yield
    if hasattr(signal, "SIGALRM"):
        signal.alarm(0)


def worker_of(folder: Path, data: str, cache: str) -> dict[str, Any]:
    """Return what SpecCluster needs for a worker that reads `data`, or the run's data if it is "".

    It has a cache of its own, and a guard that starts it again when it dies.
    """
    own = {"MVTEC_ROOT": data, "MVTEC_CACHE": str(folder / cache), "BACKBONE_WEIGHTS": ""}
    options = {
        "nthreads": 1,
        "host": LOOPBACK,
        "dashboard_address": f"{LOOPBACK}:0",
        "memory_limit": 0,
        "local_directory": str(folder),
        "env": own | {"OMP_NUM_THREADS": "1"},
    }
    return {"cls": distributed.Nanny, "options": options}


@contextmanager
def cluster(*workers: dict[str, Any]) -> Iterator[Any]:
    """Start a scheduler and the first of the workers; ``.scale`` starts more of the last kind."""
    listening = {"host": LOOPBACK, "port": 0, "dashboard_address": f"{LOOPBACK}:0"}
    with distributed.SpecCluster(
        workers={0: workers[0]},
        worker=workers[-1],
        scheduler={"cls": distributed.Scheduler, "options": listening | {"dashboard": False}},
        silence_logs=50,
    ) as started:
        yield started


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a cluster of two workers that read the data of every run."""
    folder = tmp_path_factory.mktemp("cluster")
    first, second = worker_of(folder, "", "cache-0"), worker_of(folder, "", "cache-1")
    with cluster(first, second) as both:
        both.scale(2)
        both.wait_for_workers(2, WAIT_S)
        yield both.scheduler_address


def test_a_cluster_gives_the_numbers_of_one_process(tmp_path: Path, two_workers: str) -> None:
    run = small_run(tmp_path, categories=("part", "other"))
    progress = progress_of(run)
    evaluate_on_cluster(run, two_workers, 1, progress)
    cells = [read_cell(run.place_of(cell).folder) for cell in run.planned]

    assert set(states(progress).values()) == {"done"}
    assert numbers(run) == numbers_in_this_process(run)
    assert len(pd.read_csv(run.outputs / SUMMARY_FILE)) == 4
    assert {cell["data_root"] for cell in cells} == {str(run.data.resolve())}


def test_finished_cells_are_not_sent_again(tmp_path: Path, two_workers: str) -> None:
    run = small_run(tmp_path)
    evaluate(replace(run, methods=["padim"]), progress_of(replace(run, methods=["padim"])))
    progress = progress_of(run)
    evaluate_on_cluster(run, two_workers, 1, progress)

    assert states(progress) == {("part", "padim"): "skipped", ("part", "patchcore"): "done"}


def test_a_worker_that_dies_in_a_cell_loses_nothing_but_time(
    tmp_path: Path, two_workers: str
) -> None:
    run = small_run(tmp_path, deadly(tmp_path / "deaths", "patchcore", times=1))
    progress = progress_of(run)
    evaluate_on_cluster(run, two_workers, 1, progress)

    assert len(list((tmp_path / "deaths").iterdir())) == 1
    assert set(states(progress).values()) == {"done"}
    assert numbers(run) == numbers_in_this_process(replace(run, settings=SMALL))


def test_a_cell_that_kills_three_workers_fails_and_the_rest_goes_on(
    tmp_path: Path, two_workers: str
) -> None:
    run = small_run(tmp_path, deadly(tmp_path / "deaths", "padim", times=99))
    progress = progress_of(run)
    evaluate_on_cluster(run, two_workers, 1, progress)

    assert len(list((tmp_path / "deaths").iterdir())) == 3
    assert states(progress) == {("part", "padim"): "failed", ("part", "patchcore"): "done"}
    assert "lost" in failures(run.outputs)[0]["reason"]


class Interrupted(RunProgress):
    """Ends the run as Ctrl-C does, as soon as its worker writes the first cell."""

    written: Path

    def begin(self, cells: Collection[CellKey]) -> None:
        """Mark the cells, then end the run in time."""
        super().begin(cells)
        wait_for(self.written.exists)
        raise KeyboardInterrupt


def test_a_worker_stops_within_a_unit_that_nobody_waits_for_any_more(
    tmp_path: Path, two_workers: str
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    settings = Held(options=SMALL.options, image_size=64, notes=notes)
    run = small_run(tmp_path, settings)
    progress = Interrupted(run.outputs, run.planned, show_bars=False)
    progress.written = notes / "padim"
    with pytest.raises(KeyboardInterrupt):
        evaluate_on_cluster(run, two_workers, 1, progress)
    with distributed.Client(two_workers, set_as_default=False) as client:
        wait_for(lambda: "executing" not in set().union(*client.run(task_states).values()))
        (notes / "go").touch()
        wait_for(lambda: not set().union(*client.run(task_states).values()))

    assert not (notes / "patchcore").exists()
    assert not list(run.outputs.rglob("cell.json"))


def task_states(dask_worker: Any) -> set[str]:
    """Return the states of the tasks of a worker."""
    return {str(task.state) for task in dask_worker.state.tasks.values()}


def test_another_version_of_the_program_gets_no_cells(
    tmp_path: Path, two_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.cluster.program_version", lambda: "another")
    run = small_run(tmp_path)
    progress = progress_of(run)
    evaluate_on_cluster(run, two_workers, 1, progress)

    assert set(states(progress).values()) == {"failed"}
    assert "another version of the program" in failures(run.outputs)[0]["reason"]


def test_a_worker_without_the_pictures_or_with_others_says_so_and_gets_no_cells(
    tmp_path: Path,
) -> None:
    run = small_run(tmp_path, categories=("part", "other"))
    less = tmp_path / "less"
    write_category(less, "part", train=7, good=3, bad=3)
    wrong, right = worker_of(tmp_path, str(less), "c0"), worker_of(tmp_path, str(run.data), "c1")
    with cluster(wrong, right) as workers:
        alone, both = progress_of(run), progress_of(run)
        evaluate_on_cluster(run, workers.scheduler_address, 1, alone)
        reasons = {note["category"]: note["reason"] for note in failures(run.outputs)}
        workers.scale(2)
        workers.wait_for_workers(2, WAIT_S)
        evaluate_on_cluster(run, workers.scheduler_address, 1, both)

    assert set(states(alone).values()) == {"failed"}
    assert reasons["part"].startswith(f"No worker can make it: tcp://{LOOPBACK}")
    assert f"has other pictures of part in {less}" in reasons["part"]
    assert "There is no category 'other'" in reasons["other"]
    assert set(states(both).values()) == {"done"}
    assert numbers(run) == numbers_in_this_process(run)


# What comes back at an unlucky moment, without a cluster.


class Returned:
    """A future of Dask, and the client that gave it."""

    status = "finished"

    def __init__(self, outcome: Outcome | None) -> None:
        self._outcome = outcome

    def result(self) -> Outcome:
        """Return the outcome, or what Dask raises where the scheduler went in between."""
        if self._outcome is None:
            raise distributed.client.FutureCancelledError("unit", "scheduler-connection-lost")
        return self._outcome


def foreman(run: Run, outcome: Outcome | None) -> tuple[Foreman, RunProgress]:
    """Return a foreman whose only unit, named ``unit``, has come back."""
    progress = progress_of(run)
    made = Foreman(SimpleNamespace(status="running"), run, None, progress)
    made._placed["unit"] = Placed(Unit(replace(run, only=tuple(run.planned))), Returned(outcome))
    return made, progress


def test_a_scheduler_that_goes_while_an_outcome_is_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="scheduler is gone"):
        foreman(small_run(tmp_path), None)[0]._take("ended", "unit")


def test_a_refused_unit_whose_cells_have_all_been_fetched_is_not_handed_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small_run(tmp_path)
    monkeypatch.setattr(distributed, "Event", lambda *_, **__: Mark(is_set=False))
    made, progress = foreman(run, Outcome("tcp://late", refused="runs another version"))
    for cell in run.planned:
        progress.end(cell, DONE)

    assert made._take("ended", "unit")
    assert made._placed == {}


@dataclass
class Mark:
    """An ``Event`` of Dask."""

    is_set: Any

    def clear(self) -> None:
        """Do nothing."""


def test_a_unit_that_was_begun_is_lost_also_where_the_next_worker_would_refuse_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = SimpleNamespace(address="tcp://late", state=SimpleNamespace(nthreads=1))
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    monkeypatch.setattr(distributed, "Event", lambda _: Mark(is_set=lambda: True))
    task = Task("unit", "job", small_run(tmp_path), "", "", "another version", False, None)

    assert made_by_worker(task) == Outcome("tcp://late", lost=True)


@pytest.mark.parametrize(("ends_at", "least", "most"), [(0.5, 40.0e9, 50.0e9), (False, None, None)])
def test_a_unit_may_take_what_a_worker_has_before_dask_ends_it(
    ends_at: float, least: float | None, most: float | None
) -> None:
    worker = SimpleNamespace(memory_manager=SimpleNamespace(memory_limit=100 * 10**9))
    with dask.config.set({"distributed.worker.memory.terminate": ends_at}):
        found = room(worker)

    assert found is None if least is None or most is None else least < (found or 0) < most


def test_pictures_without_room_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.runner.free_bytes", lambda: 0)
    run = small_run(tmp_path)
    sources = BackboneSources("random")

    with pytest.raises(ValueError, match="of memory and 0 MB are free"):
        cells_to_make(run, "part", sources, progress_of(run))


# A scheduler and a worker started with Dask's own commands.


class Ending(RunProgress):
    """Ends a process as soon as the first cell is done."""

    victim: subprocess.Popen[bytes]

    def end(self, ended: CellKey, state: str, reason: str = "") -> None:
        """Mark the cell, then end the process."""
        super().end(ended, state, reason)
        if state == DONE:
            self.victim.kill()
            self.victim.wait(WAIT_S)


def started(*words: str) -> subprocess.Popen[bytes]:
    """Start one of Dask's commands in the project's folder."""
    command = [sys.executable, "-m", "dask", *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=PROJECT, **quiet)  # type: ignore[call-overload]


def test_a_scheduler_that_is_killed_ends_the_run_and_keeps_finished_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_ROOT", "")
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__DEATH_TIMEOUT", "5")
    run = small_run(tmp_path, categories=("part", "other"))
    file = tmp_path / "scheduler.json"
    scheduler = started(
        *("scheduler", "--host", LOOPBACK, "--port", "0"),
        *("--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0"),
        *("--scheduler-file", str(file)),
    )
    wait_for(file.is_file)
    worker = started(
        *("worker", "--scheduler-file", str(file), "--host", LOOPBACK, "--nthreads", "1"),
        *("--no-nanny", "--dashboard-address", f"{LOOPBACK}:0", "--local-directory", str(tmp_path)),
    )
    progress = Ending(run.outputs, run.planned, show_bars=False)
    progress.victim = scheduler
    try:
        address = distributed.utils.json.loads(file.read_text())["address"]
        with pytest.raises(ClusterError, match="scheduler is gone; finished cells are kept"):
            evaluate_on_cluster(run, address, 1, progress)
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait(WAIT_S)
    reported = [cell.state == DONE for cell in progress.status.cells]
    finished = [run.place_of(cell).finished for cell in run.planned]
    again = progress_of(run)
    evaluate(run, again)

    assert finished == reported
    assert finished.count(True) == 1
    assert sorted(states(again).values()) == ["done"] * 3 + ["skipped"]
    assert numbers(run) == numbers_in_this_process(run)


def test_a_scheduler_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.cluster.CONNECT_S", 0.2)
    run = small_run(tmp_path)

    with pytest.raises(ClusterError, match=r"scheduler at tcp://127.0.0.1:9 cannot be reached"):
        evaluate_on_cluster(run, "tcp://127.0.0.1:9", 1, progress_of(run))


def test_without_dask_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    run = small_run(tmp_path)

    with pytest.raises(ClusterError, match=r"pip install -r requirements-cluster\.txt"):
        evaluate_on_cluster(run, "tcp://127.0.0.1:9", 1, progress_of(run))
