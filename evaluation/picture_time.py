"""How long a cell's method takes for one part, and how that was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PictureTime:
    """Milliseconds per picture, from decoded picture to map and score.

    Attributes
    ----------
    ms : float
        Median of pictures scored one by one; where `alone` is false, the time of all test pictures
        in batches divided by their number. NaN where not known.
    p95_ms : float
        95th percentile of pictures scored one by one; NaN where `alone` is false.
    """

    ms: float
    p95_ms: float = math.nan

    @property
    def alone(self) -> bool:
        """Whether pictures were timed one by one, as they come on a line."""
        return not math.isnan(self.p95_ms)


def picture_time(about: Mapping[str, Any]) -> PictureTime:
    """Return the time of a cell, in batches where it is older than the timing of one picture.

    Parameters
    ----------
    about : mapping
        The content of ``cell.json``.
    """
    if "latency_ms" in about and "latency_p95_ms" in about:
        return PictureTime(float(about["latency_ms"]), float(about["latency_p95_ms"]))
    return PictureTime(float(about["ms_per_image"]))
