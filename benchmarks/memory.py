"""Peak memory of small runs beside what was estimated before them.

``python benchmarks/memory.py`` measures several shapes, each in a process of its own;
``python benchmarks/memory.py METHODS BACKBONE TRAIN TEST SIDE`` measures one and prints the growth
of the resident memory and the estimate, both in bytes. The growth counts from the moment at which
the pictures are about to be read: libraries and the backbone's weights are in memory by then, and
a run on three tiny pictures has been through the same code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from data_utils.locations import CACHE_VARIABLE
from data_utils.mvtec import scan_category
from detectors.registry import ALL_CHANNELS, Options
from evaluation.machine import PeakMemory, return_free_memory
from evaluation.memory import cells_bytes, size_of
from evaluation.progress import Progress, RunProgress
from evaluation.runner import Run, evaluate
from evaluation.settings import Settings

SHAPES = (
    ("padim", "resnet18", 10, 10, 224),
    ("padim", "resnet18", 10, 60, 224),
    ("padim", "resnet18", 150, 10, 64),
    ("padim", "resnet18", 4, 4, 512),
    ("padim", "filterbank", 10, 10, 224),
    ("padim", "efficientnet_lite0", 100, 10, 224),
    ("padim-all", "resnet18", 70, 10, 224),
    ("patchcore", "resnet18", 40, 10, 224),
    ("patchcore", "filterbank", 20, 10, 224),
    ("patchcore", "efficientnet_lite0", 40, 10, 224),
    ("patchcore", "resnet18", 4, 4, 512),
    ("patchcore", "wide_resnet50_2", 6, 2, 224),
    ("padim,patchcore", "resnet18", 30, 30, 224),
    ("ae", "resnet18", 10, 20, 224),
)


class Watched(RunProgress):
    """Notes the resident memory when the pictures are about to be read."""

    def phase(self, name: str) -> Progress:
        """Start a phase."""
        if "reading pictures" in name:
            return_free_memory()
            self.memory = PeakMemory()
            self.memory.__enter__()
            self.before = self.memory.peak_bytes
        return super().phase(name)


def write_noise(folder: Path, train: int, test: int, side: int) -> None:
    """Write a category of noise, half of its test pictures defective."""
    rng = np.random.default_rng(0)
    names = [f"train/good/{i}" for i in range(train)]
    names += [f"test/{('good', 'spot')[i % 2]}/{i}" for i in range(test)]
    for name in names:
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(path)
        if "spot" in name:
            mask = np.zeros((side, side), np.uint8)
            mask[: side // 4, : side // 4] = 255
            path = folder / f"{name.replace('test', 'ground_truth')}_mask.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(path)


def measured(
    methods: list[str], backbone: str, train: int, test: int, side: int
) -> tuple[int, int]:
    """Evaluate a made category; return growth and estimate in bytes.

    ``padim-all`` is PaDiM with all channels.
    """
    options = Options(padim_channels=ALL_CHANNELS if "padim-all" in methods else None)
    methods = [method.removesuffix("-all") for method in methods]
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        os.environ[CACHE_VARIABLE] = str(base / "cache")
        write_noise(base / "warm-up" / "part", 2, 2, 64)
        write_noise(base / "data" / "part", train, test, side)
        weights = "random" if "resnet" in backbone else None
        for data, asked in (("warm-up", 64), ("data", side)):
            settings = Settings(backbone, options, image_size=asked, automatic=False)
            run = Run(base / data, base / f"{data}-out", ["part"], methods, settings, weights)
            progress = Watched(run.outputs, run.planned, show_bars=False)
            evaluate(run, progress)
            progress.memory.__exit__(None, None, None)
        category = scan_category(base / "data", "part")
        size = size_of(category, settings.transform_for(category))
        estimate = cells_bytes(size, [(method, settings) for method in methods])
    return progress.memory.peak_bytes - progress.before, estimate


def main() -> None:
    """Measure the shape that the arguments give, or all of ``SHAPES``."""
    if len(sys.argv) > 1:
        methods, backbone, *numbers = sys.argv[1:]
        train, test, side = map(int, numbers)
        print(*measured(methods.split(","), backbone, train, test, side))
        return
    print("methods          backbone         train  test  side  growth MB  estimate MB  ratio")
    for shape in SHAPES:
        command = [sys.executable, "-m", "benchmarks.memory", *map(str, shape)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        growth, estimate = map(int, done.stdout.splitlines()[-1].split())
        print(
            f"{shape[0]:16} {shape[1]:16} {shape[2]:5} {shape[3]:5} {shape[4]:5} "
            f"{growth / 1e6:10.0f} {estimate / 1e6:12.0f} {estimate / growth:6.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
