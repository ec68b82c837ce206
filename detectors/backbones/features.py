"""What a backbone is, and how pictures pass through a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.fx.experimental.optimization import fuse
from torchvision.models.feature_extraction import create_feature_extractor

from detectors.backbones.names import channels_of
from detectors.base import check_images

BATCH_SIZE = 16
PASS_SIZE = 8  # what passes through the network at once stays in a laptop's caches

Features = dict[str, torch.Tensor]
State = Mapping[str, torch.Tensor]


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
        """Return the outputs of the three layers.

        Parameters
        ----------
        images : uint8 [N, H, W, 3]

        Returns
        -------
        dict of float32 tensors [N, C, h, w]
            ``h`` and ``w`` are H and W divided by 4, 8 and 16, rounded up.
        """


class NetworkBackbone:
    """A trained network in inference mode; a ``Backbone``.

    Parameters
    ----------
    name : str
        One of ``BACKBONES``.
    trunk : Module
        From ``inference_trunk``.
    mean, std : sequence of 3 floats
        What the network's pictures are normalised with, on 0..255.
    weights_label, identity : str
        See ``Backbone``.
    """

    def __init__(
        self,
        name: str,
        trunk: nn.Module,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        weights_label: str,
        identity: str,
    ) -> None:
        self.name, self.weights_label, self.identity = name, weights_label, identity
        self.channels = channels_of(name)
        self._trunk = trunk
        self._mean = torch.tensor(mean).view(1, 3, 1, 1)
        self._std = torch.tensor(std).view(1, 3, 1, 1)

    @torch.inference_mode()
    def extract(self, images: NDArray[np.uint8]) -> Features:
        """Return the outputs of the three layers; see ``Backbone``."""
        check_images(images)
        parts = [self._extract(images[part]) for part in batches(len(images), PASS_SIZE)]
        if len(parts) == 1:
            return parts[0]
        return {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}

    def _extract(self, images: NDArray[np.uint8]) -> Features:
        pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
        features: Features = self._trunk(pixels.sub_(self._mean).div_(self._std))
        return features


def inference_trunk(network: nn.Module, layers: Mapping[str, str], state: State) -> nn.Module:
    """Cut a network after its last layer that is read, and fold batch norm into convolutions.

    Folding is done in float64, so that it costs no digit of float32.

    Parameters
    ----------
    network : Module
        In evaluation mode, on the meta device.
    layers : mapping of str to str
        The network's names of the modules whose outputs are read, with ours.
    state : mapping of str to tensor
        All its parameters; others are passed over.

    Returns
    -------
    Module
        Maps float32 ``[N, 3, H, W]`` to ``Features``.
    """
    trunk = create_feature_extractor(network, dict(layers))
    trunk.load_state_dict(state, strict=False, assign=True)
    folded = fuse(trunk.eval().double(), inplace=True, no_trace=True).float()
    return folded.requires_grad_(False).to(memory_format=torch.channels_last)


def identity_of(name: str, state: State) -> str:
    """Return a backbone's name with a hash of its parameters."""
    digest = hashlib.blake2b(digest_size=8)
    for key in sorted(state):
        digest.update(key.encode())
        digest.update(state[key].contiguous().numpy().tobytes())
    return f"{name}-{digest.hexdigest()}"


def batches(count: int, size: int = BATCH_SIZE) -> Iterator[slice]:
    """Cut ``range(count)`` into slices of at most `size`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
