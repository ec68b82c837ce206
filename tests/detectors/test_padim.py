"""PaDiM against NumPy's covariance and SciPy's Mahalanobis distance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import mahalanobis

from detectors.backbones.features import Features
from detectors.backbones.loading import load_backbone
from detectors.backbones.names import LAYERS
from detectors.base import ModelFileError, NotFittedError
from detectors.maps import anomaly_map
from detectors.padim import RIDGE, Padim, PadimSettings
from detectors.storage import read_model, write_model
from tests.detectors.features import random_features, some

SETTINGS = PadimSettings(channels=9, seed=3)
GRID = 8


def embedded_by_hand(features: Features, channel_index: torch.Tensor) -> NDArray[np.float64]:
    """Repeat layers 2 and 3 to the grid of layer 1; ``[N, d, GRID, GRID]``."""
    grown = []
    for i, layer in enumerate(LAYERS):
        maps = features[layer].numpy().astype(np.float64)
        grown.append(maps.repeat(2**i, axis=2).repeat(2**i, axis=3))
    return np.concatenate(grown, axis=1)[:, channel_index.numpy()]


def fitted(features: Features, settings: PadimSettings = SETTINGS) -> Padim:
    return Padim(settings=settings).partial_fit(features).finish_fit()


def test_distances_are_mahalanobis_distances_to_numpys_covariance() -> None:
    train, test = random_features(40, seed=0), random_features(3, seed=1)
    detector = fitted(train)
    distances = detector.distances(test).numpy()
    good = embedded_by_hand(train, detector.channel_index_)
    new = embedded_by_hand(test, detector.channel_index_)
    for row, column in [(0, 0), (3, 5), (7, 7)]:
        at_position = good[:, :, row, column]
        covariance = np.cov(at_position, rowvar=False) + RIDGE * np.eye(9)
        inverse = np.linalg.inv(covariance)
        for i in range(3):
            expected = mahalanobis(new[i, :, row, column], at_position.mean(axis=0), inverse)
            assert distances[i, row, column] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("sides", [(7, 4, 2), (25, 13, 7)])
def test_grids_that_do_not_divide_evenly_are_laid_over_each_other_by_rounding_down(
    sides: tuple[int, int, int],
) -> None:
    """The sides that pictures of 28 and 100 px give."""
    side_of = dict(zip(LAYERS, sides, strict=True))

    def cut(features: Features) -> Features:
        return {
            layer: maps[:, :, : side_of[layer], : side_of[layer]]
            for layer, maps in features.items()
        }

    train, test = (cut(random_features(n, seed=n, grid=32)) for n in (40, 3))
    detector = fitted(train, PadimSettings(channels=24))
    distances = detector.distances(test).numpy()
    fine, middle, coarse = sides
    to_middle = np.arange(fine) * middle // fine
    below = {
        "layer1": np.arange(fine),
        "layer2": to_middle,
        "layer3": to_middle * coarse // middle,
    }

    def at(features: Features, row: int, column: int) -> NDArray[np.float64]:
        values = [
            features[layer][:, :, below[layer][row], below[layer][column]].numpy()
            for layer in LAYERS
        ]
        return np.concatenate(values, axis=1).astype(np.float64)

    for row, column in [(0, fine - 1), (2, 3), (fine - 1, fine - 2)]:
        good = at(train, row, column)
        inverse = np.linalg.inv(np.cov(good, rowvar=False) + RIDGE * np.eye(24))
        for i in range(3):
            expected = mahalanobis(at(test, row, column)[i], good.mean(axis=0), inverse)
            assert distances[i, row, column] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("only", LAYERS)
def test_channels_of_one_layer_alone_give_its_own_gaussian(
    only: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = random_features(40, seed=0), random_features(3, seed=1)
    first = {"layer1": 0, "layer2": 6, "layer3": 14}[only]
    detector = Padim(settings=PadimSettings(channels=3))
    monkeypatch.setattr(detector, "_draw_channels", lambda: torch.arange(first, first + 3))
    detector.partial_fit(train).finish_fit()
    good = embedded_by_hand(train, torch.arange(first, first + 3))[:, :, 5, 2]
    new = embedded_by_hand(test, torch.arange(first, first + 3))[0, :, 5, 2]
    inverse = np.linalg.inv(np.cov(good, rowvar=False) + RIDGE * np.eye(3))
    expected = mahalanobis(new, good.mean(axis=0), inverse)
    assert float(detector.distances(test)[0, 5, 2]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("cuts", [[40], [1, 39], [13, 13, 14]])
@pytest.mark.parametrize("at_once", [64, 14])
def test_fit_does_not_depend_on_how_the_pictures_are_cut_into_batches(
    cuts: list[int], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.layered_gaussian.AT_ONCE", at_once)
    train, test = random_features(40, seed=0), random_features(3, seed=1)
    detector = Padim(settings=SETTINGS)
    start = 0
    for size in cuts:
        detector.partial_fit(some(train, slice(start, start + size)))
        start += size
    detector.finish_fit()
    reference = fitted(train).distances(test)
    torch.testing.assert_close(detector.distances(test), reference, rtol=1e-4, atol=1e-4)


def test_large_means_do_not_spoil_the_covariance() -> None:
    train, test = random_features(40, seed=0), random_features(3, seed=1)
    shifted_train = {layer: maps + 1000.0 for layer, maps in train.items()}
    shifted_test = {layer: maps + 1000.0 for layer, maps in test.items()}
    near, far = fitted(train).distances(test), fitted(shifted_train).distances(shifted_test)
    torch.testing.assert_close(near, far, rtol=2e-3, atol=2e-3)


def test_score_does_not_depend_on_the_batch() -> None:
    detector, test = fitted(random_features(40, seed=0)), random_features(6, seed=1)
    together = detector.distances(test)
    one_by_one = torch.cat([detector.distances(some(test, [i])) for i in range(6)])
    torch.testing.assert_close(together, one_by_one, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("count", [40, 8, 4])
def test_leaving_one_out_in_closed_form_equals_refitting_without_it(count: int) -> None:
    train = random_features(count, seed=0)
    detector = fitted(train)
    left_out = detector.left_out_distances(train, np.arange(count)).numpy()
    n = count
    good = embedded_by_hand(train, detector.channel_index_)
    for i in [0, count - 1]:
        others = np.delete(good, i, axis=0)
        for row, column in [(0, 0), (6, 3)]:
            at_position = others[:, :, row, column]
            ridge = RIDGE * (n - 1) / (n - 2)
            covariance = np.cov(at_position, rowvar=False) + ridge * np.eye(9)
            expected = mahalanobis(
                good[i, :, row, column], at_position.mean(axis=0), np.linalg.inv(covariance)
            )
            assert left_out[i, row, column] == pytest.approx(expected, rel=5e-3)


def test_left_out_pictures_look_like_new_good_ones_and_seen_ones_do_not() -> None:
    train, new = random_features(20, seed=0), random_features(200, seed=1)
    detector = fitted(train)
    unseen = detector.distances(new).mean()
    left_out = detector.left_out_distances(train, np.arange(20)).mean()
    seen = detector.distances(train).mean()
    assert float(left_out) == pytest.approx(float(unseen), rel=0.1)
    assert seen < 0.8 * unseen


def test_fewer_pictures_than_channels_stay_finite() -> None:
    detector = fitted(random_features(2, seed=0), PadimSettings(channels=20))
    assert torch.isfinite(detector.distances(random_features(3, seed=1))).all()


def test_one_picture_is_enough_to_fit_but_none_can_be_left_out() -> None:
    train = random_features(1, seed=0)
    detector = fitted(train)
    assert torch.isfinite(detector.distances(random_features(3, seed=1))).all()
    with pytest.raises(ValueError, match="at least three"):
        detector.left_out_distances(train, np.arange(1))


def test_channels_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    train = random_features(10, seed=0)
    same = fitted(train).channel_index_
    torch.testing.assert_close(same, fitted(train).channel_index_)
    other = fitted(train, PadimSettings(channels=9, seed=4)).channel_index_
    assert not torch.equal(same, other)
    assert len(set(same.tolist())) == 9


def test_a_layer_may_lose_all_its_channels() -> None:
    train = random_features(10, seed=0)
    detector = fitted(train, PadimSettings(channels=1))
    assert torch.isfinite(detector.distances(train)).all()


def test_more_channels_than_there_are_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValueError, match="cannot keep 25 of 24 channels"):
        fitted(random_features(3, seed=0), PadimSettings(channels=25))


def test_scoring_before_fitting_and_another_grid_are_refused() -> None:
    with pytest.raises(NotFittedError):
        Padim().distances(random_features(1, seed=0))
    with pytest.raises(NotFittedError):
        Padim().finish_fit()
    detector = fitted(random_features(5, seed=0))
    with pytest.raises(ValueError, match="8 x 8 positions and cannot score 4 x 4"):
        detector.distances(random_features(1, seed=0, grid=4))


def test_a_saved_model_scores_the_same_and_stores_shared_channels_once(
    tmp_path: Path, tiny_images: NDArray[np.uint8]
) -> None:
    backbone = load_backbone("resnet18", "random")
    detector = Padim(backbone, PadimSettings(channels=40)).fit(tiny_images)
    path = tmp_path / "model.safetensors"
    detector.save(path)
    again = Padim.load(path, backbone)
    np.testing.assert_array_equal(again.score(tiny_images).maps, detector.score(tiny_images).maps)
    assert again.settings == detector.settings
    triangles = 16 * 16 * 40 * 41 / 2 * 4
    assert path.stat().st_size < 0.5 * triangles


def test_a_model_refuses_another_backbone_and_a_damaged_file(
    tmp_path: Path, tiny_images: NDArray[np.uint8]
) -> None:
    backbone = load_backbone("resnet18", "random")
    path = tmp_path / "model.safetensors"
    Padim(backbone, PadimSettings(channels=5)).fit(tiny_images).save(path)
    other = load_backbone("resnet18", "random", 1)
    with pytest.raises(ModelFileError, match="was fitted on resnet18-"):
        Padim.load(path, other)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelFileError, match="damaged"):
        Padim.load(path, backbone)


@pytest.mark.parametrize(
    ("name", "spoiled"),
    [
        ("channel_index", torch.arange(445, 450)),  # ResNet-18 has channels 0 to 447
        ("channel_index", torch.arange(-1, 4)),
        ("layer3.rows", torch.zeros(16, 2, 3)),
        ("layer1.mean", torch.zeros(3)),
        ("layer3.mean", torch.zeros(16, 2, dtype=torch.float64)),
    ],
)
def test_a_model_whose_parts_do_not_fit_together_is_refused(
    tmp_path: Path, tiny_images: NDArray[np.uint8], name: str, spoiled: torch.Tensor
) -> None:
    backbone = load_backbone("resnet18", "random")
    path = tmp_path / "model.safetensors"
    Padim(backbone, PadimSettings(channels=5)).fit(tiny_images).save(path)
    tensors, about = read_model(path, "padim")
    write_model(path, tensors | {name: spoiled}, about)
    with pytest.raises(ModelFileError, match="another version; evaluate this cell again"):
        Padim.load(path, backbone)


def test_raw_distances_are_what_the_maps_are_made_of(tiny_images: NDArray[np.uint8]) -> None:
    backbone = load_backbone("resnet18", "random")
    detector = Padim(backbone, PadimSettings(channels=10)).fit(tiny_images)
    raw = detector.raw_distances(tiny_images)
    assert raw.shape == (8, 16, 16)
    maps = anomaly_map(torch.from_numpy(raw), (64, 64))
    np.testing.assert_array_equal(maps, detector.score(tiny_images).maps)
    one = detector.raw_distances(tiny_images[3:4])[0]
    np.testing.assert_allclose(one, raw[3], atol=1e-3)
    with pytest.raises(NotFittedError):
        Padim(backbone).raw_distances(tiny_images)
