"""Cancelled at random moments: everything it started ends, nothing half done counts."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from data_utils.demo import DEFECTS, ensure_demo
from evaluation.job import (
    RUNNING,
    TERMINATE_WAIT_S,
    BusyError,
    cancel,
    log_tail,
    read_status,
    start,
)
from evaluation.settings import Settings
from tests.faults.evaluations import SMALL, Evaluation, Plan, write_data

CANCELLED_WITHIN_S = 3.0
MOST_ATTEMPTS = 20


def processes_of(pid: int) -> list[psutil.Process]:
    """Return a process and all that it has started."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def alive(process: psutil.Process) -> bool:
    """Tell whether a process still runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def has_not_begun(evaluation: Evaluation) -> bool:
    """Tell whether a started run is still loading its program."""
    status = read_status(evaluation.outputs)
    return status is not None and status.state == RUNNING and status.phase == "starting"


def cancelled_after(
    evaluation: Evaluation, seconds: float, force: bool, begun: bool
) -> tuple[bool, str, float]:
    """Start a run as the app does and cancel it after `seconds`, perhaps once it has begun.

    Returns
    -------
    landed : bool
        Whether it was still running.
    phase : str
        What it was doing.
    took_s : float
        How long cancelling took.
    """
    pid = start(evaluation.outputs, evaluation.arguments(force))
    while begun and has_not_begun(evaluation):
        time.sleep(0.01)
    with suppress(psutil.TimeoutExpired, psutil.Error):
        psutil.Process(pid).wait(seconds)
    status = read_status(evaluation.outputs)
    tree = processes_of(pid)
    began = time.monotonic()
    landed = cancel(evaluation.outputs)
    took_s = time.monotonic() - began
    ended = read_status(evaluation.outputs)

    assert status is not None
    assert ended is not None
    assert ended.state != RUNNING
    assert not ended.count(RUNNING)
    assert not (landed and any(map(alive, tree)))
    return landed, status.phase, took_s


def to_the_end(evaluation: Evaluation) -> None:
    """Run it as the app does until it has ended."""
    psutil.Process(start(evaluation.outputs, evaluation.arguments())).wait()
    status = read_status(evaluation.outputs)
    assert status is not None
    assert status.state == "done", log_tail(evaluation.outputs)


def survive(plan: Plan, data: Path, base: Path, runs: int, cancels: int, seed: int) -> None:
    """Cancel and go on `cancels` times in each of `runs` evaluations; compare the numbers."""
    moments = random.Random(seed)
    undisturbed = Evaluation(data, base / "undisturbed", plan)
    began = time.monotonic()
    to_the_end(undisturbed)
    duration = time.monotonic() - began
    expected = undisturbed.numbers()
    landed, longest_s, phases = 0, 0.0, set()
    for run in range(runs):
        disturbed = Evaluation(data, base / f"run-{run}", plan)
        wanted = (run + 1) * cancels
        for attempt in range(MOST_ATTEMPTS):
            if landed < wanted:
                force = attempt >= cancels  # there may be nothing left to do
                moment = moments.uniform(0, duration / cancels)
                ended, phase, took_s = cancelled_after(disturbed, moment, force, attempt > 0)
                landed, longest_s = landed + ended, max(longest_s, took_s)
                phases.add(phase.rpartition(": ")[2])
                disturbed.expect_everything_whole()
        to_the_end(disturbed)

        assert disturbed.expect_everything_whole() == len(expected)
        assert disturbed.numbers() == expected
        assert disturbed.leftovers() == []
    print(f"{landed} cancels, the longest took {longest_s:.2f} s; in {sorted(phases)}")
    assert landed == runs * cancels


def test_cancelling_waits_no_longer_than_promised() -> None:
    assert 2 * TERMINATE_WAIT_S <= CANCELLED_WITHIN_S


def test_a_run_cancelled_three_times_ends_with_the_numbers_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    survive(SMALL, write_data(tmp_path), tmp_path, runs=1, cancels=3, seed=2)


def test_a_run_in_two_processes_cancelled_twice_ends_with_the_same_numbers(tmp_path: Path) -> None:
    plan = replace(SMALL, words=(*SMALL.words, "--workers", "2"))
    survive(plan, write_data(tmp_path), tmp_path, runs=1, cancels=2, seed=4)


@pytest.mark.soak
def test_three_demo_evaluations_cancelled_again_and_again_lose_nothing(tmp_path: Path) -> None:
    categories = tuple(DEFECTS)
    plan = Plan(categories, ("ae", "padim", "patchcore"), Settings(), 45)
    survive(plan, ensure_demo(tmp_path / "demo"), tmp_path, runs=3, cancels=6, seed=3)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGSTOP on Windows")
def test_of_an_app_and_a_shell_the_second_is_told_who_evaluates(tmp_path: Path) -> None:
    evaluation = Evaluation(write_data(tmp_path), tmp_path / "outputs")
    process = evaluation.start(force=False)
    evaluation.begun(process)
    with pytest.raises(BusyError, match=f"process {process.pid}"):
        start(evaluation.outputs, evaluation.arguments())
    process.send_signal(signal.SIGSTOP)
    status, said = evaluation.ended()
    process.send_signal(signal.SIGCONT)
    process.communicate()
    os.truncate(evaluation.outputs / ".job" / "lock", 0)  # left behind by the first one

    assert status == 3
    assert f"process {process.pid}" in said
    assert said.count("\n") == 1
    assert process.returncode == 0
    assert evaluation.ended()[0] == 0
