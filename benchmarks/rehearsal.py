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
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.common import fresh_cache
from data_utils.demo import DEFECTS, DEMO_CATEGORIES
from data_utils.demo_scenes import draw_picture
from detectors.registry import METHODS
from evaluation.cells import all_cells
from evaluation.published import OFFICIAL_COUNTS

PROGRAM = Path(__file__).resolve().parent.parent / "evaluate.py"
PROCESSES = 2
NOISE_SIGMA = 1.5
COMPRESS_LEVEL = 1
SAMPLING_INTERVAL_S = 0.05
SHARED_PHASES = ("decode", "backbone_fit", "backbone_score")


@dataclass(frozen=True)
class Drawing:
    """One picture to draw and where it goes.

    Attributes
    ----------
    folder : Path
        The category's folder.
    """

    folder: Path
    scene: str
    split: str
    kind: str
    index: int
    side: int

    def write(self) -> None:
        """Draw the picture, and its mask if it is defective."""
        defect = None if self.kind == "good" else self.kind
        key = (zlib.crc32(f"{self.folder.name}/{self.split}/{self.kind}".encode()), self.index)
        small, small_mask = draw_picture(self.scene, defect, 0, key)
        size = (self.side, self.side)
        picture = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
        rng = np.random.default_rng(key)
        noise = rng.standard_normal((*size, 3), np.float32) * np.float32(NOISE_SIGMA)
        noisy = np.clip(np.rint(np.asarray(picture) + noise), 0, 255).astype(np.uint8)
        self._save(noisy, self.folder / self.split / self.kind / f"{self.index:03d}.png")
        if defect is not None:
            mask = Image.fromarray(small_mask).resize(size, Image.Resampling.NEAREST)
            place = self.folder / "ground_truth" / defect / f"{self.index:03d}_mask.png"
            self._save(np.asarray(mask), place)

    @staticmethod
    def _save(pixels: np.ndarray, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, compress_level=COMPRESS_LEVEL)


def main() -> int:
    """Draw, evaluate, print; return the exit status of the evaluation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=1024, help="of the pictures in px (1024)")
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--outputs", type=Path, help="keep the results in this folder")
    parser.add_argument("--keep", type=Path, help="keep the pictures in this folder, use them next")
    parser.add_argument("--categories", type=int, default=len(OFFICIAL_COUNTS), metavar="N")
    parser.add_argument("--threads", type=int, help="processor threads (default: all cores)")
    given = parser.parse_args()
    with (
        nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory() as data,
        nullcontext(given.outputs) if given.outputs else tempfile.TemporaryDirectory() as outputs,
    ):
        names = list(OFFICIAL_COUNTS)[: given.categories]
        for position, name in enumerate(names):
            draw_category(Path(data), name, position, given.side)
        with fresh_cache():
            status = evaluate(given, Path(data), Path(outputs), names)
    return status


def draw_category(root: Path, name: str, position: int, side: int) -> None:
    """Draw one category, unless its folder is there; the folder appears when it is complete."""
    if (root / name).is_dir():
        print(f"{name}: kept from before", flush=True)
        return
    started = time.perf_counter()
    unfinished = root / f".{name}" / name
    shutil.rmtree(unfinished.parent, ignore_errors=True)
    plan = list(drawings(unfinished, DEMO_CATEGORIES[position % len(DEMO_CATEGORIES)], side))
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        list(pool.map(Drawing.write, plan, chunksize=8))
    unfinished.rename(root / name)
    unfinished.parent.rmdir()
    seconds = time.perf_counter() - started
    print(f"{name}: {len(plan)} pictures drawn in {seconds:.1f} s", flush=True)


def drawings(folder: Path, scene: str, side: int) -> Iterator[Drawing]:
    """List the pictures of a category with as many of each kind as MVTec AD has."""
    train, test_good, test_defective = OFFICIAL_COUNTS[folder.name]
    defects = DEFECTS[scene]
    by_defect = Counter(defects[number % len(defects)] for number in range(test_defective))
    counts = [("train", "good", train), ("test", "good", test_good)]
    counts += [("test", defect, count) for defect, count in by_defect.items()]
    for split, kind, count in counts:
        for index in range(count):
            yield Drawing(folder, scene, split, kind, index, side)


def evaluate(given: argparse.Namespace, data: Path, outputs: Path, names: list[str]) -> int:
    """Run the program as a user does; print its time by phase and its memory."""
    command = [sys.executable, str(PROGRAM), "--data", str(data), "--out", str(outputs), "--force"]
    command += ["--categories", *names]
    if given.weights:
        command += ["--weights", str(given.weights)]
    if given.threads:
        command += ["--threads", str(given.threads)]
    started = time.perf_counter()
    with subprocess.Popen(command, env=os.environ) as process:
        peak = peak_memory_mb(process)
    wall = time.perf_counter() - started
    known = print_phases(outputs, names)
    print(f"{'everything else':<28}{wall - known:10.1f} s  (program start, latency, summary)")
    print(f"wall time {wall / 60:.1f} min for {len(names)} categories, peak memory {peak:,.0f} MB")
    return process.returncode


def peak_memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Wait for the process; return the most memory that it had, in 10^6 bytes."""
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        with suppress(psutil.Error):
            peak = max(peak, watched.memory_info().rss)
        time.sleep(SAMPLING_INTERVAL_S)
    return peak / 1e6


def print_phases(outputs: Path, names: list[str]) -> float:
    """Print the seconds of every phase over all cells; return their sum.

    What the methods of a category share is counted once, except that each counts the encoding of
    the test pictures in ``write``.
    """
    shared: dict[tuple[str, str], float] = {}
    own: Counter[tuple[str, str]] = Counter()
    for _, cell in all_cells(outputs)[0]:
        if cell["category"] not in names:
            continue
        for phase, seconds in cell["timings"].items():
            if phase in SHARED_PHASES:
                shared[cell["category"], phase] = seconds
            else:
                own[cell["method"], phase] += seconds
    lines = {f"shared: {phase}": 0.0 for phase in SHARED_PHASES}
    for (_, phase), seconds in shared.items():
        lines[f"shared: {phase}"] += seconds
    for method in METHODS:
        for (other, phase), seconds in own.items():
            if other == method:
                lines[f"{method}: {phase}"] = seconds
    for line, seconds in lines.items():
        print(f"{line:<28}{seconds:10.1f} s")
    return sum(lines.values())


if __name__ == "__main__":
    sys.exit(main())
