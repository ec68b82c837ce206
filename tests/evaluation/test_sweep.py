"""A sweep gives the numbers of separate runs, for one decode and one pass of the backbone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from data_utils.mvtec import Category, scan_category
from data_utils.pictures import Pictures, load_pictures
from detectors import registry
from detectors.backbones.features import Features, NetworkBackbone
from detectors.backbones.names import LITE0
from detectors.backbones.weights import random_weights
from detectors.patchcore import Patchcore
from detectors.registry import Options
from evaluation.cells import SCORES_FILE, CellKey, read_cell
from evaluation.local_workers import evaluate_with_workers
from evaluation.memory import cells_bytes, size_of
from evaluation.progress import RunProgress
from evaluation.request import Sweep
from evaluation.runner import Run, evaluate
from evaluation.seeds import BY_SETTING_FILE
from evaluation.settings import Settings
from evaluation.summary import SUMMARY_FILE, stored_summary
from tests.make_data import write_category

TRAIN, GOOD, BAD = 12, 3, 3
FIRST = Settings(options=Options(coreset_ratio=0.05, padim_channels=10), image_size=64)
RATIOS = Sweep(coreset_ratios=(0.2, 0.01))
SEEDS = Sweep(seeds=(1, 2))


def planned(tmp_path: Path, sweep: Sweep, *methods: str, weights: str = "random") -> Run:
    """Return a run over one small category."""
    if not (tmp_path / "data").exists():
        write_category(tmp_path / "data", train=TRAIN, good=GOOD, bad=BAD)
    outputs = tmp_path / "outputs"
    run = Run(tmp_path / "data", outputs, ["part"], list(methods), FIRST, weights)
    return replace(run, variants=sweep.variants(FIRST))


def go(run: Run) -> dict[CellKey, str]:
    """Evaluate; return the state of every cell."""
    progress = RunProgress(run.outputs, run.planned, show_bars=False)
    evaluate(run, progress)
    return {cell.key: cell.state for cell in progress.status.cells}


def scores(run: Run) -> dict[CellKey, str]:
    """Return every cell's scores as they stand in the file."""
    return {key: (run.place_of(key).folder / SCORES_FILE).read_text() for key in run.cells("part")}


def alone(run: Run) -> dict[CellKey, str]:
    """Return the scores of the same cells, each evaluated by a run of its own."""
    found: dict[CellKey, str] = {}
    for i, (key, settings) in enumerate(run.cells("part").items()):
        outputs = run.outputs.with_name(f"alone-{i}")
        single = replace(run, outputs=outputs, methods=[key.method], settings=settings, variants=())
        go(single)
        found |= scores(single)
    return found


def weights_file(tmp_path: Path) -> str:
    """Write weights that are the same for every seed; return the file."""
    path = tmp_path / "weights.pth"
    torch.save(random_weights("resnet18").state, path)
    return str(path)


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


def test_settings_that_make_no_difference_to_a_method_make_no_cell(tmp_path: Path) -> None:
    both = Sweep(coreset_ratios=(0.2,), seeds=(1,))
    run = planned(tmp_path, both, "ae", "padim", "patchcore")
    methods = [key.method for key in run.cells("part")]

    assert [methods.count(method) for method in ("ae", "padim", "patchcore")] == [2, 2, 4]


def test_every_memory_bank_has_the_numbers_of_a_run_of_its_own(tmp_path: Path) -> None:
    run = planned(tmp_path, RATIOS, "padim", "patchcore")
    states = go(run)

    assert len(states) == 4
    assert set(states.values()) == {"done"}
    assert scores(run) == alone(run)


def test_a_larger_memory_bank_is_chosen_once_and_charged_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[float] = []
    finish = Patchcore.finish_fit

    def counted(self: Patchcore, progress: object = None) -> Patchcore:
        fits.append(self.settings.coreset_ratio)
        return finish(self, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Patchcore, "finish_fit", counted)
    run = planned(tmp_path, RATIOS, "patchcore")
    go(run)
    cells = [read_cell(run.place_of(key).folder) for key in run.cells("part")]
    by_ratio = {cell["settings"]["coreset_ratio"]: cell["timings"]["fit"] for cell in cells}

    assert fits == [0.2]
    assert 0 < by_ratio[0.01] <= by_ratio[0.05] <= by_ratio[0.2]


def test_seeds_share_one_pass_of_the_backbone(tmp_path: Path, extracted: list[int]) -> None:
    run = planned(tmp_path, SEEDS, "padim", "patchcore", weights=weights_file(tmp_path))
    go(replace(run, variants=(), outputs=tmp_path / "single"))
    single = sum(size for size in extracted if size > 1)
    extracted.clear()
    states = go(run)

    assert len(states) == 6
    assert set(states.values()) == {"done"}
    assert sum(size for size in extracted if size > 1) == single
    assert scores(run) == alone(run)


