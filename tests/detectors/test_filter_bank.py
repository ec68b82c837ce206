"""The filter bank: grids, invariances, what its filters answer to, and a defect found with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.backbones import filter_bank
from detectors.backbones.filter_bank import (
    FilterBank,
    halved,
    magnitudes,
    opponent_colours,
    oriented_filters,
)
from detectors.backbones.loading import load_backbone
from detectors.backbones.names import FILTER_BANK, LAYERS, UNTRAINED, channels_of, weights_kind
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
        assert features[layer].shape[1] == bank.channels[layer]
        assert features[layer].dtype == torch.float32


def test_its_name_channels_and_label_are_those_that_are_listed(bank: FilterBank) -> None:
    assert bank.name == FILTER_BANK
    assert bank.channels == channels_of(FILTER_BANK)
    assert weights_kind(bank.weights_label) == UNTRAINED


def test_features_of_a_picture_do_not_depend_on_its_batch(
    bank: FilterBank, tiny_images: NDArray[np.uint8]
) -> None:
    together = bank.extract(tiny_images)
    for i in (0, 7):
        alone = bank.extract(tiny_images[i : i + 1])
        for layer in LAYERS:
            torch.testing.assert_close(alone[layer][0], together[layer][i], rtol=1e-4, atol=1e-3)


def test_a_plain_gray_picture_has_no_features(bank: FilterBank) -> None:
    for maps in bank.extract(np.full((1, 40, 40, 3), 90, np.uint8)).values():
        assert float(maps.abs().max()) < 0.05


def test_twice_the_exposure_changes_nothing(
    bank: FilterBank, tiny_images: NDArray[np.uint8]
) -> None:
    dark = tiny_images[:2] // 2
    bright = dark * 2
    for layer, expected in bank.extract(dark).items():
        torch.testing.assert_close(bank.extract(bright)[layer], expected, rtol=1e-3, atol=1e-2)


def test_a_filter_answers_most_to_its_own_direction() -> None:
    filters = oriented_filters(6)
    for vertical, expected in ((True, 0), (False, 3)):
        grating = torch.from_numpy(waves(32, 4.0, vertical).copy()).float()[None, None]
        answers = magnitudes(grating, filters)[0, :, 8:24, 8:24].mean((1, 2))
        assert int(answers.argmax()) == expected


def test_filters_do_not_answer_to_a_constant() -> None:
    answers = magnitudes(torch.full((1, 1, 5, 5), 9.0), oriented_filters(6))
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


def test_halving_keeps_a_constant_and_rounds_up() -> None:
    smaller = halved(torch.full((1, 2, 7, 10), 3.0))
    assert smaller.shape == (1, 2, 4, 5)
    torch.testing.assert_close(smaller, torch.full_like(smaller, 3.0))


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


def test_planted_defects_are_ranked_above_good_parts(bank: FilterBank) -> None:
    rng = np.random.default_rng(3)
    train = np.stack([good_picture(rng) for _ in range(8)])
    good = np.stack([good_picture(rng) for _ in range(4)])
    bad, masks = zip(*[defective_picture(rng) for _ in range(4)], strict=True)
    detector = Patchcore(bank, PatchcoreSettings(coreset_ratio=0.1)).fit(train)
    found = detector.score(np.stack(bad))
    assert found.scores.min() > detector.score(good).scores.max()
    for heat, mask in zip(found.maps, masks, strict=True):
        assert mask[np.unravel_index(heat.argmax(), heat.shape)] == 255


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 8, 8, 3), np.float32), np.zeros((8, 8, 3), np.uint8)]
)
def test_pictures_of_another_type_or_shape_are_refused(
    bank: FilterBank, wrong: NDArray[np.generic]
) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[N, H, W, 3\]"):
        bank.extract(wrong)  # type: ignore[arg-type]
