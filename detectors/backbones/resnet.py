"""torchvision's ResNets (He et al., arXiv 1512.03385), cut after ``layer3``."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn
from torchvision.models import get_model

from detectors.backbones.features import NetworkBackbone, State, identity_of, inference_trunk
from detectors.backbones.names import LAYERS

TRUNK = ("conv1", "bn1", *LAYERS)
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
COUNTER = "num_batches_tracked"  # of batch norm, not needed for inference


def resnet_backbone(name: str, state: State, label: str) -> NetworkBackbone:
    """Return a ResNet with parameters that have been checked; see ``expected_shapes``."""
    own = {key: state[key].float() for key in expected_shapes(name)}
    trunk = inference_trunk(_network(name), dict(zip(LAYERS, LAYERS, strict=True)), own)
    return NetworkBackbone(name, trunk, IMAGENET_MEAN, IMAGENET_STD, label, identity_of(name, own))


@cache
def expected_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter that a torchvision state dict must hold."""
    return {
        key: tuple(value.shape)
        for key, value in _network(name).state_dict().items()
        if key.split(".")[0] in TRUNK and not key.endswith(COUNTER)
    }


def _network(name: str) -> nn.Module:
    with torch.device("meta"):
        return get_model(name).eval()
