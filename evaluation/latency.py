"""How long one picture takes: a batch of one, as on a line where parts come one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TIMED_PICTURES = 15


@dataclass(frozen=True)
class Latency:
    """Milliseconds from decoded picture to map and score.

    Attributes
    ----------
    median_ms, p95_ms : float
        Median and 95th percentile over the timed pictures.
    """

    median_ms: float
    p95_ms: float


def measure_latency(
    score: Callable[[NDArray[np.uint8]], object], images: NDArray[np.uint8]
) -> Latency:
    """Score evenly spaced pictures one by one, after an untimed one.

    Parameters
    ----------
    score : callable
        A fitted detector's ``score``.
    images : uint8 [N, H, W, 3]
        Decoded and resized; N at least 1.
    """
    chosen = np.linspace(0, len(images) - 1, min(TIMED_PICTURES, len(images))).astype(int)
    score(np.array(images[:1]))
    seconds = []
    for position in chosen:
        picture = np.array(images[position : position + 1])
        started = time.perf_counter()
        score(picture)
        seconds.append(time.perf_counter() - started)
    median, p95 = np.percentile(seconds, (50, 95)) * 1000
    return Latency(float(median), float(p95))
