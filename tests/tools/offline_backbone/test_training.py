"""Training: its objective, its checkpoints, and the file that comes out."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from detectors.backbone import ResnetBackbone
from detectors.weights import load_weights, random_weights
from tests.make_data import write_category
from tools.offline_backbone import checkpoint
from tools.offline_backbone.checkpoint import Training
from tools.offline_backbone.episodes import Artist, draw_episodes
from tools.offline_backbone.export import export
from tools.offline_backbone.network import exported_state, loaded_trunk, new_trunk
from tools.offline_backbone.objective import Episodes, Heads, losses
from tools.offline_backbone.pool import Pool
from tools.offline_backbone.training import LOSSES, keep_rows, new_training, train, train_step
from tools.offline_backbone.transfer import (
    category_pictures,
    equally_bright,
    extractor,
    re_estimated,
)

SMALL: dict[str, int | float] = {
    "seed": 0,
    "width": 4,
    "side": 64,
    "scenes": 2,
    "views": 2,
    "damaged": 1,
    "learning_rate": 2e-3,
}


def episodes_with(found: bool) -> tuple[dict[str, torch.Tensor], Episodes]:
    """Feature maps of two scenes that show the damage, or show something where there is none."""
    generator = torch.Generator().manual_seed(0)
    cover = torch.zeros(2, 1, 64, 64)
    cover[..., 16:32, 16:32] = 1
    features = {}
    for name, channels, side in (("layer1", 4, 16), ("layer2", 8, 8), ("layer3", 16, 4)):
        maps = 0.1 * torch.rand(4, channels, side, side, generator=generator)
        part = slice(side // 4, side // 2) if found else slice(side * 3 // 4, side)
        maps[::2, :, part, part] += 5
        features[name] = maps
    kinds = torch.zeros(4, 16, 16, dtype=torch.int64)
    return features, Episodes(torch.zeros(4, 3, 64, 64), kinds, cover)


def test_features_that_show_the_damage_cost_less_than_features_that_show_other_places() -> None:
    heads = Heads(4)
    right, wrong = (losses(*_with_heads(found, heads)) for found in (True, False))
    for name in ("episode1", "episode2", "episode3", "episode"):
        assert right[name] < 0.2 * wrong[name]


def _with_heads(found: bool, heads: Heads) -> tuple[dict[str, torch.Tensor], Heads, Episodes]:
    features, episodes = episodes_with(found)
    return features, heads, episodes


def test_channels_that_repeat_each_other_cost_more() -> None:
    features, episodes = episodes_with(found=True)
    noise = {
        name: torch.randn(maps.shape, generator=torch.Generator().manual_seed(1))
        for name, maps in features.items()
    }
    copied = {name: maps[:, :1].expand_as(maps).contiguous() for name, maps in noise.items()}
    own = losses(noise, Heads(4), episodes)["repeats"]
    assert own < 0.2
    assert losses(copied, Heads(4), episodes)["repeats"] > 0.9


def test_the_loss_falls_when_one_step_is_repeated() -> None:
    training = new_training(SMALL)
    episodes = draw_episodes(Pool(0, 8), SMALL, 0)
    totals = [train_step(training, episodes, 0.02)["total"] for _ in range(40)]
    assert np.mean(totals[-5:]) < 0.8 * np.mean(totals[:5])


def test_drawing_ahead_draws_the_same_pictures() -> None:
    steady, ahead = Artist(SMALL), Artist(SMALL, ahead=True)
    for step in (7, 8, 9):
        first, second = steady.episodes(step), ahead.episodes(step)
        assert torch.equal(first.pictures, second.pictures)
        assert torch.equal(first.cover, second.cover)


def test_stopped_and_continued_training_gives_the_numbers_of_an_unbroken_run(
    tmp_path: Path,
) -> None:
    unbroken, stopped, continued = (new_training(SMALL) for _ in range(3))
    steps(unbroken, 4)
    steps(stopped, 2)
    checkpoint.save(tmp_path, stopped, SMALL)
    assert checkpoint.restore(tmp_path, continued, SMALL)
    steps(continued, 2)
    assert continued.counters.step == unbroken.counters.step == 4
    for name, module in unbroken.modules().items():
        other = continued.modules()[name].state_dict()
        for key, value in module.state_dict().items():
            torch.testing.assert_close(other[key], value, atol=1e-5, rtol=1e-4)


def steps(training: Training, count: int) -> None:
    """Make `count` steps from where `training` stands."""
    artist = Artist(SMALL)
    for _ in range(count):
        train_step(training, artist.episodes(training.counters.step), 0.02)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, new_training(SMALL), SMALL)
    with pytest.raises(ValueError, match="was trained with"):
        checkpoint.restore(tmp_path, new_training(SMALL), {**SMALL, "scenes": 3})


def test_an_unfinished_checkpoint_leaves_the_one_before_in_use(tmp_path: Path) -> None:
    training = new_training(SMALL)
    checkpoint.save(tmp_path, training, SMALL)
    (tmp_path / "step-0000009.safetensors").write_bytes(b"half a file")
    assert checkpoint.restore(tmp_path, new_training(SMALL), SMALL)


def test_rows_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / LOSSES
    path.write_text("step,total\n25,3\n50,2\n75,1\n", encoding="utf-8")
    keep_rows(path, 50)
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["step", "total"], ["25", "3"], ["50", "2"]]


def test_the_program_trains_goes_on_and_exports_a_file_that_the_backbone_reads(
    tmp_path: Path,
) -> None:
    given = argparse.Namespace(
        **{**SMALL, "width": 64, "side": 32},
        out=tmp_path / "run",
        data=None,
        minutes=5.0,
        pictures=4,
        patience=10,
        measure_every=1000,
        save_minutes=5.0,
        draw_ahead=False,
    )
    train(given)
    given.pictures = 8
    train(given)
    path = tmp_path / "offline.safetensors"
    export(given.out, path)
    with safe_open(path, framework="pt") as stored:
        about = stored.metadata()
    assert about["views_seen"] == "8"
    assert "no natural pictures" in about["training_pictures"]
    features = ResnetBackbone("resnet18", load_weights("resnet18", str(path))).extract(
        np.zeros((1, 64, 64, 3), np.uint8)
    )
    assert {name: maps.shape[1] for name, maps in features.items()} == {
        "layer1": 64,
        "layer2": 128,
        "layer3": 256,
    }


def test_the_training_trunk_computes_what_the_backbone_computes() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    weights = random_weights("resnet18")
    expected = ResnetBackbone("resnet18", weights).extract(images)
    found = extractor(loaded_trunk(weights.state))(images)
    for layer, maps in expected.items():
        torch.testing.assert_close(found[layer], maps, atol=1e-4, rtol=1e-3)


def test_re_estimated_norms_know_a_channel_of_large_numbers() -> None:
    trunk = new_trunk(4, 0)
    trunk.conv1.weight.data[0] *= 50
    variance = re_estimated(trunk, 0).state_dict()["bn1.running_var"]
    assert variance[0] > 100 * variance[1]


def test_an_export_in_half_precision_takes_half_the_room(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "run", new_training(SMALL), SMALL)
    export(tmp_path / "run", tmp_path / "whole.safetensors")
    export(tmp_path / "run", tmp_path / "half.safetensors", half=True)
    whole = checkpoint.stored_trunk(tmp_path / "whole.safetensors")
    half = checkpoint.stored_trunk(tmp_path / "half.safetensors")
    assert whole.keys() == half.keys() == exported_state(new_trunk(4, 0)).keys()
    assert all(value.dtype == torch.float16 for value in half.values())
    name = "conv1.weight"
    torch.testing.assert_close(half[name].float(), whole[name], atol=1e-3, rtol=0)


@pytest.mark.parametrize("way", ["scale", "shift"])
def test_pictures_of_equal_brightness_keep_what_is_in_them(way: str, tmp_path: Path) -> None:
    pictures = category_pictures(write_category(tmp_path, "part").parent, "part")
    pictures = replace(pictures, images=(pictures.images // 2 + 20).astype(np.uint8))
    pictures.images[::2] += 30
    equal = equally_bright(pictures, way).images

    assert np.ptp(pictures.images.mean((1, 2, 3))) > 25
    assert np.ptp(equal.mean((1, 2, 3))) < 1.5
    for before, after in zip(pictures.images, equal, strict=True):
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999
