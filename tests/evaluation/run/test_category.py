"""A run from pictures on disk to finished cells, on small pictures and random weights."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from data_utils.facts import fact, from_json
from detectors.backbones.features import Backbone, Features, NetworkBackbone
from detectors.backbones.names import LITE0, LITE0_LABEL
from detectors.backbones.weights import random_weights
from detectors.base import AnomalyResult, Calibration, Detector, Progress
from detectors.padim import Padim
from detectors.patchcore import Patchcore
from detectors.registry import METHODS, Method, Options
from evaluation.measure.operating_points import threshold_for
from evaluation.run.plan import Run, planned_run, seconds_per_cell
from evaluation.run.request import Request, RequestError
from evaluation.store.cells import Failure, failures, read_cell, write_cell_file
from evaluation.store.places import CELL_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE, SCORES_FILE
from evaluation.store.summary import SUMMARY_FILE
from tests.make_data import SIDE, defective_picture, save, write_category
from tests.runs import (
    BOTH,
    SMALL,
    cell,
    evaluated,
    finished_run,
    scores,
    scores_text,
    states,
)

TRAIN, GOOD, BAD = 8, 3, 4
SAMPLES = [("good", f"{i:03}") for i in range(GOOD)] + [("blot", f"{i:03}") for i in range(BAD)]
FINISHED = ("skipped", "finished earlier")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_category(tmp_path / "data", train=TRAIN, good=GOOD, bad=BAD)
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    return Run(data, tmp_path / "outputs", ["part"], BOTH, SMALL, weights="random")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return that run, finished; nobody changes it."""
    base = tmp_path_factory.mktemp("small")
    write_category(base / "data", train=TRAIN, good=GOOD, bad=BAD)
    return finished_run(base, "part", settings=SMALL)


@pytest.fixture
def made(small: Run, run: Run) -> Run:
    """Return the quick run with finished cells of its own."""
    shutil.copytree(small.outputs, run.outputs)
    for method in BOTH:
        content = cell(run, method) | {"data_root": str(run.data.resolve())}
        write_cell_file(run.place("part", method).folder, content)
    return run


# One run with the default settings, whose files are looked at from all sides.


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    base = tmp_path_factory.mktemp("finished")
    write_category(base / "data", train=TRAIN, good=GOOD, bad=BAD)
    return finished_run(base, "part")


def picture(folder: Path, sample: tuple[str, str], kind: str) -> NDArray[np.uint8]:
    with Image.open(folder / f"{sample[0]}_{sample[1]}_{kind}.png") as file:
        return np.asarray(file)


@pytest.mark.parametrize("method", BOTH)
def test_a_cell_has_exactly_the_promised_files_and_pictures_of_the_transform(
    finished: Run, method: str
) -> None:
    folder = finished.outputs / "part" / method
    kinds = {"img": (224, 224, 3), "gt": (224, 224), "map": (224, 224), "overlay": (224, 224, 3)}
    pictures = {f"{defect}_{stem}_{kind}.png" for defect, stem in SAMPLES for kind in kinds}

    others = {CELL_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE, SCORES_FILE}
    assert {path.name for path in folder.iterdir()} == pictures | others
    for sample in SAMPLES:
        for kind, shape in kinds.items():
            assert picture(folder, sample, kind).shape == shape


@pytest.mark.parametrize("method", BOTH)
def test_truth_and_map_show_the_planted_defect_and_good_parts_look_colder(
    finished: Run, method: str
) -> None:
    folder = finished.outputs / "part" / method
    maps = np.load(folder / MAPS_FILE)
    hottest = {sample: int(picture(folder, sample, "map").max()) for sample in SAMPLES}
    for position, sample in enumerate(SAMPLES):
        truth, shown = picture(folder, sample, "gt"), picture(folder, sample, "img")
        assert set(np.unique(truth)) == ({0, 255} if sample[0] == "blot" else {0})
        if sample[0] == "blot":
            assert shown[truth == 255].mean() > 240
            assert shown[truth == 0].mean() < 160
            assert maps[position][truth > 0].mean() > 2 * maps[position][truth == 0].mean()

    good, bad = ([hottest[one] for one in SAMPLES if one[0] == kind] for kind in ("good", "blot"))
    assert max(good) < min(bad)


