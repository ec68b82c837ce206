"""The numbers of one cell: over which pictures and pixels each is taken."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score

from detectors.base import AnomalyResult
from evaluation.measure.measures import (
    Measures,
    brightness_auroc,
    curve_arrays,
    image_auroc,
    image_average_precision,
    image_curve,
    measure,
)
from evaluation.measure.metrics import auroc, average_precision, best_f1, curve, mask_regions

DEFECTS = ["good"] * 6 + ["blot"] * 4 + ["crack"] * 3
SIDE = 24


def records(has_mask: list[bool] | None = None) -> pd.DataFrame:
    labels = [int(defect != "good") for defect in DEFECTS]
    masked = has_mask if has_mask is not None else [True] * len(DEFECTS)
    return pd.DataFrame({"label": labels, "defect": DEFECTS, "has_mask": masked})


def masks() -> NDArray[np.bool_]:
    """Return one block per defective picture, at different places and of different sizes."""
    planted = np.zeros((len(DEFECTS), SIDE, SIDE), bool)
    for i in range(6, len(DEFECTS)):
        planted[i, i : i + 5, 2 : i + 3] = True
    return planted


def result(shift: float = 1.0) -> AnomalyResult:
    """Return noise that is `shift` higher in the masks, and higher still for blots."""
    maps = np.random.default_rng(4).normal(size=(len(DEFECTS), SIDE, SIDE))
    maps += shift * masks()
    maps[6:10] += shift * masks()[6:10]
    raw = maps.astype(np.float32)
    return AnomalyResult(raw.reshape(len(raw), -1).max(axis=1), raw)


def measures_of(scored: AnomalyResult, table: pd.DataFrame, marked: NDArray[np.bool_]) -> Measures:
    return measure(scored, table, mask_regions(marked))


def test_metrics_are_those_of_all_pictures_and_of_all_their_pixels() -> None:
    scored, table = result(), records()
    metrics = measures_of(scored, table, masks()).metrics

    assert metrics["image_auroc"] == pytest.approx(roc_auc_score(table["label"], scored.scores))
    assert metrics["image_ap"] == pytest.approx(
        average_precision_score(table["label"], scored.scores)
    )
    assert metrics["image_auroc_low"] <= metrics["image_auroc"] <= metrics["image_auroc_high"]
    pixels, truth = scored.maps.ravel(), masks().ravel()
    assert metrics["pixel_auroc"] == pytest.approx(roc_auc_score(truth, pixels), abs=1e-6)
    assert metrics["pixel_ap"] == pytest.approx(average_precision_score(truth, pixels), abs=1e-6)


def test_masks_of_another_size_are_met_by_enlarged_maps() -> None:
    scored, table = result(), records()
    wide = masks().repeat(2, axis=1).repeat(3, axis=2)
    wide[:, ::2, ::3] = False
    enlarged = [
        np.asarray(Image.fromarray(one).resize((3 * SIDE, 2 * SIDE), Image.Resampling.BILINEAR))
        for one in scored.maps
    ]
    metrics = measure(scored, table, [*mask_regions(wide)]).metrics

    area = roc_auc_score(wide.ravel(), np.ravel(enlarged))
    assert metrics["pixel_auroc"] == pytest.approx(area, abs=1e-6)
    assert metrics["pixel_auroc"] != measures_of(scored, table, masks()).metrics["pixel_auroc"]
    same = measure(scored, table, [*mask_regions(masks())]).metrics
    assert same == measures_of(scored, table, masks()).metrics


@pytest.mark.parametrize("kind", ["image", "pixel"])
def test_the_oracle_threshold_gives_the_f1_that_stands_beside_it(kind: str) -> None:
    scored = result()
    metrics = measures_of(scored, records(), masks()).metrics
    values, truth = (
        (scored.scores, records()["label"].to_numpy() > 0)
        if kind == "image"
        else (scored.maps, masks())
    )
    alarms = values >= metrics[f"{kind}_best_f1_threshold"]

    assert metrics[f"{kind}_best_f1"] == pytest.approx(
        2 * (alarms & truth).sum() / (alarms.sum() + truth.sum())
    )


def test_pictures_without_a_mask_count_for_images_and_not_for_pixels() -> None:
    unmasked = [True] * 8 + [False, False] + [True] * 3
    planted = masks()
    planted[8:10] = False
    scored = result()

    metrics = measures_of(scored, records(unmasked), planted).metrics
    complete = measures_of(scored, records(), masks()).metrics
    kept = np.array(unmasked)

    assert metrics["image_auroc"] == complete["image_auroc"]
    assert metrics["pixel_auroc"] == pytest.approx(
        roc_auc_score(planted[kept].ravel(), scored.maps[kept].ravel()), abs=1e-6
    )
    assert metrics["by_defect"]["blot"]["count"] == 4


def test_without_any_mask_pixel_metrics_are_nan_and_image_metrics_are_not() -> None:
    unmasked = [True] * 6 + [False] * 7
    metrics = measures_of(result(), records(unmasked), np.zeros_like(masks())).metrics
    pixel = [value for name, value in metrics.items() if name.startswith(("pixel", "aupro"))]

    assert len(pixel) == 5
    assert all(math.isnan(value) for value in pixel)
    assert (
        metrics["image_auroc"] == measures_of(result(), records(), masks()).metrics["image_auroc"]
    )
    assert math.isnan(metrics["by_defect"]["crack"]["pixel_auroc"])
    arrays = curve_arrays(measures_of(result(), records(unmasked), np.zeros_like(masks())))
    assert np.isnan(arrays["pixel_tpr"]).all()


def test_each_defect_type_is_measured_against_all_good_pictures() -> None:
    scored = result()
    by_defect = measures_of(scored, records(), masks()).metrics["by_defect"]
    defects = np.array(DEFECTS)

    assert list(by_defect) == ["blot", "crack"]
    for defect, measured in by_defect.items():
        chosen = (defects == defect) | (defects == "good")
        truth = defects[chosen] == defect
        assert measured["count"] == truth.sum()
        assert measured["image_auroc"] == pytest.approx(roc_auc_score(truth, scored.scores[chosen]))
        assert measured["pixel_auroc"] == pytest.approx(
            roc_auc_score(masks()[chosen].ravel(), scored.maps[chosen].ravel()), abs=1e-6
        )


def test_without_one_kind_of_pictures_only_what_needs_both_is_undefined() -> None:
    scored = result()
    good = AnomalyResult(scored.scores[:6], scored.maps[:6])
    metrics = measures_of(good, records().iloc[:6], masks()[:6]).metrics

    assert metrics.pop("by_defect") == {}
    assert all(math.isnan(value) for value in metrics.values())
    defective = AnomalyResult(scored.scores[6:], scored.maps[6:])
    metrics = measures_of(defective, records().iloc[6:], masks()[6:]).metrics
    assert math.isnan(metrics["image_auroc"])
    assert math.isnan(metrics["by_defect"]["blot"]["image_auroc"])
    assert metrics["pixel_auroc"] == pytest.approx(
        roc_auc_score(masks()[6:].ravel(), scored.maps[6:].ravel()), abs=1e-6
    )


def test_maps_that_are_not_finite_are_refused() -> None:
    scored = result()
    scored.maps[2, 3, 3] = np.nan

    with pytest.raises(ValueError, match="finite"):
        measures_of(scored, records(), masks())


def test_stored_curves_are_short_and_lead_to_the_same_areas() -> None:
    measures = measures_of(result(), records(), masks())
    arrays = curve_arrays(measures)

    assert set(arrays) == {
        *(f"{kind}_{name}" for kind in ("image", "pixel") for name in ("threshold", "tpr", "fpr")),
        *(f"{kind}_precision" for kind in ("image", "pixel")),
        "pixel_region_overlap",
    }
    for kind in ("image", "pixel"):
        lengths = {len(array) for name, array in arrays.items() if name.startswith(kind)}
        rates, hits = arrays[f"{kind}_fpr"], arrays[f"{kind}_tpr"]
        area = np.trapezoid(np.append(0, hits), np.append(0, rates))
        assert len(lengths) == 1
        assert max(lengths) <= 2000
        assert (rates[-1], hits[-1]) == (1, 1)
        assert area == pytest.approx(measures.metrics[f"{kind}_auroc"], abs=1e-3)
        assert arrays[f"{kind}_precision"][-1] == pytest.approx(
            np.mean(masks()) if kind == "pixel" else 7 / 13
        )


def test_stored_curves_of_no_pictures_at_all_are_empty() -> None:
    scored = result()
    defective = AnomalyResult(scored.scores[6:], scored.maps[6:])
    table = records([True] * 6 + [False] * 7).iloc[6:]
    arrays = curve_arrays(measures_of(defective, table, np.zeros_like(masks()[6:])))

    assert len(arrays["pixel_fpr"]) == 0
    assert len(arrays["image_tpr"]) == 7


def test_areas_and_best_f1_are_those_of_the_same_scores_as_pixels() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 200)
    scores = np.round(rng.normal(size=200) + labels, 1)
    as_pixels = curve(scores, labels)

    assert image_auroc(scores, labels) == pytest.approx(auroc(as_pixels), abs=1e-12)
    assert image_average_precision(scores, labels) == pytest.approx(
        average_precision(as_pixels), abs=1e-12
    )
    assert best_f1(image_curve(scores, labels)) == pytest.approx(best_f1(as_pixels), abs=1e-12)
    assert image_auroc([-3.4e38, 3.4e38, 3.4e38], [0, 1, 0]) == 0.75  # without a warning
    for metric in (image_auroc, image_average_precision, image_curve):
        with pytest.raises(ValueError, match="must be finite"):
            metric([0.1, math.nan], [0, 1])


def test_brighter_and_darker_defects_are_both_found() -> None:
    assert brightness_auroc([1, 2, 8, 9], [0, 0, 1, 1]) == 1
    assert brightness_auroc([1, 2, 8, 9], [1, 1, 0, 0]) == 1
    assert brightness_auroc([5, 5, 5, 5], [0, 1, 0, 1]) == 0.5
    assert math.isnan(brightness_auroc([1, 2], [1, 1]))
