"""A rehearsal of MVTec AD as a whole: fifteen categories of its size, without the data set.

The pictures are the demo's scenes, enlarged, with fine noise so that decoding them costs what
decoding photographs does; names and numbers of pictures are MVTec AD's own, so that the same
crop is taken. ``evaluate.py`` then runs on them with all three methods and an empty cache. The
scores mean nothing; the time and the memory do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from data_utils.demo import DEFECTS, DEMO_CATEGORIES
from data_utils.demo_scenes import draw_picture
from data_utils.locations import CACHE_VARIABLE, PROJECT
from evaluation.measure.published import OFFICIAL_COUNTS
from evaluation.store.cells import readable_cells

PROCESSES = 2
NOISE_SIGMA = 1.5
SHARED_PHASES = ("decode", "backbone_fit", "backbone_score")


def main() -> int:
    """Draw, evaluate, print; return the exit status of the evaluation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=1024, help="of the pictures in px (1024)")
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--keep", type=Path, help="keep pictures and results here for a next time")
    parser.add_argument("--categories", type=int, default=len(OFFICIAL_COUNTS), metavar="N")
    given = parser.parse_args()
    names = list(OFFICIAL_COUNTS)[: given.categories]
    with nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory() as base:
        data, outputs = Path(base) / "data", Path(base) / "outputs"
        for position, name in enumerate(names):
            draw_category(data, name, DEMO_CATEGORIES[position % len(DEMO_CATEGORIES)], given.side)
        words = [f"--data={data}", f"--out={outputs}", "--force", "--categories", *names]
        words += [f"--weights={given.weights}"] if given.weights else []
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {CACHE_VARIABLE: cache}
            command = [sys.executable, str(PROJECT / "evaluate.py"), *words]
            status = subprocess.run(command, env=environment, check=False).returncode
        print_phases(outputs, names, time.perf_counter() - started)
    return status


def draw_category(root: Path, name: str, scene: str, side: int) -> None:
    """Draw one category, unless its folder is there; the folder appears when it is complete."""
    if (root / name).is_dir():
        return
    unfinished = root / f".{name}" / name
    shutil.rmtree(unfinished.parent, ignore_errors=True)
    train, good, defective = OFFICIAL_COUNTS[name]
    counts = {("train", "good"): train, ("test", "good"): good}
    for number, defect in enumerate(DEFECTS[scene]):
        counts["test", defect] = len(range(number, defective, len(DEFECTS[scene])))
    plan = [
        (unfinished, scene, split, kind, index, side)
        for (split, kind), count in counts.items()
        for index in range(count)
    ]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        list(pool.map(draw, *zip(*plan, strict=True), chunksize=8))
    unfinished.rename(root / name)
    unfinished.parent.rmdir()
    print(f"{name}: drawn", flush=True)


def draw(folder: Path, scene: str, split: str, kind: str, index: int, side: int) -> None:
    """Draw one picture of a category's folder, and its mask if it is defective."""
    defect = None if kind == "good" else kind
    key = (zlib.crc32(f"{folder.name}/{split}/{kind}".encode()), index)
    small, small_mask = draw_picture(scene, defect, 0, key)
    picture = Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(key).normal(0, NOISE_SIGMA, (side, side, 3))
    noisy = np.clip(np.rint(np.asarray(picture) + noise), 0, 255)
    drawn = {folder / split / kind / f"{index:03d}.png": Image.fromarray(noisy.astype(np.uint8))}
    if defect is not None:
        mask = Image.fromarray(small_mask).resize((side, side), Image.Resampling.NEAREST)
        drawn[folder / "ground_truth" / defect / f"{index:03d}_mask.png"] = mask
    for path, image in drawn.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, compress_level=1)


def print_phases(outputs: Path, names: list[str], wall_s: float) -> None:
    """Print the seconds of every phase over all cells, the whole time and the memory.

    What the methods of a category share is counted once, except that each counts the encoding of
    the test pictures in ``write``.
    """
    cells = [cell for cell in readable_cells(outputs) if cell["category"] in names]
    rows = [
        (cell["category"], "shared" if phase in SHARED_PHASES else cell["method"], phase, seconds)
        for cell in cells
        for phase, seconds in cell["timings"].items()
    ]
    table = pd.DataFrame(rows, columns=["category", "method", "phase", "seconds"])
    once = table.groupby(["category", "method", "phase"], sort=False)["seconds"].max()
    whole = once.groupby(["method", "phase"], sort=False).sum()
    for row in whole.reset_index().itertuples():
        print(f"{f'{row.method}: {row.phase}':<28}{row.seconds:10.1f} s")
    print(f"{'everything else':<28}{wall_s - once.sum():10.1f} s  (start, latency, summary)")
    peak_mb = max((cell["peak_memory_mb"] for cell in cells), default=0.0)
    print(f"{len(names)} categories in {wall_s / 60:.1f} min, peak memory {peak_mb:,.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
