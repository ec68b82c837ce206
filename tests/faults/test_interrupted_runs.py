"""Killed or cancelled at random moments: all of it ends, nothing half done counts or is lost."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from data_utils.demo import DEFECTS, ensure_demo
from evaluation.run.job import TERMINATE_WAIT_S, BusyError, cancel, start
from evaluation.run.progress import RUNNING
from evaluation.store.settings import Settings
from tests.evaluation.cluster.test_cluster import cluster, worker_of
from tests.faults.evaluations import SMALL, Evaluation, Plan, Started

CANCELLED_WITHIN_S = 3.0
MOST_ATTEMPTS = 20

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs processes and signals of POSIX")


def alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def killed(_: Evaluation, started: Started) -> bool:
    """Kill it with all that it started; tell whether it was still running."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    return started.ended()[0] == -signal.SIGKILL


def cancelled(evaluation: Evaluation, started: Started) -> bool:
    """Cancel it as the app does; tell whether it was still running."""
    tree = []
    with suppress(psutil.Error):
        process = psutil.Process(started.pid)
        tree = [process, *process.children(recursive=True)]
    landed = cancel(evaluation.outputs)
    started.ended()

    assert evaluation.status.state != RUNNING
    assert not evaluation.status.count(RUNNING)
    assert not (landed and any(map(alive, tree)))
    return landed


def survive(
    interrupted: Callable[[Evaluation, Started], bool],
    undisturbed: Evaluation,
    evaluation: Evaluation,
    times: int,
    seed: int,
    longest_s: float = 1.0,
) -> None:
    """Interrupt and go on so many times, up to `longest_s` after the first cell has begun."""
    moments = random.Random(seed)
    landed = 0
    for attempt in range(MOST_ATTEMPTS * times):
        if landed < times:
            started = evaluation.start(force=attempt >= times)  # there may be nothing left to do
            evaluation.wait_until_begun(started)
            started.process.join(moments.uniform(0, longest_s))
            landed += interrupted(evaluation, started)
            evaluation.expect_finished_cells_whole()

    assert landed == times
    replace(evaluation, plan=undisturbed.plan).expect_to_go_on_like(undisturbed)


@pytest.mark.parametrize("interrupted", [killed, cancelled])
def test_a_run_interrupted_three_times_ends_with_the_numbers_of_an_undisturbed_one(
    interrupted: Callable[[Evaluation, Started], bool], undisturbed: Evaluation, fresh: Evaluation
) -> None:
    survive(interrupted, undisturbed, fresh, times=3, seed=2)


def test_a_run_in_two_processes_that_is_cancelled_goes_on_in_one_with_the_same_numbers(
    undisturbed: Evaluation, fresh: Evaluation
) -> None:
    plan = replace(SMALL, words=(*SMALL.words, "--workers", "2"))
    survive(cancelled, undisturbed, replace(fresh, plan=plan), times=1, seed=4)


def test_a_run_on_a_cluster_that_is_cancelled_goes_on_here_with_the_same_numbers(
    undisturbed: Evaluation, fresh: Evaluation, tmp_path: Path
) -> None:
    with cluster(worker_of(tmp_path, "", "cache-of-the-worker")) as one:
        plan = replace(SMALL, words=(*SMALL.words, "--scheduler", one.scheduler_address))
        survive(cancelled, undisturbed, replace(fresh, plan=plan), times=1, seed=6)


@pytest.mark.soak
@pytest.mark.parametrize("folder", range(10))
def test_a_run_killed_fifty_times_loses_nothing(
    undisturbed: Evaluation, fresh: Evaluation, folder: int
) -> None:
    survive(killed, undisturbed, fresh, times=5, seed=folder)


@pytest.mark.soak
def test_three_demo_evaluations_cancelled_again_and_again_lose_nothing(tmp_path: Path) -> None:
    plan = Plan(tuple(DEFECTS), ("ae", "padim", "patchcore"), Settings(), 45)
    undisturbed = Evaluation(ensure_demo(tmp_path / "demo"), tmp_path / "undisturbed", plan)
    duration = undisturbed.to_the_end()
    for run in range(3):
        evaluation = replace(undisturbed, outputs=tmp_path / f"run-{run}")
        survive(cancelled, undisturbed, evaluation, times=6, seed=run, longest_s=duration / 6)


def test_cancelling_waits_no_longer_than_promised() -> None:
    assert 2 * TERMINATE_WAIT_S <= CANCELLED_WITHIN_S


def test_of_an_app_and_a_shell_the_second_is_told_who_evaluates(fresh: Evaluation) -> None:
    first = fresh.start()
    fresh.wait_until_begun(first)
    with pytest.raises(BusyError, match=f"process {first.pid}"):
        start(fresh.outputs, fresh.arguments())
    os.kill(first.pid, signal.SIGSTOP)
    status, said = fresh.start().ended()
    os.kill(first.pid, signal.SIGCONT)
    ended, _ = first.ended()
    os.truncate(fresh.outputs / ".job" / "lock", 0)  # left behind by the first one

    assert status == 3
    assert f"process {first.pid}" in said
    assert said.count("\n") == 1
    assert ended == 0
    assert fresh.start().ended()[0] == 0
