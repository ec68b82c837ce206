"""The same run on real Dask processes: same numbers, whoever dies, and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import distributed
import pandas as pd
import psutil
import pytest

from data_utils.facts import Fact
from data_utils.locations import PROJECT
from evaluation.cluster.clients import ClusterError
from evaluation.cluster.foreman import evaluate_on_cluster
from evaluation.run.category import evaluate
from evaluation.run.job import start
from evaluation.run.plan import Run
from evaluation.run.progress import CANCELLED, DONE, FAILED, RunProgress, job_folder
from evaluation.run.request import Request
from evaluation.store.cells import failures, read_cell
from evaluation.store.places import CellKey
from evaluation.store.summary import SUMMARY_FILE
from tests.engines import OPENVINO_FLOAT32, needs_openvino
from tests.evaluation.cluster.placed import (
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
from tests.runs import told

WAIT_S = 60.0
PATIENCE_S = 180
LOOPBACK = "127.0.0.1"
TWO_HERE = Request("", workers=2, threads=1)


def on_cluster(run: Run, scheduler: str, progress: RunProgress | None = None) -> RunProgress:
    progress = progress or progress_of(run)
    evaluate_on_cluster(run, Request("", scheduler=scheduler, threads=1), progress)
    return progress


def wait_for(condition: Callable[[], bool]) -> None:
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
    """Return what SpecCluster needs for a worker that reads `data`, or the run's if it is ""."""
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
    listening = {"host": LOOPBACK, "port": 0, "dashboard_address": f"{LOOPBACK}:0"}
    with distributed.SpecCluster(
        workers=dict(enumerate(workers)),
        scheduler={"cls": distributed.Scheduler, "options": listening | {"dashboard": False}},
        silence_logs=50,
    ) as started:
        yield started


