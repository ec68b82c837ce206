"""The time of one part, from new and from older cells."""

from __future__ import annotations

import math

from evaluation.picture_time import PictureTime, picture_time
from tests.make_data import cell_content


def test_the_time_of_a_part_is_that_of_pictures_scored_one_by_one() -> None:
    time = picture_time(cell_content(ms_per_image=5.0, latency_ms=9.0, latency_p95_ms=12.0))

    assert time == PictureTime(9.0, 12.0)
    assert time.alone


def test_an_older_cell_gives_its_time_in_batches_and_says_so() -> None:
    about = cell_content(ms_per_image=5.0)
    del about["latency_ms"], about["latency_p95_ms"]
    time = picture_time(about)

    assert time.ms == 5.0
    assert math.isnan(time.p95_ms)
    assert not time.alone
