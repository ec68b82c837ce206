"""Published values beside ours: what compares, what does not, and why."""

from __future__ import annotations

import math
from typing import Any

import pytest

from data_utils.mvtec import OFFICIAL_CATEGORIES
from detectors.registry import PADIM_CHANNELS_BY_BACKBONE
from evaluation.measure.published import (
    MEAN,
    NO,
    OFFICIAL_COUNTS,
    UNCLEAR,
    YES,
    PublishedValue,
    comparisons,
    differences,
    disagreements,
    published_values,
)
from tests.make_data import cell_content

PAPER = "PatchCore paper, arXiv 2106.08265"


def official_cell(
    category: str = "bottle", method: str = "patchcore", **changes: Any
) -> dict[str, Any]:
    """Return a cell that was made exactly like the PatchCore paper's 1 % row."""
    train, good, defective = OFFICIAL_COUNTS[category]
    content = {
        "counts": {
            "train_images": train,
            "test_good": good,
            "test_defective": defective,
            "test_with_mask": defective,
        },
        "geometry": {"height": 224, "width": 224, "shorter_side": 256},
        "settings": {"coreset_ratio": 0.01},
        "backbone": "wide_resnet50_2",
        "weights": "ImageNet",
    }
    return cell_content(category, method, **(content | changes))


def value(method: str = "patchcore", source: str = PAPER, **changes: Any) -> PublishedValue:
    """Return a published value, by default one of the PatchCore paper's 1 % row."""
    content: dict[str, Any] = {
        "category": "bottle",
        "method": method,
        "title": "PatchCore 1 %",
        "ratio": 0.01,
        "backbone": "wide_resnet50_2",
        "metric": "pixel_auroc",
        "value": 0.97,
        "source": source,
    }
    return PublishedValue(**(content | changes))


def codes(cell: dict[str, Any], published: PublishedValue) -> list[str]:
    return [reason.code for reason in differences(cell, published)]


def test_every_published_value_is_an_auroc_of_an_official_category_with_a_source() -> None:
    values = published_values()
    assert {one.category for one in values} == {*OFFICIAL_CATEGORIES, MEAN}
    assert {one.metric for one in values} == {"image_auroc", "pixel_auroc"}
    assert {one.method for one in values} == {"ae", "padim", "patchcore"}
    assert all(0.3 < one.value <= 1 and one.source for one in values)


def test_the_printed_means_are_the_means_of_the_printed_values() -> None:
    groups: dict[tuple[object, ...], dict[str, float]] = {}
    for one in published_values():
        group = groups.setdefault((one.title, one.backbone, one.metric, one.source), {})
        assert one.category not in group
        group[one.category] = one.value
    for group in groups.values():
        mean = group.pop(MEAN)
        assert len(group) == len(OFFICIAL_CATEGORIES)
        assert mean == pytest.approx(sum(group.values()) / len(group), abs=0.005)


def test_names_of_methods_are_taken_apart() -> None:
    found = {(one.title, one.method, one.ratio) for one in published_values()}
    assert ("PatchCore 10 %", "patchcore", 0.1) in found
    assert ("PatchCore", "patchcore", None) in found
    assert ("AE (SSIM)", "ae", None) in found
    assert ("PaDiM", "padim", None) in found


def test_the_official_counts_add_up_to_the_published_size_of_the_data_set() -> None:
    assert set(OFFICIAL_COUNTS) == set(OFFICIAL_CATEGORIES)
    assert [sum(column) for column in zip(*OFFICIAL_COUNTS.values(), strict=True)] == [
        3629,
        467,
        1258,
    ]


def test_a_cell_made_like_the_paper_compares_with_it() -> None:
    assert codes(official_cell(), value()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"backbone": "resnet18"}, "backbone"),
        ({"settings": {"coreset_ratio": 0.1}}, "ratio"),
        ({"geometry": {"height": 256, "width": 256, "shorter_side": None}}, "crop"),
        ({"geometry": {"height": 224, "width": 224, "shorter_side": None}}, "crop"),
        ({"demo_data": True}, "demo"),
        ({"weights": "random (seed 0)"}, "random"),
        ({"counts": official_cell()["counts"] | {"train_images": 50}}, "data"),
        ({"counts": official_cell()["counts"] | {"test_good": 19}}, "data"),
    ],
)
def test_a_known_difference_is_named_and_rules_the_comparison_out(
    changes: dict[str, Any], code: str
) -> None:
    cell = official_cell(**changes)
    assert codes(cell, value()) == [code]
    compared = [one for one in comparisons([cell]) if one.published.title == "PatchCore 1 %"]
    assert compared
    assert {one.comparable for one in compared} == {NO}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"source": "some README"}, ["crop_unstated"]),
        ({"ratio": None}, ["ratio_unstated"]),
        ({"source": f"{PAPER} (partly unconfirmed)"}, ["unconfirmed"]),
        ({"source": "some README", "ratio": None}, ["ratio_unstated", "crop_unstated"]),
    ],
)
def test_what_is_not_stated_leaves_the_comparison_unclear(
    changes: dict[str, Any], expected: list[str]
) -> None:
    reasons = differences(official_cell(), value(**changes))
    assert [reason.code for reason in reasons] == expected
    assert not any(reason.certain for reason in reasons)


