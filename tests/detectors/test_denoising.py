"""One network: what it is trained on, how long, and which epoch is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from detectors.corruption import damaged
from detectors.denoising import (
    AutoencoderSettings,
    build_network,
    endless_order,
    mean_error,
    network_size,
    steps_per_epoch,
    trained_network,
)

SETTINGS = AutoencoderSettings(epochs=6, pictures_per_epoch=64)


def stripes(count: int, seed: int = 0) -> torch.Tensor:
    """Return uint8 pictures [count, 3, 32, 32] of stripes in changing colours."""
    random = torch.Generator().manual_seed(seed)
    colours = torch.randint(60, 200, (count, 3, 1, 1), generator=random)
    lines = (torch.arange(32) // 4 % 2 * 50).expand(count, 3, 32, 32)
    return (colours + lines).to(torch.uint8)


def unwatched(epoch: int) -> None:
    """Pass over an epoch."""


def test_a_trained_network_removes_planted_damage() -> None:
    whole = stripes(1, seed=1).float() / 255
    bad = whole.clone()
    bad[:, :, 12:18, 12:18] = 1.0
    errors = []
    for damage in (True, False):
        settings = replace(SETTINGS, epochs=20, damage=damage)
        found = trained_network(stripes(16), stripes(4, seed=2), settings, 3e-3, unwatched)
        assert found is not None
        network, log = found
        errors.append(log[-1][0])
        with torch.inference_mode():
            distance = (network(bad) - whole)[:, :, 12:18, 12:18].abs().mean()
        assert distance < 0.25 * (bad - whole)[:, :, 12:18, 12:18].abs().mean()
    assert errors[0] != errors[1]  # the two were not shown the same


def test_best_epoch_is_kept() -> None:
    held_out = stripes(4, seed=3)
    found = trained_network(stripes(16), held_out, SETTINGS, 0.03, unwatched)
    assert found is not None
    network, log = found
    assert mean_error(network, held_out) == pytest.approx(min(held for _, held in log), rel=1e-4)


def test_a_training_that_diverges_gives_no_network() -> None:
    assert trained_network(stripes(4), stripes(2), SETTINGS, float("inf"), unwatched) is None


def test_small_sets_take_less_time_and_none_takes_more_than_the_settings_say() -> None:
    settings = AutoencoderSettings(pictures_per_epoch=448, fewest_per_epoch=160, batch_size=4)
    steps = [steps_per_epoch(count, settings) for count in (1, 34, 100, 112, 3000)]
    assert steps == [40, 40, 100, 112, 112]


def test_network_draws_pictures_of_every_size_it_may_be_given() -> None:
    assert network_size(224, 224, 192) == (192, 192)
    assert network_size(160, 320, 128) == (96, 176)
    assert network_size(32, 2048, 32) == (16, 256)
    for size in ((192, 192), (96, 176), (16, 256)):
        with torch.inference_mode():
            assert build_network(0).eval()(torch.zeros(1, 3, *size)).shape == (1, 3, *size)


def test_every_picture_is_drawn_once_per_round() -> None:
    order = endless_order(5, torch.Generator().manual_seed(0))
    rounds = [sorted(next(order) for _ in range(5)) for _ in range(3)]
    assert rounds == [list(range(5))] * 3


def test_damage_changes_most_pictures_and_only_a_part_of_each() -> None:
    whole = torch.rand((200, 3, 32, 48), generator=torch.Generator().manual_seed(0))
    before = whole.clone()
    first, again, other = (
        damaged(whole, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(whole, before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.min() >= 0
    assert first.max() <= 1
    changed = ((first - whole).abs().amax(dim=1) > 0.2).flatten(1).float().mean(dim=1)
    assert 0.4 < (changed > 0).float().mean() < 0.95
    assert changed.mean() < 0.3
