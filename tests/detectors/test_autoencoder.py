"""The autoencoder: planted defects, its promises on held-out pictures, and its parts together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.autoencoder import Autoencoder, redrawn, split_positions
from detectors.base import ModelFileError, NotFittedError
from detectors.denoising import AutoencoderSettings, resized
from detectors.maps import anomaly_map
from detectors.storage import write_model
from detectors.usual_error import reconstruction_error, relative_error, usual_error
from evaluation.measure.operating_points import pictures_needed

SHORT = AutoencoderSettings(sides=(64, 32), epochs=8, pictures_per_epoch=128)
SHORTEST = replace(SHORT, sides=(32, 16), epochs=2, pictures_per_epoch=16)


def good_pictures(
    count: int, seed: int = 0, height: int = 64, width: int = 64
) -> NDArray[np.uint8]:
    """Return disks on a shaded ground that differ by noise and a little in position."""
    random = np.random.default_rng(seed)
    down, right = np.mgrid[0:height, 0:width] / min(height, width)
    pictures = np.empty((count, height, width, 3))
    for picture in pictures:
        row, column = 0.5 + random.uniform(-0.04, 0.04, 2)
        disk = (down - row) ** 2 + (right - column) ** 2 < 0.3**2
        picture[:] = (0.7 - 0.1 * down)[..., None] - disk[..., None] * np.array([0.4, 0.3, 0.2])
    pictures += random.normal(0, 0.01, pictures.shape)
    return (pictures * 255).round().clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted() -> Autoencoder:
    return Autoencoder(SHORT).fit(good_pictures(40))


def weights(detector: Autoencoder) -> NDArray[np.float32]:
    states = [scale.network.state_dict() | {"usual": scale.usual} for scale in detector.scales_]
    tensors = [t.flatten().float() for state in states for t in state.values()]
    flat: NDArray[np.float32] = torch.cat(tensors).numpy()
    return flat


def logs(detector: Autoencoder) -> list[list[tuple[float, float]]]:
    return [scale.log for scale in detector.scales_]


def test_planted_defect_is_the_hottest_spot_and_good_pictures_are_redrawn_alike(
    fitted: Autoencoder,
) -> None:
    good = good_pictures(6, seed=1)
    bad = good.copy()
    bad[:, 28:36, 38:46] = [230, 230, 20]
    before, after = fitted.score(good), fitted.score(bad)
    assert after.scores.min() > before.scores.max()
    for heat in after.maps:
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert abs(row - 31.5) <= 6
        assert abs(column - 41.5) <= 6
    redrawn = fitted.reconstruct(good)
    assert redrawn.dtype == np.uint8
    assert np.corrcoef(redrawn.ravel(), good.ravel())[0, 1] > 0.8


def test_maps_have_the_size_of_the_pictures_and_scores_are_their_maxima(
    fitted: Autoencoder,
) -> None:
    pictures = good_pictures(4, seed=2, height=90, width=70)
    pictures[2], pictures[3] = 0, 255
    result = fitted.score(pictures)
    assert result.maps.shape == (4, 90, 70)
    assert result.maps.dtype == result.scores.dtype == np.float32
    assert np.isfinite(result.maps).all()
    np.testing.assert_array_equal(result.scores, result.maps.max(axis=(1, 2)))


def test_map_is_the_mean_of_the_relative_errors_of_both_networks(fitted: Autoencoder) -> None:
    train, new = good_pictures(40), good_pictures(1, seed=4)
    trained, stopping, _ = split_positions(40)
    k, maps = fitted.settings.mildness, []
    for scale in fitted.scales_:
        learned = resized(train[np.concatenate([trained, stopping])], scale.size)
        usual = usual_error(reconstruction_error(*redrawn(scale.network, learned)))
        error = reconstruction_error(*redrawn(scale.network, resized(new, scale.size)))
        maps.append(anomaly_map(relative_error(error, usual, k), (64, 64)))
    np.testing.assert_allclose(fitted.score(new).maps, np.mean(maps, axis=0), rtol=1e-3)


def test_another_exposure_changes_scores_little(fitted: Autoencoder) -> None:
    good = good_pictures(6, seed=5)
    bad = good.copy()
    bad[:, 28:36, 38:46] = [230, 230, 20]
    darker = (good * 0.95).astype(np.uint8)
    assert fitted.score(darker).scores.max() < fitted.score(bad).scores.min()


def test_scores_do_not_depend_on_the_batch(fitted: Autoencoder) -> None:
    pictures = good_pictures(5, seed=3)
    together = fitted.score(pictures)
    backwards = fitted.score(pictures[::-1])
    alone = np.concatenate([fitted.score(picture[None]).maps for picture in pictures])
    np.testing.assert_array_equal(together.maps, alone)
    np.testing.assert_array_equal(together.maps[::-1], backwards.maps)


def test_calibration_scores_the_held_out_pictures(fitted: Autoencoder) -> None:
    pictures = good_pictures(40)
    calibration = fitted.calibrate(pictures)
    expected = fitted.score(pictures[calibration.positions])
    np.testing.assert_array_equal(calibration.positions, fitted.positions_)
    np.testing.assert_array_equal(calibration.result.maps, expected.maps)


def test_nothing_was_learned_from_calibration_pictures() -> None:
    pictures = good_pictures(20)
    detector = Autoencoder(SHORTEST).fit(pictures)
    changed = pictures.copy()
    changed[detector.positions_] = 255 - changed[detector.positions_]
    again = Autoencoder(SHORTEST).fit(changed)
    assert len(detector.positions_)
    np.testing.assert_array_equal(weights(detector), weights(again))
    assert logs(detector) == logs(again)


def test_same_seed_gives_the_same_weights_another_others_and_the_callers_numbers_stay() -> None:
    pictures, before = good_pictures(12), torch.random.get_rng_state()
    first, second, other = (
        weights(Autoencoder(replace(SHORTEST, seed=seed)).fit(pictures)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-4
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("count", [1, 4, 5, 9, 10, 60, 100, 209, 320, 3000])
def test_the_parts_of_the_training_set_are_large_enough_and_do_not_overlap(count: int) -> None:
    trained, stopping, calibration = split_positions(count)
    together = np.concatenate([trained, stopping, calibration])
    assert len(np.unique(together)) == len(together)
    assert together.max() < count
    assert len(trained) >= 0.5 * count
    assert (len(stopping) > 0) == (len(calibration) > 0) == (count >= 5)
    assert len(calibration) <= 100
    if count >= 60:
        assert len(calibration) >= pictures_needed(0.05)
        assert len(stopping) >= 0.09 * count


def test_one_training_picture_is_enough_to_fit() -> None:
    wide = good_pictures(1, height=40, width=120)
    detector = Autoencoder(SHORTEST).fit(wide)
    calibration = detector.calibrate(wide)
    assert [len(log) for log in logs(detector)] == [SHORTEST.epochs] * 2
    assert calibration.positions.shape == calibration.result.scores.shape == (0,)
    assert calibration.result.maps.shape == (0, 40, 120)
    assert np.isfinite(detector.score(good_pictures(2)).maps).all()
    assert detector.reconstruct(wide).shape == (1, 16, 48, 3)


def test_progress_counts_the_epochs_of_both_networks() -> None:
    calls: list[tuple[int, int]] = []
    Autoencoder(SHORTEST).fit(good_pictures(10), lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("count", [2, 10])  # without and with a validation error
def test_saved_model_scores_the_same_after_loading(count: int, tmp_path: Path) -> None:
    pictures, path = good_pictures(count), tmp_path / "model.safetensors"
    detector = Autoencoder(SHORTEST).fit(pictures)
    detector.save(path)
    loaded = Autoencoder.load(path)
    np.testing.assert_array_equal(loaded.score(pictures).maps, detector.score(pictures).maps)
    np.testing.assert_array_equal(loaded.positions_, detector.positions_)
    np.testing.assert_array_equal(loaded.reconstruct(pictures), detector.reconstruct(pictures))
    np.testing.assert_array_equal(logs(loaded), logs(detector))
    assert np.isnan(logs(loaded)).any() == (count == 2)
    assert loaded.settings == detector.settings


def test_what_cannot_be_done_is_refused_in_a_sentence(tmp_path: Path) -> None:
    pictures, detector, path = good_pictures(4), Autoencoder(), tmp_path / "model.safetensors"
    for use in (detector.score, detector.calibrate, detector.reconstruct):
        with pytest.raises(NotFittedError, match="call fit first"):
            use(pictures)
    with pytest.raises(NotFittedError, match="call fit first"):
        detector.save(path)
    with pytest.raises(ValueError, match="uint8"):
        detector.fit(np.zeros((2, 64, 64, 3), np.float32))
    with pytest.raises(RuntimeError, match="diverged at the learning rates"):
        Autoencoder(replace(SHORTEST, learning_rate=float("inf"))).fit(pictures)
    write_model(path, {"positions": torch.zeros(1)}, {"method": "ae"})
    with pytest.raises(ModelFileError, match="evaluate this cell again"):
        Autoencoder.load(path)
