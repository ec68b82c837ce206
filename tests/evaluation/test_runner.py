"""A run from pictures on disk to finished cells, on small pictures and random weights."""

from __future__ import annotations

import errno
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from data_utils.mvtec import DatasetError
from detectors.autoencoder import Autoencoder, AutoencoderSettings
from detectors.backbones.features import Backbone, Features, NetworkBackbone
from detectors.backbones.loading import load_backbone
from detectors.backbones.names import LITE0, LITE0_LABEL
from detectors.backbones.weights import random_weights
from detectors.base import AnomalyResult, Calibration, Detector, Progress
from detectors.padim import Padim
from detectors.patchcore import Patchcore
from detectors.registry import METHODS, Method, Options
from evaluation.cells import (
    CELL_FILE,
    CURVES_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    failures,
    read_cell,
)
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate, plan_categories, seconds_per_cell
from evaluation.settings import Settings
from evaluation.summary import SUMMARY_FILE
from evaluation.thresholds import threshold_for
from tests.make_data import SIDE, defective_picture, save, write_category

BOTH = ["padim", "patchcore"]
FEW_CHANNELS = Options(padim_channels=20)
SMALL = Settings(options=FEW_CHANNELS, image_size=64)
TRAIN, GOOD, BAD = 8, 3, 4


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with the category ``part``."""
    write_category(tmp_path / "data", train=TRAIN, good=GOOD, bad=BAD)
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    """Return a quick run of PaDiM and PatchCore on ``part``."""
    return Run(data, tmp_path / "outputs", ["part"], BOTH, SMALL, weights="random")


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of batch sizes that pass the backbone from now on."""
    sizes: list[int] = []
    extract = NetworkBackbone.extract

    def counted(self: NetworkBackbone, images: NDArray[np.uint8]) -> Features:
        sizes.append(len(images))
        return extract(self, images)

    monkeypatch.setattr(NetworkBackbone, "extract", counted)
    return sizes


def go(run: Run) -> dict[tuple[str, str], tuple[str, str]]:
    """Evaluate; return state and reason of every cell."""
    progress = RunProgress(run.outputs, run.planned, show_bars=False)
    evaluate(run, progress)
    return {(c.category, c.method): (c.state, c.reason) for c in progress.status.cells}


def states(run: Run) -> list[str]:
    """Evaluate; return the state of every cell in the order of the plan."""
    return [state for state, _ in go(run).values()]


def cell(run: Run, method: str, category: str = "part") -> dict[str, Any]:
    """Return a finished cell."""
    return read_cell(run.place(category, method).folder)


def scores(run: Run, method: str, category: str = "part") -> pd.DataFrame:
    """Return a finished cell's scores."""
    return pd.read_csv(run.place(category, method).folder / SCORES_FILE, dtype={"stem": str})


def scores_text(run: Run, method: str) -> str:
    """Return a finished cell's scores as they stand in the file."""
    return (run.place("part", method).folder / SCORES_FILE).read_text()


