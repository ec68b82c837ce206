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

PAPER_RESIZE = 256
PAPER_CROP = 224
SIDE_STEP = 32
MIN_SIDE = 32
MAX_SIDE = 2048


@dataclass(frozen=True)
class Transform:
    """Resize, then crop the centre.

    Attributes
    ----------
    height, width : int
        Size of the result in pixels.
    shorter_side : int or None
        The shorter side is resized to this before the centre is cropped; ``None`` resizes the
        whole picture to ``(height, width)`` without a crop.
    """

    height: int
    width: int
    shorter_side: int | None = None

    def __post_init__(self) -> None:
        if not all(MIN_SIDE <= side <= MAX_SIDE for side in (self.height, self.width)):
            raise ValueError(
                f"An image size of {self.height} x {self.width} px is outside "
                f"{MIN_SIDE} to {MAX_SIDE} px; choose another --image-size or --crop."
            )
        if self.shorter_side is not None and self.shorter_side > MAX_SIDE:
            raise ValueError(
                f"A shorter side of {self.shorter_side} px is outside {MIN_SIDE} to {MAX_SIDE} px; "
                "choose another --image-size."
            )
        if self.shorter_side is not None and max(self.height, self.width) > self.shorter_side:
            raise ValueError(
                f"A centre crop of {max(self.height, self.width)} px does not fit into a picture "
                f"resized to {self.shorter_side} px; raise --image-size or lower --crop."
            )

    def __str__(self) -> str:
        if self.shorter_side is None:
            return f"whole picture {self.height} x {self.width} px"
        return f"shorter side {self.shorter_side} px, centre crop {self.height} x {self.width} px"

    def picture(self, picture: Image.Image) -> NDArray[np.uint8]:
        """Transform an RGB picture; antialiased bilinear; uint8 ``[height, width, 3]``."""
        return np.asarray(self._apply(picture, Image.Resampling.BILINEAR))

    def mask(self, mask: Image.Image) -> NDArray[np.bool_]:
        """Transform a mask; nearest neighbour, then ``> 0``; bool ``[height, width]``."""
        return np.asarray(self._apply(mask, Image.Resampling.NEAREST)) > 0

    def _apply(self, picture: Image.Image, resampling: Image.Resampling) -> Image.Image:
        if self.shorter_side is None:
            return picture.resize((self.width, self.height), resampling)
        width, height = picture.size
        if width <= height:
            resized = (self.shorter_side, int(self.shorter_side * height / width))
        else:
            resized = (int(self.shorter_side * width / height), self.shorter_side)
        left = round((resized[0] - self.width) / 2)
        top = round((resized[1] - self.height) / 2)
        whole = picture.resize(resized, resampling) if picture.size != resized else picture
        return whole.crop((left, top, left + self.width, top + self.height))


def cropped_transform(image_size: int = PAPER_RESIZE, crop: int = PAPER_CROP) -> Transform:
    """Return the papers' transform: shorter side to `image_size`, square centre `crop`."""
    return Transform(height=crop, width=crop, shorter_side=image_size)


def whole_transform(sizes: Sequence[tuple[int, int]], image_size: int = PAPER_CROP) -> Transform:
    """Return the transform that keeps the whole picture.

    Parameters
    ----------
    sizes : sequence of (height, width)
        Sizes of the category's pictures; their median aspect is kept.
    image_size : int
        The result covers about ``image_size ** 2`` pixels; both sides are multiples of 32.
    """
    aspect = float(np.median([width / height for height, width in sizes])) if sizes else 1.0
    height = _rounded_side(image_size / math.sqrt(aspect))
    width = _rounded_side(image_size * math.sqrt(aspect))
    return Transform(height=height, width=width)


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
        Sizes of the category's training pictures.
    official : bool
        Whether the category is one of MVTec AD's fifteen, which are cropped by default.
    image_size : int, optional
        With a crop the shorter side before it (default 256), without one the side of a square
        of the same area (default 224).
    crop : int, optional
        Side of the centre crop; asks for a crop also in a user's own category.
    whole : bool
        Keep the whole picture, also in an official category.

    Raises
    ------
    ValueError
        If the crop does not fit, or the size is not supported.
    """
    if whole and crop is not None:
        raise ValueError("--crop and --no-crop exclude each other; give only one of them.")
    if crop is not None or (official and not whole):
        return cropped_transform(image_size or PAPER_RESIZE, crop or PAPER_CROP)
    return whole_transform(sizes, image_size or PAPER_CROP)


def _rounded_side(length: float) -> int:
    return max(MIN_SIDE, SIDE_STEP * round(length / SIDE_STEP))