@pytest.mark.parametrize("method", BOTH)
def test_scores_are_the_maxima_of_the_maps_and_of_every_calibration_picture(
    finished: Run, method: str
) -> None:
    maps = np.load(finished.outputs / "part" / method / MAPS_FILE)
    table = scores(finished, method)
    test, held_out = table[table["split"] == "test"], table[table["split"] == "calibration"]

    assert list(zip(test["defect"], test["stem"], strict=True)) == SAMPLES
    assert test["label"].tolist() == [int(defect != "good") for defect, _ in SAMPLES]
    assert held_out["file"].tolist() == [f"part/train/good/{i:03}.png" for i in range(TRAIN)]
    assert len(table) == len(SAMPLES) + TRAIN
    assert maps.dtype == np.float16
    largest = maps.reshape(len(maps), -1).max(axis=1)
    assert (largest == test["score"].to_numpy(np.float32).astype(np.float16)).all()
    assert math.isnan(threshold_for(held_out["score"], 0.05))  # eight pictures are too few
    assert cell(finished, method)["threshold"] == {"false_alarms": 0.05, "value": None}


@pytest.mark.parametrize("method", BOTH)
def test_a_cell_and_its_row_say_how_its_numbers_came_about(finished: Run, method: str) -> None:
    content = cell(finished, method)
    rows = pd.read_csv(finished.outputs / SUMMARY_FILE)

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
    assert rows["method"].tolist() == BOTH
    assert rows["image_auroc"].tolist() == [1.0, 1.0]
    assert not rows["demo_data"].any()


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


# What is computed, and what is not computed again.


def test_one_pass_of_the_backbone_serves_all_methods_as_if_each_had_run_alone(
    run: Run, extracted: list[int], tmp_path: Path
) -> None:
    for methods in (BOTH, ["padim"], ["patchcore"]):
        one = replace(run, methods=methods, outputs=tmp_path / "-".join(methods))
        extracted.clear()
        evaluated(one)
        shared, single = [n for n in extracted if n > 1], [n for n in extracted if n == 1]
        assert sum(shared) == TRAIN + GOOD + BAD
        # once before all, then the time of one picture, for all methods
        assert len(single) == 1 + 1 + GOOD + BAD
        for method in methods:
            together = replace(one, outputs=tmp_path / "padim-patchcore")
            assert scores_text(one, method) == scores_text(together, method)


def test_the_same_seed_gives_the_same_scores_and_another_seed_does_not(made: Run) -> None:
    other = replace(SMALL, options=replace(SMALL.options, seed=1))
    again = replace(made, outputs=made.outputs / "again")
    for each in (again, replace(made, settings=other)):
        assert states(each) == ["done", "done"]

    for method in BOTH:
        assert scores_text(made, method) == scores_text(again, method)
        assert scores_text(made, method) != scores_text(replace(made, settings=other), method)
        assert cell(made, method)["fingerprint"] == cell(again, method)["fingerprint"]


def test_finished_cells_are_skipped_without_any_work_unless_they_are_to_be_repeated(
    made: Run, extracted: list[int]
) -> None:
    before = [cell(made, method) for method in BOTH]
    moved = made.data.rename(made.data.with_name("moved"))  # the same data

    assert evaluated(replace(made, data=moved)) == [FINISHED] * 2
    assert extracted == []
    assert [cell(made, method) for method in BOTH] == before
    assert states(replace(made, data=moved, force=True)) == ["done", "done"]
    assert sum(extracted) > TRAIN


