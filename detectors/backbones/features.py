"""What a backbone is, and how pictures pass through a network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.fx.experimental.optimization import fuse
from torchvision.models.feature_extraction import create_feature_extractor

from detectors.base import batches, check_images

PASS_SIZE = 8  # what passes through the network at once stays in a laptop's caches

Features = dict[str, torch.Tensor]
State = Mapping[str, torch.Tensor]


class Backbone(Protocol):
    """What turns pictures into the feature maps of three layers."""

    name: str  # one of ``BACKBONES``
    weights_label: str  # where the weights came from; see ``weights_kind``
    identity: str  # name and hash of the weights: a model fitted on one backbone refuses another

    def extract(self, images: NDArray[np.uint8]) -> Features:
        """Return the outputs of the three layers, float32 ``[N, C, h, w]`` each.

        `images` are uint8 ``[N, H, W, 3]``; h and w are H and W divided by 4, 8 and 16, rounded
        up.
        """


class NetworkBackbone:
    """A trained network, cut after its last layer that is read; a ``Backbone``.

    Batch norm is folded into convolutions, in float64, so that it costs no digit of float32.
    `network` is in evaluation mode, on the meta device; `layers` are its names of the modules whose
    outputs are read, with ours; `state` are its parameters, down to there. `mean` and `std` are
    what its pictures are normalised with, on 0..255.
    """

    def __init__(
        self,
        name: str,
        label: str,
        network: nn.Module,
        layers: dict[str, str],
        state: State,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        digest = hashlib.blake2b(digest_size=8)
        for key in sorted(state):
            digest.update(key.encode())
            digest.update(state[key].contiguous().numpy().tobytes())
        self.name, self.weights_label = name, label
        self.identity = f"{name}-{digest.hexdigest()}"
        trunk = create_feature_extractor(network, layers)
        trunk.load_state_dict(state, strict=False, assign=True)
        folded = fuse(trunk.eval().double(), inplace=True, no_trace=True).float()
        folded = folded.requires_grad_(False).to(memory_format=torch.channels_last)
        self.module = Normalised(folded, mean, std).eval()

    @torch.inference_mode()
    def extract(self, images: NDArray[np.uint8]) -> Features:
        check_images(images)
        tensors = [torch.from_numpy(np.array(images[p])) for p in batches(len(images), PASS_SIZE)]
        parts = [self.module(tensor) for tensor in tensors]
        if len(parts) == 1:
            return parts[0]
        return {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}


class Normalised(nn.Module):
    """A network and the normalisation of its pictures, uint8 ``[N, H, W, 3]``."""

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.mean, self.std = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))

    def forward(self, images: torch.Tensor) -> Features:
        """Return the outputs of the layers that are read."""
        pixels = images.permute(0, 3, 1, 2).float()
        return self.network(pixels.sub_(self.mean).div_(self.std))
