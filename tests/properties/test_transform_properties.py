"""For whatever size, picture, mask and overlay stay aligned through the transform."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from data_utils.transform import choose_transform
from evaluation.store.heatmap import Scale, overlay

SIDES = st.integers(24, 500)


@given(SIDES, SIDES, st.booleans(), st.integers(64, 300), st.data())
def test_a_white_block_and_its_mask_stay_in_one_place(
    height: int, width: int, official: bool, image_size: int, data: st.DataObject
) -> None:
    crop = data.draw(st.integers(32, image_size)) if official else None
    top, left = data.draw(st.integers(0, height - 8)), data.draw(st.integers(0, width - 8))
    block = np.zeros((height, width), np.uint8)
    block[top : top + height // 2, left : left + width // 2] = 255
    picture = Image.fromarray(block)
    transform = choose_transform([(height, width)], official, image_size, crop)
    seen = transform.picture(picture.convert("RGB"))
    mask = transform.mask(picture)

    assert seen.shape == (*mask.shape, 3) == (transform.height, transform.width, 3)
    sides = [transform.height / height, transform.width / width]
    enlarged = max(sides)
    if transform.shorter_side is not None:
        enlarged = transform.shorter_side / min(height, width)
    reach = max(2, math.ceil(enlarged / 2) + 1)  # that far corners are rounded
    border = binary_dilation(mask, iterations=reach) & ~binary_erosion(mask, iterations=reach)
    assert ((seen[..., 0] > 127) == mask)[~border].all()
    heated = overlay(seen, mask.astype(np.float32), Scale(0, 1))
    assert ((heated != seen).any(axis=2) == mask).all()


@given(SIDES, SIDES)
def test_the_whole_picture_keeps_its_shape_as_far_as_steps_allow(height: int, width: int) -> None:
    assume(1 / 3 < height / width < 3)
    transform = choose_transform([(height, width)], official=False)

    assert transform.height % 32 == transform.width % 32 == 0
    assert abs(np.log((transform.height / transform.width) / (height / width))) < 0.35
