"""Thresholds from left-out pictures are exceeded by as many new good ones as was asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.base import calibration_positions
from detectors.feature_detector import FeatureDetector
from detectors.padim import Padim, PadimSettings
from detectors.patchcore import Patchcore, PatchcoreSettings
from evaluation.measure.operating_points import is_defective, threshold_for
from tests.detectors.features import random_features, some

RATES = (0.05, 0.1, 0.2)
FITTED, NEW, TIMES = 60, 60, 20
SIZE = (16, 16)


def realised(make: Callable[[], FeatureDetector]) -> NDArray[np.float64]:
    """Return the share of new good pictures above each rate's threshold, ``[TIMES, 3]``."""
    shares = []
    for seed in range(TIMES):
        features = random_features(FITTED + NEW, seed=seed, grid=16)
        train, positions = some(features, slice(0, FITTED)), calibration_positions(FITTED)
        detector = make().partial_fit(train).finish_fit()
        held_out = detector.calibrate_features(some(train, positions), positions, SIZE).scores
        scores = detector.score_features(some(features, slice(FITTED, None)), SIZE).scores
        shares.append(
            [is_defective(scores, threshold_for(held_out, rate)).mean() for rate in RATES]
        )
    return np.array(shares)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Padim(settings=PadimSettings(channels=10)),
        lambda: Patchcore(settings=PatchcoreSettings(coreset_ratio=0.02)),
        lambda: Patchcore(settings=PatchcoreSettings(coreset_ratio=0.1)),
    ],
    ids=["PaDiM", "PatchCore 2 %", "PatchCore 10 %"],
)
def test_as_many_good_pictures_are_reported_as_was_asked_for(
    make: Callable[[], FeatureDetector],
) -> None:
    shares = realised(make)
    error = shares.std(axis=0, ddof=1) / TIMES**0.5
    assert (np.abs(shares.mean(axis=0) - RATES) < np.maximum(3 * error, 0.02)).all()
    assert (error < 0.02).all()
