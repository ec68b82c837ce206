"""evaluate.py killed at random moments: nothing half done counts, and the next run goes on."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.faults.evaluations import Evaluation, write_data

KILLS_PER_FOLDER, MOST_ATTEMPTS = 5, 20


def survive(kills: int, seed: int, base: Path) -> None:
    """Kill evaluations `kills` times at random moments and compare with an undisturbed one."""
    moments = random.Random(seed)
    data = write_data(base)
    undisturbed = Evaluation(data, base / "undisturbed")
    duration = undisturbed.to_the_end()
    expected = undisturbed.numbers()
    landed = cells = 0
    for folder in range(-(-kills // KILLS_PER_FOLDER)):
        killed = Evaluation(data, base / f"killed-{folder}")
        wanted = min(kills, (folder + 1) * KILLS_PER_FOLDER)
        for attempt in range(MOST_ATTEMPTS):
            if landed < wanted:
                force = attempt > 0  # there may be nothing left to do
                landed += killed.killed_after(moments.uniform(0, duration), force)
                cells += killed.expect_everything_whole()
        killed.to_the_end()

        assert killed.expect_everything_whole() == len(expected)
        assert killed.numbers() == expected
        assert killed.leftovers() == []
    print(f"{landed} kills; {cells} finished cells were found whole")
    assert landed == kills


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_run_killed_three_times_ends_with_the_numbers_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    survive(3, 0, tmp_path)


@pytest.mark.soak
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_run_killed_fifty_times_loses_nothing(tmp_path: Path) -> None:
    survive(50, 1, tmp_path)
