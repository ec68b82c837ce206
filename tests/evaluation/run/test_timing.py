"""The time of one picture."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.run.timing import TIMED_PICTURES, measure_latency


@pytest.mark.parametrize(("count", "timed"), [(1, 1), (7, 7), (101, TIMED_PICTURES)])
def test_latency_is_the_median_of_single_pictures(
    count: int, timed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.empty((count, 2, 2, 3), np.uint8)
    images[:] = np.arange(count)[:, None, None, None]
    clock = [0.0]
    calls = []

    def score(picture: NDArray[np.uint8]) -> None:
        calls.append(len(picture))
        clock[0] += float(picture.max()) / 1000

    monkeypatch.setattr("evaluation.run.timing.time.perf_counter", lambda: clock[0])
    measured = measure_latency(score, images)
    assert calls == [1] * (timed + 1)
    assert measured == pytest.approx((count - 1) / 2, abs=0.6)
