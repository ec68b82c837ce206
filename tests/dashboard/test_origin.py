"""Every page says where its results come from: other data, or another network than a ResNet."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from dashboard.texts import translate
from detectors.backbones.names import LITE0, LITE0_LABEL
from evaluation.store.places import CellPlace
from tests.dashboard.driver import change_cell, every_page, notices, opened, shown
from tests.dashboard.test_report import report
from tests.make_data import write_category


def change(results: Path, *places: str, **changes: Any) -> None:
    """Change what the cells in these places, all by default, say about themselves."""
    for place in places or ("*/*",):
        for file in results.glob(f"{place}/cell.json"):
            change_cell(file.parent, **changes)


def made_by_lite0(results: Path, *places: str) -> None:
    change(results, *places, backbone=LITE0, backbone_identity=f"{LITE0}-1", weights=LITE0_LABEL)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_results_of_the_demo_and_cells_of_lite0_are_marked_on_every_page(
    results: Path, lang: str
) -> None:
    change(results, demo_data=True)
    made_by_lite0(results, "part/padim", "bare/patchcore")
    lite0 = translate("lite0_notice", lang, cells="bare (PatchCore); part (PaDiM)")
    for page, app in every_page(lang, category="part", method="padim"):
        said = notices(app)
        assert said.count(translate("demo_results", lang)) == (page != "pages/run.py"), page
        assert said.count(lite0) == (page != "pages/run.py"), page


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_results_of_another_folder_are_marked_with_that_folder_on_every_page(
    results: Path,
    evaluated: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lang: str,
) -> None:
    for _, app in every_page(lang, category="part", method="padim"):
        assert translate("made_from", lang, root=evaluated[0]) not in shown(app)
    write_category(tmp_path / "others", "part", train=2, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "others"))
    made_from = translate("made_from", lang, root=evaluated[0].resolve())
    for page, app in every_page(lang, category="part", method="padim"):
        said = notices(app)
        assert said.count(made_from) == (page != "pages/run.py"), page
        assert translate("demo_results", lang) not in said
    assert results.is_dir()


def test_results_of_a_folder_that_is_a_link_to_the_selected_one_are_from_there(
    results: Path, evaluated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "linked").mkdir()
    for name in ("part", "bare"):
        (tmp_path / "linked" / name).symlink_to(evaluated[0] / name)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "linked"))
    app = opened("pages/overview.py", category="part")
    assert not [notice for notice in notices(app) if str(evaluated[0]) in notice]
    assert "missing" in shown(app)
    assert "stale" not in shown(app)
    assert results.is_dir()


def test_where_only_some_results_are_from_elsewhere_they_are_named(results: Path) -> None:
    change(results, "bare/patchcore", demo_data=True)
    change(results, "part/patchcore", data_root="/elsewhere")
    text = shown(opened("pages/overview.py", category="part", method="padim"))
    names = ["bare (PatchCore)", "part (PatchCore)"]
    assert translate("demo_results_some", "en", cells=names[0]) in text
    assert translate("made_from_some", "en", root="/elsewhere", cells=names[1]) in text
    assert translate("demo_results", "en") not in text
    text = shown(opened("pages/defects.py", category="part", method="padim"))
    assert translate("made_from_some", "en", root="/elsewhere", cells=names[1]) in text
    assert "bare (PatchCore)" not in text


def test_an_experiment_with_other_settings_is_not_said_of_the_default_cells(results: Path) -> None:
    change(results, weights="ImageNet (torchvision IMAGENET1K_V1)")
    name = f"backbone-{LITE0}"
    place = CellPlace(results, "part", "padim", name)
    shutil.copytree(results / "part" / "padim", place.folder)
    made_by_lite0(results, "settings/*/*/*")
    change(results, "settings/*/*/*", settings_id=name)

    assert LITE0_LABEL in (place.folder / "cell.json").read_text()
    app = opened("pages/compare.py", category="part", method="padim")
    assert "ran on EfficientNet-Lite0" not in shown(app)


def test_different_networks_are_said_where_one_method_is_chosen_and_named_in_the_report(
    results: Path,
) -> None:
    alike = report(results, "part", "bare")
    made_by_lite0(results, "part/padim")
    text = shown(opened("pages/overview.py", category="part", method="padim"))
    mixed = report(results, "part", "bare")
    means = [row for row in mixed.cells if row[:2] == ["mean of 1", "PaDiM"]]

    assert "while published numbers are for ResNets: PaDiM" in text
    for words in (text, report(results).words):
        assert "Evaluated under different conditions" in words
        assert LITE0_LABEL in words
    assert "Backbone weights" not in [name for row in alike.cells for name in row]
    assert sorted(row[2] for row in means) == [LITE0_LABEL, "random (seed 0)"]

    made_by_lite0(results)
    words = report(results).words
    assert "Network: part (PaDiM, PatchCore) ran on EfficientNet-Lite0" in words
    assert "Evaluated under different conditions" not in words