def test_backbones_share_one_reading_of_the_pictures_and_pass_over_them_once_each(
    tmp_path: Path, extracted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(category: Category, *rest: Any) -> Pictures:
        read.append(category.name)
        return load_pictures(category, *rest)

    monkeypatch.setattr("evaluation.runner.load_pictures", counted)
    sweep = Sweep(backbones=("filterbank",), coreset_ratios=(0.2,), seeds=(1,))
    monkeypatch.setattr(
        "detectors.backbones.weights.cached_file", lambda _: Path(weights_file(tmp_path))
    )
    asked = replace(FIRST, automatic=False)
    run = planned(tmp_path, sweep, "padim", "patchcore")
    run = replace(run, weights=None, settings=asked, variants=sweep.variants(asked))
    states = go(run)
    rows = pd.read_csv(run.outputs / SUMMARY_FILE)
    passed = sum(size for size in extracted if size > 1)
    extracted.clear()
    go(replace(run, variants=(), outputs=tmp_path / "single"))

    assert len(states) == len(rows) == 12
    assert set(states.values()) == {"done"}
    assert rows["backbone"].value_counts().to_dict() == {"resnet18": 6, "filterbank": 6}
    assert read == ["part"] * 2
    assert passed == sum(size for size in extracted if size > 1)


def test_random_weights_are_drawn_for_every_seed(tmp_path: Path) -> None:
    run = planned(tmp_path, SEEDS, "patchcore")
    go(run)
    labels = [read_cell(run.place_of(key).folder)["weights"] for key in run.cells("part")]

    assert labels == ["random (seed 0)", "random (seed 1)", "random (seed 2)"]


def test_cells_for_which_memory_is_short_take_several_passes_and_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extracted: list[int]
) -> None:
    sweep = Sweep(coreset_ratios=(0.2,), seeds=(1,))
    run = planned(tmp_path, sweep, "padim", "patchcore", weights=weights_file(tmp_path))
    go(run)
    together, passes = scores(run), len(extracted)
    extracted.clear()
    category = scan_category(run.data, "part")
    size = size_of(category, run.settings.transform_for(category))
    most = max(
        cells_bytes(size, [(key.method, settings)]) for key, settings in run.cells("part").items()
    )
    monkeypatch.setattr("evaluation.runner.free_bytes", lambda: most)
    divided = replace(run, outputs=tmp_path / "divided")
    go(divided)

    assert scores(divided) == together
    assert len(extracted) > passes


def test_a_memory_bank_that_fails_fails_the_smaller_ones_but_no_other_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Patchcore.finish_fit

    def failing(self: Patchcore, progress: object = None) -> Patchcore:
        if self.settings.seed == 0:
            raise ValueError("no room for this memory bank")
        return finish(self, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Patchcore, "finish_fit", failing)
    sweep = Sweep(coreset_ratios=(0.2,), seeds=(1,))
    states = go(planned(tmp_path, sweep, "patchcore", weights=weights_file(tmp_path)))

    assert {key.settings_id.partition("seed-")[2]: state for key, state in states.items()} == {
        "": "failed",
        "1": "done",
    }


def test_a_sweep_that_runs_again_makes_only_what_is_missing(tmp_path: Path) -> None:
    go(planned(tmp_path, Sweep(), "padim", "patchcore"))
    states = go(planned(tmp_path, RATIOS, "padim", "patchcore"))

    assert sorted(states.values()) == ["done", "done", "skipped", "skipped"]


def test_one_row_per_cell_and_one_per_setting(tmp_path: Path) -> None:
    run = planned(tmp_path, Sweep(coreset_ratios=(0.2,), seeds=(1, 2)), "padim", "patchcore")
    go(run)
    rows = pd.read_csv(run.outputs / SUMMARY_FILE)
    settings = pd.read_csv(run.outputs / BY_SETTING_FILE)
    padim = rows[rows["method"] == "padim"]["image_auroc"]

    assert len(rows) == 9
    assert list(settings["method"]) == ["padim", "patchcore", "patchcore"]
    assert list(settings["seeds"]) == [3, 3, 3]
    assert settings["image_auroc_mean"].iloc[0] == pytest.approx(padim.mean(), abs=1e-6)
    assert settings["image_auroc_std"].iloc[0] == pytest.approx(padim.std(), abs=1e-6)


def test_padim_with_all_channels_is_one_cell_whatever_the_seed(tmp_path: Path) -> None:
    asked = replace(FIRST, options=replace(FIRST.options, padim_channels="all"))
    run = planned(tmp_path, SEEDS, "padim", "patchcore")
    run = replace(run, settings=asked, variants=SEEDS.variants(asked))
    states = go(run)
    [cell] = [key for key in states if key.method == "padim"]
    about = read_cell(run.place_of(cell).folder)

    assert set(states.values()) == {"done"}
    assert len(states) == 4
    assert cell.settings_id == "image_size-64_padim_channels-448"
    assert "seed" not in about["settings"]
    assert about["settings"]["padim_channels"] == 448


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_planned_is_made_where_lite0_takes_the_place_of_resnet18(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setitem(registry.PADIM_CHANNELS_BY_BACKBONE, LITE0, 176)
    first = Settings(options=Options(seed=1, coreset_ratio=0.05), image_size=64)
    run = planned(tmp_path, SEEDS, "padim", "patchcore")
    run = replace(run, settings=first, variants=SEEDS.variants(first), weights=None)
    progress = RunProgress(run.outputs, run.planned, show_bars=False)
    if workers == 1:
        evaluate(run, progress)
    else:
        evaluate_with_workers(run, workers, 1, progress)
    summary = stored_summary(run.outputs)
    made = {CellKey(*row) for row in summary[list(CellKey._fields)].itertuples(index=False)}

    assert {cell.state for cell in progress.status.cells} == {"done"}
    assert made == set(run.planned)
    assert set(summary["backbone"]) == {LITE0}
    of_padim = summary[summary["method"] == "padim"]
    assert of_padim["image_auroc"].nunique() == 1
    assert of_padim["backbone"].eq(LITE0).all()
