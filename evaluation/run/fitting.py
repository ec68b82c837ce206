"""From pictures to raw maps: fitting and scoring the methods of one category.

Methods that read the backbone share one pass of it over every picture; the seconds of that pass
are charged in full to each. Cells of PatchCore that differ only in the size of their memory bank
share one greedy choice: the one with the largest bank is fitted, the banks of the others are the
first part of it, and each is charged the seconds until that part was chosen. Phases do not overlap.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_utils.facts import Fact, fact_of
from data_utils.pictures import Pictures
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
from detectors.patchcore import Patchcore
from detectors.registry import METHODS
from evaluation.run.timing import (
    Clock,
    Latency,
    PeakMemory,
    latency_of,
    measure_latency,
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
    latency : Latency
        Time of one picture, once scored.
    failure : Fact or None
        Why the cell cannot be finished.
    larger : PendingCell or None
        A cell of PatchCore whose memory bank begins with this one's.
    chosen_after : list of (patches, seconds)
        When how many patches of the memory bank had been chosen, in seconds of fitting.
    """

    place: CellPlace
    detector: Detector
    settings: Settings
    backbone: Backbone | None = None
    clock: Clock = field(default_factory=Clock)
    maps: NDArray[np.float32] | None = None
    calibration: Calibration | None = None
    failure: Fact | None = None
    latency: Latency | None = None
    peak_memory_mb: float = 0.0
    larger: PendingCell | None = None
    chosen_after: list[tuple[int, float]] = field(default_factory=list)

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
    cells = _sharing_coresets(cells)
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
        cell.latency = measure_latency(cell.detector.score, pictures.test)
    cell.peak_memory_mb = memory.peak_mb


def coreset_families(cells: Sequence[PendingCell]) -> list[list[PendingCell]]:
    """Return the cells that can share one greedy choice together, every other by itself."""
    found: dict[object, list[PendingCell]] = {}
    for cell in cells:
        detector = cell.detector
        family = detector.settings.seed if isinstance(detector, Patchcore) else cell.place
        found.setdefault(family, []).append(cell)
    return list(found.values())


def _sharing_coresets(cells: Sequence[PendingCell]) -> list[PendingCell]:
    """Let cells with a smaller memory bank follow the one with the largest; put them last."""
    leading, following = [], []
    for family in coreset_families(cells):
        first, *others = sorted(family, key=_coreset_ratio, reverse=True)
        leading.append(first)
        for cell in others:
            cell.larger = first
            following.append(cell)
    return leading + following


def _coreset_ratio(cell: PendingCell) -> float:
    return cell.detector.settings.coreset_ratio if isinstance(cell.detector, Patchcore) else 0.0


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
            if cell.larger is None:
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
        if cell.larger is None:
            with cell.step("fit"):
                detector.finish_fit(_noting_choices(cell, report))
        else:
            _follow(cell, cell.larger)
        if not cell.failure:
            _calibrate(cell, kept, pictures)
        needed = {layer for _, other in fitted[at + 1 :] for layer in other.layers}
        for features in kept:
            for layer in features.keys() - needed:
                del features[layer]
        return_free_memory()


def _noting_choices(cell: PendingCell, progress: Progress) -> Progress:
    """Return a progress that also notes when how many patches had been chosen."""
    before, began = cell.clock["fit"], time.perf_counter()

    def report(done: int, total: int) -> None:
        cell.chosen_after.append((done, before + time.perf_counter() - began))
        progress(done, total)

    return report


def _follow(cell: PendingCell, larger: PendingCell) -> None:
    """Give a cell its part of the larger memory bank."""
    assert isinstance(cell.detector, Patchcore)
    assert isinstance(larger.detector, Patchcore)
    if larger.failure:
        cell.failure = larger.failure
        return
    with cell.guarded():
        cell.detector = larger.detector.reduced(cell.detector.settings.coreset_ratio)
        size = len(cell.detector.memory_bank_)
        until = (seconds for done, seconds in larger.chosen_after if done >= size)
        cell.clock.seconds["fit"] = next(until, larger.clock["fit"])


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
            cell.latency = latency_of(passing + timed_each(score, features)[1])


def _going_on(cells: Sequence[PendingCell]) -> Iterator[tuple[PendingCell, FeatureDetector]]:
    for cell in cells:
        if not cell.failure and isinstance(cell.detector, FeatureDetector):
            yield cell, cell.detector
