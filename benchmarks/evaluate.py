"""A whole evaluation of PaDiM and PatchCore, or each method's one picture, against its floor.

The floor is what cannot be saved: decoding every picture, and passing it once through the
network. The evaluation fits and scores both methods, measures everything and writes all files.
Both are timed in turn, cold (nothing decoded) and warm (decoded pictures in the cache).

With ``--one-picture`` each method is fitted, and every test picture scored by itself after an
untimed one, decoding excluded. Backbones, engines and methods take turns of eleven pictures, the
first untimed, so that a machine that is slower for a while is so for all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from data_utils.decoding import DECODE_THREADS, Pictures
from data_utils.images import read_picture
from data_utils.locations import CACHE_VARIABLE
from data_utils.mvtec import Category, scan_category
from data_utils.pictures import load_pictures
from data_utils.transform import Transform
from detectors.autoencoder import Autoencoder
from detectors.backbones.engines import FLOAT32, LIBRARIES, PRECISIONS, TORCH
from detectors.backbones.features import Backbone
from detectors.backbones.names import ALWAYS_THERE
from detectors.backbones.networks import load_backbone
from detectors.base import batches
from detectors.padim import Padim
from detectors.patchcore import Patchcore
from evaluation.run.category import evaluate
from evaluation.run.plan import Run
from evaluation.run.progress import RunProgress
from evaluation.run.request import Request
from evaluation.store.settings import Settings

TURN = 11  # pictures


def main() -> None:
    """Print what is timed, and its ratio to the floor and to the first backbone and engine."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", type=int, help="first enlarge all pictures to this side in px")
    parser.add_argument("--one-picture", action="store_true", help="time one picture at a time")
    parser.add_argument("--ae", action="store_true", help="one picture of the AE too (a minute)")
    parser.add_argument("--backbones", nargs="+", default=["resnet18"])
    parser.add_argument("--engines", nargs="+", choices=LIBRARIES, default=[TORCH])
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=[FLOAT32])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    asked = Request(
        "",
        backbones=tuple(given.backbones),
        engines=tuple(given.engines),
        precisions=tuple(given.precisions),
    )
    with tempfile.TemporaryDirectory() as folder, fresh_cache():
        data = given.data
        if given.side:
            data = enlarged(data / given.category, given.side, Path(folder) / "enlarged")
        category, transform, pictures = category_pictures(data, given.category)
        backbones = {one: loaded(one, given.weights) for one in asked.settings()}
        if given.one_picture:
            compare_one_picture(given, backbones, pictures)
            return
        times: dict[str, list[float]] = defaultdict(list)
        for _ in range(given.repeats):
            times["decode and resize"].append(seconds(partial(decode_all, category, transform)))
            for settings, backbone in backbones.items():
                passing, whole = (f"{title(settings)}, {part}" for part in ("pass", "evaluation"))
                act = partial(evaluate_both, given, settings, data, folder)
                times[passing].append(seconds(partial(pass_all, backbone, pictures)))
                times[f"{whole}, warm"].append(seconds(act))
                with fresh_cache():
                    loaded(settings, given.weights)  # converts the network, untimed
                    times[f"{whole}, cold"].append(seconds(act))
    medians = {name: report(name, values, "s") for name, values in times.items()}
    decoding, *others = medians.values()
    for number, name in enumerate(map(title, backbones)):
        passed, warm, cold = others[3 * number : 3 * number + 3]
        print(
            f"{name}: warm {warm / passed:.2f} of its pass, {others[1] / warm:.2f} times faster "
            f"than the first, cold {cold / (decoding + passed):.2f} of the floor"
        )


def title(settings: Settings) -> str:
    """Return a backbone and its engine in words."""
    return f"{settings.backbone} {settings.engine}"


def loaded(settings: Settings, weights: str | None) -> Backbone:
    """Return the backbone; the weights file is the ResNet's."""
    named = None if settings.backbone in ALWAYS_THERE else weights
    return load_backbone(settings.backbone, named, engine=settings.engine)


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


def evaluate_both(given: argparse.Namespace, settings: Settings, data: Path, folder: str) -> None:
    """Evaluate PaDiM and PatchCore into a new folder, weights loaded again.

    The results stay until all is timed: file systems are slow to make files where many have just
    been removed.
    """
    outputs = Path(tempfile.mkdtemp(dir=folder))
    weights = None if settings.backbone in ALWAYS_THERE else given.weights
    run = Run(data, outputs, [given.category], ["padim", "patchcore"], settings, weights)
    progress = RunProgress(outputs, run.planned, show_bars=False)
    evaluate(run, progress)
    progress.finish()


def compare_one_picture(
    given: argparse.Namespace, backbones: dict[Settings, Backbone], pictures: Pictures
) -> None:
    """Print milliseconds of each backbone and each method with it, and the ratios."""
    single = [np.array(image[None]) for image in pictures.test]
    acts: dict[str, Callable[[NDArray[np.uint8]], object]] = {}
    for settings, backbone in backbones.items():
        acts[f"{title(settings)}, pass"] = backbone.extract
        for detector in (Padim(backbone), Patchcore(backbone)):
            acts[f"{title(settings)}, {detector.method}"] = detector.fit(pictures.train).score
    if given.ae:
        acts["ae"] = Autoencoder().fit(pictures.train).score
    times: dict[str, list[float]] = defaultdict(list)
    for part in [*batches(len(single), TURN)] * given.repeats:
        for name, act in acts.items():
            times[name] += [1000 * seconds(partial(act, picture)) for picture in single[part]][1:]
    medians = {name: report(name, values, "ms") for name, values in times.items()}
    rows = list(medians.values())
    for number, name in enumerate(map(title, backbones)):
        passing, *scoring = rows[3 * number : 3 * number + 3]
        for method, own, first in zip(("padim", "patchcore"), scoring, rows[1:3], strict=True):
            faster = f"{first / own:.2f} times faster than the first"
            print(f"{name}, {method}: {own / passing:.2f} of its pass, {faster}")


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
    print(f"{name:<48} {median:8.2f} {unit}  ({min(values):.2f} to {max(values):.2f})", flush=True)
    return median


if __name__ == "__main__":
    main()