@pytest.fixture(scope="module")
def three_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a cluster of two workers that read the data of every run, and of one.

    That one has other pictures of ``part``, and of no other category any.
    """
    folder = tmp_path_factory.mktemp("cluster")
    write_category(folder / "less", "part", train=7, good=3, bad=3)
    given = ("", "", str(folder / "less"))
    workers = [worker_of(folder, data, f"cache-{at}") for at, data in enumerate(given)]
    with cluster(*workers) as all_of_them:
        yield all_of_them.scheduler_address


def test_a_cluster_gives_the_numbers_of_one_process_and_makes_nothing_twice(
    tmp_path: Path, three_workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other_seed = replace(SMALL, options=replace(SMALL.options, seed=1))
    run = replace(small_run(tmp_path, categories=("part", "other")), variants=(other_seed,))
    first = replace(run, categories=["part"], methods=["padim"], variants=())
    evaluate(first, progress_of(first))
    progress = on_cluster(run, three_workers)
    cells = [read_cell(run.place_of(cell).folder) for cell in run.planned]

    assert [cell.state for cell in progress.status.cells] == ["skipped", *["done"] * 7]
    assert numbers(run) == numbers_in_this_process(run)
    assert len(pd.read_csv(run.outputs / SUMMARY_FILE)) == 8
    assert {cell["data_root"] for cell in cells} == {str(run.data.resolve())}
    assert " gets no cells of " in capsys.readouterr().out


def test_a_cell_that_kills_three_workers_fails_and_the_rest_goes_on(
    tmp_path: Path, three_workers: str
) -> None:
    run = small_run(tmp_path, deadly(tmp_path / "deaths", "padim", times=99))
    progress = on_cluster(run, three_workers)

    assert len(list((tmp_path / "deaths").iterdir())) == 3
    assert states(progress) == {("part", "padim"): "failed", ("part", "patchcore"): "done"}
    assert "given up after 3 tries" in str(failures(run.outputs)[0].reason)


@needs_openvino
def test_workers_that_convert_the_network_themselves_give_the_numbers_of_one_process(
    tmp_path: Path, three_workers: str
) -> None:
    run = small_run(tmp_path, replace(SMALL, engine=OPENVINO_FLOAT32), categories=("part", "other"))
    progress = on_cluster(run, three_workers)

    assert set(states(progress).values()) == {"done"}
    assert numbers(run) == numbers_in_this_process(run)


class Interrupted(RunProgress):
    """Ends the run as Ctrl-C does, as soon as its worker writes the first cell."""

    written: Path

    def begin(self, cells: Collection[CellKey]) -> None:
        super().begin(cells)
        wait_for(self.written.exists)
        raise KeyboardInterrupt


def test_a_worker_stops_within_a_group_that_nobody_waits_for_any_more(
    tmp_path: Path, three_workers: str
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    settings = Held(options=SMALL.options, image_size=64, notes=notes)
    run = small_run(tmp_path, settings)
    progress = Interrupted(run.outputs, run.planned, show_bars=False)
    progress.written = notes / "padim"
    with pytest.raises(KeyboardInterrupt):
        on_cluster(run, three_workers, progress)
    with distributed.Client(three_workers, set_as_default=False) as client:
        wait_for(lambda: "executing" not in set().union(*client.run(task_states).values()))
        (notes / "go").touch()
        wait_for(lambda: not set().union(*client.run(task_states).values()))

    assert not (notes / "patchcore").exists()
    assert not list(run.outputs.rglob("cell.json"))


def task_states(dask_worker: Any) -> set[str]:
    return {str(task.state) for task in dask_worker.state.tasks.values()}


def test_another_version_of_the_program_gets_no_cells(
    tmp_path: Path, three_workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.cluster.foreman.program_version", lambda: "another")
    run = small_run(tmp_path)
    progress = on_cluster(run, three_workers)

    assert set(states(progress).values()) == {"failed"}
    assert "another version of the program" in str(failures(run.outputs)[0].reason)


# A scheduler and a worker started with Dask's own commands.


class Ending(RunProgress):
    """Ends a process as soon as the first cell is done."""

    victim: subprocess.Popen[bytes]

    def end(self, ended: CellKey, state: str, reason: Fact | None = None) -> None:
        super().end(ended, state, reason)
        if state == DONE:
            self.victim.kill()
            self.victim.wait(WAIT_S)


def started(*words: str) -> subprocess.Popen[bytes]:
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
    listening = ("--host", LOOPBACK, "--dashboard-address", f"{LOOPBACK}:0")
    asked = ("--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    scheduler = started("scheduler", *listening, *asked)
    wait_for(file.is_file)
    asked = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny")
    worker = started("worker", *listening, *asked, "--local-directory", str(tmp_path))
    progress = Ending(run.outputs, run.planned, show_bars=False)
    progress.victim = scheduler
    try:
        address = json.loads(file.read_text())["address"]
        with pytest.raises(ClusterError, match="scheduler is gone; finished cells are kept"):
            on_cluster(run, address, progress)
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait(WAIT_S)
    finished = [run.place_of(cell).finished for cell in run.planned]

    assert finished == [cell.state == DONE for cell in progress.status.cells]
    assert finished.count(True) == 1


@pytest.mark.parametrize("scheduler", ["tcp://127.0.0.1:9", ""])
def test_without_dask_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"pip install -r requirements\.txt"):
        on_cluster(small_run(tmp_path), scheduler)


# Processes of this machine.


def test_a_process_that_dies_and_a_lack_of_memory_cost_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("evaluation.cluster.foreman.free_bytes", lambda: 0)
    settings = deadly(tmp_path / "deaths", "patchcore", times=1)
    run = small_run(tmp_path, settings, categories=("part", "other"))
    progress = progress_of(run)
    evaluate_on_cluster(run, TWO_HERE, progress)
    said = capsys.readouterr().out

    assert len(list((tmp_path / "deaths").iterdir())) == 1
    assert said.count("of memory and") == 4
    # Twice if its cells went to the dying process once more before it was known to be dead.
    assert said.count("ended from outside") in (1, 2)
    assert set(states(progress).values()) == {"done"}
    assert numbers(run) == numbers_in_this_process(replace(run, settings=SMALL))
    assert not (job_folder(run.outputs) / "workers").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("ending", "state"), [("ctrl-c", CANCELLED), ("kill", FAILED)])
def test_all_processes_end_with_the_run(tmp_path: Path, ending: str, state: str) -> None:
    for name in ("part", "other"):
        write_category(tmp_path / "data", name, train=100)
    outputs = tmp_path / "outputs"
    words = ["--data", str(tmp_path / "data"), "--methods", "ae", "--workers", "2"]
    process = psutil.Process(start(outputs, [*words, "--threads", "1"]))

    def training() -> bool:
        status = told(outputs)
        assert status.state == "running", (job_folder(outputs) / "log.txt").read_text()
        return len(status.current) == 2 and {one.name for one in status.workers} == {"1", "2"}

    try:
        wait_for(training)
        others = process.children(recursive=True)
        if ending == "kill":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGINT)
        assert psutil.wait_procs([process, *others], timeout=WAIT_S)[1] == []
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    log = (job_folder(outputs) / "log.txt").read_text()

    assert len(others) >= 2
    assert told(outputs).state == state
    assert "Traceback" not in log