# One run with the default settings, whose files are looked at from all sides.


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a finished run with the default settings."""
    base = tmp_path_factory.mktemp("finished")
    write_category(base / "data", train=TRAIN, good=GOOD, bad=BAD)
    run = Run(base / "data", base / "outputs", ["part"], BOTH, weights="random")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        go(run)
    return run


SAMPLES = [("good", f"{i:03}") for i in range(GOOD)] + [("blot", f"{i:03}") for i in range(BAD)]


@pytest.mark.parametrize("method", BOTH)
def test_a_cell_of_the_default_settings_has_exactly_the_promised_files(
    finished: Run, method: str
) -> None:
    folder = finished.outputs / "part" / method
    pictures = {
        f"{defect}_{stem}_{kind}.png"
        for defect, stem in SAMPLES
        for kind in ("img", "gt", "map", "overlay")
    }

    assert {path.name for path in folder.iterdir()} == pictures | {
        CELL_FILE,
        CURVES_FILE,
        MAPS_FILE,
        MODEL_FILE,
        SCORES_FILE,
    }


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize(
    ("kind", "mode"), [("img", "RGB"), ("gt", "L"), ("map", "L"), ("overlay", "RGB")]
)
def test_pictures_have_the_size_of_the_transform_and_the_right_channels(
    finished: Run, method: str, kind: str, mode: str
) -> None:
    for defect, stem in SAMPLES:
        path = finished.outputs / "part" / method / f"{defect}_{stem}_{kind}.png"
        with Image.open(path) as picture:
            assert (picture.size, picture.mode) == ((224, 224), mode)


def test_the_ground_truth_is_white_at_the_defect_and_black_elsewhere(finished: Run) -> None:
    folder = finished.outputs / "part" / "padim"
    for defect, stem in SAMPLES:
        truth = np.asarray(Image.open(folder / f"{defect}_{stem}_gt.png"))
        shown = np.asarray(Image.open(folder / f"{defect}_{stem}_img.png"))

        assert set(np.unique(truth)) == ({0, 255} if defect == "blot" else {0})
        if defect == "blot":
            assert shown[truth == 255].mean() > 240
            assert shown[truth == 0].mean() < 160


@pytest.mark.parametrize("method", BOTH)
def test_every_map_is_brightest_in_the_planted_defect(finished: Run, method: str) -> None:
    folder = finished.outputs / "part" / method
    maps = np.load(folder / MAPS_FILE)
    for position, (defect, stem) in enumerate(SAMPLES):
        if defect == "blot":
            truth = np.asarray(Image.open(folder / f"{defect}_{stem}_gt.png")) > 0
            assert maps[position][truth].mean() > 2 * maps[position][~truth].mean()


@pytest.mark.parametrize("method", BOTH)
def test_a_good_part_looks_colder_than_a_defect_and_keeps_its_looks(
    finished: Run, method: str
) -> None:
    folder = finished.outputs / "part" / method
    shown = {
        (defect, stem): np.asarray(Image.open(folder / f"{defect}_{stem}_map.png"))
        for defect, stem in SAMPLES
    }
    hottest_good = max(gray.max() for (defect, _), gray in shown.items() if defect == "good")
    coolest_bad = min(gray.max() for (defect, _), gray in shown.items() if defect == "blot")

    assert hottest_good < coolest_bad


@pytest.mark.parametrize("method", BOTH)
def test_scores_hold_every_test_picture_and_every_calibration_picture(
    finished: Run, method: str
) -> None:
    table = scores(finished, method)
    test, held_out = table[table["split"] == "test"], table[table["split"] == "calibration"]

    assert list(zip(test["defect"], test["stem"], strict=True)) == SAMPLES
    assert test["label"].tolist() == [int(defect != "good") for defect, _ in SAMPLES]
    assert held_out["file"].tolist() == [f"part/train/good/{i:03}.png" for i in range(TRAIN)]
    assert len(table) == len(SAMPLES) + TRAIN


@pytest.mark.parametrize("method", BOTH)
def test_the_score_of_a_picture_is_the_maximum_of_its_map(finished: Run, method: str) -> None:
    maps = np.load(finished.outputs / "part" / method / MAPS_FILE)
    table = scores(finished, method)
    written = table[table["split"] == "test"]["score"].to_numpy(np.float32)

    assert maps.dtype == np.float16
    assert (maps.reshape(len(maps), -1).max(axis=1) == written.astype(np.float16)).all()


@pytest.mark.parametrize("method", BOTH)
def test_a_cell_says_how_its_numbers_came_about(finished: Run, method: str) -> None:
    content = cell(finished, method)

    assert content["counts"] == {
        "train_images": TRAIN,
        "test_good": GOOD,
        "test_defective": BAD,
        "test_with_mask": BAD,
        "calibration_images": TRAIN,
    }
    assert content["weights"] == "random (seed 0)"
    assert content["backbone"] == "resnet18"
    assert content["transform"] == "whole picture 224 x 224 px"
    assert content["settings"]["seed"] == 0
    assert torch.__version__.startswith(content["versions"]["torch"])
    assert content["threads"] == torch.get_num_threads()
    assert content["demo_data"] is False
    assert content["peak_memory_mb"] > 50
    assert content["metrics"]["image_auroc"] == 1.0
    assert content["metrics"]["by_defect"]["blot"]["count"] == BAD


@pytest.mark.parametrize("method", BOTH)
def test_the_threshold_comes_from_the_calibration_scores(finished: Run, method: str) -> None:
    table = scores(finished, method)
    held_out = table.loc[table["split"] == "calibration", "score"]
    expected = threshold_for(held_out, 0.05)

    assert math.isnan(expected)  # eight pictures are too few for 5 %
    assert cell(finished, method)["threshold"] == {"false_alarms": 0.05, "value": None}


def test_runtime_is_fit_and_score_with_the_backbone_charged_in_full_to_each(finished: Run) -> None:
    padim, patchcore = cell(finished, "padim"), cell(finished, "patchcore")

    for name in ("backbone_fit", "backbone_score"):
        assert padim["timings"][name] == patchcore["timings"][name] > 0
    for content in (padim, patchcore):
        spent = content["timings"]
        assert content["fit_s"] == pytest.approx(spent["backbone_fit"] + spent["fit"])
        assert content["score_s"] == pytest.approx(spent["backbone_score"] + spent["score"])
        assert content["runtime_s"] == pytest.approx(content["fit_s"] + content["score_s"])
        assert content["ms_per_image"] == pytest.approx(1000 * content["score_s"] / len(SAMPLES))
        assert {"decode", "calibrate", "metrics", "write"} <= spent.keys()


def test_the_summary_has_a_row_for_each_cell(finished: Run) -> None:
    table = pd.read_csv(finished.outputs / SUMMARY_FILE)

    assert table["method"].tolist() == BOTH
    assert table["image_auroc"].tolist() == [1.0, 1.0]
    assert not table["demo_data"].any()


@pytest.mark.parametrize("method", BOTH)
def test_the_stored_model_gives_the_scores_of_the_cell(finished: Run, method: str) -> None:
    backbone = load_backbone("resnet18", "random")
    folder = finished.outputs / "part" / method
    detector = METHODS[method].load(folder / MODEL_FILE, backbone)
    images = np.stack(
        [np.asarray(Image.open(folder / f"{defect}_{stem}_img.png")) for defect, stem in SAMPLES]
    )
    table = scores(finished, method)

    assert detector.score(images).scores == pytest.approx(
        table.loc[table["split"] == "test", "score"].to_numpy(), rel=1e-4
    )


# What is computed, and what is not computed again.


@pytest.mark.parametrize("methods", [["padim"], ["patchcore"], BOTH])
def test_one_pass_of_the_backbone_serves_all_methods(
    run: Run, extracted: list[int], methods: list[str]
) -> None:
    go(replace(run, methods=methods))
    warm_up, *passes = extracted
    shared, single = [n for n in passes if n > 1], [n for n in passes if n == 1]

    assert warm_up == 1
    assert sum(shared) == TRAIN + GOOD + BAD
    assert len(single) == 1 + GOOD + BAD  # the time of one picture, for all methods


@pytest.mark.parametrize("method", BOTH)
def test_a_method_alone_gives_the_numbers_that_it_gives_in_company(
    run: Run, tmp_path: Path, method: str
) -> None:
    alone = replace(run, methods=[method], outputs=tmp_path / "alone")
    go(run)
    go(alone)

    assert scores_text(alone, method) == scores_text(run, method)


def test_the_same_seed_gives_the_same_scores_and_another_seed_does_not(
    run: Run, tmp_path: Path
) -> None:
    again = replace(run, outputs=tmp_path / "again")
    other = replace(run, settings=replace(SMALL, options=replace(FEW_CHANNELS, seed=1)))
    for each in (run, again, other):
        go(each)

    for method in BOTH:
        assert scores_text(run, method) == scores_text(again, method)
        assert scores_text(run, method) != scores_text(other, method)
        assert cell(run, method)["fingerprint"] == cell(again, method)["fingerprint"]


def test_finished_cells_are_skipped_without_any_work(run: Run, extracted: list[int]) -> None:
    first = go(run)
    before = {method: cell(run, method) for method in BOTH}
    extracted.clear()
    second = go(run)

    assert [state for state, _ in first.values()] == ["done", "done"]
    assert list(second.values()) == [("skipped", "finished earlier")] * 2
    assert extracted == []
    assert {method: cell(run, method) for method in BOTH} == before


def test_only_the_missing_cell_is_made(run: Run) -> None:
    go(replace(run, methods=["padim"]))

    assert states(run) == ["skipped", "done"]


def test_force_repeats_finished_cells(run: Run, extracted: list[int]) -> None:
    go(run)
    extracted.clear()

    assert states(replace(run, force=True)) == ["done", "done"]
    assert sum(extracted) > TRAIN


def test_changed_data_are_evaluated_again(run: Run, data: Path) -> None:
    go(run)
    before = scores(run, "padim")
    picture, _ = defective_picture(np.random.default_rng(99))
    save(picture, data / "part" / "test" / "good" / "001.png")

    assert states(run) == ["done", "done"]
    assert (scores(run, "padim")["score"] != before["score"]).tolist().count(True) == 1


def test_data_moved_to_another_folder_are_the_same_data(run: Run, data: Path) -> None:
    go(run)
    data.rename(data.with_name("moved"))

    assert states(replace(run, data=data.with_name("moved"))) == ["skipped", "skipped"]


def test_a_newer_version_of_a_method_makes_its_cells_stale(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(run)
    newer = replace(METHODS["padim"], version=METHODS["padim"].version + 1)
    monkeypatch.setitem(METHODS, "padim", newer)

    assert states(run) == ["done", "skipped"]


def test_a_damaged_cell_is_made_again(run: Run) -> None:
    go(run)
    (run.place("part", "padim").folder / CELL_FILE).write_text("{")

    assert states(run) == ["done", "skipped"]
    assert cell(run, "padim")["method"] == "padim"


@pytest.fixture
def weights_file(tmp_path: Path) -> str:
    """Return a file of other weights."""
    torch.save(random_weights("resnet18", 5).state, tmp_path / "other.pth")
    return str(tmp_path / "other.pth")


def test_cells_made_with_other_weights_are_kept_and_named(run: Run, weights_file: str) -> None:
    go(run)
    outcome = go(replace(run, weights=weights_file))

    for state, reason in outcome.values():
        assert state == "skipped"
        assert "other weights (random (seed 0)); --force replaces it" in reason
    assert cell(run, "padim")["weights"] == "random (seed 0)"


def test_cells_made_with_other_weights_are_kept_also_when_the_data_changed(
    run: Run, data: Path, weights_file: str
) -> None:
    go(run)
    (data / "part" / "test" / "good" / "000.png").unlink()

    assert states(replace(run, weights=weights_file)) == ["skipped", "skipped"]


def test_force_replaces_cells_made_with_other_weights(run: Run, weights_file: str) -> None:
    go(run)

    assert states(replace(run, weights=weights_file, force=True)) == ["done", "done"]
    assert cell(run, "padim")["weights"].startswith("file other.pth (sha256 ")


def test_other_settings_go_beside_the_default_ones(run: Run) -> None:
    other = replace(run, settings=replace(SMALL, options=replace(FEW_CHANNELS, coreset_ratio=0.05)))
    go(run)
    outcome = [state for state, _ in go(other).values()]
    folders = (run.outputs / "settings").glob(f"*/*/*/{CELL_FILE}")

    assert outcome == ["skipped", "done"]  # PaDiM does not depend on PatchCore's coreset
    assert {path.parent.relative_to(run.outputs / "settings").as_posix() for path in folders} == {
        "coreset_ratio-0.05_image_size-64/part/patchcore",
        "image_size-64/part/patchcore",
        "image_size-64_padim_channels-20/part/padim",
    }
    assert pd.read_csv(run.outputs / SUMMARY_FILE)["settings_id"].tolist() == [
        "coreset_ratio-0.05_image_size-64",
        "image_size-64",
        "image_size-64_padim_channels-20",
    ]


# What fails, and what goes on.


@pytest.mark.parametrize(
    ("victim", "step"),
    [
        (Padim, "partial_fit"),
        (Padim, "finish_fit"),
        (Padim, "calibrate_features"),
        (Padim, "score_features"),
        (Padim, "save"),
        (Patchcore, "finish_fit"),
    ],
)
def test_one_failed_method_is_recorded_and_the_other_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, victim: type[Detector], step: str
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("the matrix is not positive definite")

    monkeypatch.setattr(victim, step, failing)
    outcome = go(run)
    healthy = next(method for method in BOTH if method != victim.method)

    assert outcome["part", victim.method] == ("failed", "the matrix is not positive definite")
    assert outcome["part", healthy] == ("done", "")
    assert cell(run, healthy)["metrics"]["image_auroc"] == 1.0
    assert not run.place("part", victim.method).finished
    assert failures(run.outputs) == [
        {
            "category": "part",
            "method": victim.method,
            "reason": "the matrix is not positive definite",
        }
    ]


def test_the_next_success_forgets_the_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Padim, "finish_fit", lambda *_: 1 / 0)
        first = go(run)
    second = states(run)

    assert first["part", "padim"] == ("failed", "ZeroDivisionError: division by zero")
    assert second == ["done", "skipped"]
    assert failures(run.outputs) == []


def test_a_full_disk_fails_the_cell_in_a_sentence_and_keeps_the_earlier_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(run)
    before = cell(run, "padim")

    def full(path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("evaluation.cell_writer.np.save", full)
    outcome = go(replace(run, force=True))
    state, reason = outcome["part", "padim"]

    assert state == "failed"
    assert reason.startswith("The result cannot be written to ")
    assert "(No space left on device). Make room there" in reason
    assert cell(run, "padim") == before
    assert [path.name for path in run.place("part", "padim").folder.parent.glob(".*")] == []


def two_categories(run: Run) -> Run:
    """Add a second category to a run, behind the first."""
    write_category(run.data, "zpart", train=TRAIN, good=GOOD, bad=BAD)
    return replace(run, categories=["part", "zpart"])


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyError, ValueError, OSError])
def test_a_category_that_fails_as_a_whole_does_not_end_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    both = two_categories(run)
    extract = NetworkBackbone.extract
    left = [1]

    def failing_once(self: NetworkBackbone, images: NDArray[np.uint8]) -> Features:
        if left:
            left.pop()
            raise error("out of something")
        return extract(self, images)

    monkeypatch.setattr(NetworkBackbone, "extract", failing_once)
    outcome = go(both)

    assert [state for state, _ in outcome.values()] == ["failed", "failed", "done", "done"]
    assert "out of something" in outcome["part", "padim"][1]
    assert len(failures(run.outputs)) == 2


def test_a_run_that_was_interrupted_goes_on_where_it_was(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = two_categories(run)
    finish = Patchcore.finish_fit
    seen: list[int] = []

    def interrupted(self: Patchcore, progress: Progress | None = None) -> Patchcore:
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return finish(self, progress)

    with monkeypatch.context() as patch:
        patch.setattr(Patchcore, "finish_fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            go(both)
    rows = len(pd.read_csv(run.outputs / SUMMARY_FILE))

    assert rows == 2
    assert states(both) == ["skipped", "skipped", "done", "done"]


def test_a_category_that_cannot_be_used_is_recorded_and_the_next_one_evaluated(run: Run) -> None:
    both = two_categories(run)
    for path in (run.data / "part" / "train" / "good").iterdir():
        path.write_text("no picture")
    outcome = go(both)

    assert [state for state, _ in outcome.values()] == ["failed", "failed", "done", "done"]
    assert "no readable training picture in train/good" in outcome["part", "padim"][1]


@pytest.mark.parametrize(
    ("folder", "words"),
    [("train/good", "training picture can be decoded"), ("test", "test picture can be decoded")],
)
def test_pictures_that_all_turn_out_damaged_fail_the_category_in_a_sentence(
    run: Run, folder: str, words: str
) -> None:
    for path in (run.data / "part" / folder).rglob("*.png"):
        path.write_bytes(path.read_bytes()[:2000])
    outcome = go(run)

    assert {state for state, _ in outcome.values()} == {"failed"}
    for _, reason in outcome.values():
        assert words in reason


def test_a_category_called_settings_fails_and_writes_nothing(run: Run) -> None:
    (run.data / "part").rename(run.data / "settings")
    outcome = go(replace(run, categories=["settings"]))

    assert {state for state, _ in outcome.values()} == {"failed"}
    assert "rename the category's folder" in outcome["settings", "padim"][1]
    assert not (run.outputs / "settings").exists()


def test_a_crop_that_does_not_fit_is_a_reason_not_a_crash(run: Run) -> None:
    outcome = go(replace(run, settings=Settings(crop=512)))

    assert {state for state, _ in outcome.values()} == {"failed"}
    assert "raise --image-size or lower --crop" in outcome["part", "padim"][1]


def test_a_summary_that_cannot_be_written_does_not_fail_a_finished_cell(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.outputs / SUMMARY_FILE).mkdir(parents=True)

    assert states(run) == ["done", "done"]
    assert failures(run.outputs) == []
    assert "summary.csv cannot be written" in capsys.readouterr().out


# Data that lack something.


def test_without_masks_pixel_metrics_are_not_available_and_there_still_is_a_cell(
    tmp_path: Path,
) -> None:
    write_category(tmp_path / "data", train=TRAIN, good=GOOD, bad=BAD, masks=False)
    run = Run(tmp_path / "data", tmp_path / "outputs", ["part"], BOTH, SMALL, "random")
    outcome = states(run)

    assert outcome == ["done", "done"]
    for method in BOTH:
        metrics = cell(run, method)["metrics"]
        assert metrics["image_auroc"] == 1.0
        assert all(math.isnan(metrics[name]) for name in ("pixel_auroc", "aupro", "pixel_ap"))
        assert cell(run, method)["counts"]["test_with_mask"] == 0
        truth = Image.open(run.place("part", method).folder / "blot_000_gt.png")
        assert truth.getextrema() == (128, 128)
    table = (run.outputs / SUMMARY_FILE).read_text().splitlines()
    assert all(",n/a," in line for line in table[1:])


def test_without_good_test_pictures_only_pixel_metrics_are_available(tmp_path: Path) -> None:
    write_category(tmp_path / "data", train=TRAIN, good=0, bad=BAD)
    run = Run(tmp_path / "data", tmp_path / "outputs", ["part"], BOTH, SMALL, "random")

    assert states(run) == ["done", "done"]
    for method in BOTH:
        metrics = cell(run, method)["metrics"]
        assert math.isnan(metrics["image_auroc"])
        assert metrics["pixel_auroc"] > 0.5
        assert any("no good test pictures" in text for text in cell(run, method)["findings"])


def test_without_defects_no_metric_is_available_and_there_still_is_a_cell(tmp_path: Path) -> None:
    write_category(tmp_path / "data", train=TRAIN, good=GOOD, bad=0)
    run = Run(tmp_path / "data", tmp_path / "outputs", ["part"], BOTH, SMALL, "random")

    assert states(run) == ["done", "done"]
    for method in BOTH:
        metrics = cell(run, method)["metrics"]
        assert metrics.pop("by_defect") == {}
        assert all(math.isnan(value) for value in metrics.values())
        assert len(scores(run, method)) == GOOD + TRAIN


def test_findings_about_the_data_stand_in_the_cell(run: Run) -> None:
    (run.data / "part" / "ground_truth" / "blot" / "001_mask.png").unlink()
    truncated = run.data / "part" / "train" / "good" / "003.png"
    truncated.write_bytes(truncated.read_bytes()[:2000])
    go(run)
    findings = cell(run, "padim")["findings"]

    assert any(text.startswith("part/test/blot/001.png: has no mask") for text in findings)
    assert any(text.startswith("part/train/good/003.png: cannot be dec") for text in findings)
    assert cell(run, "padim")["counts"]["train_images"] == TRAIN - 1


@pytest.mark.parametrize("method", BOTH)
def test_calibration_never_looks_at_the_test_pictures(
    tmp_path: Path, run: Run, method: str
) -> None:
    go(run)
    for path in (run.data / "part" / "test").rglob("*.png"):
        save(np.full((SIDE, SIDE, 3), 200, np.uint8), path)
    other = replace(run, outputs=tmp_path / "other")
    go(other)
    here, there = scores(run, method), scores(other, method)

    assert (here["score"] != there["score"])[here["split"] == "test"].all()
    assert here[here["split"] == "calibration"].equals(there[there["split"] == "calibration"])
    assert cell(run, method)["scale"] == cell(other, method)["scale"]


@pytest.mark.parametrize("method", BOTH)
def test_a_calibration_picture_is_scored_as_if_it_had_not_been_trained_on(
    run: Run, data: Path, method: str
) -> None:
    """A defect among the training pictures still stands out there, also at a bank of all."""
    picture, _ = defective_picture(np.random.default_rng(3))
    save(picture, data / "part" / "train" / "good" / "004.png")
    options = Options(coreset_ratio=1.0, padim_channels=5)
    whole = replace(run, settings=replace(SMALL, options=options))
    go(whole)
    table = scores(whole, method)
    held_out = table[table["split"] == "calibration"].reset_index(drop=True)["score"]

    assert held_out.idxmax() == 4
    assert held_out[4] > 1.5 * held_out.drop(4).max()


# Demo data, estimates, plans, and a method of one's own.


def test_without_weights_a_run_goes_on_with_the_stand_in_and_says_so(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = states(replace(run, weights=None))

    assert outcome == ["done", "done"]
    assert "goes on with EfficientNet-Lite0" in capsys.readouterr().out
    for method in BOTH:
        assert run.place("part", method).finished
        content = cell(run, method)
        assert content["backbone"] == content["settings"]["backbone"] == LITE0
        assert content["weights"] == LITE0_LABEL


def test_cells_of_the_stand_in_are_finished_for_the_next_run_without_weights(
    run: Run,
) -> None:
    alone = replace(run, weights=None)
    states(alone)

    assert states(alone) == ["skipped", "skipped"]


def test_cells_of_the_stand_in_stay_until_a_run_with_weights_is_told_to_replace_them(
    run: Run,
) -> None:
    go(replace(run, weights=None, methods=["padim"]))
    again = replace(run, methods=["padim"])

    assert "other weights (EfficientNet-Lite0" in go(again)["part", "padim"][1]
    assert states(replace(again, force=True)) == ["done"]
    assert cell(run, "padim")["backbone"] == "resnet18"


def test_not_even_force_replaces_trained_weights_by_a_backbone_that_stands_in(
    run: Run, weights_file: str
) -> None:
    trained = replace(run, weights=weights_file, methods=["padim"])
    go(trained)
    before = cell(run, "padim")
    stood_in = go(replace(trained, weights=None, force=True))
    forced = go(replace(trained, weights=weights_file, force=True))

    assert "cannot be had now" in stood_in["part", "padim"][1]
    assert "--backbone efficientnet_lite0 makes one beside it" in stood_in["part", "padim"][1]
    assert cell(run, "padim")["weights"] == before["weights"]
    assert forced["part", "padim"][0] == "done"


def test_a_backbone_that_was_asked_for_fails_without_weights_with_advice(run: Run) -> None:
    asked = replace(run.settings, automatic=False)
    outcome = go(replace(run, weights=None, settings=asked))

    assert {state for state, _ in outcome.values()} == {"failed"}
    assert "could not be downloaded" in outcome["part", "padim"][1]
    assert "--weights FILE" in outcome["part", "padim"][1]
    assert not run.place("part", "padim").finished


def test_missing_weights_do_not_hide_finished_cells(run: Run) -> None:
    go(run)

    assert states(replace(run, weights=None)) == ["skipped", "skipped"]


def test_seconds_are_estimated_from_earlier_cells_of_the_same_method(run: Run) -> None:
    both = two_categories(run)
    before = seconds_per_cell(both)
    go(replace(run, methods=["padim"]))
    after = seconds_per_cell(both)

    assert before == {}
    cells = [run.place(category, "padim").key for category in ("part", "zpart")]
    assert list(after) == cells
    assert after[cells[0]] == pytest.approx(cell(run, "padim")["wall_s"])


def test_all_categories_are_planned_unless_some_are_wanted(run: Run) -> None:
    two_categories(run)

    assert plan_categories(run.data, None) == ["part", "zpart"]
    assert plan_categories(run.data, ["zpart", "part", "zpart"]) == ["zpart", "part"]
    with pytest.raises(DatasetError, match=r"no category parts, screws in .*: part, zpart\."):
        plan_categories(run.data, ["parts", "part", "screws"])


class Brightness(Detector):
    """A method of one's own: how far each pixel is from the mean good picture."""

    method = "brightness"
    calibrates = True

    def fit(self, images: NDArray[np.uint8], progress: Progress | None = None) -> Self:
        """Remember the mean picture."""
        self.mean_ = images.mean(axis=0)
        if progress is not None:
            progress(1, 1)
        return self

    def score(self, images: NDArray[np.uint8], progress: Progress | None = None) -> AnomalyResult:
        """Return the mean absolute difference over the channels."""
        maps = np.abs(images - self.mean_).mean(axis=3).astype(np.float32)
        if progress is not None:
            progress(len(images), len(images))
        return AnomalyResult(maps.reshape(len(maps), -1).max(axis=1), maps)

    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        """Rate the first two pictures, or none."""
        positions = np.arange(2 if self.calibrates else 0, dtype=np.int64)
        if not len(positions):
            empty = np.empty((0, *images.shape[1:3]), np.float32)
            return Calibration(positions, AnomalyResult(empty[:, 0, 0], empty))
        return Calibration(positions, self.score(images[positions]))

    def save(self, path: Path) -> None:
        """Write the mean picture."""
        path.write_bytes(self.mean_.tobytes())

    @classmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:
        """Not needed here."""
        raise NotImplementedError