def test_only_a_missing_damaged_or_outdated_cell_is_made(
    made: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made.place("part", "padim").folder / CELL_FILE
    file.write_text("{")
    damaged = states(made)
    file.unlink()
    missing = states(made)
    newer = replace(METHODS["padim"], version=METHODS["padim"].version + 1)
    monkeypatch.setitem(METHODS, "padim", newer)

    assert damaged == missing == states(made) == ["done", "skipped"]
    assert cell(made, "padim")["method"] == "padim"


def test_changed_data_are_evaluated_again(made: Run) -> None:
    before = scores(made, "padim")
    changed, _ = defective_picture(np.random.default_rng(99))
    save(changed, made.data / "part" / "test" / "good" / "001.png")

    assert states(made) == ["done", "done"]
    assert (scores(made, "padim")["score"] != before["score"]).tolist().count(True) == 1


@pytest.fixture
def weights_file(tmp_path: Path) -> str:
    torch.save(random_weights("resnet18", 5).state, tmp_path / "other.pth")
    return str(tmp_path / "other.pth")


def test_only_force_replaces_cells_made_with_other_weights(made: Run, weights_file: str) -> None:
    other = replace(made, weights=weights_file)
    kept = evaluated(other)
    (made.data / "part" / "test" / "good" / "000.png").unlink()
    changed = states(other)
    weights = cell(made, "padim")["weights"]

    for state, reason in kept:
        assert state == "skipped"
        assert "other weights (random (seed 0)); --force replaces it" in reason
    assert changed == ["skipped", "skipped"]
    assert weights == "random (seed 0)"
    assert states(replace(other, force=True)) == ["done", "done"]
    assert cell(made, "padim")["weights"].startswith("file other.pth (sha256 ")


def test_other_settings_go_beside_the_earlier_ones(made: Run) -> None:
    options = replace(SMALL.options, coreset_ratio=0.05)
    outcome = states(replace(made, settings=replace(SMALL, options=options)))
    folder = made.outputs / "settings"
    ids = [
        "coreset_ratio-0.05_image_size-64",
        "image_size-64",
        "image_size-64_padim_channels-20",
    ]

    assert outcome == ["skipped", "done"]  # PaDiM does not depend on PatchCore's coreset
    found = {path.parent.relative_to(folder).as_posix() for path in folder.rglob(CELL_FILE)}
    assert found == {
        f"{ids[0]}/part/patchcore",
        f"{ids[1]}/part/patchcore",
        f"{ids[2]}/part/padim",
    }
    assert pd.read_csv(made.outputs / SUMMARY_FILE)["settings_id"].tolist() == ids


def test_full_size_masks_are_met_at_their_own_size(made: Run) -> None:
    small = replace(SMALL, image_size=32, full_size_masks=True)
    assert states(replace(made, methods=["padim"], settings=small)) == ["done"]
    folder = made.outputs / "settings" / small.identifier("padim") / "part" / "padim"
    about = read_cell(folder)
    maps = np.load(folder / MAPS_FILE)
    table = pd.read_csv(folder / SCORES_FILE, dtype={"stem": str})
    test = table[table["split"] == "test"]
    masks, enlarged = [], []
    for defect, stem, anomaly_map in zip(test["defect"], test["stem"], maps, strict=True):
        file = made.data / "part" / "ground_truth" / defect / f"{stem}_mask.png"
        mask = np.asarray(Image.open(file)) > 0 if file.is_file() else np.zeros((SIDE, SIDE), bool)
        masks.append(mask)
        large = Image.fromarray(anomaly_map.astype(np.float32)).resize(
            (SIDE, SIDE), Image.Resampling.BILINEAR
        )
        enlarged.append(np.asarray(large))

    assert maps.shape[1:] == (32, 32)
    area = roc_auc_score(np.ravel(masks), np.ravel(enlarged))
    assert about["metrics"]["pixel_auroc"] == pytest.approx(area, abs=1e-3)  # maps are in float16
    assert "full_size_masks-True" in about["settings_id"]


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
def test_one_failed_method_is_recorded_until_its_next_success_and_the_other_goes_on(
    run: Run, victim: type[Detector], step: str
) -> None:
    error = RuntimeError("the matrix is not positive definite")
    with mock.patch.object(victim, step, side_effect=error):
        outcome = dict(zip(BOTH, evaluated(run), strict=True))
    healthy = next(method for method in BOTH if method != victim.method)
    reason = fact("plain", message="the matrix is not positive definite")

    assert outcome[victim.method] == ("failed", str(reason))
    assert outcome[healthy] == ("done", "")
    assert cell(run, healthy)["metrics"]["image_auroc"] == 1.0
    assert not run.place("part", victim.method).finished
    assert failures(run.outputs) == [Failure("part", victim.method, reason)]
    if step == "save":
        assert states(run) == ["done", "skipped"]
        assert failures(run.outputs) == []


def two_categories(run: Run) -> Run:
    write_category(run.data, "zpart", train=TRAIN, good=GOOD, bad=BAD)
    return replace(run, categories=["part", "zpart"])


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyError, ValueError, OSError])
def test_a_category_that_fails_as_a_whole_does_not_end_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    extract = NetworkBackbone.extract
    left = [1]

    def failing_once(self: NetworkBackbone, images: NDArray[np.uint8]) -> Features:
        if left:
            left.pop()
            raise error("out of something")
        return extract(self, images)

    monkeypatch.setattr(NetworkBackbone, "extract", failing_once)
    outcome = evaluated(two_categories(replace(run, methods=["padim"])))

    assert [state for state, _ in outcome] == ["failed", "done"]
    assert "out of something" in outcome[0][1]
    assert len(failures(run.outputs)) == 1


