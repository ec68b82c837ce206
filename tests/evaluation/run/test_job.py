"""A job is known by its process: alive, dead, cancelled with all it started, never two at once."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import psutil
import pytest
from filelock import FileLock

from data_utils.facts import fact
from evaluation.run.job import (
    BusyError,
    HeldLock,
    cancel,
    job_log,
    lock_outputs,
    log_file,
    log_tail,
    read_status,
    remove_cells,
    start,
)
from evaluation.run.progress import (
    CellState,
    JobStatus,
    creation,
    job_folder,
    status_file,
    write_status,
)
from evaluation.store.cells import new_cell, record_failure, write_cell_file
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.store.places import CellError, CellKey, CellPlace
from evaluation.store.summary import SUMMARY_FILE, write_summary
from tests.make_data import cell_content
from tests.runs import told

WAIT_FOR_EVER = "import threading; threading.Event().wait()"
IGNORE_POLITE_END = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
WITH_A_CHILD = """
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-Sc", sys.argv[1]], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
threading.Event().wait()
"""
FAKE_PROGRAM = """
import json, sys, threading
from pathlib import Path
Path(__file__).with_name("arguments.json").write_text(json.dumps(sys.argv[1:]))
print("20 %\\r40 %", flush=True)
print("a word on standard error", file=sys.stderr, flush=True)
if "--wait" in sys.argv:
    threading.Event().wait()
"""


@pytest.fixture
def processes() -> Iterator[list[int]]:
    """Return a list of process ids; those still alive in the end are killed."""
    started: list[int] = []
    yield started
    for pid in started:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            process.kill()
            process.wait(10)


def run_python(processes: list[int], code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start Python, without its installed packages, on `code`."""
    process = subprocess.Popen(
        [sys.executable, "-Sc", code, *arguments], stdout=subprocess.PIPE, text=True
    )
    processes.append(process.pid)
    return process


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def status_of(pid: int, **changes: Any) -> JobStatus:
    """Return the status of a job that runs as process `pid`, on the second of three cells."""
    created = psutil.Process(pid).create_time()
    cells = [
        CellState("bottle", "padim", "done"),
        CellState("bottle", "patchcore", "running"),
        CellState("screw", "padim", "waiting"),
    ]
    status = JobStatus(pid=pid, created=created, cells=cells, eta_s=12.5)
    return replace(status, **changes)


def states(status: JobStatus) -> list[str]:
    return [cell.state for cell in status.cells]


def gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended (an orphan's entry may still wait to be collected)."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


# What is said about a job.


def test_a_status_comes_back_as_it_was_written(tmp_path: Path) -> None:
    before = read_status(tmp_path)
    status = status_of(
        os.getpid(),
        phase=fact("reading", category="나사"),
        done=3,
        total=9,
        last_error=fact("plain", message="no memory"),
        started=1.5,
    )
    write_status(tmp_path, status)

    assert before is None
    assert read_status(tmp_path) == status
    assert [cell.method for cell in status.current] == ["patchcore"]
    assert status.count("done", "waiting") == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"started": 1e18},
        {"total": -1},
        {"done": "half"},
        {"state": 5},
        {"eta_s": [1.0]},
        {"cells": [{"category": 7, "method": "ae"}]},
        {"workers": [{"name": "a", "done": None}]},
    ],
)
def test_a_status_with_values_that_no_job_has_counts_as_none(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    write_status(tmp_path, status_of(os.getpid()))
    assert read_status(tmp_path) is not None
    file = status_file(tmp_path)
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps(content | {CHECKSUM: content_checksum(content)}))

    assert read_status(tmp_path) is None


def ended(processes: list[int]) -> JobStatus:
    process = run_python(processes, WAIT_FOR_EVER)
    status = status_of(process.pid)
    process.kill()
    process.wait()
    return status


def ended_but_not_collected(processes: list[int]) -> JobStatus:
    """Return the status of a job whose process has ended but still has an entry."""
    process = run_python(processes, WAIT_FOR_EVER)
    status = status_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return status


def number_used_again(processes: list[int]) -> JobStatus:
    """Return the status of a job whose process id now belongs to a later process."""
    process = run_python(processes, WAIT_FOR_EVER)
    return status_of(process.pid, created=psutil.Process(process.pid).create_time() - 100)


@pytest.mark.parametrize("make", [ended, ended_but_not_collected, number_used_again])
def test_a_dead_job_that_says_it_is_running_reads_as_failed_and_cannot_be_cancelled(
    tmp_path: Path, processes: list[int], make: Callable[[list[int]], JobStatus]
) -> None:
    write_status(tmp_path, make(processes))
    status = told(tmp_path)

    assert not cancel(tmp_path)
    assert make is not number_used_again or psutil.pid_exists(status.pid)
    assert (status.state, status.eta_s) == ("failed", None)
    assert states(status) == ["done", "failed", "waiting"]
    assert status.last_error == fact("process_ended")
    for state in ("done", "failed", "cancelled"):  # one that has ended keeps what it said
        own = replace(status, state=state)
        write_status(tmp_path, own)
        assert read_status(tmp_path) == own


