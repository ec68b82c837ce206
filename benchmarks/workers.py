"""A sweep in one process and in several: ``evaluate.py --workers 1`` and ``--workers N``.

Both are the whole program, started anew with the same pictures already decoded, with every core
used once. Numbers are compared as well: they may differ by 1e-4, as the threads differ.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common import fresh_cache, report, seconds
from evaluation.summary import SUMMARY_FILE

PROGRAM = Path(__file__).resolve().parent.parent / "evaluate.py"
ALLOWED = 1e-4


def main() -> int:
    """Measure both; return 1 if their numbers differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder in MVTec AD layout")
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--categories", nargs="+", default=["bottle", "screw"])
    parser.add_argument("--methods", nargs="+", default=["padim", "patchcore"])
    parser.add_argument("--seeds", nargs="+", default=["0", "1", "2"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    command = [sys.executable, str(PROGRAM), "--data", given.data]
    command += ["--categories", *given.categories, "--methods", *given.methods]
    command += ["--seeds", *given.seeds]
    command += ["--weights", given.weights] if given.weights else []
    with fresh_cache(), tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        run([*command, "--methods", "padim", "--seeds", "0", "--out", str(out / "warm")])
        taken: dict[int, list[float]] = {1: [], given.workers: []}
        for repeat in range(given.repeats):
            for count, values in taken.items():
                place = str(out / f"{count}-{repeat}")
                words = [*command, "--workers", str(count), "--out", place]
                values.append(seconds(lambda words=words: run(words)))  # type: ignore[misc]
        one = report("one process", taken[1])
        several = report(f"{given.workers} processes", taken[given.workers])
        print(f"ratio {several / one:.2f}")
        tables = [pd.read_csv(out / f"{count}-0" / SUMMARY_FILE) for count in taken]
        aurocs = [table[["image_auroc", "pixel_auroc", "aupro"]].to_numpy() for table in tables]
        apart = float(np.abs(aurocs[0] - aurocs[1]).max())
        print(f"largest difference of a metric {apart:.1e}")
    return int(apart > ALLOWED)


def run(command: list[str]) -> None:
    """Run the program; raise if it fails."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    raise SystemExit(main())
