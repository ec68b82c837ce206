"""PaDiM against NumPy's covariance and SciPy's Mahalanobis distance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import mahalanobis

from detectors.backbones.features import Backbone, Features
from detectors.backbones.names import LAYERS
from detectors.backbones.networks import load_backbone
from detectors.base import ModelFileError, NotFittedError
from detectors.maps import anomaly_map
from detectors.padim import RIDGE, Padim, PadimSettings
from detectors.storage import read_model, write_model
from tests.detectors.features import random_features, some

SETTINGS = PadimSettings(channels=9, seed=3)
SIDES = (8, 4, 2)


def fitted(features: Features, settings: PadimSettings = SETTINGS) -> Padim:
    return Padim(settings=settings).partial_fit(features).finish_fit()


def embedded(
    features: Features, channel_index: torch.Tensor, sides: tuple[int, ...] = SIDES
) -> NDArray[np.float64]:
    """Lay layers 2 and 3 under layer 1, each cell by rounding down; ``[N, d, h, h]``."""
    values, below = [], np.arange(sides[0])
    for at, layer in enumerate(LAYERS):
        if at:
            below = below * sides[at] // sides[at - 1]
        values.append(features[layer].numpy()[:, :, below[:, None], below])
    return np.concatenate(values, axis=1)[:, channel_index.numpy()].astype(np.float64)


def plain_distance(
    good: NDArray[np.float64], new: NDArray[np.float64], ridge: float = RIDGE
) -> float:
    """Return equation (2) at one position: good ``[N, d]``, new ``[d]``."""
    covariance = np.atleast_2d(np.cov(good, rowvar=False)) + ridge * np.eye(good.shape[1])
    return float(mahalanobis(new, good.mean(axis=0), np.linalg.inv(covariance)))


@pytest.mark.parametrize(
    ("sides", "first", "last"),
    [
        (SIDES, 0, 24),
        (SIDES, 0, 6),  # layer 1 alone
        (SIDES, 6, 14),  # layer 2 alone
        (SIDES, 14, 24),  # layer 3 alone
        ((7, 4, 2), 3, 20),  # pictures of 28 px
        ((25, 13, 7), 0, 24),  # of 100 px
    ],
)
def test_distances_are_mahalanobis_distances_to_numpys_covariance(
    sides: tuple[int, ...], first: int, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = (
        {
            layer: maps[:, :, :side, :side]
            for (layer, maps), side in zip(seen.items(), sides, strict=True)
        }
        for seen in (random_features(n, seed=n, grid=32) for n in (40, 3))
    )
    channels = torch.arange(first, last)
    detector = Padim()
    monkeypatch.setattr(detector, "_draw_channels", lambda: channels)
    distances = detector.partial_fit(train).finish_fit().distances(test).numpy()
    good, new = embedded(train, channels, sides), embedded(test, channels, sides)
    end = sides[0] - 1
    for row, column in [(0, end), (2, 3), (end, end - 1)]:
        for i in range(3):
            expected = plain_distance(good[:, :, row, column], new[i, :, row, column])
            assert distances[i, row, column] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("at_once", [64, 14])
def test_fit_does_not_depend_on_how_the_pictures_are_cut_into_batches(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = random_features(40, seed=0), random_features(3, seed=1)
    reference = fitted(train).distances(test)
    monkeypatch.setattr("detectors.layered_gaussian.AT_ONCE", at_once)
    for cuts in ([1, 39], [13, 13, 14]):
        detector = Padim(settings=SETTINGS)
        for part in torch.split(torch.arange(40), cuts):
            detector.partial_fit(some(train, part.numpy()))
        detector.finish_fit()
        torch.testing.assert_close(detector.distances(test), reference, rtol=1e-4, atol=1e-4)


def test_large_means_do_not_spoil_the_covariance() -> None:
    train, test = random_features(40, seed=0), random_features(3, seed=1)
    far_train, far_test = ({la: m + 1000.0 for la, m in seen.items()} for seen in (train, test))
    near, far = fitted(train).distances(test), fitted(far_train).distances(far_test)
    torch.testing.assert_close(near, far, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("n", [40, 8, 4])
def test_leaving_one_out_in_closed_form_equals_refitting_without_it(n: int) -> None:
    train = random_features(n, seed=0)
    detector = fitted(train)
    left_out = detector.left_out_distances(train, np.arange(n)).numpy()
    good = embedded(train, detector.channel_index_)
    for i in [0, n - 1]:
        for row, column in [(0, 0), (6, 3)]:
            here = good[:, :, row, column]
            ridge = RIDGE * (n - 1) / (n - 2)
            expected = plain_distance(np.delete(here, i, axis=0), here[i], ridge)
            assert left_out[i, row, column] == pytest.approx(expected, rel=5e-3)


def test_fewer_pictures_than_channels_stay_finite_and_one_cannot_be_left_out() -> None:
    for count in (1, 2):
        train = random_features(count, seed=0)
        detector = fitted(train, PadimSettings(channels=20))
        assert torch.isfinite(detector.distances(random_features(3, seed=1))).all()
        with pytest.raises(ValueError, match="at least three"):
            detector.left_out_distances(train, np.arange(count))


def test_channels_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    train = random_features(10, seed=0)
    same = fitted(train).channel_index_
    torch.testing.assert_close(same, fitted(train).channel_index_)
    assert not torch.equal(same, fitted(train, PadimSettings(9, seed=4)).channel_index_)
    assert len(set(same.tolist())) == 9


def test_what_cannot_be_done_is_refused_in_a_sentence(tiny_images: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="cannot keep 25 of 24 channels"):
        fitted(random_features(3, seed=0), PadimSettings(channels=25))
    for unfitted in (
        lambda: Padim().distances(random_features(1, seed=0)),
        lambda: Padim().finish_fit(),
        lambda: Padim(load_backbone("filterbank")).raw_distances(tiny_images),
    ):
        with pytest.raises(NotFittedError):
            unfitted()
    detector = fitted(random_features(5, seed=0))
    with pytest.raises(ValueError, match="8 x 8 positions and cannot score 4 x 4"):
        detector.distances(random_features(1, seed=0, grid=4))


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("resnet18", "random")


@pytest.fixture(scope="module")
def of_pictures(backbone: Backbone, tiny_images: NDArray[np.uint8]) -> Padim:
    return Padim(backbone, PadimSettings(channels=40)).fit(tiny_images)


def test_a_saved_model_scores_the_same_and_stores_shared_channels_once(
    of_pictures: Padim, backbone: Backbone, tmp_path: Path, tiny_images: NDArray[np.uint8]
) -> None:
    path = tmp_path / "model.safetensors"
    of_pictures.save(path)
    again = Padim.load(path, backbone)
    expected = of_pictures.score(tiny_images).maps
    np.testing.assert_array_equal(again.score(tiny_images).maps, expected)
    assert again.settings == of_pictures.settings
    triangles = 16 * 16 * 40 * 41 / 2 * 4
    assert path.stat().st_size < 0.5 * triangles


def test_a_model_refuses_another_backbone_and_what_does_not_fit_together(
    of_pictures: Padim, backbone: Backbone, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    of_pictures.save(path)
    with pytest.raises(ModelFileError, match="was fitted on resnet18-"):
        Padim.load(path, load_backbone("resnet18", "random", 1))
    tensors, about = read_model(path, "padim")
    for name, spoiled in [
        ("channel_index", torch.arange(410, 450)),  # ResNet-18 has channels 0 to 447
        ("channel_index", torch.arange(-1, 39)),
        ("channel_index", tensors["channel_index"].double()),
        ("layer3.rows", torch.zeros(16, 2, 3)),
        ("layer1.mean", torch.zeros(3)),
        ("layer3.mean", tensors["layer3.mean"].double()),
        ("layer3.mean", tensors["layer3.mean"] * torch.nan),
    ]:
        write_model(path, tensors | {name: spoiled}, about)
        with pytest.raises(ModelFileError, match="another version; evaluate this cell again"):
            Padim.load(path, backbone)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelFileError, match="damaged"):
        Padim.load(path, backbone)


def test_raw_distances_are_what_the_maps_are_made_of(
    of_pictures: Padim, tiny_images: NDArray[np.uint8]
) -> None:
    raw = of_pictures.raw_distances(tiny_images)
    assert raw.shape == (8, 16, 16)
    maps = anomaly_map(torch.from_numpy(raw), (64, 64))
    np.testing.assert_array_equal(maps, of_pictures.score(tiny_images).maps)
    one = of_pictures.raw_distances(tiny_images[3:4])[0]
    np.testing.assert_allclose(one, raw[3], atol=1e-3)
