"""The network that PaDiM and PatchCore share: pictures in, feature maps out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.architectures import ARCHITECTURES
from detectors.base import check_images
from detectors.resnet import folded_trunk
from detectors.weights import Weights

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
BATCH_SIZE = 16
PASS_SIZE = 8  # what passes through the network at once stays in a laptop's caches

Features = dict[str, torch.Tensor]


class Backbone(Protocol):
    """What turns pictures into the feature maps of three layers.

    Attributes
    ----------
    name : str
        One of ``BACKBONES``.
    channels : dict of str to int
        Channels of each layer.
    weights_label : str
        Where the weights came from; see ``weights_kind``.
    identity : str
        Name and hash of the weights: a model fitted on one backbone refuses another.
    """

    name: str
    channels: dict[str, int]
    weights_label: str
    identity: str

    def extract(self, images: NDArray[np.uint8]) -> Features:
        """Return the outputs of layers 1 to 3.

        Parameters
        ----------
        images : uint8 [N, H, W, 3]

        Returns
        -------
        dict of float32 tensors [N, C, h, w]
            ``h`` and ``w`` are H and W divided by 4, 8 and 16, rounded up.
        """


class ResnetBackbone:
    """A ResNet cut after layer 3, in inference mode; a ``Backbone``.

    Parameters
    ----------
    name : str
        One of ``ARCHITECTURES``.
    weights : Weights
        From ``detectors.weights.load_weights``.
    """

    def __init__(self, name: str, weights: Weights) -> None:
        architecture = ARCHITECTURES[name]
        self.name = name
        self.weights_label = weights.label
        self.channels = architecture.channels
        self._trunk = folded_trunk(architecture, weights.state)
        digest = hashlib.blake2b(digest_size=8)
        for parameter in self._trunk.state_dict().values():
            digest.update(parameter.contiguous().numpy().tobytes())
        self.identity = f"{name}-{digest.hexdigest()}"
        self._mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1) * 255
        self._std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1) * 255

    @torch.inference_mode()
    def extract(self, images: NDArray[np.uint8]) -> Features:
        """Return the outputs of layers 1 to 3; see ``Backbone``."""
        check_images(images)
        parts = [self._extract(images[part]) for part in batches(len(images), PASS_SIZE)]
        if len(parts) == 1:
            return parts[0]
        return {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}

    def _extract(self, images: NDArray[np.uint8]) -> Features:
        pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
        features: Features = self._trunk(pixels.sub_(self._mean).div_(self._std))
        return features


def batches(count: int, size: int = BATCH_SIZE) -> Iterator[slice]:
    """Cut ``range(count)`` into slices of at most `size`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
