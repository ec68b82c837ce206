"""Maps at image size against PyTorch's interpolation and SciPy's Gaussian filter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from detectors.maps import anomaly_map, image_scores


@pytest.mark.parametrize(("grid", "size"), [((28, 28), (224, 224)), ((7, 12), (100, 190))])
def test_map_equals_bilinear_interpolation_and_scipys_gaussian(
    grid: tuple[int, int], size: tuple[int, int]
) -> None:
    coarse = torch.rand(3, *grid, generator=torch.Generator().manual_seed(0))
    enlarged = torch.nn.functional.interpolate(
        coarse[:, None], size=size, mode="bilinear", align_corners=False
    )[:, 0].numpy()
    expected = np.stack([gaussian_filter(one.astype(np.float64), 4) for one in enlarged])
    np.testing.assert_allclose(anomaly_map(coarse, size), expected, rtol=1e-5, atol=1e-6)


def test_image_score_is_the_maximum_of_the_map() -> None:
    maps = np.zeros((2, 4, 4), np.float32)
    maps[0, 1, 2], maps[1, 3, 3] = 7.0, -1.0
    np.testing.assert_array_equal(image_scores(maps), [7.0, 0.0])
