"""How long one picture takes: a batch of one, as on a line where parts come one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

TIMED_PICTURES = 15
T = TypeVar("T")
Result = TypeVar("Result")


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
    _, seconds = timed_each(score, single_pictures(images))
    return latency_of(seconds)


def single_pictures(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the pictures to be timed, evenly spaced, each uint8 ``[1, H, W, 3]``."""
    chosen = np.linspace(0, len(images) - 1, min(TIMED_PICTURES, len(images))).astype(int)
    return [np.array(images[position : position + 1]) for position in chosen]


def timed_each(
    act: Callable[[T], Result], items: Sequence[T]
) -> tuple[list[Result], NDArray[np.float64]]:
    """Do `act` for each item after an untimed first time; return the results and their seconds."""
    act(items[0])
    results, seconds = [], []
    for item in items:
        started = time.perf_counter()
        results.append(act(item))
        seconds.append(time.perf_counter() - started)
    return results, np.array(seconds)


def latency_of(seconds: NDArray[np.float64]) -> Latency:
    """Return median and 95th percentile of the seconds of single pictures."""
    median, p95 = np.percentile(seconds, (50, 95)) * 1000
    return Latency(float(median), float(p95))