@pytest.mark.parametrize(
    ("folder", "content", "words"),
    [
        ("train/good", b"no picture", "no readable training picture in train/good"),
        ("train/good", None, "training picture can be decoded"),
        ("test", None, "test picture can be decoded"),
    ],
)
def test_a_category_that_cannot_be_used_is_recorded_and_the_next_one_evaluated(
    run: Run, folder: str, content: bytes | None, words: str
) -> None:
    both = two_categories(run)
    for path in (run.data / "part" / folder).rglob("*.png"):
        path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    outcome = evaluated(both)

    assert [state for state, _ in outcome] == ["failed", "failed", "done", "done"]
    assert all(words in reason for _, reason in outcome[:2])


def test_a_category_called_settings_fails_and_writes_nothing(run: Run) -> None:
    (run.data / "part").rename(run.data / "settings")

    for state, reason in evaluated(replace(run, categories=["settings"])):
        assert state == "failed"
        assert "rename the category's folder" in reason
    assert not list(run.outputs.rglob(CELL_FILE))


# Data that lack something.


@pytest.mark.parametrize("lacking", ["masks", "good", "bad"])
def test_what_needs_the_pictures_that_are_lacking_is_not_available_and_there_still_is_a_cell(
    tmp_path: Path, lacking: str
) -> None:
    numbers: dict[str, Any] = {"good": GOOD, "bad": BAD, "masks": BAD} | {lacking: 0}
    write_category(tmp_path / "data", train=TRAIN, **numbers)
    run = Run(tmp_path / "data", tmp_path / "outputs", ["part"], BOTH, SMALL, "random")

    assert states(run) == ["done", "done"]
    for method in BOTH:
        content = cell(run, method)
        metrics = content["metrics"]
        if lacking == "masks":
            assert metrics["image_auroc"] == 1.0
            assert all(math.isnan(metrics[name]) for name in ("pixel_auroc", "aupro", "pixel_ap"))
            assert content["counts"]["test_with_mask"] == 0
            truth = picture(run.place("part", method).folder, ("blot", "000"), "gt")
            assert (truth == 128).all()
        elif lacking == "good":
            assert math.isnan(metrics["image_auroc"])
            assert metrics["pixel_auroc"] > 0.5
            found = [from_json(finding["problem"]) for finding in content["findings"]]
            assert any("no good test pictures" in str(problem) for problem in found)
        else:
            assert metrics.pop("by_defect") == {}
            assert all(math.isnan(value) for value in metrics.values())
            assert len(scores(run, method)) == GOOD + TRAIN
    table = (run.outputs / SUMMARY_FILE).read_text().splitlines()
    assert all(",n/a," in line for line in table[1:])


