"""A run on a cluster cancelled at random moments: it ends here and there, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from tests.evaluation.test_cluster import cluster, worker_of
from tests.faults.evaluations import SMALL, write_data
from tests.faults.test_cancelled_runs import survive


def test_a_run_on_a_cluster_cancelled_twice_ends_with_the_same_numbers(tmp_path: Path) -> None:
    with cluster(worker_of(tmp_path, "", "cache-of-the-worker")) as one:
        words = (*SMALL.words, "--scheduler", one.scheduler_address)
        plan = replace(SMALL, words=words)
        survive(plan, write_data(tmp_path), tmp_path, runs=1, cancels=2, seed=6)
