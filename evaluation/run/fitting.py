"""From pictures to raw maps: fitting and scoring the methods of one category.

Methods that read the backbone share one pass of it over every picture; the seconds of that pass
are charged in full to each. Phases do not overlap.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_utils.decoding import Pictures
from data_utils.facts import Fact, fact_of
from detectors.backbones.features import Backbone, Features
from detectors.base import (
    AnomalyResult,
    Calibration,
    Detector,
    Progress,
    TooFewPicturesError,
    batches,
    calibration_positions,
    no_calibration,
)
from detectors.feature_detector import FeatureDetector
from detectors.maps import image_scores
from detectors.registry import METHODS
from evaluation.run.timing import (
    Clock,
    PeakMemory,
    measure_latency,
    median_ms,
    return_free_memory,
    single_pictures,
    timed_each,
)
from evaluation.store.places import CellPlace
from evaluation.store.settings import Settings

WARM_UP_PICTURES = 1
StartPhase = Callable[..., Progress]  # ``RunProgress.phase``


@dataclass
class PendingCell:
    """One cell while it is made.

    Attributes
    ----------
    settings : Settings
        What its numbers depend on besides the data.
    backbone : Backbone or None
        What the detector reads; None if it reads the pictures themselves.
    maps : float32 [T, H, W]
        Raw maps of the test pictures, once scored.
    calibration : Calibration
        Scores of held-out good pictures, once fitted.
    clock : Clock
        Seconds by phase: ``backbone_fit, fit, calibrate, backbone_score, score, ...``
    latency_ms : float
        Median time of one picture, once scored.
    failure : Fact or None
        Why the cell cannot be finished.
    """

    place: CellPlace
    detector: Detector
    settings: Settings
    backbone: Backbone | None = None
    clock: Clock = field(default_factory=Clock)
    maps: NDArray[np.float32] | None = None
    calibration: Calibration | None = None
    failure: Fact | None = None
    latency_ms: float | None = None
    peak_memory_mb: float = 0.0

    @property
    def told(self) -> dict[str, str]:
        """Category and method, as phases name them."""
        return {"category": self.place.category, "method": METHODS[self.place.method].title}

    @contextmanager
    def step(self, phase: str) -> Iterator[None]:
        """Time a step; an error in it ends this cell, not the others."""
        with self.guarded(), self.clock.phase(phase):
            yield

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn any error inside into this cell's failure; log the trace of unexpected ones."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, (ValueError, OSError)):
                traceback.print_exc()
            self.failure = fact_of(error)


def run_together(
    cells: Sequence[PendingCell], backbone: Backbone, pictures: Pictures, phase: StartPhase
) -> None:
    """Fit, calibrate and score detectors that share the backbone, after an untimed warm-up."""
    backbone.extract(pictures.images[:WARM_UP_PICTURES])
    shared = Clock()
    with PeakMemory() as memory:
        kept = _read_training(cells, backbone, pictures, shared, phase)
        _fit(cells, kept, pictures, phase)
        _score(cells, backbone, pictures, shared, phase)
        _time_single_pictures(cells, backbone, pictures)
    for cell in cells:
        cell.peak_memory_mb = memory.peak_mb
        cell.clock.seconds |= shared.seconds


def run_alone(cell: PendingCell, pictures: Pictures, phase: StartPhase) -> None:
    """Fit, calibrate and score a detector that works on the pictures themselves."""
    with PeakMemory() as memory, cell.guarded():
        with cell.clock.phase("fit"):
            cell.detector.fit(pictures.train, phase("training", **cell.told))
        with cell.clock.phase("calibrate"):
            cell.calibration = cell.detector.calibrate(pictures.train)
        scoring = phase("scoring_with", **cell.told)
        with cell.clock.phase("score"):
            cell.maps = cell.detector.score(pictures.test, scoring).maps
        cell.latency_ms = measure_latency(cell.detector.score, pictures.test)
    cell.peak_memory_mb = memory.peak_mb


def _read_training(
    cells: Sequence[PendingCell],
    backbone: Backbone,
    pictures: Pictures,
    shared: Clock,
    phase: StartPhase,
) -> list[Features]:
    """Show all training pictures to all detectors; return the features of the calibration ones."""
    train = pictures.train
    positions = calibration_positions(len(train))
    kept: list[Features] = []
    report = phase("extracting", category=cells[0].place.category)
    for part in batches(len(train)):
        with shared.phase("backbone_fit"):
            features = backbone.extract(train[part])
        for cell, detector in _going_on(cells):
            with cell.step("fit"):
                detector.partial_fit(features)
        chosen = positions[(positions >= part.start) & (positions < part.stop)] - part.start
        if len(chosen):
            kept.append({layer: maps[chosen] for layer, maps in features.items()})
        report(part.stop, len(train))
    return_free_memory()
    return kept


def _fit(
    cells: Sequence[PendingCell], kept: list[Features], pictures: Pictures, phase: StartPhase
) -> None:
    """Fit and calibrate one detector after the other.

    Layers that none of the following detectors reads are dropped from `kept`, because the
    last one, PatchCore, needs the memory.
    """
    fitted = list(_going_on(cells))
    for at, (cell, detector) in enumerate(fitted):
        report = phase("fitting", **cell.told)
        with cell.step("fit"):
            detector.finish_fit(report)
        if not cell.failure:
            _calibrate(cell, kept, pictures)
        needed = {layer for _, other in fitted[at + 1 :] for layer in other.layers}
        for features in kept:
            for layer in features.keys() - needed:
                del features[layer]
        return_free_memory()


def _calibrate(cell: PendingCell, kept: list[Features], pictures: Pictures) -> None:
    detector = cell.detector
    assert isinstance(detector, FeatureDetector)
    positions = calibration_positions(pictures.train_count)
    size = pictures.images.shape[1:3]
    with cell.step("calibrate"):
        try:
            maps = np.empty((len(positions), *size), np.float32)
            done = 0
            for features in kept:
                part = slice(done, done + len(features[detector.layers[0]]))
                maps[part] = detector.calibrate_features(features, positions[part], size).maps
                done = part.stop
            cell.calibration = Calibration(positions, AnomalyResult(image_scores(maps), maps))
        except TooFewPicturesError:
            cell.calibration = no_calibration(size)


def _score(
    cells: Sequence[PendingCell],
    backbone: Backbone,
    pictures: Pictures,
    shared: Clock,
    phase: StartPhase,
) -> None:
    test = pictures.test
    for cell, _ in _going_on(cells):
        cell.maps = np.empty(test.shape[:3], np.float32)
    report = phase("scoring", category=cells[0].place.category)
    for part in batches(len(test)):
        with shared.phase("backbone_score"):
            features = backbone.extract(test[part])
        for cell, detector in _going_on(cells):
            assert cell.maps is not None
            with cell.step("score"):
                cell.maps[part] = detector.score_features(features, test.shape[1:3]).maps
        report(part.stop, len(test))
    return_free_memory()


def _time_single_pictures(
    cells: Sequence[PendingCell], backbone: Backbone, pictures: Pictures
) -> None:
    """Time pictures one by one: the pass of the backbone once for all, then each method's part."""
    images = single_pictures(pictures.test)
    size = pictures.images.shape[1:3]
    features, passing = timed_each(backbone.extract, images)
    for cell, detector in _going_on(cells):
        score = partial(detector.score_features, size=size)
        with cell.guarded():
            cell.latency_ms = median_ms(passing + timed_each(score, features)[1])


def _going_on(cells: Sequence[PendingCell]) -> Iterator[tuple[PendingCell, FeatureDetector]]:
    for cell in cells:
        if not cell.failure and isinstance(cell.detector, FeatureDetector):
            yield cell, cell.detector
