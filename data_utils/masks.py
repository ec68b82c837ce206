"""Reading what masks mark, however they were saved."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_utils.facts import Fact, fact
from data_utils.images import UnreadableImageError, decoded, upright

LABELS = 32  # a mask that stays below holds numbers of defect types, not brightness
FRAME_SHARE = 0.9


class Mask(NamedTuple):
    """What a file marks, and what is suspicious about it."""

    image: Image.Image  # mode L, 255 where a defect is marked, else 0
    remark: Fact | None


def read_mask(path: Path) -> Mask:
    """Decode a mask.

    It marks what is brighter than half of its brightest value in any channel, so that the noise of
    JPEG does not count; of a palette, and where all values are below 32 (numbers of defect types),
    whatever is above zero. What is transparent marks nothing. A file that cannot be decoded is an
    UnreadableImageError.
    """
    with decoded(path) as opened:
        palette = opened.mode == "P"
        values = _brightest_channel(upright(opened))
        largest = int(values.max(initial=0))
    numbered = palette or largest < LABELS
    marked = values > (0 if numbered else largest // 2)
    frame = np.concatenate([marked[0], marked[-1], marked[:, 0], marked[:, -1]])
    remark = None
    if marked.mean() > 0.5 and frame.mean() > FRAME_SHARE:
        remark = fact("mask_inverted")
    elif ((values > 0) & ~marked).any():
        remark = fact("mask_gray")
    return Mask(Image.fromarray(np.where(marked, np.uint8(255), np.uint8(0))), remark)


def _brightest_channel(mask: Image.Image) -> NDArray[np.int64]:
    """Return the brightest channel of every pixel, ``[H, W]``."""
    if mask.mode == "F":
        raise UnreadableImageError("float_pixels")
    if mask.mode == "CMYK":
        mask = mask.convert("RGB")
    if "A" in mask.getbands() or mask.mode == "P" or "transparency" in mask.info:
        drawn = mask.convert("RGBA")
        mask = Image.composite(drawn, Image.new("RGBA", drawn.size), drawn.getchannel("A"))
        mask = mask.convert("RGB")
    values = np.asarray(mask)
    return (values if values.ndim == 2 else values.max(axis=2)).astype(np.int64).clip(min=0)
