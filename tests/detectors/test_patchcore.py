"""PatchCore against the plain algorithm: every distance, one patch chosen after the other."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter, zoom
from scipy.spatial.distance import cdist

from detectors.backbones.features import Backbone, Features
from detectors.backbones.networks import load_backbone
from detectors.base import ModelFileError, NotFittedError, calibration_positions
from detectors.coreset import greedy_coreset, random_projection, replacements
from detectors.patchcore import Patchcore, PatchcoreSettings, patch_features
from detectors.storage import write_model
from tests.detectors.features import CHANNELS, random_features, some
from tests.detectors.test_coreset import naive_coreset


def fitted(features: Features, ratio: float = 0.2, seed: int = 0) -> Patchcore:
    settings = PatchcoreSettings(coreset_ratio=ratio, seed=seed)
    return Patchcore(settings=settings).partial_fit(features).finish_fit()


def test_patches_are_local_means_of_layers_2_and_3() -> None:
    features = random_features(2, seed=0)
    patches = patch_features(features).reshape(2, 4, 4, -1).numpy()
    middle, deep = (
        uniform_filter(features[layer].numpy(), size=(1, 1, 3, 3), mode="constant")
        for layer in ("layer2", "layer3")
    )
    enlarged = zoom(deep, (1, 1, 2, 2), order=1, mode="nearest", grid_mode=True)
    expected = np.moveaxis(np.concatenate([middle, enlarged], axis=1), 1, -1)
    np.testing.assert_allclose(patches, expected, rtol=1e-4, atol=1e-5)
    assert patches.shape[-1] == CHANNELS["layer2"] + CHANNELS["layer3"]


@pytest.mark.parametrize(("ratio", "seed"), [(0.2, 0), (0.05, 7)])
def test_memory_bank_and_distances_are_those_of_the_plain_algorithm(
    ratio: float, seed: int
) -> None:
    train, test = random_features(10, seed=0), random_features(3, seed=1)
    detector = fitted(train, ratio, seed)
    patches = patch_features(train)
    generator = torch.Generator().manual_seed(seed)
    projected = patches @ random_projection(patches.shape[1], generator)
    start = int(torch.randint(len(patches), (1,), generator=generator))
    chosen = naive_coreset(projected.double().numpy(), round(ratio * len(patches)), start)

    assert (detector.bank_image_ * 16 + detector.bank_position_).tolist() == chosen
    torch.testing.assert_close(detector.memory_bank_, patches[chosen])
    plain = cdist(patch_features(test).numpy(), patches[chosen].numpy()).min(axis=1)
    np.testing.assert_allclose(detector.distances(test).numpy().ravel(), plain, rtol=1e-4)


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


def test_leaving_a_picture_out_takes_what_is_chosen_instead_of_its_patches() -> None:
    train = random_features(8, seed=0)
    detector = fitted(train, ratio=0.1)
    generator = torch.Generator().manual_seed(0)
    flat = patch_features(train)
    projected = flat @ random_projection(flat.shape[1], generator)
    start = int(torch.randint(len(flat), (1,), generator=generator))
    chosen = greedy_coreset(projected, round(0.1 * len(flat)), start)
    positions = np.array([1, 6])
    left_out = detector.left_out_distances(some(train, positions), positions).numpy()
    for k, position in enumerate(positions):
        own = slice(16 * position, 16 * (position + 1))
        filled = flat[replacements(projected, chosen, [own])[0]]
        others = detector.memory_bank_[detector.bank_image_ != position]
        reference = cdist(flat[own], torch.cat([others, filled])).min(axis=1)
        np.testing.assert_allclose(left_out[k].ravel(), reference, rtol=1e-4, atol=1e-4)


def test_any_of_many_pictures_can_be_left_out_if_that_is_asked_before() -> None:
    train, everything = random_features(120, seed=0), np.arange(120)
    usual = fitted(train, ratio=0.05)
    asked = fitted(train, ratio=0.05)
    asked.leaves_out_any = True
    some_positions = calibration_positions(120)
    distances = asked.left_out_distances(train, everything)

    torch.testing.assert_close(
        distances[some_positions],
        usual.left_out_distances(some(train, some_positions), some_positions),
    )
    assert float(distances.amin()) > 0


def test_left_out_pictures_score_like_pictures_that_were_never_there() -> None:
    """The oracle refits without each picture; the holes left unfilled would be far too far."""
    train = random_features(30, seed=3, grid=16)
    detector = fitted(train, ratio=0.05)
    positions = np.arange(30)
    approximate = detector.left_out_distances(train, positions).amax(dim=(1, 2))
    exact = torch.stack(
        [
            fitted(some(train, np.delete(positions, at)), ratio=0.05)
            .distances(some(train, [at]))
            .max()
            for at in range(30)
        ]
    )
    others = [detector.memory_bank_[detector.bank_image_ != at] for at in range(30)]
    patches = patch_features(train).reshape(30, -1, patch_features(train).shape[1])
    holes = torch.stack(
        [
            torch.cdist(own, bank).amin(dim=1).max()
            for own, bank in zip(patches, others, strict=True)
        ]
    )

    too_far = float((approximate - exact).mean())
    assert abs(too_far) < 0.25 * float((holes - exact).mean())


def test_a_stored_patchcore_cannot_leave_pictures_out(tmp_path: Path) -> None:
    train = random_features(6, seed=0)
    detector = fitted(train)
    detector.backbone = load_backbone("resnet18", "random")
    detector.save(tmp_path / "model")
    with pytest.raises(NotFittedError, match="fit it again"):
        Patchcore.load(tmp_path / "model").left_out_distances(train, np.arange(6))


def test_a_bank_from_one_picture_cannot_leave_it_out() -> None:
    train = random_features(1, seed=0)
    with pytest.raises(ValueError, match="come from one picture"):
        fitted(train).left_out_distances(train, np.arange(1))


def test_same_seed_same_bank_and_another_seed_another_also_when_fitted_again() -> None:
    train = random_features(10, seed=0)
    first = fitted(train, ratio=0.05)
    again = fitted(random_features(5, seed=9), ratio=0.05).partial_fit(train).finish_fit()
    assert again.count_ == 10
    assert torch.equal(first.memory_bank_, again.memory_bank_)
    test = random_features(2, seed=1)
    assert torch.equal(first.distances(test), again.distances(test))
    assert not torch.equal(first.memory_bank_, fitted(train, ratio=0.05, seed=1).memory_bank_)


def test_the_nearest_good_patch_is_the_one_that_brute_force_finds() -> None:
    train, test = random_features(10, seed=0), random_features(1, seed=1)
    detector = fitted(train)
    detector.backbone = SimpleNamespace(extract=lambda _: test)
    found = detector.nearest_good(np.zeros((8, 8, 3), np.uint8))
    table = cdist(patch_features(test).numpy(), detector.memory_bank_.numpy())
    hottest = int(table.min(axis=1).argmax())
    assert found.grid == (4, 4)
    assert found.position == (hottest // 4, hottest % 4)
    assert found.distance == pytest.approx(table[hottest].min(), rel=1e-4)
    patches = patch_features(train).reshape(10, 4, 4, -1)
    stored = patches[found.train_image, found.train_position[0], found.train_position[1]]
    own = patch_features(test)[hottest]
    assert float((own - stored).norm()) == pytest.approx(found.distance, rel=1e-4)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("resnet18", "random")


def test_a_saved_model_scores_and_explains_the_same(
    backbone: Backbone, tmp_path: Path, tiny_images: NDArray[np.uint8]
) -> None:
    detector = Patchcore(backbone, PatchcoreSettings(coreset_ratio=1.0)).fit(tiny_images)
    path = tmp_path / "model.safetensors"
    detector.save(path)
    again = Patchcore.load(path, backbone)
    np.testing.assert_array_equal(again.score(tiny_images).maps, detector.score(tiny_images).maps)
    found = again.nearest_good(tiny_images[5])
    assert found == detector.nearest_good(tiny_images[5])
    assert (found.train_image, found.train_position) == (5, found.position)  # it is its own
    assert found.distance == pytest.approx(0, abs=1e-3)
    with pytest.raises(ModelFileError, match="was fitted on"):
        Patchcore.load(path, load_backbone("resnet18", "random", 1))


def test_another_methods_model_and_an_older_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, {"mean": torch.zeros(1)}, {"method": "padim"})
    with pytest.raises(ModelFileError, match="is not one of patchcore"):
        Patchcore.load(path)
    write_model(path, {"bank": torch.zeros(1)}, {"method": "patchcore", "settings": {}})
    with pytest.raises(ModelFileError, match="another version"):
        Patchcore.load(path)


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.1])
def test_impossible_coreset_ratios_are_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        PatchcoreSettings(coreset_ratio=ratio)


def test_scoring_before_fitting_is_refused(
    backbone: Backbone, tiny_images: NDArray[np.uint8]
) -> None:
    for unfitted in (
        lambda: Patchcore().distances(random_features(1, seed=0)),
        lambda: Patchcore(backbone).nearest_good(tiny_images[0]),
        lambda: Patchcore().finish_fit(),
    ):
        with pytest.raises(NotFittedError):
            unfitted()
