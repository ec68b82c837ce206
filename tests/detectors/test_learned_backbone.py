"""The weights that come with the project: whole, small, and with their origin in the file."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from detectors.architectures import LEARNED, channels_of
from detectors.backbones import LEARNED_WEIGHTS, load_backbone
from tests.make_data import defective_picture, good_picture

MOST_BYTES = 12_000_000


def test_the_file_is_small_and_says_how_it_was_made() -> None:
    with safe_open(LEARNED_WEIGHTS, framework="pt") as stored:
        about = stored.metadata()
        values = sum(stored.get_tensor(key).numel() for key in stored.keys())  # noqa: SIM118

    assert LEARNED_WEIGHTS.stat().st_size < MOST_BYTES
    assert values > 600_000
    assert "no natural pictures" in about["training_pictures"]
    assert about["program"] == "tools/offline_backbone"
    assert about["licence"] == "same as the project"
    assert json.loads(about["settings"])["seed"] == int(about["seed"])
    assert int(about["views_seen"]) > 100_000


def test_its_channels_are_those_that_are_listed(tiny_images: NDArray[np.uint8]) -> None:
    backbone = load_backbone(LEARNED)
    features = backbone.extract(tiny_images[:1])

    assert {name: maps.shape[1] for name, maps in features.items()} == channels_of(LEARNED)
    assert backbone.channels == channels_of(LEARNED)


def test_a_defect_changes_the_features_where_it_is_more_than_another_good_picture_does() -> None:
    random = np.random.default_rng(0)
    good, other = good_picture(random), good_picture(random)
    defective, mask = defective_picture(random)
    layer = load_backbone(LEARNED).extract(np.stack([good, other, defective]))["layer2"].numpy()
    step = mask.shape[0] // layer.shape[2]
    cover = mask[::step, ::step] > 0
    apart = np.linalg.norm(layer[1:] - layer[0], axis=1)

    assert apart[1][cover].mean() > 1.5 * apart[0][cover].mean()
