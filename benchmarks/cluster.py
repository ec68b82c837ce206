"""Placement on a Dask cluster: the same sweep with 1, 2 and 4 workers of this machine.

Every group of cells sleeps some seconds before it computes, so that more workers than cores can be
compared: what shows is whether Dask keeps all of them busy. Pictures are small and drawn here.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from distributed import Client, Nanny, Scheduler, SpecCluster

from benchmarks.common import seconds
from benchmarks.slow_cells import SECONDS_VARIABLE
from detectors.registry import Options
from evaluation.cluster import evaluate_on_cluster
from evaluation.progress import RunProgress
from evaluation.runner import Run
from evaluation.settings import Settings
from tests.make_data import write_category

LOOPBACK = "127.0.0.1"
PRELOADED = str(Path(__file__).with_name("slow_cells.py"))
SETTINGS = Settings(options=Options(coreset_ratio=0.05, padim_channels=10), image_size=64)
WAIT_S = 120


def main() -> int:
    """Measure; print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--categories", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=6.0, help="slept for each category")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        os.environ["MVTEC_CACHE"] = str(base / "cache")
        os.environ["MVTEC_ROOT"] = os.environ["BACKBONE_WEIGHTS"] = ""
        names = [f"part-{number:02}" for number in range(given.categories)]
        for name in names:
            write_category(base / "data", name, train=8, good=3, bad=3)
        first = 0.0
        for count in given.workers:
            taken = measured(base, names, count, given.seconds)
            first = first or taken * count
            print(
                f"{count} workers: {taken:6.1f} s, {first / taken:5.2f} times as fast as one; "
                f"sleep alone {given.seconds * len(names) / count:.1f} s",
                flush=True,
            )
    return 0


def measured(base: Path, names: Sequence[str], count: int, slept: float) -> float:
    """Return the seconds of the sweep on a new cluster of `count` workers that are ready."""
    listening = {"host": LOOPBACK, "dashboard_address": f"{LOOPBACK}:0"}
    worker = {
        "cls": Nanny,
        "options": listening
        | {
            "nthreads": 1,
            "memory_limit": 0,
            "local_directory": str(base),
            "preload": PRELOADED,
            "env": {SECONDS_VARIABLE: str(slept), "OMP_NUM_THREADS": "1"},
        },
    }
    scheduler = {"cls": Scheduler, "options": listening | {"port": 0, "dashboard": False}}
    run = Run(
        base / "data",
        base / f"outputs-{count}",
        list(names),
        ["padim", "patchcore"],
        SETTINGS,
        "random",
    )
    with (
        SpecCluster(
            workers=dict.fromkeys(range(count), worker), scheduler=scheduler, silence_logs=50
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(count, WAIT_S)
        progress = RunProgress(run.outputs, run.planned, show_bars=False)
        with redirect_stdout(io.StringIO()):
            taken = seconds(
                lambda: evaluate_on_cluster(run, cluster.scheduler_address, 1, progress)
            )
    failed = [cell for cell in progress.status.cells if cell.state != "done"]
    if failed:
        raise RuntimeError(f"{len(failed)} cells were not made: {failed[0].reason}")
    return taken


if __name__ == "__main__":
    raise SystemExit(main())
