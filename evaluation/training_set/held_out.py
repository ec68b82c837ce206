"""Rating every training picture by PaDiM and PatchCore without it.

A picture that is not good, or of another part, stands out among the others as a defect does in the
test. In an evaluation 100 pictures are left out at most, for the threshold; here it is each of
them, which takes a second pass of the network over them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict

import numpy as np

from data_utils.facts import Fact, Fault, fact
from data_utils.listing import below
from detectors.base import AnomalyResult, batches
from detectors.feature_detector import FeatureDetector
from detectors.registry import METHODS
from evaluation.run.progress import RunProgress
from evaluation.run.writing import scale_from
from evaluation.training_set.ratings import (
    Ratings,
    RatingsError,
    about_file,
    nearly_equal,
    read_ratings,
    write_ratings,
)
from evaluation.training_set.study import Subject

FEWEST = 3


def rate_training_pictures(subject: Subject, progress: RunProgress) -> Fact | None:
    """Rate the training pictures of a category, and keep the result beside its cells.

    Returns why nothing is done where the same has been before.

    Raises
    ------
    Fault
        If they are fewer than three.
    CellError
        If the result cannot be written.
    """
    started = time.perf_counter()
    category, pictures = subject.category, subject.pictures
    train, records = pictures.train, pictures.records[: pictures.train_count]
    if len(train) < FEWEST:
        raise Fault("too_few_to_leave_out", category=category.name, least=FEWEST)
    with suppress(RatingsError):
        kept = read_ratings(subject.run.outputs, category.name)
        if kept and kept.about.get("made") == subject.made and not subject.run.force:
            return fact("up_to_date")
    results = dict(_left_out(subject, progress))
    files = [below(path, category.root) for path in records["image_path"]]
    about = {
        "category": category.name,
        "data_root": str(category.root.resolve()),
        "data_fingerprint": pictures.fingerprint,
        "geometry": asdict(pictures.transform),
        "left_out": subject.run.left_out(category.name),
        "weights": subject.backbone.weights_label,
        "scales": {method: asdict(scale_from(result)) for method, result in results.items()},
        "equal": nearly_equal(train),
        "made": subject.made,
        "seconds": time.perf_counter() - started,
    }
    table = records[["stem"]].assign(file=files)
    for method, result in results.items():
        table[method] = result.scores
    maps = {method: result.maps for method, result in results.items()}
    write_ratings(subject.run.outputs, Ratings(about, table, maps))
    progress.say(f"Written to {about_file(subject.run.outputs, category.name).parent}")
    return None


def _left_out(subject: Subject, progress: RunProgress) -> Iterator[tuple[str, AnomalyResult]]:
    """Yield each method with what it says of every training picture without it."""
    backbone, train, name = subject.backbone, subject.pictures.train, subject.category.name
    detectors = {}
    for method in subject.methods:
        detector = METHODS[method].make(subject.run.settings.options, backbone)
        assert isinstance(detector, FeatureDetector)
        detector.leaves_out_any = True
        detectors[method] = detector
    report = progress.phase("extracting", category=name)
    for part in batches(len(train)):
        features = backbone.extract(train[part])
        for detector in detectors.values():
            detector.partial_fit(features)
        report(part.stop, len(train))
    for method, detector in detectors.items():
        told = {"category": name, "method": METHODS[method].title}
        detector.finish_fit(progress.phase("fitting", **told))
        progress.phase("leaving_out", **told)
        yield method, detector.calibrate(np.asarray(train)).result
