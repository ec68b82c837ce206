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
    FIT,
    CurveError,
    curve_file,
    enough_pictures,
    over_draws,
    read_curve,
    write_curve,
)

LABELS = np.repeat([0, 1], 60)
ABOUT: dict[str, Any] = {
    "category": "part",
    "data_root": "/data",
    "transform": "whole picture",
    "weights": "random (seed 0)",
}
NOISE = np.random.default_rng(0).normal(size=len(LABELS))


def apart(by: float, seed: int = 0) -> NDArray[np.float64]:
    """Return scores whose classes are so many standard deviations apart; a seed moves them."""
    own = np.random.default_rng(seed).normal(size=len(LABELS))
    return NOISE + 0.3 * own + by * LABELS


def fit(count: int, seed: int, scores: NDArray[np.float64], area: float | None = 0.9) -> Any:
    held_out = (np.arange(min(count, 100)) / 25 - 2).tolist()
    return dict(zip(FIT, ("padim", count, seed, area, 0.9, scores.tolist(), held_out), strict=True))


def curve_with(
    by_count: dict[int, float], seeds: int = 3, labels: NDArray[np.int64] = LABELS
) -> dict[str, Any]:
    """Return a curve whose classes are so far apart by number of pictures."""
    fits = []
    for seed in range(seeds):
        for count, by in by_count.items():
            area = image_auroc(apart(by, seed), labels)
            fits.append(fit(count, seed, apart(by, seed), None if math.isnan(area) else area))
    return ABOUT | {"labels": labels.tolist(), "fits": fits}


def written(outputs: Path, curve: dict[str, Any]) -> Path:
    path = curve_file(outputs, "part")
    write_curve(path, curve)
    return path


def sentence(curve: dict[str, Any]) -> str:
    [told] = enough_pictures(curve)
    return str(told)


@pytest.mark.parametrize("seeds", [1, 3])
def test_where_nothing_differs_the_fewest_tried_do(seeds: int) -> None:
    told = sentence(curve_with({10: 2.0, 50: 2.0, 200: 2.0}, seeds))
    assert told.startswith("PaDiM: no number of good pictures could be told apart from 200: ")
    assert "10 pictures cost 0.000 of image AUROC, 95 % interval 0.000 to 0.000." in told


@pytest.mark.parametrize("seeds", [1, 3])
def test_from_the_first_number_on_from_which_none_differs_more_changed_nothing(
    seeds: int,
) -> None:
    curve = curve_with({10: 0.0, 20: 1.0, 60: 2.5, 100: 2.51, 200: 2.5}, seeds)
    told = sentence(curve)
    areas = {
        count: np.mean([one["image_auroc"] for one in curve["fits"] if one["count"] == count])
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
        fit(count, seed, apart(by if count == 10 else 2.5))
        for seed, by in cost.items()
        for count in (10, 200)
    ]
    several = curve_with({10: 1.0}) | {"fits": fits}

    assert sentence(several | {"fits": fits[:2]}).startswith("PaDiM: even between 10 and 200")
    assert "no number of good pictures could be told apart" in sentence(several)


def test_one_number_of_pictures_and_one_kind_of_pictures_say_nothing() -> None:
    assert "it takes two numbers of training pictures" in sentence(curve_with({10: 1.0}))
    bad = curve_with({10: 1.0, 20: 1.0}, labels=np.ones_like(LABELS))
    assert "and good and defective test pictures, to say" in sentence(bad)
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
        own = [one for one in curve["fits"] if one["count"] == count]
        limits = [threshold_for(one["calibration"], rate) for one in own]
        if math.isnan(limits[0]):
            assert (count, rate) != (100, 0.05)
            assert table["missed_mean"].isna()[count]
            continue
        pairs = [(np.array(one["scores"]), at) for one, at in zip(own, limits, strict=True)]
        missed = [np.mean(scores[LABELS == 1] <= limit) for scores, limit in pairs]
        alarms = [np.mean(scores[LABELS == 0] > limit) for scores, limit in pairs]
        assert table.at[count, "missed_mean"] == pytest.approx(np.mean(missed))
        assert table.at[count, "missed_std"] == pytest.approx(np.std(missed, ddof=1))
        assert table.at[count, "false_alarms_mean"] == pytest.approx(np.mean(alarms))
        assert table.at[count, "seeds"] == 3
    assert np.isnan(over_draws(curve_with({10: 1.0}, seeds=1), rate)["image_auroc_std"]).all()


def test_what_was_written_is_read_again_to_the_last_digit_with_what_it_says(
    tmp_path: Path,
) -> None:
    for labels in (LABELS, np.ones_like(LABELS)):
        curve = curve_with({10: 1.0, 20: 2.0}, labels=labels)
        written(tmp_path, curve)
        again = read_curve(tmp_path, "part")

        assert {name: again[name] for name in curve} == curve
        assert again["enough"] == enough_pictures(curve)
    with pytest.raises(CurveError):
        read_curve(tmp_path, "other")


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
        first_fit(calibration=["high"]),
        first_fit(image_auroc="high"),
        first_fit(count="10"),
        first_fit(method=["padim"]),
    ],
)
def test_a_file_that_holds_anything_else_is_one_sentence(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    path = written(tmp_path, curve_with({10: 1.0, 20: 2.0}))
    content = json.loads(path.read_text())
    change(content)
    content[CHECKSUM] = content_checksum(content)
    path.write_text(json.dumps(content))

    with pytest.raises(CurveError, match=r"train_counts\.json is damaged or of another version"):
        read_curve(tmp_path, "part")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "[" * 100_000, "\udcff"])
def test_what_is_no_curve_at_all_is_the_same_sentence(tmp_path: Path, text: str) -> None:
    path = curve_file(tmp_path, "part")
    path.parent.mkdir()
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(CurveError, match="measure the learning curve again"):
        read_curve(tmp_path, "part")


def test_a_changed_digit_and_a_cut_file_are_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, curve_with({10: 1.0, 20: 2.0}))
    text = path.read_text()
    for changed in (text.replace("0.9", "0.8", 1), text[: len(text) // 2]):
        path.write_text(changed)
        with pytest.raises(CurveError):
            read_curve(tmp_path, "part")


def test_a_link_that_leads_out_is_not_read(tmp_path: Path) -> None:
    outside = written(tmp_path / "outside", curve_with({10: 1.0, 20: 2.0}))
    path = curve_file(tmp_path / "outputs", "part")
    path.parent.mkdir(parents=True)
    path.symlink_to(outside)

    with pytest.raises(CurveError):
        read_curve(tmp_path / "outputs", "part")
