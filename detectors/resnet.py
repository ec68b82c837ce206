"""The trunk of a torchvision ResNet, batch norm folded into the convolutions.

Same layers and parameter names as ``torchvision.models`` (He et al., arXiv 1512.03385; the
stride of a bottleneck sits in its 3x3 convolution), cut after ``layer3``, the last layer that
PaDiM and PatchCore read. In inference a batch norm is an affine map, so it becomes part of the
convolution before it: half the layers, the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from detectors.architectures import LAYERS, Architecture

BATCH_NORM_EPS = 1e-5


class Block(nn.Module):
    """A residual block: two 3x3 convolutions, or a 1x1-3x3-1x1 bottleneck."""

    def __init__(self, convolutions: list[nn.Conv2d], shortcut: nn.Conv2d | None) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)
        self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``[N, C, h, w]`` to ``[N, C', h', w']``."""
        out = x
        for i, convolution in enumerate(self.convolutions):
            out = convolution(out)
            if i < len(self.convolutions) - 1:
                out = out.relu_()
        out += x if self.shortcut is None else self.shortcut(x)
        return out.relu_()


class Trunk(nn.Module):
    """Stem and layers 1 to 3; returns the output of each layer."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        channels = architecture.planes
        self.stem = nn.Conv2d(3, channels, 7, stride=2, padding=3)
        layers: dict[str, nn.Module] = {}
        for i, name in enumerate(LAYERS):
            blocks = []
            for j in range(architecture.depths[i]):
                stride = 2 if i > 0 and j == 0 else 1
                blocks.append(_block(architecture, channels, architecture.planes * 2**i, stride))
                channels = architecture.channels[name]
            layers[name] = nn.Sequential(*blocks)
        self.layers = nn.ModuleDict(layers)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Map float32 ``[N, 3, H, W]`` to ``{layer: [N, C, ceil(H / s), ceil(W / s)]}``."""
        x = nn.functional.max_pool2d(self.stem(x).relu_(), 3, stride=2, padding=1)
        outputs = {}
        for name in LAYERS:
            x = self.layers[name](x)
            outputs[name] = x
        return outputs


def _block(architecture: Architecture, inputs: int, planes: int, stride: int) -> Block:
    outputs = planes * architecture.expansion
    if architecture.bottleneck:
        width = planes * architecture.base_width // 64
        convolutions = [
            nn.Conv2d(inputs, width, 1),
            nn.Conv2d(width, width, 3, stride=stride, padding=1),
            nn.Conv2d(width, outputs, 1),
        ]
    else:
        convolutions = [
            nn.Conv2d(inputs, planes, 3, stride=stride, padding=1),
            nn.Conv2d(planes, planes, 3, padding=1),
        ]
    resized = stride != 1 or inputs != outputs
    shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride) if resized else None
    return Block(convolutions, shortcut)


def convolution_names(architecture: Architecture) -> dict[str, tuple[str, str]]:
    """Map each convolution of the trunk to torchvision's names of it and of its batch norm."""
    names = {"stem": ("conv1", "bn1")}
    for i, layer in enumerate(LAYERS):
        for j in range(architecture.depths[i]):
            ours, theirs = f"layers.{layer}.{j}", f"{layer}.{j}"
            for k in range(3 if architecture.bottleneck else 2):
                names[f"{ours}.convolutions.{k}"] = (
                    f"{theirs}.conv{k + 1}",
                    f"{theirs}.bn{k + 1}",
                )
            if j == 0 and (i > 0 or architecture.bottleneck):
                names[f"{ours}.shortcut"] = (f"{theirs}.downsample.0", f"{theirs}.downsample.1")
    return names


def expected_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter that a torchvision state dict must hold."""
    modules = dict(_meta_trunk(architecture).named_modules())
    shapes: dict[str, tuple[int, ...]] = {}
    for ours, (convolution, norm) in convolution_names(architecture).items():
        module = modules[ours]
        assert isinstance(module, nn.Conv2d)
        shapes[f"{convolution}.weight"] = tuple(module.weight.shape)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{part}"] = (module.out_channels,)
    return shapes


def folded_trunk(architecture: Architecture, state: Mapping[str, torch.Tensor]) -> Trunk:
    """Build the trunk in inference mode from a torchvision state dict that has been checked."""
    folded: dict[str, torch.Tensor] = {}
    for ours, (convolution, norm) in convolution_names(architecture).items():
        variance = state[f"{norm}.running_var"].double()
        scale = state[f"{norm}.weight"].double() / (variance + BATCH_NORM_EPS).sqrt()
        weight = state[f"{convolution}.weight"].double() * scale[:, None, None, None]
        bias = state[f"{norm}.bias"].double() - state[f"{norm}.running_mean"].double() * scale
        folded[f"{ours}.weight"] = weight.float()
        folded[f"{ours}.bias"] = bias.float()
    trunk = _meta_trunk(architecture)
    trunk.load_state_dict(folded, assign=True)
    trunk.requires_grad_(False).eval()
    for parameter in trunk.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return trunk


def _meta_trunk(architecture: Architecture) -> Trunk:
    with torch.device("meta"):
        return Trunk(architecture)