def test_calibration_never_looks_at_the_test_pictures(made: Run) -> None:
    for path in (made.data / "part" / "test").rglob("*.png"):
        save(np.full((SIDE, SIDE, 3), 200, np.uint8), path)
    other = replace(made, outputs=made.outputs / "other")
    evaluated(other)
    for method in BOTH:
        here, there = scores(made, method), scores(other, method)
        held_out = here["split"] == "calibration"

        assert (here["score"] != there["score"])[~held_out].all()
        assert here[held_out].equals(there[held_out])
        assert cell(made, method)["scale"] == cell(other, method)["scale"]


def test_a_calibration_picture_is_scored_as_if_it_had_not_been_trained_on(run: Run) -> None:
    """A defect among the training pictures still stands out there, also at a bank of all."""
    defect, _ = defective_picture(np.random.default_rng(3))
    save(defect, run.data / "part" / "train" / "good" / "004.png")
    options = Options(coreset_ratio=1.0, padim_channels=5)
    whole = replace(run, settings=replace(SMALL, options=options))
    evaluated(whole)
    for method in BOTH:
        table = scores(whole, method)
        held_out = table[table["split"] == "calibration"].reset_index(drop=True)["score"]

        assert held_out.idxmax() == 4
        assert held_out[4] > 1.5 * held_out.drop(4).max()


# Weights that cannot be had, estimates, plans, and a method of one's own.


