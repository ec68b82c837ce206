"""What a learning curve says in a sentence, and files that are not what was written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.measure.measures import image_auroc
from evaluation.measure.operating_points import threshold_for
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.training_set.curve_table import (
    CurveError,
    Fit,
    LearningCurve,
    curve_file,
    enough_pictures,
    over_draws,
    read_curve,
    write_curve,
)

LABELS = np.repeat([0, 1], 60)
ABOUT = {"category": "part", "data_root": "/data", "weights": "random (seed 0)"}
NOISE = np.random.default_rng(0).normal(size=len(LABELS))


def apart(by: float, seed: int = 0) -> NDArray[np.float64]:
    """Return scores whose classes are so many standard deviations apart; a seed moves them."""
    own = np.random.default_rng(seed).normal(size=len(LABELS))
    return NOISE + 0.3 * own + by * LABELS


def curve_with(
    by_count: dict[int, float], seeds: int = 3, labels: NDArray[np.int64] = LABELS
) -> LearningCurve:
    """Return a curve whose classes are so far apart by number of pictures."""
    fits = []
    for seed in range(seeds):
        for count, by in by_count.items():
            scores = apart(by, seed)
            held_out = np.arange(min(count, 100)) / 25 - 2
            area = image_auroc(scores, labels)
            fits.append(Fit("padim", count, seed, area, 0.9, scores, held_out))
    about = ABOUT | {"transform": "whole picture", "finished": "2024-01-01T00:00:00+00:00"}
    return LearningCurve(about, labels, tuple(fits))


def sentence(curve: LearningCurve) -> str:
    [told] = enough_pictures(curve)
    return str(told)


@pytest.mark.parametrize("seeds", [1, 3])
def test_where_nothing_differs_the_fewest_tried_do(seeds: int) -> None:
    told = sentence(curve_with({10: 2.0, 50: 2.0, 200: 2.0}, seeds))
    assert told.startswith("PaDiM: 10 good pictures, the fewest tried, cannot be told apart from")
    assert "10 pictures cost 0.000 of image AUROC, 95 % interval 0.000 to 0.000." in told


@pytest.mark.parametrize("seeds", [1, 3])
def test_from_the_first_number_on_from_which_none_differs_more_changed_nothing(
    seeds: int,
) -> None:
    curve = curve_with({10: 0.0, 20: 1.0, 60: 2.5, 100: 2.51, 200: 2.5}, seeds)
    told = sentence(curve)
    areas = {
        count: np.mean([fit.image_auroc for fit in curve.fits if fit.count == count])
        for count in (10, 200)
    }

    assert told.startswith("PaDiM: from 60 good pictures on, more changed nothing that can be")
    assert f"10 pictures cost {areas[200] - areas[10]:.3f} of image AUROC" in told


def test_a_number_that_does_as_well_by_chance_is_not_enough_where_a_larger_one_differs() -> None:
    told = sentence(curve_with({10: 2.5, 20: 0.0, 60: 2.5, 200: 2.5}))
    assert told.startswith("PaDiM: from 60 good pictures on")


@pytest.mark.parametrize("seeds", [1, 3])
def test_where_every_number_differs_more_may_still_help(seeds: int) -> None:
    told = sentence(curve_with({10: 0.0, 50: 1.0, 200: 2.5}, seeds))
    assert told.startswith("PaDiM: even between 50 and 200 good pictures the image AUROC changed")
    assert "10 pictures cost 0." in told


def test_draws_that_disagree_take_a_difference_back() -> None:
    """One seed alone would be told apart."""
    cost = dict(enumerate((0.9, 2.6, 3.5)))
    fits = [
        Fit("padim", count, seed, 0.9, 0.9, apart(by if count == 10 else 2.5, 0), np.arange(10.0))
        for seed, by in cost.items()
        for count in (10, 200)
    ]
    whole = curve_with({10: 1.0})
    alone = LearningCurve(whole.about, LABELS, tuple(fits[:2]))

    assert sentence(alone).startswith("PaDiM: even between 10 and 200")
    assert "cannot be told apart" in sentence(LearningCurve(whole.about, LABELS, tuple(fits)))


def test_one_number_of_pictures_and_one_kind_of_pictures_say_nothing() -> None:
    assert "only 10 training pictures were tried" in sentence(curve_with({10: 1.0}))
    bad = curve_with({10: 1.0, 20: 1.0}, labels=np.ones_like(LABELS))
    assert "without good and defective test pictures nothing can be said" in sentence(bad)
    table = over_draws(bad, 0.05)
    assert np.isnan(table["image_auroc_mean"]).all()
    assert np.isnan(table["false_alarms_mean"]).all()


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.3])
def test_missed_defects_and_false_alarms_are_counted_at_each_fits_own_threshold(
    rate: float,
) -> None:
    curve = curve_with({10: 1.0, 100: 2.0})
    table = over_draws(curve, rate).set_index("count")
    for count in (10, 100):
        own = [fit for fit in curve.fits if fit.count == count]
        limits = [threshold_for(fit.calibration, rate) for fit in own]
        if math.isnan(limits[0]):
            assert (count, rate) != (100, 0.05)
            assert math.isnan(table.at[count, "missed_mean"])
            continue
        pairs = list(zip(own, limits, strict=True))
        missed = [np.mean(fit.scores[LABELS == 1] <= limit) for fit, limit in pairs]
        alarms = [np.mean(fit.scores[LABELS == 0] > limit) for fit, limit in pairs]
        assert table.at[count, "missed_mean"] == pytest.approx(np.mean(missed))
        assert table.at[count, "missed_std"] == pytest.approx(np.std(missed, ddof=1))
        assert table.at[count, "false_alarms_mean"] == pytest.approx(np.mean(alarms))
        assert table.at[count, "seeds"] == 3
    assert np.isnan(over_draws(curve_with({10: 1.0}, seeds=1), rate)["image_auroc_std"]).all()


def test_what_was_written_is_read_again_to_the_last_digit(tmp_path: Path) -> None:
    curve = curve_with({10: 1.0, 20: 2.0}, labels=np.ones_like(LABELS))
    assert read_curve(tmp_path, "part") is None
    assert write_curve(tmp_path, curve) == curve_file(tmp_path, "part")
    again = read_curve(tmp_path, "part")

    assert again is not None
    assert again.labels.tolist() == curve.labels.tolist()
    for one, same in zip(curve.fits, again.fits, strict=True):
        assert one.scores.tolist() == same.scores.tolist()
        assert (one.method, one.count, one.seed) == (same.method, same.count, same.seed)
        assert math.isnan(same.image_auroc)
        assert same.pixel_auroc == 0.9


def without_a_fit(content: dict[str, Any]) -> None:
    content["fits"].pop()


def another(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.update(changes)


def first_fit(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["fits"][0].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        without_a_fit,
        another(format=2),
        another(format=None),
        another(category="other"),
        another(labels=[0, 1]),
        another(labels="good"),
        another(fits=[]),
        another(fits={}),
        another(weights=7),
        first_fit(scores=[1.0]),
        first_fit(scores=[math.nan] * len(LABELS)),
        first_fit(scores=None),
        first_fit(calibration=[[1.0]]),
        first_fit(image_auroc=1.5),
        first_fit(image_auroc="high"),
        first_fit(count="10"),
        first_fit(count=20),
        first_fit(seed=True),
        first_fit(method=["padim"]),
        first_fit(more=1),
    ],
)
def test_a_file_that_holds_anything_else_is_one_sentence(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    path = write_curve(tmp_path, curve_with({10: 1.0, 20: 2.0}))
    content = json.loads(path.read_text())
    change(content)
    content[CHECKSUM] = content_checksum(content)
    path.write_text(json.dumps(content))

    with pytest.raises(CurveError, match=r"train_counts\.json is damaged or was written by"):
        read_curve(tmp_path, "part")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "[" * 100_000, "\udcff"])
def test_what_is_no_curve_at_all_is_the_same_sentence(tmp_path: Path, text: str) -> None:
    path = curve_file(tmp_path, "part")
    path.parent.mkdir()
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(CurveError, match="measure the learning curve again"):
        read_curve(tmp_path, "part")


def test_a_changed_digit_and_a_cut_file_are_noticed(tmp_path: Path) -> None:
    path = write_curve(tmp_path, curve_with({10: 1.0, 20: 2.0}))
    text = path.read_text()
    for changed in (text.replace("0.9", "0.8", 1), text[: len(text) // 2]):
        path.write_text(changed)
        with pytest.raises(CurveError):
            read_curve(tmp_path, "part")


def test_a_link_that_leads_out_is_not_read(tmp_path: Path) -> None:
    outside = write_curve(tmp_path / "outside", curve_with({10: 1.0, 20: 2.0}))
    path = curve_file(tmp_path / "outputs", "part")
    path.parent.mkdir(parents=True)
    path.symlink_to(outside)

    with pytest.raises(CurveError):
        read_curve(tmp_path / "outputs", "part")
