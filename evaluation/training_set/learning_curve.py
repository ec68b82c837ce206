"""How many good pictures are enough: PaDiM and PatchCore fitted on growing parts of them.

A seed draws a random order, and the first 10, 20, ... of it are fitted on: a larger part holds the
smaller ones, and each gives exactly what an evaluation of these pictures with that seed gives. The
features of all pictures stay in memory, so that one pass of the network serves every fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from data_utils.facts import Fact, fact
from data_utils.mvtec import DatasetError
from detectors.backbones.features import Backbone, Features
from detectors.base import BATCH_SIZE, Progress, TooFewPicturesError, batches, calibration_positions
from detectors.maps import image_scores
from detectors.registry import METHODS
from evaluation.measure.measures import image_auroc, pixel_curve_of, pixels_by_type
from evaluation.measure.metrics import auroc
from evaluation.run.memory_budget import learning_curve_bytes, refusal, size_of
from evaluation.run.progress import RunProgress
from evaluation.run.request import ALL_PICTURES
from evaluation.run.writing import CategoryInput
from evaluation.training_set.curve_table import (
    FIT,
    CurveError,
    curve_file,
    enough_pictures,
    read_curve,
    write_curve,
)
from evaluation.training_set.study import Subject

Positions = NDArray[np.int64]


def measure_learning_curve(
    subject: Subject, progress: RunProgress, counts: Sequence[str], seeds: Sequence[int]
) -> Fact | None:
    """Fit on so many training pictures each, drawn by each seed, and keep the curve.

    Returns why nothing is done where the same has been before.

    Raises DatasetError if it does not fit into the memory, OSError if it cannot be written.
    """
    category, pictures, settings = subject.category, subject.pictures, subject.run.settings
    cells = [(method, settings) for method in subject.methods]
    needed = learning_curve_bytes(size_of(category, pictures.transform), cells)
    if lacking := refusal(needed, subject.run.room):
        raise DatasetError(lacking)
    most = pictures.train_count
    for count in counts:
        if count != ALL_PICTURES and int(count) > most:
            progress.say(fact("count_above", category=category.name, count=count, most=most))
    sizes = part_sizes(counts, most)
    made = subject.made | {"counts": str(sizes), "seeds": str(seeds)}
    with suppress(CurveError):
        kept = read_curve(subject.run.outputs, category.name)
        if kept.get("made") == made and not subject.run.force:
            return fact("up_to_date")
    curve = {
        "category": category.name,
        "data_root": str(category.root.resolve()),
        "data_fingerprint": pictures.fingerprint,
        "left_out": subject.run.left_out(category.name),
        "transform": str(pictures.transform),
        "weights": subject.backbone.weights_label,
        "made": made,
        "labels": pictures.test_records["label"].tolist(),
        "fits": list(_fits(subject, progress, sizes, seeds)),
    }
    path = curve_file(subject.run.outputs, category.name)
    write_curve(path, curve)
    for sentence in (*enough_pictures(curve), f"Written to {path}"):
        progress.say(sentence)
    return None


def part_sizes(counts: Sequence[str], train: int) -> list[int]:
    """Return how many of the `train` pictures are fitted on, ascending; more than all are all."""
    return sorted({train if one == ALL_PICTURES else min(int(one), train) for one in counts})


def part_of(size: int, train: int, seed: int) -> Positions:
    """Return which training pictures are fitted on, ascending, int64 ``[size]``."""
    return np.sort(np.random.default_rng(seed).permutation(train)[:size])


def _fits(
    subject: Subject, progress: RunProgress, sizes: Sequence[int], seeds: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Yield what every method by every seed on every number of pictures gives."""
    pictures, settings, name = subject.pictures, subject.run.settings, subject.category.name
    given, records = CategoryInput(subject.category, pictures, 0.0), pictures.test_records
    regions = given.full_size_regions if settings.full_size_masks else given.regions
    report = progress.phase("extracting", category=name)
    parts = _extracted(subject.backbone, pictures.train, report)
    train = {layer: torch.cat([part.pop(layer) for part in parts]) for layer in [*parts[0]]}
    test = _extracted(subject.backbone, pictures.test, progress.phase("scoring", category=name))
    for seed, method in product(sorted(set(seeds)), subject.methods):
        options = replace(settings.options, seed=seed)
        report = progress.phase("fitting", category=name, method=METHODS[method].title)
        for done, size in enumerate(sizes, start=1):
            detector = METHODS[method].make(options, subject.backbone)
            part = part_of(size, pictures.train_count, seed)
            maps, left_out = _scored(detector, train, part, test, pictures.images.shape[1:3])
            scores, pixels = image_scores(maps), pixels_by_type(maps, regions, records)
            areas = image_auroc(scores, records["label"]), auroc(pixel_curve_of([*pixels.values()]))
            image, pixel = (None if math.isnan(area) else area for area in areas)
            values = (method, size, seed, image, pixel, scores.tolist(), left_out.tolist())
            yield dict(zip(FIT, values, strict=True))
            report(done, len(sizes))


def _extracted(backbone: Backbone, images: NDArray[np.uint8], report: Progress) -> list[Features]:
    parts = []
    for part in batches(len(images)):
        parts.append(backbone.extract(images[part]))
        report(part.stop, len(images))
    return parts


def _scored(
    detector: Any, train: Features, part: Positions, test: list[Features], side: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit on some pictures; return the maps of the test, and scores of some, each left out."""
    for batch in batches(len(part)):
        detector.partial_fit(_some(train, part[batch]))
    detector.finish_fit()
    positions = calibration_positions(len(part))
    starts = np.searchsorted(positions, range(BATCH_SIZE, len(part), BATCH_SIZE))
    left_out = [np.empty(0, np.float32)]
    with suppress(TooFewPicturesError):
        for own in filter(len, np.split(positions, starts)):
            features = _some(train, part[own])
            left_out.append(detector.calibrate_features(features, own, side).scores)
    maps = np.concatenate([detector.score_features(one, side).maps for one in test])
    return maps, np.concatenate(left_out)


def _some(features: Features, positions: Positions) -> Features:
    return {layer: maps[positions] for layer, maps in features.items()}
