"""The trunk of ResNet-18 for training: batch norm of its own, torchvision's names."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

Features = dict[str, torch.Tensor]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``[N, C, h, w]`` to ``[N, C', h', w']``."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return functional.relu(out + (x if self.downsample is None else self.downsample(x)))


class TrainedTrunk(nn.Module):
    """Stem and layers 1 to 3; `width` channels in the first, 64 in ResNet-18."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(BasicBlock(width, width, 1), BasicBlock(width, width, 1))
        self.layer2 = nn.Sequential(
            BasicBlock(width, 2 * width, 2), BasicBlock(2 * width, 2 * width, 1)
        )
        self.layer3 = nn.Sequential(
            BasicBlock(2 * width, 4 * width, 2), BasicBlock(4 * width, 4 * width, 1)
        )

    def forward(self, x: torch.Tensor) -> Features:
        """Map float32 ``[N, 3, H, W]`` to the outputs of layers 1 to 3."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        features: Features = {}
        for name in ("layer1", "layer2", "layer3"):
            x = getattr(self, name)(x)
            features[name] = x
        return features


def new_trunk(width: int, seed: int) -> TrainedTrunk:
    """Return a trunk with He weights and a stem of oriented waves, the same for a seed."""
    generator = torch.Generator().manual_seed(seed)
    trunk = TrainedTrunk(width)
    with torch.no_grad():
        for parameter in trunk.parameters():
            if parameter.ndim == 4:
                fan_out = parameter.shape[0] * parameter.shape[2] * parameter.shape[3]
                drawn = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(drawn * math.sqrt(2 / fan_out))
        trunk.conv1.weight.copy_(_waves(width, generator))
    return _channels_last(trunk)


def _waves(width: int, generator: torch.Generator) -> torch.Tensor:
    """Gabor functions of all directions, mostly grey, some between colours; each of sum 0."""
    axis = torch.arange(-3.0, 4.0)
    turn = torch.arange(width) * (math.pi / width * 5)
    along = axis.view(1, 1, 7) * turn.cos().view(-1, 1, 1) + axis.view(1, 7, 1) * turn.sin().view(
        -1, 1, 1
    )
    period = torch.rand(width, generator=generator).view(-1, 1, 1) * 5 + 2.5
    phase = torch.rand(width, generator=generator).view(-1, 1, 1) * 2 * math.pi
    radius = (axis.view(1, 1, 7) ** 2 + axis.view(1, 7, 1) ** 2).expand_as(along)
    wave = (along * 2 * math.pi / period + phase).cos() * (-radius / (0.4 * period).square()).exp()
    wave = wave - wave.mean((1, 2), keepdim=True)
    colour = torch.randn(width, 3, generator=generator)
    colour[: width * 2 // 3] = 1 + 0.1 * colour[: width * 2 // 3]
    weight = wave[:, None] * colour[:, :, None, None]
    return weight / weight.flatten(1).norm(dim=1).view(-1, 1, 1, 1) * math.sqrt(2 / 49)


def loaded_trunk(state: Mapping[str, torch.Tensor]) -> TrainedTrunk:
    """Return a trunk with torchvision's names filled from `state`, its width read off it."""
    trunk = TrainedTrunk(state["conv1.weight"].shape[0])
    own = trunk.state_dict()
    wanted = {key for key in own if not key.endswith("num_batches_tracked")}
    if missing := sorted(wanted - state.keys()):
        raise KeyError(f"The weights lack {missing[0]}; they are not those of a ResNet-18 trunk.")
    trunk.load_state_dict({key: state[key].float() for key in wanted}, strict=False)
    return _channels_last(trunk).eval()


def _channels_last(trunk: TrainedTrunk) -> TrainedTrunk:
    for parameter in trunk.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return trunk


def exported_state(trunk: TrainedTrunk) -> dict[str, torch.Tensor]:
    """Return what belongs into a file: weights and running statistics, float32, contiguous."""
    return {
        key: value.detach().float().contiguous().clone()
        for key, value in trunk.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
