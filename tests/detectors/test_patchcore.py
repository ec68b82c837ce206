"""PatchCore against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.spatial.distance import cdist

from detectors.backbones.features import Features
from detectors.backbones.loading import load_backbone
from detectors.base import ModelFileError, NotFittedError
from detectors.coreset import random_projection
from detectors.patchcore import Patchcore, PatchcoreSettings, patch_features, projected_patches
from detectors.storage import write_model
from tests.detectors.features import CHANNELS, random_features, some


def fitted(features: Features, ratio: float = 0.2, seed: int = 0) -> Patchcore:
    settings = PatchcoreSettings(coreset_ratio=ratio, seed=seed)
    return Patchcore(settings=settings).partial_fit(features).finish_fit()


def saved_and_loaded(
    images: NDArray[np.uint8], folder: Path, ratio: float
) -> tuple[Patchcore, Patchcore]:
    """Return a fitted detector, and what is read of its file."""
    backbone = load_backbone("resnet18", "random")
    detector = Patchcore(backbone, PatchcoreSettings(coreset_ratio=ratio)).fit(images)
    detector.save(folder / "model.safetensors")
    return detector, Patchcore.load(folder / "model.safetensors", backbone)


def test_patches_are_local_means_of_layers_2_and_3() -> None:
    features = random_features(2, seed=0)
    patches = patch_features(features).reshape(2, 4, 4, -1).numpy()
    middle = features["layer2"].numpy()
    local_mean = uniform_filter(middle, size=(1, 1, 3, 3), mode="constant")
    own = patches[..., : CHANNELS["layer2"]]
    np.testing.assert_allclose(own, np.moveaxis(local_mean, 1, -1), rtol=1e-4, atol=1e-5)
    deep_mean = uniform_filter(features["layer3"].numpy(), size=(1, 1, 3, 3), mode="constant")
    corners = np.moveaxis(deep_mean[:, :, [0, 0, 1, 1], [0, 1, 0, 1]], 1, -1)
    enlarged = patches[..., CHANNELS["layer2"] :]
    np.testing.assert_allclose(
        enlarged[:, [0, 0, 3, 3], [0, 3, 0, 3]], corners, rtol=1e-4, atol=1e-5
    )
    assert patches.shape[-1] == CHANNELS["layer2"] + CHANNELS["layer3"]


def test_projecting_before_enlarging_is_the_same() -> None:
    features = random_features(2, seed=0)
    patches = patch_features(features)
    projection = random_projection(patches.shape[1], torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        projected_patches(features, projection), patches @ projection, rtol=1e-4, atol=1e-4
    )


def test_distances_are_those_to_the_nearest_stored_patch() -> None:
    train, test = random_features(10, seed=0), random_features(3, seed=1)
    detector = fitted(train)
    reference = cdist(patch_features(test).numpy(), detector.memory_bank_.numpy()).min(axis=1)
    np.testing.assert_allclose(
        detector.distances(test).numpy().ravel(), reference, rtol=1e-4, atol=1e-4
    )


def test_the_bank_holds_the_patches_it_says_it_holds() -> None:
    train = random_features(10, seed=0)
    detector = fitted(train)
    patches = patch_features(train).reshape(10, 16, -1)
    torch.testing.assert_close(
        detector.memory_bank_, patches[detector.bank_image_, detector.bank_position_]
    )
    assert len(detector.memory_bank_) == round(0.2 * 10 * 16)


def test_with_all_patches_stored_training_pictures_are_at_distance_zero() -> None:
    train = random_features(6, seed=0)
    assert float(fitted(train, ratio=1.0).distances(train).max()) == 0.0


def test_fit_does_not_depend_on_how_the_pictures_are_cut_into_batches() -> None:
    train = random_features(12, seed=0)
    detector = Patchcore(settings=PatchcoreSettings(coreset_ratio=0.1))
    for part in (slice(0, 5), slice(5, 6), slice(6, 12)):
        detector.partial_fit(some(train, part))
    detector.finish_fit()
    torch.testing.assert_close(detector.memory_bank_, fitted(train, ratio=0.1).memory_bank_)


def test_leaving_a_picture_out_ignores_only_its_own_patches() -> None:
    train = random_features(8, seed=0)
    detector = fitted(train, ratio=0.3)
    positions = np.array([1, 6])
    left_out = detector.left_out_distances(some(train, positions), positions).numpy()
    patches = patch_features(train).reshape(8, 16, -1).numpy()
    for k, position in enumerate(positions):
        others = detector.memory_bank_[detector.bank_image_ != position].numpy()
        reference = cdist(patches[position], others).min(axis=1)
        np.testing.assert_allclose(left_out[k].ravel(), reference, rtol=1e-4, atol=1e-4)


def test_a_bank_from_one_picture_cannot_leave_it_out() -> None:
    train = random_features(1, seed=0)
    with pytest.raises(ValueError, match="come from one picture"):
        fitted(train).left_out_distances(train, np.arange(1))


def test_same_seed_same_bank_and_another_seed_another() -> None:
    train = random_features(10, seed=0)
    first = fitted(train, ratio=0.05)
    assert torch.equal(first.memory_bank_, fitted(train, ratio=0.05).memory_bank_)
    assert not torch.equal(first.memory_bank_, fitted(train, ratio=0.05, seed=1).memory_bank_)


def test_the_nearest_good_patch_is_the_one_that_brute_force_finds() -> None:
    train, test = random_features(10, seed=0), random_features(1, seed=1)
    detector = fitted(train)
    found = detector.nearest_good_features(test)
    table = cdist(patch_features(test).numpy(), detector.memory_bank_.numpy())
    hottest = int(table.min(axis=1).argmax())
    assert found.grid == (4, 4)
    assert found.position == (hottest // 4, hottest % 4)
    assert found.distance == pytest.approx(table[hottest].min(), rel=1e-4)
    patches = patch_features(train).reshape(10, 4, 4, -1)
    stored = patches[found.train_image, found.train_position[0], found.train_position[1]]
    own = patch_features(test)[hottest]
    assert float((own - stored).norm()) == pytest.approx(found.distance, rel=1e-4)


def test_a_loaded_detector_explains_a_picture_after_scoring_it(
    tiny_images: NDArray[np.uint8], tmp_path: Path
) -> None:
    detector, again = saved_and_loaded(tiny_images, tmp_path, ratio=0.1)
    again.score(tiny_images)
    assert again.nearest_good(tiny_images[1]) == detector.nearest_good(tiny_images[1])


def test_a_training_picture_with_all_patches_stored_is_its_own_nearest_good_one(
    tiny_images: NDArray[np.uint8], tmp_path: Path
) -> None:
    _, again = saved_and_loaded(tiny_images, tmp_path, ratio=1.0)
    found = again.nearest_good(tiny_images[5])
    assert found.train_image == 5
    assert found.train_position == found.position
    assert found.distance == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.1])
def test_impossible_coreset_ratios_are_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        PatchcoreSettings(coreset_ratio=ratio)


def test_scoring_before_fitting_is_refused() -> None:
    with pytest.raises(NotFittedError):
        Patchcore().distances(random_features(1, seed=0))
    with pytest.raises(NotFittedError):
        Patchcore().nearest_good_features(random_features(1, seed=0))
    with pytest.raises(NotFittedError):
        Patchcore().finish_fit()


def test_a_detector_can_be_fitted_again() -> None:
    detector = fitted(random_features(10, seed=0))
    train = random_features(5, seed=9)
    detector.partial_fit(train).finish_fit()
    assert detector.count_ == 5
    torch.testing.assert_close(detector.memory_bank_, fitted(train).memory_bank_)


def test_a_saved_model_scores_the_same(tmp_path: Path, tiny_images: NDArray[np.uint8]) -> None:
    detector, again = saved_and_loaded(tiny_images, tmp_path, ratio=0.1)
    np.testing.assert_array_equal(again.score(tiny_images).maps, detector.score(tiny_images).maps)
    with pytest.raises(ModelFileError, match="was fitted on"):
        Patchcore.load(
            tmp_path / "model.safetensors",
            load_backbone("resnet18", "random", 1),
        )


def test_another_methods_model_and_an_older_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, {"mean": torch.zeros(1)}, {"method": "padim"})
    with pytest.raises(ModelFileError, match="is a padim model"):
        Patchcore.load(path)
    write_model(path, {"bank": torch.zeros(1)}, {"method": "patchcore", "settings": {}})
    with pytest.raises(ModelFileError, match="another version"):
        Patchcore.load(path)


@pytest.mark.parametrize("ratio", [0.002, 0.05, 0.1, 0.25])
def test_a_reduced_memory_bank_is_that_of_a_fit_with_the_smaller_ratio(ratio: float) -> None:
    train = random_features(40, seed=0)
    alone, reduced = fitted(train, ratio, seed=5), fitted(train, 0.25, seed=5).reduced(ratio)

    assert reduced.settings == alone.settings
    assert torch.equal(reduced.memory_bank_, alone.memory_bank_)
    assert torch.equal(reduced.bank_image_, alone.bank_image_)
    assert torch.equal(reduced.bank_position_, alone.bank_position_)
    test = random_features(3, seed=1)
    assert torch.equal(reduced.distances(test), alone.distances(test))


def test_a_memory_bank_cannot_be_reduced_to_a_larger_one() -> None:
    with pytest.raises(ValueError, match="cannot be reduced"):
        fitted(random_features(4, seed=0), 0.2).reduced(0.5)
