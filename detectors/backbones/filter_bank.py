"""A backbone without training and without a file: oriented filters and filters over their output.

Its feature maps lie on the grids of a ResNet's layers 1 to 3, so that PaDiM and PatchCore read
them as they read a network's. The two layers of filters are those of a scattering network: Bruna
and Mallat, "Invariant Scattering Convolution Networks", arXiv 1203.1513, sections 2.2 and 2.3.

A picture becomes logarithms, which turn its exposure into a constant, and the constant is taken
away. Each step of a pyramid gives the magnitudes of oriented filters, divided by the local
contrast so that dark parts count like bright ones. A second layer of filters over these
magnitudes tells how they are arranged. All are averaged down to the grids of the layers; their
square roots vary about equally, so one gain for the roots and one for the mean colours make the
channels comparable.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import Features
from detectors.backbones.names import FILTER_BANK, FILTER_BANK_LABEL, LAYERS
from detectors.base import batches, check_images

VERSION = 1
FIRST_ORIENTATIONS = 6
SECOND_ORIENTATIONS = 4
FILTER_SIDE = 9
WAVELENGTH = 4.0  # pixels of one step of the pyramid, as is the width
WIDTH = 1.6
DARKEST = 0.2  # added to every value before the logarithm, in units of the picture's mean
CONTRAST_FLOOR = 0.3
COLOUR_GAIN = 2.0
MEANS_GAIN = 1.3
ROOTS_GAIN = 6.0
LAYER_STEPS = {2: "layer1", 3: "layer2", 4: "layer3"}
PASS_SIZE = 2  # the maps of so few pictures stay in a laptop's caches

BINOMIAL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


class FilterBank:
    """A ``Backbone`` that needs no weights."""

    def __init__(self) -> None:
        self.name = FILTER_BANK
        self.weights_label = FILTER_BANK_LABEL
        self._first = oriented_filters(FIRST_ORIENTATIONS)
        self._second = oriented_filters(SECOND_ORIENTATIONS)
        gains = COLOUR_GAIN, MEANS_GAIN, ROOTS_GAIN
        settings = (DARKEST, CONTRAST_FLOOR, *gains, sorted(LAYER_STEPS.items()))
        digest = hashlib.blake2b(repr(settings).encode(), digest_size=8)
        for filters in (self._first, self._second):
            digest.update((filters * 1e6).round().int().numpy().tobytes())
        self.identity = f"{self.name}-v{VERSION}-{digest.hexdigest()}"

    @torch.inference_mode()
    def extract(self, images: NDArray[np.uint8]) -> Features:
        check_images(images)
        parts = [self._extract(images[part]) for part in batches(len(images), PASS_SIZE)]
        return {layer: torch.cat([part[layer] for part in parts]) for layer in LAYERS}

    def _extract(self, images: NDArray[np.uint8]) -> Features:
        features = {}
        colours = opponent_colours(images)
        contrasts = local_contrast(colours)
        edges = balanced(magnitudes(colours[:, :1], self._first))
        arrangement = edges[:, :0]
        for step in range(1, max(LAYER_STEPS) + 1):
            colours, contrasts, edges = halved(colours), halved(contrasts), halved(edges)
            last = step == max(LAYER_STEPS)
            if not last:
                finer = [halved(arrangement)] if step > 1 else []
                arrangement = torch.cat([*finer, magnitudes(edges, self._second)], 1)
            contrasts = torch.cat([contrasts, local_contrast(colours)], 1)
            edges = torch.cat([edges, balanced(magnitudes(colours[:, :1], self._first))], 1)
            if step in LAYER_STEPS:
                averaged = [contrasts, edges] if last else [contrasts, edges, arrangement]
                roots = torch.cat(averaged, 1).sqrt_() * ROOTS_GAIN
                features[LAYER_STEPS[step]] = torch.cat([colours * MEANS_GAIN, roots], 1)
        return features


def oriented_filters(orientations: int) -> torch.Tensor:
    """Return complex waves under a Gaussian, without mean (Morlet wavelets).

    They are float32 ``[2 orientations, 1, side, side]``: real parts, then imaginary parts; each
    pair has energy 2.
    """
    reach = torch.arange(FILTER_SIDE, dtype=torch.float64) - FILTER_SIDE // 2
    down, across = torch.meshgrid(reach, reach, indexing="ij")
    window = torch.exp(-(down**2 + across**2) / (2 * WIDTH**2))
    waves = []
    for k in range(orientations):
        angle = math.pi * k / orientations
        phase = (across * math.cos(angle) + down * math.sin(angle)) * (2 * math.pi / WAVELENGTH)
        cosine = phase.cos() - (window * phase.cos()).sum() / window.sum()
        waves.append(torch.stack([window * cosine, window * phase.sin()]))
    pairs = torch.stack(waves, 1)
    pairs *= (2 / pairs.square().sum((0, 2, 3), keepdim=True)).sqrt()
    return pairs.flatten(0, 1)[:, None].float()


def opponent_colours(images: NDArray[np.uint8]) -> torch.Tensor:
    """Return logarithms of brightness, red over green and yellow over blue, ``[N, 3, H, W]``.

    The brightness of each picture has mean 0; a picture that is a multiple of another gives the
    same.
    """
    pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
    brightness = pixels.mean(1)
    pixels = pixels + brightness.mean((1, 2))[:, None, None, None].clamp_min(1) * DARKEST
    red, green, blue = pixels.unbind(1)
    brightness = pixels.mean(1).log()
    brightness -= brightness.mean((1, 2), keepdim=True)
    colours = [brightness, (red / green).log(), ((red + green) / (2 * blue)).log()]
    return torch.stack(colours, 1) * COLOUR_GAIN


def magnitudes(maps: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """Filter every map of ``[N, C, h, w]``; return ``[N, C K, h, w]`` for K orientations."""
    channels, orientations = maps.shape[1], len(filters) // 2
    squared = _convolved(maps, filters.repeat(channels, 1, 1, 1)).square_()
    parts = squared.reshape(len(maps), channels, 2, orientations, *maps.shape[2:])
    return (parts[:, :, 0] + parts[:, :, 1]).sqrt_().flatten(1, 2)


def balanced(edges: torch.Tensor) -> torch.Tensor:
    """Divide magnitudes ``[N, K, h, w]`` by their mean over orientations and neighbours."""
    local = smoothed(smoothed(edges.mean(1, keepdim=True)))
    return edges / (local + CONTRAST_FLOOR)


def local_contrast(maps: torch.Tensor) -> torch.Tensor:
    """Return how far each value is from the mean of its neighbours."""
    return (maps - smoothed(maps)).abs_()


def smoothed(maps: torch.Tensor, stride: int = 1) -> torch.Tensor:
    """Average over 5 x 5 neighbours with binomial weights."""
    weights = torch.outer(BINOMIAL, BINOMIAL).expand(maps.shape[1], 1, 5, 5)
    return _convolved(maps, weights, stride)


def halved(maps: torch.Tensor) -> torch.Tensor:
    """Average ``[N, C, h, w]`` down to half as many rows and columns, rounded up."""
    return smoothed(maps, stride=2)


def _convolved(maps: torch.Tensor, weights: torch.Tensor, stride: int = 1) -> torch.Tensor:
    margin = weights.shape[-1] // 2
    padded = torch.nn.functional.pad(maps, (margin,) * 4, mode="replicate")
    return torch.nn.functional.conv2d(padded, weights, stride=stride, groups=maps.shape[1])
