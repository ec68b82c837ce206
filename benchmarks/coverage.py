"""How many good pictures are really reported, of those that were to be.

For each category a method is fitted on 70 % of the training pictures, drawn anew for every split,
and calibrated as in an evaluation. Counted is the share of the other 30 %, all of them good, above
the threshold for each false-alarm rate. A category's line is the mean over its splits with a 95 %
interval of that mean (of the splits as they are drawn; they share pictures).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

from data_utils.mvtec import category_names, scan_category
from data_utils.pictures import load_pictures
from detectors.backbones.features import Backbone, Features
from detectors.backbones.networks import load_backbone
from detectors.base import AnomalyResult, Calibration, batches, calibration_positions
from detectors.feature_detector import FeatureDetector
from detectors.registry import METHODS, Options
from evaluation.measure.operating_points import is_defective, threshold_for
from evaluation.store.settings import Settings

RATES = (0.05, 0.1, 0.2)
FITTED = 0.7


def main() -> None:
    """Print a line per category and method, and the mean of each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="ROOT")
    parser.add_argument("--categories", nargs="+", metavar="NAME")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--splits", type=int, default=6)
    given = parser.parse_args()
    backbone = load_backbone("resnet18", given.weights)
    means: dict[str, list[NDArray[np.float64]]] = {method: [] for method in given.methods}
    print(f"{'':<28}" + "".join(f"{rate:>20.0%}" for rate in RATES))
    for root in given.data:
        for name in given.categories or category_names(root):
            if not (root / name).is_dir():
                continue
            for method, rates in realised(root, name, given.methods, backbone, given.splits):
                means[method].append(rates.mean(axis=0))
                print(f"{name + ' ' + METHODS[method].title:<28}" + line(rates), flush=True)
    for method, of_categories in means.items():
        mean = np.nanmean(of_categories, axis=0)
        title = f"mean of {len(of_categories)} {METHODS[method].title}"
        print(f"{title:<28}" + "".join(f"{share:>20.1%}" for share in mean))


def line(rates: NDArray[np.float64]) -> str:
    """Return mean and interval of each column."""
    half = student.ppf(0.975, len(rates) - 1) * rates.std(axis=0, ddof=1) / math.sqrt(len(rates))
    pairs = zip(rates.mean(axis=0), half, strict=True)
    return "".join(f"{f'{100 * mean:.1f} ± {100 * part:.1f} %':>20}" for mean, part in pairs)


def realised(
    root: Path, name: str, methods: Sequence[str], backbone: Backbone, splits: int
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield each method with the shares of good pictures that were reported, ``[splits, 3]``."""
    category = scan_category(root, name)
    train = np.asarray(load_pictures(category, Settings().transform_for(category)).train)
    features = all_features(train, backbone)
    for method in methods:
        rates = []
        for split in range(splits):
            order = np.random.default_rng(split).permutation(len(train))
            fitted = np.sort(order[: round(FITTED * len(train))])
            others = np.setdiff1d(order, fitted)
            detector = METHODS[method].make(Options(seed=split), backbone)
            if isinstance(detector, FeatureDetector):
                calibration, result = by_features(detector, features, train, fitted, others)
            else:
                detector.fit(train[fitted])
                calibration = detector.calibrate(train[fitted])
                result = detector.score(train[others])
            limits = [threshold_for(calibration.result.scores, rate) for rate in RATES]
            shares = [is_defective(result.scores, limit).mean() for limit in limits]
            rates.append(np.where(np.isnan(limits), np.nan, shares))
        yield method, np.array(rates)


def all_features(images: NDArray[np.uint8], backbone: Backbone) -> Features:
    """Return the feature maps of all pictures."""
    parts = [backbone.extract(images[part]) for part in batches(len(images))]
    return {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}


def by_features(
    detector: FeatureDetector,
    features: Features,
    images: NDArray[np.uint8],
    fitted: NDArray[np.int64],
    others: NDArray[np.int64],
) -> tuple[Calibration, AnomalyResult]:
    """Fit on some pictures, return their calibration and what is found in the others."""

    def some(positions: NDArray[np.int64]) -> Features:
        return {layer: maps[positions] for layer, maps in features.items()}

    size = images.shape[1:3]
    detector.partial_fit(some(fitted)).finish_fit()
    positions = calibration_positions(len(fitted))
    result = detector.calibrate_features(some(fitted[positions]), positions, size)
    return Calibration(positions, result), detector.score_features(some(others), size)


if __name__ == "__main__":
    main()
