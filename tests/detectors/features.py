"""Small random feature maps, shaped like a ResNet's, for the detectors' tests."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.backbones.features import Features

CHANNELS = {"layer1": 6, "layer2": 8, "layer3": 10}


def random_features(count: int, seed: int, grid: int = 8) -> Features:
    """Return correlated features of `count` pictures on grids of `grid`, half and quarter."""
    generator = torch.Generator().manual_seed(seed)
    features = {}
    for i, (layer, channels) in enumerate(CHANNELS.items()):
        side = grid // 2**i
        own = torch.randn(count, channels, side, side, generator=generator)
        shared = torch.randn(count, 1, side, side, generator=generator)
        features[layer] = own + 0.5 * shared + torch.arange(channels).view(1, -1, 1, 1)
    return features


def some(features: Features, positions: NDArray[np.int64] | slice | list[int]) -> Features:
    """Return the feature maps of some of the pictures."""
    return {layer: maps[positions] for layer, maps in features.items()}
