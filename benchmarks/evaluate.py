"""A whole evaluation of PaDiM and PatchCore, or each method's one picture, against its floor.

The floor is what cannot be saved: decoding every picture, and passing it once through the
network. The evaluation fits and scores both methods, measures everything and writes all files.
Both are timed in turn, cold (nothing decoded) and warm (decoded pictures in the cache).

With ``--one-picture`` each method is fitted, and every test picture scored by itself after an
untimed one, decoding excluded. Each picture passes through the backbone alone just before, so that
a machine that is slower for a while is so for both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image

from data_utils.decoding import DECODE_THREADS, Pictures
from data_utils.images import read_picture
from data_utils.locations import CACHE_VARIABLE
from data_utils.mvtec import Category, scan_category
from data_utils.pictures import load_pictures
from data_utils.transform import Transform
from detectors.autoencoder import Autoencoder
from detectors.backbones.features import Backbone
from detectors.backbones.networks import load_backbone
from detectors.base import batches
from detectors.padim import Padim
from detectors.patchcore import Patchcore
from evaluation.run.category import evaluate
from evaluation.run.plan import Run
from evaluation.run.progress import RunProgress
from evaluation.store.settings import Settings


def main() -> None:
    """Print what is timed, and its ratio to the floor."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", type=int, help="first enlarge all pictures to this side in px")
    parser.add_argument("--one-picture", action="store_true", help="time one picture at a time")
    parser.add_argument("--ae", action="store_true", help="one picture of the AE too (a minute)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    backbone = load_backbone("resnet18", given.weights)
    with tempfile.TemporaryDirectory() as folder, fresh_cache():
        data = given.data
        if given.side:
            data = enlarged(data / given.category, given.side, Path(folder) / "enlarged")
        category, transform, pictures = category_pictures(data, given.category)
        if given.one_picture:
            compare_one_picture(given, backbone, pictures)
            return
        pass_all(backbone, pictures)
        acts = {
            "decode and resize": partial(decode_all, category, transform),
            "backbone pass": partial(pass_all, backbone, pictures),
            "evaluation, warm": partial(evaluate_both, given, data, folder),
        }
        times: dict[str, list[float]] = {name: [] for name in (*acts, "evaluation, cold")}
        for _ in range(given.repeats):
            for name, act in acts.items():
                times[name].append(seconds(act))
            with fresh_cache():
                times["evaluation, cold"].append(seconds(acts["evaluation, warm"]))
    medians = {name: report(name, values, "s") for name, values in times.items()}
    decoding, passing, warm, cold = medians.values()
    print(f"cold: {cold / (decoding + passing):.2f} of the floor")
    print(f"warm: {warm / passing:.2f} of the backbone pass")


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments that this benchmark shares with ``anomalib``."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder in MVTec AD layout")
    parser.add_argument("--category", default="screw")
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def category_pictures(data: Path, name: str) -> tuple[Category, Transform, Pictures]:
    """Scan and decode one category with the default settings."""
    category = scan_category(data, name)
    transform = Settings().transform_for(category)
    return category, transform, load_pictures(category, transform)


@contextmanager
def fresh_cache() -> Iterator[None]:
    """Point the picture cache to an empty folder for a while."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, {CACHE_VARIABLE: folder}),
    ):
        yield


def decode_all(category: Category, transform: Transform) -> None:
    """Decode and resize every picture, as many at a time as there are cores."""
    with ThreadPoolExecutor(DECODE_THREADS) as pool:
        paths = category.records["image_path"]
        list(pool.map(lambda path: transform.picture(read_picture(path).image), paths))


def pass_all(backbone: Backbone, pictures: Pictures) -> None:
    """Pass every picture once through the network, and keep nothing."""
    for part in batches(len(pictures.images)):
        backbone.extract(pictures.images[part])


def evaluate_both(given: argparse.Namespace, data: Path, folder: str) -> None:
    """Evaluate PaDiM and PatchCore into a new folder, weights loaded again.

    The results stay until all is timed: file systems are slow to make files where many have just
    been removed.
    """
    outputs = Path(tempfile.mkdtemp(dir=folder))
    run = Run(data, outputs, [given.category], ["padim", "patchcore"], weights=given.weights)
    progress = RunProgress(outputs, run.planned, show_bars=False)
    evaluate(run, progress)
    progress.finish()


def compare_one_picture(given: argparse.Namespace, backbone: Backbone, pictures: Pictures) -> None:
    """Print milliseconds of the backbone and of each method, and the ratios."""
    single = [np.array(image[None]) for image in pictures.test]
    for detector in (Padim(backbone), Patchcore(backbone), *[Autoencoder()] * given.ae):
        detector.fit(pictures.train)
        passing, scoring = [], []
        for picture in [single[0], *single * given.repeats]:
            passing.append(1000 * seconds(partial(backbone.extract, picture)))
            scoring.append(1000 * seconds(partial(detector.score, picture)))
        alone = report("backbone", passing[1:], "ms")
        whole = report(detector.method, scoring[1:], "ms")
        ratio = f", {whole / alone:.2f} of the backbone" * (detector.method != "ae")
        print(f"{detector.method}: {whole:.2f} ms{ratio}")


def enlarged(category: Path, side: int, target: Path) -> Path:
    """Copy a category with every picture and mask at `side` x `side` pixels; return its root."""
    for path in sorted(category.rglob("*.png")):
        copy = target / path.relative_to(category.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        mask = "ground_truth" in path.parts
        filtered = Image.Resampling.NEAREST if mask else Image.Resampling.BICUBIC
        with Image.open(path) as picture:
            picture.resize((side, side), filtered).save(copy, compress_level=6)
    return target


def seconds(act: Callable[[], object]) -> float:
    """Return how long `act` takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def report(name: str, values: Sequence[float], unit: str) -> float:
    """Print median, least and largest; return the median."""
    median = statistics.median(values)
    print(f"{name:<24} {median:8.2f} {unit}  ({min(values):.2f} to {max(values):.2f})", flush=True)
    return median


if __name__ == "__main__":
    main()