@pytest.fixture
def own_method(monkeypatch: pytest.MonkeyPatch) -> str:
    """Enter a method that works on the pictures themselves; return its name."""
    entry = Method(
        key="brightness",
        title="Brightness",
        version=1,
        reads_backbone=False,
        long_fit=False,
        make=lambda *_: Brightness(),
        load=Brightness.load,
        settings=lambda options, _: {"seed": options.seed},
    )
    monkeypatch.setitem(METHODS, entry.key, entry)
    return entry.key


def test_a_method_of_ones_own_needs_an_entry_and_nothing_else(run: Run, own_method: str) -> None:
    mixed = replace(run, methods=[*BOTH, own_method])
    outcome = states(mixed)
    content = cell(mixed, own_method)

    assert outcome == ["done", "done", "done"]
    assert content["metrics"]["image_auroc"] == 1.0
    assert content["backbone"] == "none"
    assert content["runtime_s"] == pytest.approx(
        content["timings"]["fit"] + content["timings"]["score"]
    )
    assert states(mixed) == ["skipped"] * 3


def test_a_method_without_a_backbone_needs_no_weights(run: Run, own_method: str) -> None:
    outcome = go(replace(run, methods=["padim", own_method], weights="lost.pth"))

    assert outcome["part", "padim"][0] == "failed"
    assert outcome["part", own_method][0] == "done"


