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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from evaluation.job import (
    BusyError,
    CellState,
    HeldLock,
    JobStatus,
    cancel,
    creation,
    job_folder,
    job_log,
    lock_outputs,
    log_file,
    log_tail,
    read_status,
    start,
    write_status,
)

PROJECT = Path(__file__).resolve().parents[2]
WAIT_FOR_EVER = "import threading; threading.Event().wait()"
IGNORE_POLITE_END = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
WITH_A_CHILD = """
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
threading.Event().wait()
"""
HOLD_THE_LOCK = """
import sys, threading
from pathlib import Path
from evaluation.job import lock_outputs
lock = lock_outputs(Path(sys.argv[1]))
print("held", flush=True)
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
    """Start Python on `code` in the project's folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )
    processes.append(process.pid)
    return process


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line that a process prints."""
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


def told(outputs: Path) -> JobStatus:
    """Return what is said about the job."""
    status = read_status(outputs)
    assert status is not None
    return status


def states(status: JobStatus) -> list[str]:
    """Return the state of each cell."""
    return [cell.state for cell in status.cells]


def test_a_status_comes_back_as_it_was_written(tmp_path: Path) -> None:
    status = status_of(
        os.getpid(), phase="스코어링", done=3, total=9, last_error="no memory", started=1.5
    )
    write_status(tmp_path, status)

    assert read_status(tmp_path) == status
    assert [cell.method for cell in status.current] == ["patchcore"]
    assert status.count("done", "waiting") == 2


def test_without_a_job_there_is_no_status(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"state": "running"}',
        '{"cells": [], "colour": "red"}',
        '{"cells": [], "state": "done", "workers": [{"name": 1}]}',
        '{"cells": [], "state": "done", "workers": [{"name": "1", "done": -1}]}',
        '{"cells": [], "state": "done", "cluster": 8787}',
        '{"cells": [], "state": "done", "phase": "half a \\ud800"}',
    ],
)
def test_an_unreadable_status_counts_as_none(tmp_path: Path, content: str) -> None:
    job_folder(tmp_path).mkdir()
    (job_folder(tmp_path) / "status.json").write_text(content)

    assert read_status(tmp_path) is None


def ended(processes: list[int]) -> JobStatus:
    """Return the status of a job whose process has ended and is gone."""
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
def test_a_dead_job_that_says_it_is_running_reads_as_failed(
    tmp_path: Path, processes: list[int], make: Callable[[list[int]], JobStatus]
) -> None:
    write_status(tmp_path, make(processes))
    status = told(tmp_path)

    assert status.state == "failed"
    assert states(status) == ["done", "failed", "waiting"]
    assert "see the log" in status.last_error
    assert status.eta_s is None


@pytest.mark.parametrize("step_s", [-7200.0, 5.0])
def test_a_job_lives_on_when_the_clock_is_set_under_it(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    """On Linux both times that psutil gives then move, as after the sleep of a laptop."""
    process = run_python(processes, WAIT_FOR_EVER)
    created, booted = creation(psutil.Process(process.pid))
    write_status(tmp_path, status_of(process.pid, booted=booted))
    monkeypatch.setattr("evaluation.job.creation", lambda _: (created + step_s, booted + step_s))
    running = told(tmp_path).state
    monkeypatch.setattr("evaluation.job.creation", lambda _: (created + step_s, booted))
    another = told(tmp_path).state
    monkeypatch.undo()

    assert (running, another) == ("running", "failed")
    assert cancel(tmp_path)


def test_a_job_of_another_user_is_not_cancelled_and_the_sentence_says_so(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = run_python(processes, WAIT_FOR_EVER)
    write_status(tmp_path, status_of(process.pid))

    def refused(self: psutil.Process) -> None:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "terminate", refused)
    with pytest.raises(BusyError, match="belongs to another user"):
        cancel(tmp_path)

    assert told(tmp_path).state == "running"


def test_a_full_disk_does_not_keep_a_job_from_being_cancelled(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = run_python(processes, WAIT_FOR_EVER)
    write_status(tmp_path, status_of(process.pid))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("evaluation.job.write_status", full)

    assert cancel(tmp_path)
    assert told(tmp_path).state == "failed"
    assert "running" not in states(told(tmp_path))


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_a_job_that_has_ended_keeps_what_it_said(
    tmp_path: Path, processes: list[int], state: str
) -> None:
    status = ended(processes)
    status.state, status.last_error = state, "as it was"
    write_status(tmp_path, status)

    assert read_status(tmp_path) == status


@dataclass
class Tree:
    """A process that has started another one."""

    parent: psutil.Process
    child: psutil.Process


def start_tree(processes: list[int], prefix: str = "") -> Tree:
    """Start a process with a child that runs `prefix` before it waits for ever."""
    code = f"{prefix}print('ready', flush=True); {WAIT_FOR_EVER}"
    parent = run_python(processes, WITH_A_CHILD, code)
    processes.append(int(first_line(parent)))
    return Tree(psutil.Process(parent.pid), psutil.Process(processes[-1]))


def gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended (an orphan's entry may still wait to be collected)."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("prefix", ["", IGNORE_POLITE_END], ids=["polite", "stubborn"])
def test_cancelling_ends_the_whole_process_tree(
    tmp_path: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setattr("evaluation.job.TERMINATE_WAIT_S", 0.2)
    tree = start_tree(processes, prefix)
    write_status(tmp_path, status_of(tree.parent.pid))
    before = (gone(tree.parent), gone(tree.child))

    assert cancel(tmp_path)
    assert before == (False, False)
    assert gone(tree.parent)
    assert gone(tree.child)


def test_cancelling_leaves_finished_cells_and_no_running_one(
    tmp_path: Path, processes: list[int]
) -> None:
    write_status(tmp_path, status_of(run_python(processes, WAIT_FOR_EVER).pid))
    cancel(tmp_path)
    status = told(tmp_path)

    assert status.state == "cancelled"
    assert status.last_error == ""
    assert states(status) == ["done", "cancelled", "waiting"]
    assert status.eta_s is None


def test_cancelling_never_touches_a_process_that_only_has_the_same_number(
    tmp_path: Path, processes: list[int]
) -> None:
    status = number_used_again(processes)
    write_status(tmp_path, status)

    assert not cancel(tmp_path)
    assert psutil.Process(status.pid).is_running()
    assert told(tmp_path).state == "failed"


@pytest.mark.parametrize("state", [None, "done", "failed", "cancelled"])
def test_without_a_running_job_there_is_nothing_to_cancel(
    tmp_path: Path, state: str | None
) -> None:
    if state is not None:
        write_status(tmp_path, status_of(os.getpid(), state=state))
    before = read_status(tmp_path)

    assert not cancel(tmp_path)
    assert read_status(tmp_path) == before


def test_a_second_holder_of_the_lock_is_refused_in_a_sentence(tmp_path: Path) -> None:
    lock = lock_outputs(tmp_path)

    with pytest.raises(BusyError, match=r"^Another evaluation is using .*; wait for it or"):
        lock_outputs(tmp_path)

    lock.release()


def test_the_holder_of_the_lock_is_named_by_its_process(tmp_path: Path) -> None:
    write_status(tmp_path, status_of(os.getpid()))
    lock = lock_outputs(tmp_path)

    with pytest.raises(BusyError, match=rf"Another evaluation \(process {os.getpid()}\)"):
        lock_outputs(tmp_path)

    lock.release()


def test_the_lock_is_free_after_its_release(tmp_path: Path) -> None:
    first = lock_outputs(tmp_path)
    first.release()
    second = lock_outputs(tmp_path)

    assert (first.is_locked, second.is_locked) == (False, True)
    second.release()


def test_the_lock_is_held_within_its_block_and_free_after_it(tmp_path: Path) -> None:
    with lock_outputs(tmp_path) as first, pytest.raises(BusyError):
        lock_outputs(tmp_path)
    second = lock_outputs(tmp_path)

    assert not first.is_locked
    second.release()


def test_other_outputs_folders_have_locks_of_their_own(tmp_path: Path) -> None:
    with lock_outputs(tmp_path / "a"), lock_outputs(tmp_path / "b") as other:
        assert other.is_locked


def test_another_process_holds_the_lock_until_it_dies(tmp_path: Path, processes: list[int]) -> None:
    holder = run_python(processes, HOLD_THE_LOCK, str(tmp_path))
    assert first_line(holder) == "held"

    with pytest.raises(BusyError):
        lock_outputs(tmp_path)
    holder.kill()
    holder.wait()
    lock = lock_outputs(tmp_path)

    assert lock.is_locked
    lock.release()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a small program in the place of ``evaluate.py``; return where it notes its arguments."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "evaluate.py").write_text(FAKE_PROGRAM)
    monkeypatch.setattr("evaluation.job.PROJECT", tmp_path / "project")
    return tmp_path / "project" / "arguments.json"


def test_the_program_is_started_with_the_outputs_folder_and_its_output_logged(
    tmp_path: Path, program: Path, processes: list[int]
) -> None:
    outputs = tmp_path / "outputs"
    processes.append(start(outputs, ["--methods", "padim"]))
    psutil.Process(processes[-1]).wait(30)

    assert json.loads(program.read_text()) == ["--out", str(outputs), "--methods", "padim"]
    assert log_tail(outputs).splitlines() == ["40 %", "a word on standard error"]


def test_a_relative_outputs_folder_is_that_of_the_caller(
    tmp_path: Path, program: Path, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    processes.append(start(Path("results"), []))
    psutil.Process(processes[-1]).wait(30)

    assert json.loads(program.read_text()) == ["--out", str(tmp_path / "results")]


@pytest.mark.usefixtures("program")
def test_a_started_job_runs_until_it_is_cancelled(tmp_path: Path, processes: list[int]) -> None:
    pid = start(tmp_path, ["--wait"])
    processes.append(pid)
    begun = told(tmp_path)

    assert (begun.state, begun.pid) == ("running", pid)
    assert cancel(tmp_path)
    assert told(tmp_path).state == "cancelled"
    assert not cancel(tmp_path)


@pytest.mark.usefixtures("program")
def test_a_second_start_is_refused_while_a_job_runs(tmp_path: Path, processes: list[int]) -> None:
    processes.append(start(tmp_path, ["--wait"]))

    with pytest.raises(BusyError, match=rf"process {processes[-1]}"):
        start(tmp_path, ["--wait"])

    assert told(tmp_path).pid == processes[-1]


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

    monkeypatch.setattr("evaluation.job.lock_outputs", meet)
    with ThreadPoolExecutor(2) as pool:
        started = [each.result() for each in [pool.submit(press) for _ in range(2)]]
    processes += filter(None, started)

    assert sorted(map(bool, started)) == [False, True]
    assert told(tmp_path).pid == max(started)


@pytest.mark.usefixtures("program")
def test_a_start_that_hangs_does_not_hold_others_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.job.START_WAIT_S", 0.0)
    job_folder(tmp_path).mkdir()

    with (
        FileLock(job_folder(tmp_path) / "start.lock"),
        pytest.raises(BusyError, match="is just being started"),
    ):
        start(tmp_path, [])


@pytest.mark.usefixtures("program")
def test_a_started_job_keeps_its_arguments(tmp_path: Path, processes: list[int]) -> None:
    processes.append(start(tmp_path, ["--wait", "--data", "a b"]))

    assert told(tmp_path).arguments == ["--wait", "--data", "a b"]
    cancel(tmp_path)
    assert told(tmp_path).arguments == ["--wait", "--data", "a b"]


def test_a_status_of_an_earlier_version_is_still_readable(tmp_path: Path) -> None:
    job_folder(tmp_path).mkdir()
    content = {"state": "done", "cells": [{"category": "bottle", "method": "padim"}]}
    (job_folder(tmp_path) / "status.json").write_text(json.dumps(content))

    assert told(tmp_path).arguments == []
    assert told(tmp_path).cells[0].settings_id == ""


def test_the_log_of_an_earlier_job_is_not_taken_for_that_of_this_one(tmp_path: Path) -> None:
    write_status(tmp_path, status_of(os.getpid()))
    log_file(tmp_path).write_text("of this job")
    status = told(tmp_path)
    own = job_log(tmp_path, status)
    os.utime(log_file(tmp_path), (status.created - 60,) * 2)

    assert own == "of this job"
    assert job_log(tmp_path, status) == ""


def test_a_start_is_refused_while_something_else_holds_the_lock(
    tmp_path: Path, program: Path
) -> None:
    with lock_outputs(tmp_path), pytest.raises(BusyError):
        start(tmp_path, [])

    assert not program.exists()


def test_after_a_dead_job_a_new_one_starts(
    tmp_path: Path, program: Path, processes: list[int]
) -> None:
    write_status(tmp_path, ended(processes))
    log_file(tmp_path).write_text("of the dead job")
    processes.append(start(tmp_path, []))
    psutil.Process(processes[-1]).wait(30)

    assert program.exists()
    assert "of the dead job" not in log_tail(tmp_path)


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        ("a\nb\nc\nd\n", ["b", "c", "d"]),
        ("one\n\n\ntwo\n", ["one", "two"]),
        ("scoring: 10 %\rscoring: 60 %\rscoring: 90 %", ["scoring: 90 %"]),
        ("\r10 %\r60 %\r       \rbottle / padim: done\n", ["bottle / padim: done"]),
        ("windows\r\nlines\r\n", ["windows", "lines"]),
        ("", []),
    ],
)
def test_the_log_is_shown_from_its_end_with_bars_in_their_last_state(
    tmp_path: Path, log: str, shown: list[str]
) -> None:
    job_folder(tmp_path).mkdir()
    log_file(tmp_path).write_bytes(log.encode())

    assert log_tail(tmp_path, lines=3).splitlines() == shown


def test_a_long_log_with_broken_bytes_is_still_shown(tmp_path: Path) -> None:
    job_folder(tmp_path).mkdir()
    log_file(tmp_path).write_bytes("긴 줄 ".encode() * 20_000 + b"\xff\nlast line\n")

    assert log_tail(tmp_path).splitlines()[-1] == "last line"
    assert len(log_tail(tmp_path)) < 21_000


def test_without_a_log_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert log_tail(tmp_path) == ""
