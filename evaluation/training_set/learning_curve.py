"""How many good pictures are enough: PaDiM and PatchCore fitted on growing parts of them.

For each seed the training pictures are put into a random order, and the first 10, 20, ... of it are
fitted on: a larger part holds the smaller ones, so what differs is what was added. All pictures
together are taken as they lie, and give exactly what an evaluation with that seed gives. The
features of all pictures stay in memory, so that one pass of the network serves every fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from data_utils.demo import is_demo
from data_utils.facts import fact
from data_utils.mvtec import DatasetError
from detectors.backbones.features import Backbone, Features
from detectors.base import Progress, TooFewPicturesError, batches, calibration_positions
from detectors.feature_detector import FeatureDetector
from detectors.maps import image_scores
from detectors.registry import METHODS
from evaluation.measure.measures import image_auroc, pixel_curve_of, pixels_by_type
from evaluation.measure.metrics import auroc
from evaluation.run.memory_budget import learning_curve_bytes, refusal, size_of
from evaluation.run.progress import RunProgress
from evaluation.run.request import ALL_PICTURES
from evaluation.run.writing import CategoryInput
from evaluation.training_set.curve_table import Fit, LearningCurve, enough_pictures, write_curve
from evaluation.training_set.study import Subject


def measure_learning_curve(
    subject: Subject, progress: RunProgress, counts: Sequence[str], seeds: Sequence[int]
) -> None:
    """Fit on so many training pictures each, drawn by each seed, and keep the curve.

    Raises
    ------
    DatasetError
        If the features of all pictures do not fit into the memory.
    CellError
        If the curve cannot be written.
    """
    category, pictures, settings = subject.category, subject.pictures, subject.run.settings
    needed = learning_curve_bytes(
        size_of(category, pictures.transform), [(method, settings) for method in subject.methods]
    )
    if lacking := refusal(needed, subject.run.room):
        raise DatasetError(lacking)
    sizes = part_sizes(counts, pictures.train_count)
    for count in counts:
        if count != ALL_PICTURES and int(count) > pictures.train_count:
            above = {"count": count, "most": pictures.train_count}
            progress.say(fact("count_above", category=category.name, **above))
    curve = LearningCurve(
        {
            "category": category.name,
            "demo_data": is_demo(category.root),
            "data_root": str(category.root.resolve()),
            "data_fingerprint": pictures.fingerprint,
            "transform": str(pictures.transform),
            "backbone_identity": subject.backbone.identity,
            "weights": subject.backbone.weights_label,
            "settings": {method: settings.for_method(method) for method in subject.methods},
        },
        pictures.test_records["label"].to_numpy(np.int64),
        tuple(_fits(subject, progress, sizes, list(dict.fromkeys(seeds)))),
    )
    path = write_curve(subject.run.outputs, curve)
    for sentence in enough_pictures(curve):
        progress.say(sentence)
    progress.say(f"Written to {path}")


def part_sizes(counts: Sequence[str], train: int) -> list[int]:
    """Return how many of the `train` pictures are fitted on, ascending; more than all are all."""
    return sorted({train if one == ALL_PICTURES else min(int(one), train) for one in counts})


def part_of(size: int, train: int, seed: int) -> NDArray[np.int64]:
    """Return the positions of some training pictures, int64 ``[size]``: all, or those drawn."""
    if size == train:
        return np.arange(train, dtype=np.int64)
    return np.random.default_rng(seed).permutation(train)[:size]


def _fits(
    subject: Subject, progress: RunProgress, sizes: Sequence[int], seeds: Sequence[int]
) -> Iterator[Fit]:
    """Yield every method by every seed on every number of pictures."""
    pictures, settings, told = (
        subject.pictures,
        subject.run.settings,
        {"category": subject.category.name},
    )
    given = CategoryInput(subject.category, pictures, decode_s=0.0)
    regions = given.full_size_regions if settings.full_size_masks else given.regions
    labels = pictures.test_records["label"]
    passed = _extracted(subject.backbone, pictures.train, progress.phase("extracting", **told))
    train = {layer: torch.cat([part[layer] for part in passed]) for layer in passed[0]}
    passed.clear()
    test = _extracted(subject.backbone, pictures.test, progress.phase("scoring", **told))
    report, done = progress.phase("fitting_parts", **told), 0
    for seed in seeds:
        for method in subject.methods:
            for size in sizes:
                detector = METHODS[method].make(
                    replace(settings.options, seed=seed), subject.backbone
                )
                assert isinstance(detector, FeatureDetector)
                part = part_of(size, pictures.train_count, seed)
                held_out = _fitted(detector, train, part, pictures.images.shape[1:3])
                maps = np.concatenate(
                    [detector.score_features(one, pictures.images.shape[1:3]).maps for one in test]
                )
                scores, pixels = (
                    image_scores(maps),
                    pixels_by_type(maps, regions, pictures.test_records),
                )
                areas = image_auroc(scores, labels), auroc(pixel_curve_of([*pixels.values()]))
                yield Fit(method, size, seed, *areas, scores, held_out)
                done += 1
                report(done, len(seeds) * len(subject.methods) * len(sizes))


def _extracted(backbone: Backbone, images: NDArray[np.uint8], report: Progress) -> list[Features]:
    """Return the features of pictures, batch by batch."""
    parts = []
    for part in batches(len(images)):
        parts.append(backbone.extract(images[part]))
        report(part.stop, len(images))
    return parts


def _fitted(
    detector: FeatureDetector, train: Features, part: NDArray[np.int64], size: tuple[int, ...]
) -> NDArray[np.float32]:
    """Fit on some training pictures; return scores of these, each left out, as an evaluation does.

    None where they are too few to leave any out.
    """
    for batch in batches(len(part)):
        detector.partial_fit(_some(train, part[batch]))
    detector.finish_fit()
    positions = calibration_positions(len(part))
    scores = [np.empty(0, np.float32)]
    try:
        for batch in batches(len(part)):
            own = positions[(positions >= batch.start) & (positions < batch.stop)]
            if len(own):
                features = _some(train, part[own])
                scores.append(detector.calibrate_features(features, own, size).scores)
    except TooFewPicturesError:
        return scores[0]
    return np.concatenate(scores)


def _some(features: Features, positions: NDArray[np.int64]) -> Features:
    return {layer: maps[positions] for layer, maps in features.items()}
