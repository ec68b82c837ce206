"""Every fit of a learning curve is the one that an evaluation of those pictures would make."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.base import calibration_positions
from detectors.registry import METHODS, Options
from evaluation.measure.operating_points import threshold_for
from evaluation.run.plan import Run
from evaluation.run.progress import JobStatus, RunProgress
from evaluation.store.settings import Settings
from evaluation.training_set.curve_table import (
    CURVE_NAME,
    curve_file,
    over_draws,
    read_curve,
)
from evaluation.training_set.learning_curve import measure_learning_curve, part_of, part_sizes
from evaluation.training_set.study import carry_out, study_cells
from tests.make_data import write_category
from tests.runs import backbones_made_once, cell, finished_run, scores

Curve = dict[str, Any]
TRAIN = 104  # more than are left out for the threshold
OWN_SEED = 3
SETTINGS = Settings(options=Options(seed=OWN_SEED, padim_channels=8), image_size=64)


def studied(run: Run, counts: tuple[str, ...], seeds: tuple[int, ...]) -> JobStatus:
    """Measure the curve; return what the run says of itself."""
    cells = study_cells(run, CURVE_NAME)
    progress = RunProgress(run.outputs, cells, show_bars=False)
    measure = partial(measure_learning_curve, counts=counts, seeds=seeds)
    with backbones_made_once():
        carry_out(measure, cells, run, progress)
    progress.finish()
    return progress.status


def curve_of(run: Run) -> Curve:
    return read_curve(run.outputs, "part")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    base = tmp_path_factory.mktemp("curve")
    write_category(base / "data", train=TRAIN, good=8, bad=8)
    return finished_run(base, "part", settings=SETTINGS)


@pytest.fixture(scope="module")
def curve(run: Run) -> Curve:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(run.data.parent / "cache"))
        assert studied(run, ("2", "20", "60", "all"), (OWN_SEED, 0)).state == "done"
    return curve_of(run)


def fit(curve: Curve, method: str, count: int, seed: int) -> dict[str, Any]:
    [found] = [
        one
        for one in curve["fits"]
        if (one["method"], one["count"], one["seed"]) == (method, count, seed)
    ]
    return found


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_all_pictures_give_exactly_what_the_cell_of_that_seed_has(
    run: Run, curve: Curve, method: str
) -> None:
    found, table = fit(curve, method, TRAIN, OWN_SEED), scores(run, method)
    stored = {
        split: table.loc[table["split"] == split, "score"].to_numpy(np.float32)
        for split in ("test", "calibration")
    }
    metrics = cell(run, method)["metrics"]

    assert np.array(found["scores"], np.float32).tolist() == stored["test"].tolist()
    assert np.array(found["calibration"], np.float32).tolist() == stored["calibration"].tolist()
    assert len(found["calibration"]) == len(calibration_positions(TRAIN)) < TRAIN
    assert (found["image_auroc"], found["pixel_auroc"]) == (
        metrics["image_auroc"],
        metrics["pixel_auroc"],
    )
    assert threshold_for(found["calibration"], 0.05) == pytest.approx(
        cell(run, method)["threshold"]["value"]
    )


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_a_part_gives_exactly_what_an_evaluation_of_only_these_pictures_gives(
    curve: Curve, method: str, tmp_path: Path
) -> None:
    data = write_category(tmp_path / "data", train=TRAIN, good=8, bad=8).parent
    for position in set(range(TRAIN)) - set(part_of(60, TRAIN, OWN_SEED).tolist()):
        (data / "part" / "train" / "good" / f"{position:03}.png").unlink()
    other = finished_run(tmp_path, "part", settings=SETTINGS)

    found, table = fit(curve, method, 60, OWN_SEED), scores(other, method)
    raw = np.array([*found["scores"], *found["calibration"]], np.float32)
    assert raw.tolist() == table["score"].to_numpy(np.float32).tolist()
    assert len(found["calibration"]) == 60


def test_parts_of_a_draw_are_nested_and_another_seed_draws_others() -> None:
    small, large = part_of(10, 50, seed=1), part_of(20, 50, seed=1)

    assert set(small.tolist()) < set(large.tolist())
    assert (len(small), len(set(large.tolist()))) == (10, 20)
    assert set(part_of(10, 50, seed=2).tolist()) != set(small.tolist())
    assert part_of(50, 50, seed=1).tolist() == list(range(50))


def test_the_same_seed_gives_the_same_numbers_and_another_one_others(
    run: Run, curve: Curve
) -> None:
    assert studied(run, ("all", "60", "20", "2", "60"), (OWN_SEED, 0, 0)).state == "done"
    again = curve_of(run)

    for one, same in zip(curve["fits"], again["fits"], strict=True):
        assert one == same
    ours, others = (fit(curve, "patchcore", 20, seed) for seed in (OWN_SEED, 0))
    assert ours["scores"] != others["scores"]


def test_two_pictures_give_padim_no_threshold_and_nothing_is_counted_at_it(
    curve: Curve,
) -> None:
    assert fit(curve, "padim", 2, 0)["calibration"] == []
    table = over_draws(curve, 0.05).set_index(["method", "count"])
    assert np.isnan(table.loc[("padim", 2), ["missed_mean", "false_alarms_mean"]]).all()
    assert table.loc[("padim", 60), "seeds"] == 2
    assert table["missed_mean"].notna()["padim", 60]


def test_a_count_above_the_training_pictures_is_told_and_stands_for_all_once(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert studied(run, ("500", "all", "20", "105"), (0,)).state == "done"
    told = capsys.readouterr().out

    for count in (500, 105):
        assert f"part has {TRAIN} training pictures, so {count} stands for all of them." in told
    assert {one["count"] for one in curve_of(run)["fits"]} == {20, TRAIN}
    assert part_sizes(("20", "104", "all", "20"), TRAIN) == [20, TRAIN]


@pytest.mark.usefixtures("curve")
def test_what_does_not_fit_into_the_memory_is_refused_in_a_sentence_and_leaves_the_old_curve(
    run: Run,
) -> None:
    before = curve_file(run.outputs, "part").read_bytes()
    status = studied(replace(run, memory=1_000_000), ("all",), (0,))

    assert {one.state for one in status.cells} == {"failed"}
    assert "of memory and 1 MB are free" in str(status.last_error)
    assert curve_file(run.outputs, "part").read_bytes() == before


def test_a_curve_makes_no_cell(run: Run, curve: Curve) -> None:
    assert {one["method"] for one in curve["fits"]} == {"padim", "patchcore"} < METHODS.keys()
    made = {path.name for path in (run.outputs / "part").iterdir()}
    assert made <= {f"{CURVE_NAME}.json"}  # the cells have settings of their own
