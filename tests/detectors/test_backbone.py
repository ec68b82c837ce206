"""The folded trunk against an unfolded ResNet written out with PyTorch's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from detectors.architectures import ARCHITECTURES, LAYERS
from detectors.backbone import IMAGENET_MEAN, IMAGENET_STD, ResnetBackbone, batches
from detectors.weights import Weights, random_weights

State = dict[str, torch.Tensor]


def lively_weights(name: str) -> Weights:
    """Return random weights with random batch-norm statistics, so that folding matters."""
    state = random_weights(name, seed=1).state
    generator = torch.Generator().manual_seed(2)
    for key, value in state.items():
        if value.ndim == 1:
            noise = torch.rand(value.shape, generator=generator)
            state[key] = noise * 0.5 + 0.5 if key.endswith("var") else noise * 0.4 + 0.3
    return Weights(state, "lively")


def convolved(state: State, x: torch.Tensor, conv: str, norm: str, stride: int) -> torch.Tensor:
    weight = state[f"{conv}.weight"]
    x = F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)
    return F.batch_norm(
        x,
        state[f"{norm}.running_mean"],
        state[f"{norm}.running_var"],
        state[f"{norm}.weight"],
        state[f"{norm}.bias"],
    )


def unfolded_layers(name: str, state: State, x: torch.Tensor) -> list[torch.Tensor]:
    """Run a ResNet with its batch norms as separate steps."""
    bottleneck = ARCHITECTURES[name].bottleneck
    x = F.max_pool2d(convolved(state, x, "conv1", "bn1", 2).relu(), 3, 2, 1)
    outputs = []
    for i, layer in enumerate(LAYERS):
        for j in range(ARCHITECTURES[name].depths[i]):
            block = f"{layer}.{j}"
            stride = 2 if i > 0 and j == 0 else 1
            strides = [1, stride, 1] if bottleneck else [stride, 1]
            out = x
            for k, step in enumerate(strides, start=1):
                out = convolved(state, out, f"{block}.conv{k}", f"{block}.bn{k}", step)
                if k < len(strides):
                    out = out.relu()
            if f"{block}.downsample.0.weight" in state:
                x = convolved(state, x, f"{block}.downsample.0", f"{block}.downsample.1", stride)
            x = (out + x).relu()
        outputs.append(x)
    return outputs


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_folded_trunk_gives_the_features_of_the_unfolded_network(
    name: str, tiny_images: NDArray[np.uint8]
) -> None:
    weights = lively_weights(name)
    features = ResnetBackbone(name, weights).extract(tiny_images[:2])
    pixels = torch.from_numpy(tiny_images[:2]).permute(0, 3, 1, 2) / 255.0
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    normalised = (pixels - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    for layer, expected in zip(
        LAYERS, unfolded_layers(name, weights.state, normalised), strict=True
    ):
        scale = float(expected.abs().mean())
        torch.testing.assert_close(
            features[layer].contiguous(), expected, rtol=1e-3, atol=1e-3 * scale
        )
        assert features[layer].shape[1] == ARCHITECTURES[name].channels[layer]


def test_features_of_a_picture_do_not_depend_on_its_batch(tiny_images: NDArray[np.uint8]) -> None:
    backbone = ResnetBackbone("resnet18", random_weights("resnet18"))
    together = backbone.extract(tiny_images)
    for i in (0, 7):
        alone = backbone.extract(tiny_images[i : i + 1])
        for layer in LAYERS:
            torch.testing.assert_close(alone[layer][0], together[layer][i], rtol=1e-4, atol=1e-4)


def test_pictures_that_are_not_square_have_grids_that_are_not_square() -> None:
    backbone = ResnetBackbone("resnet18", random_weights("resnet18"))
    features = backbone.extract(np.zeros((1, 96, 160, 3), np.uint8))
    assert [tuple(features[layer].shape[2:]) for layer in LAYERS] == [(24, 40), (12, 20), (6, 10)]


def test_identity_tells_weights_apart_and_is_stable() -> None:
    first = ResnetBackbone("resnet18", random_weights("resnet18", seed=0))
    assert first.identity == ResnetBackbone("resnet18", random_weights("resnet18", seed=0)).identity
    assert first.identity != ResnetBackbone("resnet18", random_weights("resnet18", seed=1)).identity


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
    ],
)
def test_pictures_of_another_type_or_shape_are_refused(wrong: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[N, H, W, 3\]"):
        ResnetBackbone("resnet18", random_weights("resnet18")).extract(wrong)  # type: ignore[arg-type]


def test_batches_cover_the_range_once() -> None:
    covered = [i for part in batches(70, 32) for i in range(part.start, part.stop)]
    assert covered == list(range(70))
