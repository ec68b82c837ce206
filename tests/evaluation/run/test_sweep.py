"""A sweep gives the numbers of separate runs, for one decode and one pass of the backbone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from data_utils.decoding import Pictures
from data_utils.mvtec import Category, scan_category
from data_utils.pictures import load_pictures
from detectors import registry
from detectors.backbones.names import LITE0
from detectors.backbones.weights import random_weights
from evaluation.cluster.foreman import evaluate_on_cluster
from evaluation.run.memory_budget import cells_bytes, size_of
from evaluation.run.plan import Run, planned_run
from evaluation.run.progress import RunProgress
from evaluation.run.request import Request
from evaluation.store.cells import read_cell
from evaluation.store.places import SCORES_FILE, CellKey
from evaluation.store.summary import BY_SETTING_FILE, SUMMARY_FILE, stored_summary
from tests.make_data import write_category
from tests.runs import states

TRAIN, GOOD, BAD = 12, 3, 3
RATIOS = {"coreset_ratios": (0.05, 0.2, 0.01)}
BOTH = {"coreset_ratios": (0.05, 0.2), "seeds": (0, 1)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_category(tmp_path_factory.mktemp("data"), train=TRAIN, good=GOOD, bad=BAD).parent


Planned = Callable[..., Run]


@pytest.fixture
def planned(data: Path, tmp_path: Path) -> Planned:
    """Return what plans a run over it, with one small setting unless `sweep` says otherwise."""

    def plan(sweep: dict[str, Any], *methods: str, weights: str | None = "random") -> Run:
        asked: dict[str, Any] = {"coreset_ratios": (0.05,), "padim_channels": 10, "image_size": 64}
        request = Request("", methods=methods, weights=weights, **asked | sweep)
        return planned_run(request, data, tmp_path / "outputs")

    return plan


def go(run: Run) -> dict[CellKey, str]:
    return dict(zip(run.planned, states(run), strict=True))


def scores(run: Run) -> dict[CellKey, str]:
    return {key: (run.place_of(key).folder / SCORES_FILE).read_text() for key in run.cells("part")}


def expect_scores_of_runs_of_their_own(run: Run) -> None:
    """Compare each cell with that of a run that makes nothing else."""
    for i, (key, settings) in enumerate(run.cells("part").items()):
        outputs = run.outputs.with_name(f"alone-{i}")
        alone = replace(run, outputs=outputs, methods=[key.method], settings=settings, variants=())
        go(alone)
        assert scores(alone)[key] == scores(run)[key]


def weights_file(tmp_path: Path) -> str:
    path = tmp_path / "weights.pth"
    torch.save(random_weights("resnet18").state, path)
    return str(path)


def test_settings_that_make_no_difference_to_a_method_make_no_cell(planned: Planned) -> None:
    run = planned(BOTH, "ae", "padim", "patchcore")
    methods = [key.method for key in run.cells("part")]

    assert [methods.count(method) for method in ("ae", "padim", "patchcore")] == [2, 2, 4]


def test_seeds_share_one_pass_of_the_backbone_or_take_several_where_memory_is_short(
    planned: Planned,
    tmp_path: Path,
    extracted: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = planned({"seeds": (0, 1)}, "padim", "patchcore", weights=weights_file(tmp_path))
    passed: list[int] = []
    single, divided = (
        replace(run, outputs=tmp_path / name, variants=variants)
        for name, variants in (("single", ()), ("divided", run.variants))
    )
    category = scan_category(run.data, "part")
    size = size_of(category, run.settings.transform_for(category))
    most = max(cells_bytes(size, [(key.method, one)]) for key, one in run.cells("part").items())
    for one in (single, run, divided):
        if one is divided:
            monkeypatch.setattr("evaluation.run.plan.free_bytes", lambda: most)
        extracted.clear()
        assert set(go(one).values()) == {"done"}
        passed.append(sum(size for size in extracted if size > 1))

    assert len(run.planned) == 4
    assert passed[0] == passed[1] < passed[2]
    assert scores(run) == scores(divided)
    expect_scores_of_runs_of_their_own(run)


def test_backbones_share_one_reading_of_the_pictures_and_pass_over_them_once_each(
    planned: Planned,
    tmp_path: Path,
    extracted: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def counted(category: Category, *rest: Any) -> Pictures:
        read.append(category.name)
        return load_pictures(category, *rest)

    monkeypatch.setattr("evaluation.run.reading.load_pictures", counted)
    monkeypatch.setattr(
        "detectors.backbones.weights.cached_file", lambda _: Path(weights_file(tmp_path))
    )
    sweep = {"seeds": (0, 1), "backbones": ("resnet18", "filterbank")}
    run = planned(sweep, "padim", "patchcore", weights=None)
    outcome = go(run)
    rows = pd.read_csv(run.outputs / SUMMARY_FILE)
    passed = sum(size for size in extracted if size > 1)
    extracted.clear()
    go(replace(run, variants=(), outputs=tmp_path / "single"))

    assert len(outcome) == len(rows) == 8
    assert set(outcome.values()) == {"done"}
    assert rows["backbone"].value_counts().to_dict() == {"resnet18": 4, "filterbank": 4}
    assert read == ["part"] * 2
    assert passed == sum(size for size in extracted if size > 1)


def test_one_row_per_cell_and_one_per_setting(planned: Planned) -> None:
    run = planned(BOTH, "padim", "patchcore")
    go(run)
    rows = pd.read_csv(run.outputs / SUMMARY_FILE)
    settings = pd.read_csv(run.outputs / BY_SETTING_FILE)
    padim = rows[rows["method"] == "padim"]["image_auroc"]
    weights = rows[rows["method"] == "padim"]["weights"]

    assert len(rows) == 6
    assert sorted(weights) == ["random (seed 0)", "random (seed 1)"]
    assert list(settings["method"]) == ["padim", "patchcore", "patchcore"]
    assert list(settings["seeds"]) == [2, 2, 2]
    assert settings["image_auroc_mean"].iloc[0] == pytest.approx(padim.mean(), abs=1e-6)
    assert settings["image_auroc_std"].iloc[0] == pytest.approx(padim.std(), abs=1e-6)


def test_padim_with_all_channels_is_one_cell_whatever_the_seed(planned: Planned) -> None:
    run = planned({"seeds": (0, 1, 2), "padim_channels": "all"}, "padim")
    [(cell, state)] = go(run).items()
    about = read_cell(run.place_of(cell).folder)

    assert state == "done"
    assert cell.settings_id == "image_size-64_padim_channels-448"
    assert "seed" not in about["settings"]
    assert about["settings"]["padim_channels"] == 448


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_planned_is_made_where_lite0_takes_the_place_of_resnet18(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setitem(registry.PADIM_CHANNELS_BY_BACKBONE, LITE0, 176)
    sweep = {"seeds": (1, 0, 2), "padim_channels": None}
    run = planned(sweep, "padim", "patchcore", weights=None)
    if workers == 1:
        outcome = set(states(run))
    else:
        progress = RunProgress(run.outputs, run.planned, show_bars=False)
        evaluate_on_cluster(run, Request("", workers=workers, threads=1), progress)
        outcome = {cell.state for cell in progress.status.cells}
    summary = stored_summary(run.outputs)
    made = {CellKey(*row) for row in summary[list(CellKey._fields)].itertuples(index=False)}

    assert outcome == {"done"}
    assert made == set(run.planned)
    assert set(summary["backbone"]) == {LITE0}
    of_padim = summary[summary["method"] == "padim"]
    assert of_padim["image_auroc"].nunique() == 1
    assert of_padim["backbone"].eq(LITE0).all()
