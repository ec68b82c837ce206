"""Whatever bits a camera's gray values have: their order is kept, and white is one for all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_utils.images import UnreadableImageError, read_picture, white_level

KINDS = st.sampled_from([("u1", ".png"), ("<u2", ".png"), ("<u2", ".tif"), ("<i4", ".tif")])


@given(KINDS, st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=40), st.booleans())
def test_the_order_of_gray_values_is_kept(
    kind: tuple[str, str], values: list[int], given_white: bool
) -> None:
    dtype, suffix = kind
    row = np.sort(np.array(values) >> (8 if dtype == "u1" else 0)).astype(dtype)[None]
    white = white_level(int(row.max())) if given_white else None
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(row).save(Path(folder, f"a{suffix}"))
        read = read_picture(Path(folder, f"a{suffix}"), white)
    gray = np.asarray(read.image)[0, :, 0].astype(int)

    assert (np.diff(gray) >= 0).all()
    assert not read.remarks
    if dtype != "u1":
        assert read.brightest == row.max()
        np.testing.assert_allclose(gray, row[0] / white_level(int(row.max())) * 255, atol=0.51)


@given(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=20))
def test_negative_values_are_refused_and_others_read(values: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(np.array([values], np.int32)).save(Path(folder, "a.tif"))
        file = Path(folder, "a.tif")
        if min(values) >= 0:
            assert read_picture(file).brightest == max(values)
        else:
            with pytest.raises(UnreadableImageError, match="save it as unsigned"):
                read_picture(file)
