"""Maps as pictures, on one fixed colour scale per cell, so that a good part looks cold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

OVERLAY_OPACITY = 0.65
OUTLINE_COLOUR, OUTLINE_EDGE_COLOUR = (0, 240, 255), (0, 0, 0)
NEIGHBOURS = np.ones((3, 3), bool)
HEAT_ANCHORS = np.array(
    [
        [8, 6, 34],
        [58, 14, 98],
        [132, 28, 109],
        [200, 52, 76],
        [243, 112, 38],
        [252, 188, 62],
        [255, 252, 190],
    ],
    dtype=np.float64,
)


def _heat_table() -> NDArray[np.uint8]:
    at = np.linspace(0, len(HEAT_ANCHORS) - 1, 256)
    channels = [np.interp(at, np.arange(len(HEAT_ANCHORS)), column) for column in HEAT_ANCHORS.T]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


HEAT_TABLE = _heat_table()


@dataclass(frozen=True)
class Scale:
    """Scores shown as the coldest and the hottest colour."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise ValueError(f"A colour scale from {self.low} to {self.high} has no length.")

    def relative(self, maps: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the maps with `low` at 0 and `high` at 1, clipped, for showing only."""
        shown = maps.astype(np.float32) - np.float32(self.low)
        shown /= np.float32(self.high - self.low)
        return np.clip(shown, 0, 1, out=shown)


def gray(anomaly_map: NDArray[np.floating], scale: Scale) -> NDArray[np.uint8]:
    """Return the map as gray, uint8 ``[H, W]``."""
    return np.rint(scale.relative(anomaly_map) * 255).astype(np.uint8)


def heat(anomaly_map: NDArray[np.floating], scale: Scale) -> NDArray[np.uint8]:
    """Return the map in colours, uint8 ``[H, W, 3]``."""
    return HEAT_TABLE[gray(anomaly_map, scale)]


def overlay(
    image: NDArray[np.uint8],
    anomaly_map: NDArray[np.floating],
    scale: Scale,
    opacity: float = OVERLAY_OPACITY,
) -> NDArray[np.uint8]:
    """Lay the colours over the picture, more opaque the hotter; uint8 ``[H, W, 3]``."""
    level = gray(anomaly_map, scale).astype(np.int32) * 256
    laid_over = np.empty_like(image)
    for channel, blends in enumerate(_blends(opacity)):
        laid_over[..., channel] = blends.take(level + image[..., channel], mode="clip")
    return laid_over


@lru_cache(maxsize=32)
def _blends(opacity: float) -> NDArray[np.uint8]:
    """Return what every level of a picture becomes under every colour of the scale.

    Returns
    -------
    uint8 [3, 256 * 256]
        By channel, level of the map and level of the picture.
    """
    weight = np.linspace(0, opacity, 256)[:, None]
    colours = HEAT_TABLE.T[:, :, None] * weight
    return np.rint(np.arange(256) * (1 - weight) + colours).astype(np.uint8).reshape(3, -1)


def outlined(
    picture: NDArray[np.uint8], anomaly_map: NDArray[np.floating], threshold: float
) -> NDArray[np.uint8]:
    """Draw the outline of the area whose score is above a threshold; uint8 ``[H, W, 3]``.

    A bright line on the area's outermost pixels and a black one around it: one of the two is
    seen on any picture. An area that reaches the picture's border is closed along it.

    Parameters
    ----------
    picture : uint8 [H, W, 3] or [H, W]
        Left as it is.
    anomaly_map : float [H, W]
    threshold : float
        Raw score; nothing is drawn for NaN.
    """
    # Here, because the app's first page does not need it and should not wait for it.
    from scipy import ndimage

    shown = np.array(
        np.broadcast_to(
            picture if picture.ndim == 3 else picture[..., None], (*picture.shape[:2], 3)
        )
    )
    area = anomaly_map > threshold
    shown[ndimage.binary_dilation(area, NEIGHBOURS) & ~area] = OUTLINE_EDGE_COLOUR
    shown[area & ~ndimage.binary_erosion(area, NEIGHBOURS)] = OUTLINE_COLOUR
    return shown
