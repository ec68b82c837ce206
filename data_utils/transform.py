"""One geometric transform for a picture, its mask and what is shown of them.

The fifteen MVTec AD categories follow the protocol of the papers (shorter side to 256, centre
crop 224), so that numbers compare. A crop would cut a user's own parts away, so there the whole
picture is resized to one size of the category's median aspect, about 224 x 224 pixels in area.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_utils.facts import Fault

PAPER_RESIZE = 256
PAPER_CROP = 224
SIDE_STEP = 32
MIN_SIDE = 32
MAX_SIDE = 2048
SQUARE = 1.1


class SizeError(Fault):
    """A size or crop that cannot be used."""


@dataclass(frozen=True)
class Transform:
    """Resize the shorter side, then crop the centre; or resize the whole picture.

    It also says how bright white is, so that all pictures of a category are read alike.
    """

    height: int  # of the result, in pixels
    width: int
    shorter_side: int | None = None  # before the crop; None resizes without a crop
    white: int | None = None  # gray value of more than 8 bits that is white; None: each its own

    def __post_init__(self) -> None:
        if not all(MIN_SIDE <= side <= MAX_SIDE for side in (self.height, self.width)):
            size = f"{self.height} x {self.width}"
            raise SizeError("size_outside", size=size, low=MIN_SIDE, high=MAX_SIDE)
        if self.shorter_side is not None and self.shorter_side > MAX_SIDE:
            raise SizeError("size_outside", size=self.shorter_side, low=MIN_SIDE, high=MAX_SIDE)
        crop = max(self.height, self.width)
        if self.shorter_side is not None and crop > self.shorter_side:
            raise SizeError("crop_too_large", crop=crop, side=self.shorter_side)

    def __str__(self) -> str:
        size = f"{self.height} x {self.width} px"
        if self.white is not None:
            size += f", gray up to {self.white}"
        if self.shorter_side is None:
            return f"whole picture {size}"
        return f"shorter side {self.shorter_side} px, centre crop {size}"

    def picture(self, picture: Image.Image) -> NDArray[np.uint8]:
        """Transform an RGB picture; antialiased bilinear; uint8 ``[height, width, 3]``."""
        return np.asarray(self._apply(picture, Image.Resampling.BILINEAR))

    def mask(self, mask: Image.Image) -> NDArray[np.bool_]:
        """Transform a mask; nearest neighbour, then ``> 0``; bool ``[height, width]``."""
        return np.asarray(self._apply(mask, Image.Resampling.NEAREST)) > 0

    def kept(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return what is kept of a picture of this (width, height), in its own pixels.

        As (left, top, right, bottom), the last two not included.
        """
        resized, left, top = self._placed(size)
        across, down = size[0] / resized[0], size[1] / resized[1]
        right, bottom = left + self.width, top + self.height
        return round(left * across), round(top * down), round(right * across), round(bottom * down)

    def frame(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return where the whole picture of this (width, height) would lie, in result pixels.

        As (x, y, width, height); with a crop it reaches over the result's borders.
        """
        resized, left, top = self._placed(size)
        return -left, -top, *resized

    def _apply(self, picture: Image.Image, resampling: Image.Resampling) -> Image.Image:
        resized, left, top = self._placed(picture.size)
        whole = picture.resize(resized, resampling) if picture.size != resized else picture
        return whole.crop((left, top, left + self.width, top + self.height))

    def _placed(self, size: tuple[int, int]) -> tuple[tuple[int, int], int, int]:
        """Return (width, height) after the resize, and the crop's left and top edge in it."""
        if self.shorter_side is None:
            return (self.width, self.height), 0, 0
        width, height = size
        if width <= height:
            resized = (self.shorter_side, int(self.shorter_side * height / width))
        else:
            resized = (int(self.shorter_side * width / height), self.shorter_side)
        left, top = round((resized[0] - self.width) / 2), round((resized[1] - self.height) / 2)
        return resized, left, top


def choose_transform(
    sizes: Sequence[tuple[int, int]],
    official: bool,
    image_size: int | None = None,
    crop: int | None = None,
    whole: bool = False,
) -> Transform:
    """Return the category's transform: its default, or what the options say.

    Parameters
    ----------
    sizes : sequence of (height, width)
        Sizes of the category's training pictures; a whole picture keeps their median aspect.
    official : bool
        Whether the category is called like one of MVTec AD's fifteen; these are cropped by default
        if their pictures are nearly square, as MVTec AD's are.
    image_size : int, optional
        With a crop the shorter side before it (default 256), without one the side of a square
        of about the same area (default 224); its sides are multiples of 32.
    crop : int, optional
        Side of the centre crop; asks for a crop also in a user's own category.
    whole : bool
        Keep the whole picture, also in an official category.

    Raises
    ------
    SizeError
        If the crop does not fit, or the size is not supported.
    """
    if whole and crop is not None:
        raise SizeError("crop_or_none")
    aspect = float(np.median([width / height for height, width in sizes])) if sizes else 1.0
    if crop is not None or (official and not whole and 1 / SQUARE <= aspect <= SQUARE):
        side = crop or PAPER_CROP
        return Transform(side, side, shorter_side=image_size or PAPER_RESIZE)
    side = image_size or PAPER_CROP
    return Transform(_rounded(side / math.sqrt(aspect)), _rounded(side * math.sqrt(aspect)))


def _rounded(length: float) -> int:
    return max(MIN_SIDE, SIDE_STEP * round(length / SIDE_STEP))
