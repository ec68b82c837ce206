"""PNG files written here are read by Pillow as the same pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from evaluation.store.sample_pictures import png


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3), (1, 1), (1, 1, 3), (1, 9, 3), (300, 1)])
@pytest.mark.parametrize("step", [1, 2])
def test_every_picture_comes_back_pixel_by_pixel(shape: tuple[int, ...], step: int) -> None:
    panel = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)[::step, ::-step]

    Image.open(io.BytesIO(png(panel))).verify()  # its checksums
    with Image.open(io.BytesIO(png(panel))) as read:
        assert read.mode == ("RGB" if len(shape) == 3 else "L")
        assert np.array_equal(np.array(read), panel)


def test_smooth_pictures_are_no_larger_than_pillow_makes_them() -> None:
    rows, columns = np.mgrid[:200, :200]
    panel = (127 + 60 * np.sin(rows / 17) + 60 * np.cos(columns / 23)).astype(np.uint8)
    by_pillow = io.BytesIO()
    Image.fromarray(panel).save(by_pillow, "PNG", compress_level=1)

    assert len(png(panel)) <= 1.1 * len(by_pillow.getvalue())
