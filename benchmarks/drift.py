"""How often new pictures are said to differ from held-out good ones, with and without a change.

For each category PaDiM and PatchCore are fitted on 70 % of the training pictures, drawn anew for
every split, and calibrated as in an evaluation. The other 30 %, all of them good, are compared with
the calibration pictures as they are, changed as by another light or lens, and among defective test
pictures. Counted are the splits with a remark, of all splits.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchmarks.coverage import FITTED, all_features, by_features
from data_utils.mvtec import category_names, scan_category
from data_utils.pictures import load_pictures
from detectors.backbones.features import Backbone
from detectors.backbones.networks import load_backbone
from detectors.feature_detector import FeatureDetector
from detectors.registry import METHODS, Options
from evaluation.measure.drift import appearance, background, differences
from evaluation.store.settings import Settings

CHANGES = {"untouched": (1, 0), "x 0.85": (0.85, 0), "x 1.15": (1.15, 0), "blur 1 px": (1, 1.0)}
AMONG_DEFECTS = {"10 % bad": 0.1, "half bad": 0.5}


def main() -> None:
    """Print a line per category and method, and the share of all splits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="ROOT")
    parser.add_argument("--categories", nargs="+", metavar="NAME")
    parser.add_argument("--methods", nargs="+", default=["padim", "patchcore"])
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--splits", type=int, default=6)
    given = parser.parse_args()
    backbone = load_backbone("resnet18", given.weights)
    conditions = [*CHANGES, *AMONG_DEFECTS]
    print(f"{'':<28}" + "".join(f"{condition:>12}" for condition in conditions))
    every: Counter[str] = Counter()
    total = 0
    for name in given.categories or category_names(given.data):
        remarks = {method: Counter[str]() for method in given.methods}
        for method, condition in remarked(given.data, name, remarks, backbone, given.splits):
            remarks[method][condition] += 1
        for method, counts in remarks.items():
            every, total = every + counts, total + given.splits
            print(
                f"{name + ' ' + METHODS[method].title:<28}" + line(counts, given.splits), flush=True
            )
    print(f"{'all':<28}" + line(every, total), flush=True)


def line(counts: Counter[str], total: int) -> str:
    """Return the count of each condition."""
    conditions = [*CHANGES, *AMONG_DEFECTS]
    return "".join(f"{f'{counts[one]} / {total}':>12}" for one in conditions)


def remarked(
    root: Path, name: str, methods: Iterable[str], backbone: Backbone, splits: int
) -> Iterator[tuple[str, str]]:
    """Yield method and condition for every split with a remark on what was left out."""
    category = scan_category(root, name)
    pictures = load_pictures(category, Settings().transform_for(category))
    train, test = np.asarray(pictures.train), np.asarray(pictures.test)
    bad = test[pictures.test_records["label"].to_numpy() > 0]
    images = {one: altered(train, *change) for one, change in CHANGES.items()} | {"": bad}
    features = {one: all_features(some, backbone) for one, some in images.items()}
    for split in range(splits):
        generator = np.random.default_rng(split)
        order = generator.permutation(len(train))
        fitted = np.sort(order[: round(FITTED * len(train))])
        others = np.setdiff1d(order, fitted)
        for method in methods:
            detector = METHODS[method].make(Options(seed=split), backbone)
            assert isinstance(detector, FeatureDetector)
            of_good = features["untouched"]
            calibration, _ = by_features(detector, of_good, train, fitted, others)
            held_out = seen(train[fitted[calibration.positions]], calibration.result.maps)
            tables = {}
            for one, some in images.items():
                chosen = others if one else np.arange(len(bad))
                part = {layer: maps[chosen] for layer, maps in features[one].items()}
                maps = detector.score_features(part, train.shape[1:3]).maps
                tables[one] = seen(some[chosen], maps)
            good, defective = tables["untouched"], tables.pop("")
            for condition, share in AMONG_DEFECTS.items():
                count = min(round(len(good) * share / (1 - share)), len(defective))
                chosen = generator.permutation(len(defective))[:count]
                tables[condition] = pd.concat([good, defective.iloc[chosen]])
            for condition, table in tables.items():
                if differences(held_out, table, method):
                    yield method, condition


def altered(images: NDArray[np.uint8], brightness: float, blur_px: float) -> NDArray[np.uint8]:
    """Return pictures with another brightness, blurred."""
    blurred = gaussian_filter(images.astype(np.float32), (0, blur_px, blur_px, 0))
    return np.clip(blurred * brightness, 0, 255).round().astype(np.uint8)


def seen(images: NDArray[np.uint8], maps: NDArray[np.float32]) -> pd.DataFrame:
    """Return what is compared of pictures and their maps."""
    return appearance(images).assign(background=background(maps))


if __name__ == "__main__":
    main()
