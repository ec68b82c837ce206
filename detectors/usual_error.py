"""How far a picture is off its reconstruction, and what of that is usual where.

The error at a pixel is absolute and structural::

    error = 8 |x - r| + (1 - SSIM(x, r))

The structural term is the idea of Bergmann et al., "Improving unsupervised defect segmentation by
applying structural similarity to autoencoders" (arXiv 1807.02011). Here it compares whole gray
pictures, in Gaussian windows that are wider and with a larger constant than usual, so that fine
grain which no narrow bottleneck can redraw counts less. The absolute term, the mean over the colour
channels, sees what such windows are blind to: colour.

Edges are never redrawn as well as plain ground, in good pictures neither. So an error counts in
relation to the largest that a good picture has at its position, and, to keep the relation mild, to
the median of these::

    relative error = error / (usual + k median(usual))

Where parts lie the same way in all pictures, ``usual`` shows their edges; where they lie anyhow,
it changes little. (With the mean instead of the largest error, edges that lie at a position in few
of the training pictures count too much.)
"""

from __future__ import annotations

import torch

from detectors.maps import enlarge_and_smooth_matrix

ABSOLUTE_WEIGHT = 8.0
SSIM_SIGMA = 5.0
SSIM_C1 = 0.01**2
SSIM_C2 = 0.004
USUAL_SIGMA = 3.5 / 192  # of the picture's side; the maps' own smoothing is 4 px of 224
SMALLEST = 1e-3


def equally_bright(pictures: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """Return `drawn`, ``[N, 3, h, w]``, as bright as the pictures: exposure is no defect.

    The median difference over a picture, of the means of its channels, is added to all of it.
    """
    differences = (pictures - drawn).mean(dim=1).flatten(start_dim=1)
    return drawn + differences.median(dim=1).values[:, None, None, None]


def reconstruction_error(
    pictures: torch.Tensor, drawn: torch.Tensor, structural: bool = True
) -> torch.Tensor:
    """Return the error at equal brightness, ``[N, h, w]`` from ``[N, 3, h, w]``."""
    drawn = equally_bright(pictures, drawn)
    error = ABSOLUTE_WEIGHT * (pictures - drawn).abs().mean(dim=1)
    return error + structural_error(pictures, drawn) if structural else error


def structural_error(pictures: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """Return 1 - SSIM of the gray pictures, ``[N, h, w]`` in [0, 2] from ``[N, 3, h, w]``.

    In Gaussian windows of sigma 5 px (Wang et al., 2004, section III-B: 1.5 px and 0.03^2).
    """
    x, y = pictures.mean(dim=1), drawn.mean(dim=1)
    rows, columns = (enlarge_and_smooth_matrix(n, n, SSIM_SIGMA) for n in x.shape[1:])
    mean_x, square_x = rows @ torch.stack((x, x * x)) @ columns.T
    mean_y, square_y, product = rows @ torch.stack((y, y * y, x * y)) @ columns.T
    mean_product, mean_squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = product - mean_product
    variances = square_x + square_y - mean_squares
    luminance = (2 * mean_product + SSIM_C1) / (mean_squares + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (variances + SSIM_C2)
    return 1 - luminance * structure


def usual_error(errors: torch.Tensor) -> torch.Tensor:
    """Return the largest error of good pictures at each position, ``[h, w]`` from ``[N, h, w]``.

    Errors are smoothed first, as maps are, and the result is above zero.
    """
    rows, columns = (enlarge_and_smooth_matrix(n, n, USUAL_SIGMA * n) for n in errors.shape[1:])
    return (rows @ errors @ columns.T).amax(dim=0).clamp(min=SMALLEST)


def relative_error(error: torch.Tensor, usual: torch.Tensor, mildness: float) -> torch.Tensor:
    """Return errors ``[N, h, w]`` in relation to the usual ones ``[h, w]``.

    `mildness` is k of the formula above.
    """
    return error / (usual + mildness * usual.median())
