"""Every training picture is rated by models without it, as calibration pictures are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_utils.mvtec import scan_category
from evaluation.run.plan import Run
from evaluation.run.progress import DONE, FAILED, SKIPPED, CellState, RunProgress
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.training_set.held_out import rate_training_pictures
from evaluation.training_set.ratings import (
    ABOUT_FILE,
    TABLE_FILE,
    Ratings,
    RatingsError,
    about_file,
    nearly_equal,
    read_ratings,
)
from evaluation.training_set.study import carry_out, study_cells
from tests.make_data import defective_picture, good_picture, save, write_category
from tests.runs import SMALL, backbones_made_once, finished_run, scores

NAME = "training_pictures"


def rated(run: Run) -> list[CellState]:
    """Rate the training pictures of a run's categories; return what became of each."""
    cells = study_cells(run, NAME)
    progress = RunProgress(run.outputs, cells, show_bars=False)
    with backbones_made_once():
        carry_out(rate_training_pictures, cells, run, progress)
    return progress.status.cells


def ratings_of(run: Run) -> Ratings:
    found = read_ratings(run.outputs, "part")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return an evaluated run whose training pictures are rated; the last one has a blot."""
    base = tmp_path_factory.mktemp("rated")
    part = write_category(base / "data", "part", train=20)
    save(defective_picture(np.random.default_rng(1))[0], part / "train" / "good" / "999.png")
    run = finished_run(base, "part", settings=SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        assert {cell.state for cell in rated(run)} == {DONE}
    return run


def test_ratings_are_the_calibration_scores_of_an_evaluation(made: Run) -> None:
    """Of up to 100 training pictures an evaluation leaves each out as well."""
    ratings = ratings_of(made)

    assert ratings.methods == ["padim", "patchcore"]
    for method in ratings.methods:
        table = scores(made, method)
        held_out = table[table["split"] == "calibration"]
        assert ratings.table["file"].tolist() == held_out["file"].tolist()
        np.testing.assert_allclose(ratings.table[method], held_out["score"], rtol=1e-6)
        highest = ratings.maps[method].max(axis=(1, 2)).astype(np.float32)
        np.testing.assert_allclose(highest, held_out["score"], rtol=1e-3)


def test_a_picture_with_a_defect_stands_out_most(made: Run) -> None:
    ratings = ratings_of(made)
    first = int(np.argmax(ratings.standing_out))

    assert ratings.table["file"].iat[first] == "part/train/good/999.png"
    assert np.sort(ratings.standing_out)[-2] < 0.5 * ratings.standing_out[first]


def test_ratings_say_what_they_were_made_from(made: Run) -> None:
    about = ratings_of(made).about

    assert about["data_root"] == str(made.data.resolve())
    assert about["weights"] == "random (seed 0)"
    assert scan_category(made.data, "part").root == made.data


def test_fewer_than_three_pictures_are_refused_in_a_sentence(tmp_path: Path) -> None:
    write_category(tmp_path / "data", "part", train=2)
    states = rated(Run(tmp_path / "data", tmp_path / "out", ["part"], ["padim"], SMALL, "random"))

    assert [cell.state for cell in states] == [FAILED]
    assert str(states[0].reason).startswith("'part' has fewer than 3 training pictures")
    assert read_ratings(tmp_path / "out", "part") is None


def test_the_autoencoder_is_not_asked(tmp_path: Path) -> None:
    run = Run(tmp_path, tmp_path, ["part"], ["ae", "padim"])

    assert [cell.method for cell in study_cells(run, NAME)] == ["padim"]


@pytest.mark.parametrize("name", [ABOUT_FILE, TABLE_FILE, "maps_padim.npy"])
@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_damaged_ratings_are_refused_in_a_sentence(
    made: Run, tmp_path: Path, name: str, damage: bytes | None
) -> None:
    source, folder = about_file(made.outputs, "part").parent, tmp_path / "part" / NAME
    folder.mkdir(parents=True)
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    if damage is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(damage)

    with pytest.raises(RatingsError, match="rate the training pictures again"):
        read_ratings(tmp_path, "part")


def test_edited_ratings_are_refused(made: Run, tmp_path: Path) -> None:
    source, folder = about_file(made.outputs, "part").parent, tmp_path / "part" / NAME
    folder.mkdir(parents=True)
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    about = json.loads((folder / ABOUT_FILE).read_text())
    (folder / ABOUT_FILE).write_text(json.dumps(about | {"data_root": "/elsewhere"}))

    with pytest.raises(RatingsError):
        read_ratings(tmp_path, "part")


@pytest.mark.parametrize(
    "change",
    [
        {"equal": [[0, 99, 0.1]]},
        {"equal": 5},
        {"seconds": None},
        {"scales": {"padim": None}},
        {"scales": {"../x": {"low": 0.0, "high": 1.0}}},
        {"category": "other"},
    ],
)
def test_ratings_with_odd_content_are_refused_although_their_checksum_fits(
    made: Run, tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = tmp_path / "part" / NAME
    shutil.copytree(about_file(made.outputs, "part").parent, folder)
    about = json.loads((folder / ABOUT_FILE).read_text()) | change
    about[CHECKSUM] = content_checksum(about)
    (folder / ABOUT_FILE).write_text(json.dumps(about))

    with pytest.raises(RatingsError):
        read_ratings(tmp_path, "part")


def test_ratings_that_a_link_leads_to_are_not_read(made: Run, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / NAME).symlink_to(about_file(made.outputs, "part").parent)

    with pytest.raises(RatingsError):
        read_ratings(tmp_path, "part")


def test_what_has_been_rated_is_not_rated_again_unless_that_is_asked(made: Run) -> None:
    before = about_file(made.outputs, "part").stat().st_mtime_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(made.outputs.parent / "cache"))
        assert {cell.state for cell in rated(made)} == {SKIPPED}
        assert about_file(made.outputs, "part").stat().st_mtime_ns == before
        assert {cell.state for cell in rated(replace(made, force=True))} == {DONE}


def test_a_category_whose_name_is_taken_is_a_failure(tmp_path: Path) -> None:
    write_category(tmp_path / "data", "settings", train=4)
    states = rated(
        Run(tmp_path / "data", tmp_path / "out", ["settings"], ["padim"], SMALL, "random")
    )

    assert [cell.state for cell in states] == [FAILED]


def test_copies_are_found_whatever_their_exposure_and_noise_and_other_pictures_are_not() -> None:
    rng = np.random.default_rng(0)
    blocks = rng.integers(40, 200, (12, 16, 16, 1)).repeat(8, 1).repeat(8, 2).repeat(3, 3)
    brighter = np.clip(blocks[4] * 1.1 + 5, 0, 255)
    noisy = np.clip(blocks[7] + rng.normal(0, 3, blocks[7].shape), 0, 255)
    pictures = np.concatenate([blocks, [brighter, noisy]]).astype(np.uint8)

    pairs = nearly_equal(pictures)

    assert {pair[:2] for pair in pairs} == {(4, 12), (7, 13)}
    assert all(difference < 0.05 for *_, difference in pairs)
    assert nearly_equal(pictures[:12]) == []
    assert nearly_equal(pictures[:1]) == []


def test_frames_of_a_video_are_all_found_although_every_picture_has_a_twin() -> None:
    rng = np.random.default_rng(0)
    scene = good_picture(rng, 96).astype(float)
    frames = np.clip(scene + rng.normal(0, 1, (6, *scene.shape)), 0, 255).astype(np.uint8)

    assert {one for pair in nearly_equal(frames) for one in pair[:2]} == set(range(6))


@pytest.mark.parametrize("sigma", [0.5, 2, 5])
def test_plain_surfaces_of_different_parts_are_not_nearly_equal(sigma: float) -> None:
    noise = np.random.default_rng(0).normal(120, sigma, (30, 224, 224, 1)).repeat(3, 3)

    assert nearly_equal(noise.round().astype(np.uint8)) == []
