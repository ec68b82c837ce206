"""The error of a reconstruction, and its relation to what is usual."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from detectors.usual_error import (
    reconstruction_error,
    relative_error,
    structural_error,
    usual_error,
)


def test_structural_error_agrees_with_ssim_written_out() -> None:
    random = np.random.default_rng(0)
    pictures, drawn = random.random((2, 3, 3, 32, 48)).astype(np.float32)
    found = structural_error(torch.from_numpy(pictures), torch.from_numpy(drawn)).numpy()
    for n in range(3):
        x, y = pictures[n].mean(0).astype(float), drawn[n].mean(0).astype(float)
        mean_x, mean_y = gaussian_filter(x, 5), gaussian_filter(y, 5)
        variance_x = gaussian_filter(x * x, 5) - mean_x**2
        variance_y = gaussian_filter(y * y, 5) - mean_y**2
        covariance = gaussian_filter(x * y, 5) - mean_x * mean_y
        ssim = ((2 * mean_x * mean_y + 0.01**2) * (2 * covariance + 0.004)) / (
            (mean_x**2 + mean_y**2 + 0.01**2) * (variance_x + variance_y + 0.004)
        )
        np.testing.assert_allclose(found[n], 1 - ssim, atol=1e-4)


@pytest.mark.parametrize("structural", [True, False])
def test_brightness_of_a_whole_picture_is_no_error_and_a_stain_is_one(structural: bool) -> None:
    drawn = 0.2 + 0.6 * torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    pictures = drawn + torch.tensor([0.1, -0.15])[:, None, None, None]
    torch.testing.assert_close(
        reconstruction_error(pictures, drawn, structural), torch.zeros(2, 32, 32), atol=1e-4, rtol=0
    )
    stained = pictures.clone()
    stained[:, :, 10:14, 20:24] -= 0.1
    error = reconstruction_error(stained, drawn, structural)
    assert error[:, 10:14, 20:24].min() > 0.75
    assert error[:, 10:14, 20:24].min() > error[:, 20:].max()


def test_colour_is_an_error_although_gray_stays() -> None:
    drawn = torch.full((1, 3, 32, 32), 0.5)
    pictures = drawn + torch.tensor([0.1, -0.1, 0.0])[:, None, None]
    torch.testing.assert_close(
        reconstruction_error(pictures, drawn), torch.full((1, 32, 32), 8 * 0.2 / 3)
    )


def test_usual_error_is_the_largest_smoothed_one_and_never_zero() -> None:
    errors = torch.rand((3, 48, 96), generator=torch.Generator().manual_seed(0))
    sigma = (48 * 3.5 / 192, 96 * 3.5 / 192)
    expected = np.max([gaussian_filter(error, sigma) for error in errors.numpy()], axis=0)
    np.testing.assert_allclose(usual_error(errors).numpy(), expected, atol=1e-5)
    assert (usual_error(torch.zeros(2, 16, 16)) == 1e-3).all()


def test_relation_counts_less_where_errors_are_usual_and_has_no_unit() -> None:
    usual = torch.full((16, 16), 0.2)
    usual[:4] = 0.6
    error = torch.ones(1, 16, 16)
    relative = relative_error(error, usual, 1.0)
    torch.testing.assert_close(relative[0, 0, 0], torch.tensor(1 / 0.8))
    torch.testing.assert_close(relative[0, 9, 0], torch.tensor(1 / 0.4))
    torch.testing.assert_close(relative_error(10 * error, 10 * usual, 1.0), relative)
    flat = relative_error(error, usual, 1e6)
    torch.testing.assert_close(flat / flat.max(), error, rtol=1e-5, atol=0)