def test_without_weights_a_run_goes_on_with_the_stand_in_and_says_so(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = replace(run, weights=None)
    first = states(alone)
    said = capsys.readouterr().out
    contents = [cell(run, method) for method in BOTH]
    second = states(alone)
    kept = evaluated(run)

    assert (first, second) == (["done", "done"], ["skipped", "skipped"])
    assert "goes on with EfficientNet-Lite0" in said
    for content in contents:
        assert content["backbone"] == content["settings"]["backbone"] == LITE0
        assert content["weights"] == LITE0_LABEL
    assert all("other weights (EfficientNet-Lite0" in reason for _, reason in kept)
    assert states(replace(run, force=True)) == ["done", "done"]
    assert cell(run, "padim")["backbone"] == "resnet18"


def test_not_even_force_replaces_trained_weights_by_a_backbone_that_stands_in(
    run: Run, weights_file: str
) -> None:
    trained = replace(run, weights=weights_file, methods=["padim"])
    evaluated(trained)
    before = cell(run, "padim")
    [(_, reason)] = evaluated(replace(trained, weights=None, force=True))

    assert "cannot be had now" in reason
    assert "--backbone efficientnet_lite0 makes one beside it" in reason
    assert cell(run, "padim")["weights"] == before["weights"]
    assert states(replace(trained, weights=weights_file, force=True)) == ["done"]


def test_a_backbone_that_was_asked_for_fails_without_weights_with_advice(made: Run) -> None:
    without = replace(made, weights=None)
    asked = replace(without, settings=replace(SMALL, automatic=False), outputs=made.outputs / "new")
    outcome = evaluated(asked)

    assert states(without) == ["skipped", "skipped"]  # they do not hide finished cells
    assert {state for state, _ in outcome} == {"failed"}
    assert "could not be downloaded" in outcome[0][1]
    assert "--weights FILE" in outcome[0][1]
    assert not asked.place("part", "padim").finished


def test_seconds_are_estimated_from_earlier_cells_of_the_same_method(made: Run) -> None:
    shutil.rmtree(made.place("part", "patchcore").folder)
    both = two_categories(made)
    estimates = seconds_per_cell(both)
    cells = [made.place(category, "padim").key for category in ("part", "zpart")]

    assert list(estimates) == cells
    assert estimates[cells[0]] == pytest.approx(cell(made, "padim")["wall_s"])
    assert seconds_per_cell(replace(both, outputs=made.outputs / "new")) == {}


def test_all_categories_are_planned_unless_some_are_wanted(run: Run) -> None:
    two_categories(run)

    def planned(*wanted: str) -> list[str]:
        return planned_run(Request("", wanted), run.data, run.outputs).categories

    assert planned() == ["part", "zpart"]
    assert planned("zpart", "part", "zpart") == ["zpart", "part"]
    with pytest.raises(RequestError, match=r"no category parts, screws in .*: part, zpart\."):
        planned("parts", "part", "screws")


class Brightness(Detector):
    """A method of one's own: how far each pixel is from the mean good picture."""

    method = "brightness"
    calibrates = True

    @classmethod
    def from_options(cls, options: Options, backbone: Backbone | None) -> Self:  # noqa: ARG003
        return cls()

    def fit(self, images: NDArray[np.uint8], progress: Progress | None = None) -> Self:
        self.mean_ = images.mean(axis=0)
        if progress is not None:
            progress(1, 1)
        return self

    def score(self, images: NDArray[np.uint8], progress: Progress | None = None) -> AnomalyResult:
        maps = np.abs(images - self.mean_).mean(axis=3).astype(np.float32)
        if progress is not None:
            progress(len(images), len(images))
        return AnomalyResult(maps.reshape(len(maps), -1).max(axis=1), maps)

    def calibrate(self, images: NDArray[np.uint8]) -> Calibration:
        positions = np.arange(2 if self.calibrates else 0, dtype=np.int64)
        if not len(positions):
            empty = np.empty((0, *images.shape[1:3]), np.float32)
            return Calibration(positions, AnomalyResult(empty[:, 0, 0], empty))
        return Calibration(positions, self.score(images[positions]))

    def save(self, path: Path) -> None:
        path.write_bytes(self.mean_.tobytes())

    @classmethod
    def load(cls, path: Path, backbone: Backbone | None = None) -> Self:
        raise NotImplementedError


@pytest.fixture
def own_method(monkeypatch: pytest.MonkeyPatch) -> str:
    """Enter a method that works on the pictures themselves; return its name."""
    entry = Method(
        key="brightness",
        title="Brightness",
        version=1,
        detector=f"{__name__}:Brightness",
        settings=lambda options, _: {"seed": options.seed},
    )
    monkeypatch.setitem(METHODS, entry.key, entry)
    return entry.key


def test_a_method_of_ones_own_needs_an_entry_and_nothing_else_not_even_weights(
    run: Run, own_method: str, weights_file: str
) -> None:
    mixed = replace(run, methods=["padim", own_method], weights="lost.pth")
    first = states(mixed)
    content = cell(mixed, own_method)

    assert first == ["failed", "done"]
    assert content["metrics"]["image_auroc"] == 1.0
    assert content["backbone"] == "none"
    assert content["weights"].startswith("none")
    spent = content["timings"]
    assert content["runtime_s"] == pytest.approx(spent["fit"] + spent["score"])
    other = replace(mixed, weights=weights_file)
    assert evaluated(other) == [("done", ""), FINISHED]


def test_without_held_out_pictures_the_colours_come_from_seen_ones_and_say_so(
    run: Run, own_method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brightness, "calibrates", False)
    own = replace(run, methods=[own_method])
    evaluated(own)
    content = cell(own, own_method)

    assert "has seen" in content["scale"]["origin"]
    assert content["counts"]["calibration_images"] == 0
    assert len(scores(own, own_method)) == GOOD + BAD
    assert content["threshold"]["value"] is None


@pytest.mark.parametrize("step", ["fit", "calibrate", "score"])
def test_a_failing_method_of_ones_own_does_not_stop_the_others(
    run: Run, own_method: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(Brightness, step, lambda *_: 1 / 0)

    assert evaluated(replace(run, methods=["padim", own_method])) == [
        ("done", ""),
        ("failed", "ZeroDivisionError: division by zero"),
    ]
