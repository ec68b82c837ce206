"""Wherever results of the offline backbone are shown, they are said to be such."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboard.frame import PAGES
from dashboard.texts import translate
from evaluation.cells import CellPlace, read_cell
from evaluation.published import differences
from tests.dashboard.test_origin import change
from tests.dashboard.test_pages import opened, shown
from tests.dashboard.test_report import report, seen
from tests.evaluation.test_published import official_cell, value

LABEL = "offline filter bank (no training)"


def made_offline(results: Path, *places: str) -> None:
    change(
        results, *places, backbone="filterbank", backbone_identity="filterbank-v1", weights=LABEL
    )


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("page", [f"pages/{name}.py" for name in PAGES])
def test_every_page_names_exactly_the_cells_of_the_offline_backbone(
    results: Path, page: str, lang: str
) -> None:
    made_offline(results, "part/padim", "bare/patchcore")
    app = opened(page, lang, category="part", method="patchcore")
    named = translate("offline_notice", lang, cells="bare (PatchCore); part (PaDiM)")

    assert not app.exception
    assert [warning.value for warning in app.warning].count(named) == 1


def test_an_experiment_with_other_settings_is_not_said_of_the_default_cells(results: Path) -> None:
    change(results, weights="ImageNet (torchvision IMAGENET1K_V1)")
    place = CellPlace(results, "part", "padim", "backbone-filterbank")
    place.folder.parent.mkdir(parents=True)
    shutil.copytree(results / "part" / "padim", place.folder)
    made_offline(results, "settings/*/*/*")
    change(results, "settings/*/*/*", settings_id="backbone-filterbank")
    text = shown(opened("pages/compare.py", category="part", method="padim"))

    assert read_cell(place.folder)["weights"] == LABEL
    assert "Offline backbone" not in text


def test_methods_on_different_backbones_are_said_to_be_so_where_one_is_chosen(
    results: Path,
) -> None:
    made_offline(results, "part/padim")
    text = shown(opened("pages/overview.py", category="part", method="padim"))
    page = seen(report(results))

    assert "not comparable with published numbers: PaDiM" in text
    for words in (text, page.words):
        assert "Not evaluated alike" in words
        assert LABEL in words


def test_methods_on_one_backbone_are_not_said_to_differ(results: Path) -> None:
    made_offline(results)
    page = seen(report(results))

    assert "Offline backbone: part (PaDiM, PatchCore)" in page.words
    assert "Not evaluated alike" not in page.words


def test_a_published_value_is_never_compared_with_the_offline_backbone() -> None:
    offline = official_cell(weights=LABEL, backbone="filterbank")

    assert "offline" in [reason.code for reason in differences(offline, value()) if reason.certain]


def test_the_reports_table_names_the_weights_where_a_method_has_more_than_one(
    results: Path,
) -> None:
    alike = seen(report(results, "part", "bare"))
    made_offline(results, "part/padim")
    mixed = seen(report(results, "part", "bare"))
    means = [row for row in mixed.cells if row[:2] == ["mean of 1", "PaDiM"]]

    assert "Backbone weights" not in [name for row in alike.cells for name in row]
    assert sorted(row[2] for row in means) == [LABEL, "random (seed 0)"]