def test_the_published_autoencoders_are_never_comparable() -> None:
    cell = official_cell(method="ae", backbone="none", settings={})
    compared = comparisons([cell])
    assert {one.published.title for one in compared} == {"AE (L2)", "AE (SSIM)"}
    assert {one.comparable for one in compared} == {NO}
    assert all([reason.code for reason in one.reasons] == ["network"] for one in compared)


def test_padim_with_other_channels_than_the_papers_is_not_comparable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(PADIM_CHANNELS_BY_BACKBONE, "resnet18")
    paper = value("padim", "PaDiM paper, arXiv 2011.08785", backbone="resnet18")
    for channels, expected in ((100, []), (50, ["channels"])):
        cell = official_cell(
            method="padim", backbone="resnet18", settings={"padim_channels": channels}
        )
        assert codes(cell, paper) == expected


def test_missing_masks_concern_pixel_values_only() -> None:
    cell = official_cell(method="ae")
    cell["counts"]["test_with_mask"] = 60
    assert codes(cell, value("ae", metric="image_auroc")) == ["network"]
    assert codes(cell, value("ae")) == ["masks", "network"]


def test_no_image_auroc_of_patchcore_is_comparable() -> None:
    cell = official_cell()
    assert codes(cell, value(metric="image_auroc")) == ["maximum"]
    images = [one for one in comparisons([cell]) if one.published.metric == "image_auroc"]
    assert {one.comparable for one in images} == {NO}


@pytest.mark.parametrize("pixel_auroc", [0.85, math.nan])
def test_the_difference_is_ours_minus_published(pixel_auroc: float) -> None:
    cell = official_cell()
    cell["metrics"]["pixel_auroc"] = pixel_auroc
    for one in comparisons([cell, cell_content("part"), cell_content("mean")]):
        ours = {"image_auroc": 0.9, "pixel_auroc": pixel_auroc}[one.published.metric]
        assert one.published.category == "bottle"
        assert one.difference == pytest.approx(ours - one.published.value, nan_ok=True)


def test_the_one_percent_row_of_the_paper_is_the_only_certain_one() -> None:
    compared = comparisons([official_cell()])
    certain = [one.published for one in compared if one.comparable == YES]
    assert {(one.title, one.source) for one in certain} == {("PatchCore 1 %", PAPER)}
    assert {one.metric for one in certain} == {"pixel_auroc"}
    assert UNCLEAR in {one.comparable for one in compared}


def test_the_mean_is_compared_only_when_all_fifteen_are_there_alike() -> None:
    cells = [official_cell(category) for category in OFFICIAL_CATEGORIES]
    for position, cell in enumerate(cells):
        cell["metrics"]["image_auroc"] = position / 14
    means = [one for one in comparisons(cells) if one.published.category == MEAN]
    assert means
    assert all(
        one.ours == pytest.approx(0.5 if one.published.metric == "image_auroc" else 0.85)
        for one in means
    )
    assert any(one.comparable == YES for one in means)
    mixed = [*cells[:-1], cells[-1] | {"weights": "others"}]
    for incomplete in (cells[:-1], mixed):
        assert all(one.published.category != MEAN for one in comparisons(incomplete))
    cells[3]["counts"]["train_images"] -= 1
    means = [one for one in comparisons(cells) if one.published.category == MEAN]
    assert {one.comparable for one in means} == {NO}


def test_published_values_that_differ_by_a_hundredth_are_found() -> None:
    values = [
        value(value=0.95, source="a"),
        value(value=0.96, source="b"),
        value(value=0.96, source="b"),
        value(value=0.97, source="c", backbone="resnet18"),
        value(value=0.99, source="d", metric="image_auroc"),
        value(value=0.981, source="e", metric="image_auroc"),
        value(value=0.5, source="f", title="PatchCore 10 %", ratio=0.1),
    ]
    found = disagreements(values)
    assert [(one.metric, one.low, one.high, one.sources) for one in found] == [
        ("pixel_auroc", 0.95, 0.96, 2)
    ]
    carpet = [one for one in disagreements(published_values()) if one.category == "carpet"]
    known = ("PaDiM", "resnet18", "image_auroc", 0.945, 0.996)
    assert known in [(c.title, c.backbone, c.metric, c.low, c.high) for c in carpet]
