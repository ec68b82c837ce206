"""From pictures to raw maps: fitting and scoring the methods of one category.

Methods that read the backbone share one pass of it over every picture; the seconds of that pass
are charged in full to each. Phases do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from data_utils.pictures import Pictures
from detectors.backbones.features import Backbone, Features, batches
from detectors.base import (
    AnomalyResult,
    Calibration,
    TooFewPicturesError,
    calibration_positions,
    no_calibration,
)
from detectors.feature_detector import FeatureDetector
from detectors.maps import image_scores
from evaluation.cell_work import CellWork
from evaluation.latency import latency_of, measure_latency, single_pictures, timed_each
from evaluation.machine import Clock, PeakMemory, return_free_memory
from evaluation.progress import RunProgress
from evaluation.shared_coreset import follow, share_coresets, watched

WARM_UP_PICTURES = 1


def run_together(
    works: Sequence[CellWork], backbone: Backbone, pictures: Pictures, progress: RunProgress
) -> None:
    """Fit, calibrate and score detectors that share the backbone, after an untimed warm-up."""
    works = share_coresets(works)
    backbone.extract(pictures.images[:WARM_UP_PICTURES])
    shared = Clock()
    with PeakMemory() as memory:
        kept = _read_training(works, backbone, pictures, shared, progress)
        _fit(works, kept, pictures, progress)
        _score(works, backbone, pictures, shared, progress)
        _time_single_pictures(works, backbone, pictures)
    for work in works:
        work.peak_memory_mb = memory.peak_mb
        work.clock.seconds |= shared.seconds


def run_alone(work: CellWork, pictures: Pictures, progress: RunProgress) -> None:
    """Fit, calibrate and score a detector that works on the pictures themselves."""
    name = work.place.category
    with PeakMemory() as memory:
        with work.step("fit"):
            work.detector.fit(pictures.train, progress.phase(f"{name}: training {work.title}"))
        if not work.failure:
            with work.step("calibrate"):
                work.calibration = work.detector.calibrate(pictures.train)
        if not work.failure:
            scoring = progress.phase(f"{name}: scoring with {work.title}")
            with work.step("score"):
                work.maps = work.detector.score(pictures.test, scoring).maps
            with work.guarded():
                work.latency = measure_latency(work.detector.score, pictures.test)
    work.peak_memory_mb = memory.peak_mb


def _read_training(
    works: Sequence[CellWork],
    backbone: Backbone,
    pictures: Pictures,
    shared: Clock,
    progress: RunProgress,
) -> list[Features]:
    """Show all training pictures to all detectors.

    Returns
    -------
    list of feature maps
        Of the calibration pictures, in order.
    """
    train = pictures.train
    positions = calibration_positions(len(train))
    kept: list[Features] = []
    report = progress.phase(f"{works[0].place.category}: features of training pictures")
    for part in batches(len(train)):
        with shared.phase("backbone_fit"):
            features = backbone.extract(train[part])
        for work, detector in _going_on(works):
            if work.larger is None:
                with work.step("fit"):
                    detector.partial_fit(features)
        chosen = positions[(positions >= part.start) & (positions < part.stop)] - part.start
        if len(chosen):
            kept.append({layer: maps[chosen] for layer, maps in features.items()})
        report(part.stop, len(train))
    return_free_memory()
    return kept


def _fit(
    works: Sequence[CellWork], kept: list[Features], pictures: Pictures, progress: RunProgress
) -> None:
    """Fit and calibrate one detector after the other.

    Layers that none of the following detectors reads are dropped from `kept`, because the
    last one, PatchCore, needs the memory.
    """
    fitted = list(_going_on(works))
    for at, (work, detector) in enumerate(fitted):
        report = progress.phase(f"{work.place.category}: fitting {work.title}")
        if work.larger is None:
            with work.step("fit"):
                detector.finish_fit(watched(work, report))
        else:
            follow(work)
        if not work.failure:
            _calibrate(work, kept, pictures)
        needed = {layer for _, other in fitted[at + 1 :] for layer in other.layers}
        for features in kept:
            for layer in features.keys() - needed:
                del features[layer]
        return_free_memory()


def _calibrate(work: CellWork, kept: list[Features], pictures: Pictures) -> None:
    detector = work.detector
    assert isinstance(detector, FeatureDetector)
    positions = calibration_positions(pictures.train_count)
    size = pictures.images.shape[1:3]
    with work.step("calibrate"):
        try:
            maps = np.empty((len(positions), *size), np.float32)
            done = 0
            for features in kept:
                part = slice(done, done + len(features[detector.layers[0]]))
                maps[part] = detector.calibrate_features(features, positions[part], size).maps
                done = part.stop
            result = AnomalyResult(image_scores(maps), maps)
            work.calibration = Calibration(positions, result)
        except TooFewPicturesError:
            work.calibration = no_calibration(size)


def _score(
    works: Sequence[CellWork],
    backbone: Backbone,
    pictures: Pictures,
    shared: Clock,
    progress: RunProgress,
) -> None:
    test = pictures.test
    maps = {work.place: np.empty(test.shape[:3], np.float32) for work in works}
    report = progress.phase(f"{works[0].place.category}: scoring test pictures")
    for part in batches(len(test)):
        with shared.phase("backbone_score"):
            features = backbone.extract(test[part])
        for work, detector in _going_on(works):
            with work.step("score"):
                scored = detector.score_features(features, test.shape[1:3])
                maps[work.place][part] = scored.maps
        report(part.stop, len(test))
    for work, _ in _going_on(works):
        work.maps = maps[work.place]
    return_free_memory()


def _time_single_pictures(
    works: Sequence[CellWork], backbone: Backbone, pictures: Pictures
) -> None:
    """Time pictures one by one: the pass of the backbone once for all, then each method's part."""
    images = single_pictures(pictures.test)
    size = pictures.images.shape[1:3]
    features, passing = timed_each(backbone.extract, images)
    for work, detector in _going_on(works):
        score = partial(detector.score_features, size=size)
        with work.guarded():
            work.latency = latency_of(passing + timed_each(score, features)[1])


def _going_on(works: Sequence[CellWork]) -> Iterator[tuple[CellWork, FeatureDetector]]:
    for work in works:
        if not work.failure and isinstance(work.detector, FeatureDetector):
            yield work, work.detector
