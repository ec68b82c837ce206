"""The autoencoder: planted defects, its promises on held-out pictures, and its arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from detectors.autoencoder import (
    LOSS_WEIGHT,
    Autoencoder,
    AutoencoderSettings,
    endless_order,
    network_size,
    reconstruction_error,
    resized,
    split_positions,
    structural_error,
    unit_range,
)
from detectors.base import ModelFileError, NotFittedError
from detectors.storage import write_model
from evaluation.measure.operating_points import pictures_needed

SHORT = AutoencoderSettings(side=64, max_epochs=8, pictures_per_epoch=64, batch_size=8)
SHORTEST = replace(SHORT, side=32, max_epochs=2, pictures_per_epoch=16)


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
    state = detector.network_.state_dict().values()
    flat: NDArray[np.float32] = torch.cat([t.flatten().float() for t in state]).numpy()
    return flat


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


def test_calibration_pictures_were_neither_trained_on_nor_used_to_stop() -> None:
    pictures = good_pictures(20)
    detector = Autoencoder(SHORTEST).fit(pictures)
    changed = pictures.copy()
    changed[detector.positions_] = 255 - changed[detector.positions_]
    again = Autoencoder(SHORTEST).fit(changed)
    assert len(detector.positions_)
    np.testing.assert_array_equal(weights(detector), weights(again))
    assert detector.log_ == again.log_


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
    assert len(detector.log_) == SHORTEST.max_epochs
    assert calibration.positions.shape == calibration.result.scores.shape == (0,)
    assert calibration.result.maps.shape == (0, 40, 120)
    assert np.isfinite(detector.score(good_pictures(2)).maps).all()
    assert detector.reconstruct(wide).shape == (1, 32, 64, 3)


def test_structural_error_agrees_with_ssim_written_out() -> None:
    random = np.random.default_rng(0)
    pictures, drawn = random.random((2, 3, 3, 32, 48)).astype(np.float32)
    found = structural_error(torch.from_numpy(pictures), torch.from_numpy(drawn)).numpy()
    for n in range(3):
        x, y = pictures[n].mean(0).astype(float), drawn[n].mean(0).astype(float)
        mean_x, mean_y = gaussian_filter(x, 5), gaussian_filter(y, 5)
        variance_x = gaussian_filter(x * x, 5) - mean_x**2
        variance_y = gaussian_filter(y * y, 5) - mean_y**2
        covariance = gaussian_filter(x * y, 5) - mean_x * mean_y
        ssim = ((2 * mean_x * mean_y + 0.01**2) * (2 * covariance + 0.004)) / (
            (mean_x**2 + mean_y**2 + 0.01**2) * (variance_x + variance_y + 0.004)
        )
        np.testing.assert_allclose(found[n], 1 - ssim, atol=1e-4)


def test_wide_pictures_keep_their_shape() -> None:
    assert network_size(224, 224, 128) == (128, 128)
    assert network_size(160, 320, 128) == (96, 192)
    assert network_size(32, 2048, 32) == (32, 256)


def test_every_picture_is_drawn_once_per_round() -> None:
    order = endless_order(5, torch.Generator().manual_seed(0))
    rounds = [sorted(next(order) for _ in range(5)) for _ in range(3)]
    assert rounds == [list(range(5))] * 3


def test_progress_counts_epochs_and_ends_complete() -> None:
    calls: list[tuple[int, int]] = []
    for patience in (0, 6):
        Autoencoder(replace(SHORTEST, max_epochs=3, patience=patience)).fit(
            good_pictures(10), lambda done, total: calls.append((done, total))
        )
    assert calls == [(1, 3), (3, 3), (1, 3), (2, 3), (3, 3)]


def test_best_epoch_is_kept() -> None:
    pictures = good_pictures(20)
    detector = Autoencoder(replace(SHORTEST, max_epochs=5, learning_rate=0.03)).fit(pictures)
    _, stopping, _ = split_positions(20)
    seen = unit_range(resized(pictures[stopping], detector.input_size_))
    with torch.inference_mode():
        error = reconstruction_error(seen, detector.network_(seen), LOSS_WEIGHT).mean().item()
    assert error == pytest.approx(min(held_out for _, held_out in detector.log_), rel=1e-4)


@pytest.mark.parametrize("count", [2, 10])  # without and with a validation error
def test_saved_model_scores_the_same_after_loading(count: int, tmp_path: Path) -> None:
    pictures, path = good_pictures(count), tmp_path / "model.safetensors"
    detector = Autoencoder(SHORTEST).fit(pictures)
    detector.save(path)
    loaded = Autoencoder.load(path)
    np.testing.assert_array_equal(loaded.score(pictures).maps, detector.score(pictures).maps)
    np.testing.assert_array_equal(loaded.positions_, detector.positions_)
    np.testing.assert_array_equal(loaded.log_, detector.log_)
    assert np.isnan(loaded.log_).any() == (count == 2)
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
