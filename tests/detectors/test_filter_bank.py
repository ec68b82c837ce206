"""The filter bank: grids, invariances, what its filters answer to, and a defect found with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.backbones import filter_bank
from detectors.backbones.filter_bank import (
    FilterBank,
    magnitudes,
    opponent_colours,
    oriented_filters,
)
from detectors.backbones.names import FILTER_BANK, LAYERS, channels_of
from detectors.backbones.networks import load_backbone
from detectors.patchcore import Patchcore, PatchcoreSettings
from tests.make_data import defective_picture, good_picture


@pytest.fixture(scope="module")
def bank() -> FilterBank:
    return FilterBank()


def waves(side: int, wavelength: float, vertical: bool) -> NDArray[np.float64]:
    """Return a grating in [-1, 1] whose stripes are vertical or horizontal."""
    line = np.sin(2 * np.pi * np.arange(side) / wavelength)
    grating = np.broadcast_to(line, (side, side))
    return grating if vertical else grating.T


def gray(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return one picture, uint8 ``[1, H, W, 3]``, from values in [-1, 1]."""
    return np.repeat((128 + 100 * values).astype(np.uint8)[None, :, :, None], 3, axis=3)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (33, 50), (64, 47)])
def test_grids_are_those_of_a_resnet(bank: FilterBank, size: tuple[int, int]) -> None:
    pictures = np.zeros((1, *size, 3), np.uint8)
    expected = load_backbone("resnet18", "random").extract(pictures)
    features = bank.extract(pictures)
    assert list(features) == list(LAYERS)
    for layer in LAYERS:
        assert features[layer].shape[2:] == expected[layer].shape[2:]
        assert features[layer].shape[1] == channels_of(FILTER_BANK)[layer]
        assert features[layer].dtype == torch.float32


def test_a_plain_gray_picture_has_no_features(bank: FilterBank) -> None:
    for maps in bank.extract(np.full((1, 40, 40, 3), 90, np.uint8)).values():
        assert float(maps.abs().max()) < 0.05


def test_twice_the_exposure_changes_nothing(
    bank: FilterBank, tiny_images: NDArray[np.uint8]
) -> None:
    dark = tiny_images[:2] // 2
    seen, expected = bank.extract(dark * 2), bank.extract(dark)
    for layer in LAYERS:
        torch.testing.assert_close(seen[layer], expected[layer], rtol=1e-3, atol=1e-2)


def test_a_filter_answers_most_to_its_own_direction_and_not_to_a_constant() -> None:
    filters = oriented_filters(6)
    for vertical, expected in ((True, 0), (False, 3)):
        grating = torch.from_numpy(waves(32, 4.0, vertical).copy()).float()[None, None]
        answers = magnitudes(grating, filters)[0, :, 8:24, 8:24].mean((1, 2))
        assert int(answers.argmax()) == expected
    answers = magnitudes(torch.full((1, 1, 5, 5), 9.0), filters)
    torch.testing.assert_close(answers, torch.zeros(1, 6, 5, 5), rtol=0, atol=1e-4)


def test_turning_the_picture_turns_the_magnitudes() -> None:
    maps = torch.randn(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    filters = oriented_filters(4)
    turned = magnitudes(maps.rot90(1, (2, 3)), filters)
    expected = magnitudes(maps, filters).reshape(2, 3, 4, 20, 20).roll(2, 2).flatten(1, 2)
    torch.testing.assert_close(turned, expected.rot90(1, (2, 3)), rtol=1e-4, atol=1e-5)


def test_magnitudes_are_those_of_complex_filters_one_by_one() -> None:
    maps = torch.randn(1, 2, 12, 15, generator=torch.Generator().manual_seed(0))
    filters = oriented_filters(3)
    edge = filters.shape[-1] // 2
    found = magnitudes(maps, filters)
    for channel in range(2):
        for k in range(3):
            wave = torch.complex(filters[k, 0], filters[3 + k, 0])
            window = maps[0, channel, : 2 * edge + 1, 2 : 2 * edge + 3]
            answer = (wave * window).sum().abs()
            torch.testing.assert_close(found[0, 3 * channel + k, edge, edge + 2], answer)


def test_colour_is_seen_where_brightness_is_equal() -> None:
    red_and_green = np.full((1, 8, 8, 3), 60, np.uint8)
    red_and_green[0, :, :4, 0] = 120
    red_and_green[0, :, 4:, 1] = 120
    brightness, red_green, _ = opponent_colours(red_and_green)[0]
    assert float(brightness.std()) < 1e-3
    assert float(red_green[0, 0]) > 0 > float(red_green[0, 7])


@pytest.mark.parametrize(("vertical", "expected"), [(True, 0), (False, 2)])
def test_the_second_layer_tells_how_a_texture_is_arranged(
    bank: FilterBank, vertical: bool, expected: int
) -> None:
    texture = waves(96, 4.0, vertical=True)
    bands = 0.5 + 0.5 * waves(96, 16.0, vertical)
    inside = bank.extract(gray(texture * bands))["layer2"][0, :, 3:9, 3:9].mean((1, 2))
    means, contrasts, edges, earlier = 3, 3 * 4, 6 * 4, 6 * 4
    start = means + contrasts + edges + earlier
    assert int(inside[start : start + 4].argmax()) == expected


def test_identity_is_stable_and_names_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    first = FilterBank().identity
    assert FilterBank().identity == first
    monkeypatch.setattr(filter_bank, "CONTRAST_FLOOR", 0.5)
    changed = FilterBank().identity
    monkeypatch.undo()
    monkeypatch.setattr(filter_bank, "WIDTH", 1.0)
    assert len({first, changed, FilterBank().identity}) == 3


def test_planted_defects_are_ranked_above_good_parts(
    bank: FilterBank, tiny_images: NDArray[np.uint8]
) -> None:
    rng = np.random.default_rng(3)
    good = np.stack([good_picture(rng) for _ in range(4)])
    bad, masks = zip(*[defective_picture(rng) for _ in range(4)], strict=True)
    detector = Patchcore(bank, PatchcoreSettings(coreset_ratio=0.1)).fit(tiny_images)
    found = detector.score(np.stack(bad))
    assert found.scores.min() > detector.score(good).scores.max()
    for heat, mask in zip(found.maps, masks, strict=True):
        assert mask[np.unravel_index(heat.argmax(), heat.shape)] == 255
