"""Are defective pictures found among the good ones that a method has learned from?

A share of the training pictures is replaced by defective test pictures, drawn at random and taken
out of the test. Every training picture is rated by models without it; told are the share of the
planted ones among the first k, as many as were planted, in the order of the page Training
pictures, and image AUROC without planting, with it, and after leaving out the first k. All three
AUROC are of the same test pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.coverage import all_features
from benchmarks.evaluate import category_pictures
from data_utils.mvtec import category_names
from detectors.backbones.features import Backbone, Features
from detectors.backbones.networks import load_backbone
from detectors.base import batches
from detectors.feature_detector import FeatureDetector
from detectors.registry import METHODS, Options
from evaluation.measure.measures import image_auroc
from evaluation.measure.standing_out import robust_z

SHARES = (0.01, 0.05, 0.1)
BOTH = "mean of both"


def main() -> None:
    """Print a line per category, share and order, and the means."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="ROOT")
    parser.add_argument("--weights", help="torchvision state dict; default: torchvision's own")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--categories", nargs="+", metavar="NAME")
    given = parser.parse_args()
    backbone = load_backbone("resnet18", given.weights)
    found: dict[tuple[float, str], list[NDArray[np.float64]]] = {}
    for root in given.data:
        for name in given.categories or category_names(root):
            for key, figures in planted(root, name, backbone, given.draws).items():
                found.setdefault(key, []).append(figures)
                print(f"{name:<14}{line(key, figures)}", flush=True)
    for key, of_categories in found.items():
        print(f"{'mean':<14}{line(key, np.mean(of_categories, axis=0))}")


def line(key: tuple[float, str], figures: NDArray[np.float64]) -> str:
    """Return share planted, order, and the figures in words."""
    share, order = key
    hit, clean, spoiled, mended = figures
    return (
        f"{share:>4.0%}  {order:<14} found {hit:>5.0%}   AUROC clean {clean:.4f}  "
        f"planted {spoiled:.4f}  first left out {mended:.4f}"
    )


def planted(
    root: Path, name: str, backbone: Backbone, draws: int
) -> dict[tuple[float, str], NDArray[np.float64]]:
    """Return share found and the three AUROC by share planted and order, means over the draws."""
    _, _, pictures = category_pictures(root, name)
    features = all_features(np.asarray(pictures.images), backbone)
    count, labels = pictures.train_count, pictures.test_records["label"].to_numpy()
    size = pictures.images.shape[1:3]
    found: dict[tuple[float, str], list[list[float]]] = {}
    for share in SHARES:
        k = max(1, round(share * count))
        for draw in range(draws):
            random = np.random.default_rng([draw, k])
            bad = random.choice(np.flatnonzero(labels), k, replace=False)
            gone = random.choice(count, k, replace=False)
            train = np.concatenate([np.setdiff1d(np.arange(count), gone), count + bad])
            test = np.setdiff1d(np.arange(len(labels)), bad)
            rows = {"clean": np.arange(count), "spoiled": train}
            rated, areas = {}, {}
            for method in ("padim", "patchcore"):
                detectors = {one: fitted(method, features, own) for one, own in rows.items()}
                rated[method] = robust_z(
                    left_out_scores(detectors["spoiled"], features, train, size)
                )
                areas[method] = [
                    image_auroc(scores(one, features, count + test, size), labels[test])
                    for one in detectors.values()
                ]
            for method in rated:
                orders = {method: rated[method], f"{method}, {BOTH}": sum(rated.values())}
                for order, standing_out in orders.items():
                    first = np.argsort(-standing_out, kind="stable")[:k]
                    mended = fitted(method, features, np.delete(train, first))
                    area = image_auroc(scores(mended, features, count + test, size), labels[test])
                    hit = float(np.isin(train[first], count + bad).mean())
                    found.setdefault((share, order), []).append([hit, *areas[method], area])
    return {key: np.mean(figures, axis=0) for key, figures in found.items()}


def some(features: Features, rows: NDArray[np.int64]) -> Features:
    """Return the features of some pictures."""
    return {layer: maps[torch.from_numpy(rows)] for layer, maps in features.items()}


def fitted(method: str, features: Features, rows: NDArray[np.int64]) -> FeatureDetector:
    """Return a detector fitted on some pictures."""
    detector = METHODS[method].make(Options(), None)
    assert isinstance(detector, FeatureDetector)
    detector.leaves_out_any = True
    for part in batches(len(rows)):
        detector.partial_fit(some(features, rows[part]))
    return detector.finish_fit()


def left_out_scores(
    detector: FeatureDetector, features: Features, rows: NDArray[np.int64], size: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the scores of the pictures fitted on, each left out."""
    positions = np.arange(len(rows))
    parts = [
        detector.calibrate_features(some(features, rows[part]), positions[part], size).scores
        for part in batches(len(rows))
    ]
    return np.concatenate(parts)


def scores(
    detector: FeatureDetector, features: Features, rows: NDArray[np.int64], size: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the scores of some pictures."""
    parts = [
        detector.score_features(some(features, rows[part]), size).scores
        for part in batches(len(rows))
    ]
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
