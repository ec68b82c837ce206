"""Wherever results of EfficientNet-Lite0 or the filter bank are shown, they are said to be such."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboard.frame import PAGES
from dashboard.texts import translate
from detectors.backbones.names import FILTER_BANK_LABEL, LITE0, LITE0_LABEL
from evaluation.cells import CellPlace, read_cell
from evaluation.published import differences
from tests.dashboard.test_origin import change
from tests.dashboard.test_pages import opened, shown
from tests.dashboard.test_report import report, seen
from tests.evaluation.test_published import official_cell, value


def made_by_lite0(results: Path, *places: str) -> None:
    change(results, *places, backbone=LITE0, backbone_identity=f"{LITE0}-1", weights=LITE0_LABEL)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("page", [f"pages/{name}.py" for name in PAGES])
def test_every_page_names_exactly_the_cells_of_lite0(results: Path, page: str, lang: str) -> None:
    made_by_lite0(results, "part/padim", "bare/patchcore")
    app = opened(page, lang, category="part", method="patchcore")
    named = translate("lite0_notice", lang, cells="bare (PatchCore); part (PaDiM)")

    assert not app.exception
    assert [info.value for info in app.info].count(named) == 1


def test_an_experiment_with_other_settings_is_not_said_of_the_default_cells(results: Path) -> None:
    change(results, weights="ImageNet (torchvision IMAGENET1K_V1)")
    name = f"backbone-{LITE0}"
    place = CellPlace(results, "part", "padim", name)
    place.folder.parent.mkdir(parents=True)
    shutil.copytree(results / "part" / "padim", place.folder)
    made_by_lite0(results, "settings/*/*/*")
    change(results, "settings/*/*/*", settings_id=name)
    text = shown(opened("pages/compare.py", category="part", method="padim"))

    assert read_cell(place.folder)["weights"] == LITE0_LABEL
    assert "ran on EfficientNet-Lite0" not in text


def test_methods_on_different_backbones_are_said_to_be_so_where_one_is_chosen(
    results: Path,
) -> None:
    made_by_lite0(results, "part/padim")
    text = shown(opened("pages/overview.py", category="part", method="padim"))
    page = seen(report(results))

    assert "while published numbers are for ResNets: PaDiM" in text
    for words in (text, page.words):
        assert "Evaluated under different conditions" in words
        assert LITE0_LABEL in words


def test_methods_on_one_backbone_are_not_said_to_differ(results: Path) -> None:
    made_by_lite0(results)
    page = seen(report(results))

    assert "Network: part (PaDiM, PatchCore) ran on EfficientNet-Lite0" in page.words
    assert "Evaluated under different conditions" not in page.words


@pytest.mark.parametrize(
    ("backbone", "weights", "reason"),
    [("filterbank", FILTER_BANK_LABEL, "untrained"), (LITE0, LITE0_LABEL, "backbone")],
)
def test_a_published_value_of_a_resnet_is_never_compared_with_another_backbone(
    backbone: str, weights: str, reason: str
) -> None:
    cell = official_cell(weights=weights, backbone=backbone)

    assert reason in [one.code for one in differences(cell, value()) if one.certain]


def test_the_reports_table_names_the_weights_where_a_method_has_more_than_one(
    results: Path,
) -> None:
    alike = seen(report(results, "part", "bare"))
    made_by_lite0(results, "part/padim")
    mixed = seen(report(results, "part", "bare"))
    means = [row for row in mixed.cells if row[:2] == ["mean of 1", "PaDiM"]]

    assert "Backbone weights" not in [name for row in alike.cells for name in row]
    assert sorted(row[2] for row in means) == [LITE0_LABEL, "random (seed 0)"]
