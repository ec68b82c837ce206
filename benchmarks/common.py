"""What the benchmarks share: their data, the floor, medians."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch

from data_utils.images import read_picture
from data_utils.locations import CACHE_VARIABLE
from data_utils.mvtec import Category, scan_category
from data_utils.pictures import DECODE_THREADS, Pictures, load_pictures
from data_utils.transform import Transform
from detectors.backbones.features import Backbone, batches
from detectors.backbones.loading import load_backbone
from evaluation.settings import Settings


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments that the benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder in MVTec AD layout")
    parser.add_argument("--category", default="screw")
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    return parser


def loaded_backbone(weights: str | None) -> Backbone:
    """Return ResNet-18 with the given weights."""
    return load_backbone("resnet18", weights)


def seconds(act: Callable[[], object]) -> float:
    """Return how long `act` takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def decode_all(category: Category, transform: Transform) -> None:
    """Decode and resize every picture, as many at a time as there are cores."""

    def decode(path: Path) -> None:
        transform.picture(read_picture(path))

    with ThreadPoolExecutor(DECODE_THREADS) as pool:
        list(pool.map(decode, category.records["image_path"]))


def pass_all(backbone: Backbone, pictures: Pictures) -> None:
    """Pass every picture once through the network, and keep nothing."""
    for part in batches(len(pictures.images)):
        backbone.extract(pictures.images[part])


def category_pictures(data: Path, name: str) -> tuple[Category, Transform, Pictures]:
    """Scan and decode one category with the default settings."""
    category = scan_category(data, name)
    transform = Settings().transform_for(category)
    return category, transform, load_pictures(category, transform)


@contextmanager
def fresh_cache() -> Iterator[Path]:
    """Point the picture cache to an empty folder for a while."""
    before = os.environ.get(CACHE_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ[CACHE_VARIABLE]
            else:
                os.environ[CACHE_VARIABLE] = before


def use_threads(count: int) -> None:
    """Let PyTorch compute with `count` threads."""
    torch.set_num_threads(count)


def report(name: str, values: Sequence[float], unit: str = "s") -> float:
    """Print median, least and largest; return the median."""
    median = statistics.median(values)
    print(f"{name:<44} {median:8.2f} {unit}  ({min(values):.2f} to {max(values):.2f})", flush=True)
    return median