@pytest.mark.parametrize("step_s", [-7200.0, 5.0])
def test_a_job_lives_on_when_the_clock_is_set_under_it(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    """On Linux both times that psutil gives then move, as after the sleep of a laptop."""
    process = run_python(processes, WAIT_FOR_EVER)
    created, booted = creation(psutil.Process(process.pid))
    write_status(tmp_path, status_of(process.pid, booted=booted))
    monkeypatch.setattr(
        "evaluation.run.job.creation", lambda _: (created + step_s, booted + step_s)
    )
    running = told(tmp_path).state
    monkeypatch.setattr("evaluation.run.job.creation", lambda _: (created + step_s, booted))
    another = told(tmp_path).state
    monkeypatch.undo()

    assert (running, another) == ("running", "failed")
    assert cancel(tmp_path)


# Cancelling.


@pytest.mark.parametrize("prefix", ["", IGNORE_POLITE_END], ids=["polite", "stubborn"])
def test_cancelling_ends_the_whole_process_tree_and_leaves_finished_cells(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setattr("evaluation.run.job.TERMINATE_WAIT_S", 0.2)
    code = f"{prefix}print('ready', flush=True); {WAIT_FOR_EVER}"
    parent = run_python(processes, WITH_A_CHILD, code)
    processes.append(int(first_line(parent)))
    tree = [psutil.Process(pid) for pid in processes]
    write_status(tmp_path, status_of(parent.pid))
    before = list(map(gone, tree))
    landed = cancel(tmp_path)
    status = told(tmp_path)

    assert landed
    assert (before, list(map(gone, tree))) == ([False, False], [True, True])
    assert (status.state, status.last_error, status.eta_s) == ("cancelled", None, None)
    assert states(status) == ["done", "cancelled", "waiting"]


@pytest.mark.parametrize("state", ["running", "done", "failed", "cancelled"])
def test_this_process_its_parent_and_a_job_that_has_ended_are_not_cancelled(
    tmp_path: Path, state: str
) -> None:
    assert not cancel(tmp_path)
    for pid in (os.getpid(), os.getppid()):
        write_status(tmp_path, status_of(pid, state=state))
        before = read_status(tmp_path)

        assert not cancel(tmp_path)
        assert read_status(tmp_path) == before


def test_a_job_of_another_user_is_not_cancelled_and_the_sentence_says_so(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = run_python(processes, WAIT_FOR_EVER)
    write_status(tmp_path, status_of(process.pid))

    refused = mock.Mock(side_effect=psutil.AccessDenied(process.pid))
    monkeypatch.setattr(psutil.Process, "terminate", refused)
    with pytest.raises(BusyError, match="belongs to another user"):
        cancel(tmp_path)

    assert told(tmp_path).state == "running"


def test_a_full_disk_does_not_keep_a_job_from_being_cancelled(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = run_python(processes, WAIT_FOR_EVER)
    write_status(tmp_path, status_of(process.pid))

    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr("evaluation.run.job.write_status", mock.Mock(side_effect=full))

    assert cancel(tmp_path)
    assert told(tmp_path).state == "failed"
    assert "running" not in states(told(tmp_path))


# Starting.


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a small program in the place of ``evaluate.py``; return where it notes its arguments."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "evaluate.py").write_text(FAKE_PROGRAM)
    monkeypatch.setattr("evaluation.run.job.PROJECT", tmp_path / "project")
    return tmp_path / "project" / "arguments.json"


def test_the_program_is_started_with_the_outputs_folder_of_the_caller_and_its_output_logged(
    tmp_path: Path, program: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = Path("results")
    write_status(outputs, ended(processes))  # a dead job does not keep a new one from starting
    log_file(outputs).write_text("of the dead job")
    processes.append(start(outputs, ["--methods", "padim"]))
    psutil.Process(processes[-1]).wait(30)

    expected = ["--out", str(tmp_path / "results"), "--methods", "padim"]
    assert json.loads(program.read_text()) == expected
    assert log_tail(outputs).splitlines() == ["40 %", "a word on standard error"]


@pytest.mark.usefixtures("program")
def test_a_started_job_runs_alone_until_it_is_cancelled(
    tmp_path: Path, processes: list[int]
) -> None:
    pid = start(tmp_path, ["--wait", "--data", "a b"])
    processes.append(pid)
    begun = told(tmp_path)
    with pytest.raises(BusyError, match=rf"process {pid}"):
        start(tmp_path, ["--wait"])
    landed = cancel(tmp_path)
    after = told(tmp_path)

    assert (begun.state, begun.pid) == ("running", pid)
    assert landed
    assert (after.state, after.pid) == ("cancelled", pid)
    assert begun.arguments == after.arguments == ["--wait", "--data", "a b"]
    assert not cancel(tmp_path)


@pytest.mark.usefixtures("program")
def test_of_two_starts_at_the_same_moment_one_is_refused(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_are_checking = threading.Barrier(2)

    def meet(outputs: Path) -> HeldLock:
        with suppress(threading.BrokenBarrierError):
            both_are_checking.wait(0.5)
        return lock_outputs(outputs)

    def press() -> int:
        try:
            return start(tmp_path, ["--wait"])
        except BusyError:
            return 0

    monkeypatch.setattr("evaluation.run.job.lock_outputs", meet)
    with ThreadPoolExecutor(2) as pool:
        started = [each.result() for each in [pool.submit(press) for _ in range(2)]]
    processes += filter(None, started)

    assert sorted(map(bool, started)) == [False, True]
    assert told(tmp_path).pid == max(started)


def test_a_start_is_refused_while_something_else_holds_the_lock_or_starts(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.run.job.START_WAIT_S", 0.0)
    with lock_outputs(tmp_path), pytest.raises(BusyError):
        start(tmp_path, [])
    with (
        FileLock(job_folder(tmp_path) / "start.lock"),
        pytest.raises(BusyError, match="is just being started"),
    ):
        start(tmp_path, [])

    assert not program.exists()


# The log.


def test_the_log_of_an_earlier_job_is_not_taken_for_that_of_this_one(tmp_path: Path) -> None:
    write_status(tmp_path, status_of(os.getpid()))
    none = log_tail(tmp_path)
    log_file(tmp_path).write_text("of this job")
    status = told(tmp_path)
    own = job_log(tmp_path, status)
    os.utime(log_file(tmp_path), (status.created - 60,) * 2)

    assert (none, own) == ("", "of this job")
    assert job_log(tmp_path, status) == ""


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        (b"a\nb\nc\nd\n", ["b", "c", "d"]),
        (b"one\n\n\ntwo\n", ["one", "two"]),
        (b"scoring: 10 %\rscoring: 60 %\rscoring: 90 %", ["scoring: 90 %"]),
        (b"\r10 %\r60 %\r       \rbottle / padim: done\n", ["bottle / padim: done"]),
        (b"windows\r\nlines\r\n", ["windows", "lines"]),
        (b"", []),
        ("긴 줄 ".encode() * 20_000 + b"\xff\nlast line\n", [None, "last line"]),
    ],
)
def test_the_log_is_shown_from_its_end_with_bars_in_their_last_state(
    tmp_path: Path, log: bytes, shown: list[str | None]
) -> None:
    job_folder(tmp_path).mkdir()
    log_file(tmp_path).write_bytes(log)
    lines = log_tail(tmp_path, lines=3).splitlines()

    assert len(lines) == len(shown)
    assert all(line == words for line, words in zip(lines, shown, strict=True) if words)
    assert sum(map(len, lines)) < 21_000


# Removing cells.

PADIM, PATCHCORE = CellKey("part", "padim"), CellKey("part", "patchcore", "seed-1")


@pytest.fixture
def two_cells(tmp_path: Path) -> Path:
    for key in (PADIM, PATCHCORE):
        with new_cell(CellPlace(tmp_path, *key)) as folder:
            (folder / "blot_000_img.png").touch()
            content = cell_content(key.category, key.method, settings_id=key.settings_id)
            write_cell_file(folder, content)
    write_summary(tmp_path)
    return tmp_path


def test_a_removed_cell_goes_with_all_its_files_and_its_row(two_cells: Path) -> None:
    record_failure(CellPlace(two_cells, *PATCHCORE), fact("process_ended"))
    remove_cells(two_cells, [CellKey("part", "ae"), PATCHCORE])  # the first is not there

    assert not [path for path in (two_cells / "settings").rglob("*") if path.is_file()]
    assert not list(two_cells.rglob(".*cell-new"))
    assert list(pd.read_csv(two_cells / SUMMARY_FILE)["method"]) == ["padim"]
    assert CellPlace(two_cells, *PADIM).finished


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_nothing_is_removed_while_an_evaluation_runs_or_behind_a_link(
    two_cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with lock_outputs(two_cells), pytest.raises(BusyError, match="Another evaluation"):
        remove_cells(two_cells, [PADIM])
    outside = tmp_path_factory.mktemp("outside")
    (outside / "padim").mkdir()
    (outside / "padim" / "cell.json").write_text("{}")
    (two_cells / "linked").symlink_to(outside)
    with pytest.raises(CellError):
        remove_cells(two_cells, [CellKey("linked", "padim")])

    assert CellPlace(two_cells, *PADIM).finished
    assert (outside / "padim" / "cell.json").is_file()