def test_other_weights_do_not_matter_to_a_method_without_a_backbone(
    run: Run, own_method: str, weights_file: str
) -> None:
    own = replace(run, methods=[own_method])
    go(own)

    assert list(go(replace(own, weights=weights_file)).values()) == [
        ("skipped", "finished earlier")
    ]


def test_without_held_out_pictures_the_colours_come_from_seen_ones_and_say_so(
    run: Run, own_method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brightness, "calibrates", False)
    own = replace(run, methods=[own_method])
    go(own)
    content = cell(own, own_method)

    assert "has seen" in content["scale"]["origin"]
    assert content["counts"]["calibration_images"] == 0
    assert len(scores(own, own_method)) == GOOD + BAD
    assert content["threshold"]["value"] is None


def test_the_autoencoder_runs_without_a_backbone_and_repeats_its_numbers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = AutoencoderSettings(side=32, max_epochs=2, pictures_per_epoch=16)
    entry = replace(METHODS["ae"], make=lambda *_: Autoencoder(short))
    monkeypatch.setitem(METHODS, "ae", entry)
    first = replace(run, methods=["ae"], weights=None)
    again = replace(first, outputs=tmp_path / "again")
    outcome = states(first) + states(again)
    table = scores(first, "ae")

    assert outcome == ["done", "done"]
    assert scores_text(first, "ae") == scores_text(again, "ae")
    assert cell(first, "ae")["weights"] == "none (trained on these pictures)"
    assert set(table[table["split"] == "calibration"]["defect"]) <= {"good"}
    assert np.isfinite(table["score"]).all()


@pytest.mark.parametrize("step", ["fit", "calibrate", "score"])
def test_a_failing_method_of_ones_own_does_not_stop_the_others(
    run: Run, own_method: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(Brightness, step, lambda *_: 1 / 0)

    assert states(replace(run, methods=["padim", own_method])) == ["done", "failed"]
