"""Ranks, spreads and verdicts of several methods on the same pictures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import percentileofscore, rankdata

from evaluation.measure.disagreement import (
    FALSE_ALARM,
    HIT,
    MISSED,
    PASSED,
    UNKNOWN,
    disagreement,
    percentiles,
    ranks,
    side_by_side,
    verdicts,
)
from evaluation.measure.operating_points import decide


def table(scores: dict[str, float]) -> pd.DataFrame:
    """Return test pictures from ``<defect>/<stem>`` to score."""
    names = [name.split("/") for name in scores]
    return pd.DataFrame(
        {
            "defect": [defect for defect, _ in names],
            "stem": [stem for _, stem in names],
            "label": [int(defect != "good") for defect, _ in names],
            "score": list(scores.values()),
        }
    )


@pytest.mark.parametrize("values", [3, 10_000])
def test_percentiles_are_averaged_ranks_shifted_by_a_half(values: int) -> None:
    scores = np.random.default_rng(0).integers(0, values, 200).astype(float)
    expected = 100 * (rankdata(scores, method="average") - 0.5) / len(scores)
    np.testing.assert_allclose(percentiles(scores), expected)
    halved = [percentileofscore(scores, score, kind="mean") for score in scores]
    np.testing.assert_allclose(percentiles(scores), halved)
    np.testing.assert_array_equal(percentiles(scores), percentiles(scores / values + 7))


def test_scores_that_are_not_known_take_no_part_in_the_ranking() -> None:
    np.testing.assert_array_equal(percentiles([2, math.nan, 1]), [75, math.nan, 25])
    assert percentiles([]).shape == (0,)


def test_pictures_are_lined_up_by_name_whatever_the_order_of_the_files() -> None:
    one = table({"hole/001": 5, "good/000": 1, "crack/001": 7})  # equal stems, three pictures
    other = table({"good/000": 10, "crack/001": 30, "hole/001": 20})
    together = side_by_side({"a": one, "b": other})
    assert together.names == ["good/000", "crack/001", "hole/001"]
    assert list(together.pictures["label"]) == [0, 1, 1]
    assert together.scores.to_numpy().tolist() == [[1, 10], [7, 30], [5, 20]]
    assert together.shared.all()


def test_a_picture_that_one_method_lacks_is_kept_without_a_score() -> None:
    together = side_by_side({"a": table({"good/000": 1}), "b": table({"good/000": 2, "x/1": 3})})
    assert together.names == ["good/000", "x/1"]
    assert math.isnan(together.scores["a"][1])
    assert list(together.pictures["label"]) == [0, 1]
    assert together.shared.tolist() == [True, False]


def test_ranks_are_among_the_pictures_that_every_method_has_scored() -> None:
    scores = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, math.nan, 1.0]})
    ranked = ranks(scores)
    assert ranked["a"].tolist()[0::2] == [25, 75]
    assert ranked["b"].tolist()[0::2] == [75, 25]
    assert ranked.iloc[1].isna().all()
    assert np.isnan(disagreement(ranked)).tolist() == [False, True, False]


def test_methods_that_rank_alike_do_not_disagree() -> None:
    scores = np.random.default_rng(3).normal(size=30)
    ranked = ranks(pd.DataFrame({"a": scores, "b": 100 + 2 * scores, "c": scores**3}))
    np.testing.assert_array_equal(disagreement(ranked), np.zeros(30))


def test_the_planted_dispute_has_the_largest_spread() -> None:
    scores = np.arange(20.0)
    disputed = scores.copy()
    disputed[4] = 99
    spread = disagreement(ranks(pd.DataFrame({"a": scores, "b": scores, "c": disputed})))
    assert int(spread.argmax()) == 4
    assert spread[4] == pytest.approx(100 * (19 - 4) / 20)


def test_verdicts_count_what_the_decisions_count() -> None:
    judged = verdicts([1, 2, 3, 1, 2, 3, math.nan], [0, 0, 0, 1, 1, 1, 1], 2)
    assert judged.tolist() == [PASSED, PASSED, FALSE_ALARM, MISSED, MISSED, HIT, UNKNOWN]
    assert verdicts([1, 2], [1, 0], math.nan).tolist() == [UNKNOWN, UNKNOWN]
    rng = np.random.default_rng(4)
    scores, labels, held_out = rng.normal(size=90), rng.integers(0, 2, 90), rng.normal(size=40)
    decisions = decide(scores, labels, held_out, 0.2)
    judged = verdicts(scores, labels, decisions.threshold)
    assert (judged == MISSED).sum() == decisions.missed > 0
    assert (judged == FALSE_ALARM).sum() == decisions.false_alarms > 0
    assert (judged == HIT).sum() == decisions.defective - decisions.missed
    assert (judged == PASSED).sum() == decisions.good - decisions.false_alarms
