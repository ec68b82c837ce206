"""From a coarse grid of distances to a smooth map at image size.

Bilinear enlargement (``align_corners=False``) followed by Gaussian smoothing with sigma 4 px,
equal to ``scipy.ndimage.gaussian_filter``. Both are linear and separable, so along each axis
they are one matrix, and a whole batch of maps is two matrix products.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

SIGMA = 4.0


@lru_cache(maxsize=32)
def enlarge_and_smooth_matrix(low: int, high: int, sigma: float = SIGMA) -> torch.Tensor:
    """Return the matrix that enlarges `low` values to `high` and smooths them, ``[high, low]``."""
    unit_lines = torch.eye(low, dtype=torch.float64)[:, None, :]
    enlarged = torch.nn.functional.interpolate(
        unit_lines, size=high, mode="linear", align_corners=False
    )[:, 0, :]
    smoothed = gaussian_filter1d(enlarged.numpy(), sigma, axis=1)
    return torch.from_numpy(np.ascontiguousarray(smoothed.T)).float()


def anomaly_map(grid: torch.Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """Bring grids ``[N, h, w]`` to `size` (H, W) and smooth them; float32 ``[N, H, W]``."""
    return smooth_map(grid, size).numpy()


def smooth_map(grid: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Do as ``anomaly_map`` and return a tensor."""
    rows = enlarge_and_smooth_matrix(grid.shape[1], size[0])
    columns = enlarge_and_smooth_matrix(grid.shape[2], size[1])
    return rows @ grid @ columns.T


def image_scores(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the maximum of each map, float32 ``[N]`` from ``[N, H, W]``."""
    return maps.reshape(len(maps), -1).max(axis=1)
