"""Every page with results says when they come from other data than the sidebar says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.frame import PAGES
from dashboard.texts import translate
from tests.dashboard.test_pages import opened, shown
from tests.make_data import write_category

WITH_RESULTS = [f"pages/{name}.py" for name in PAGES if name != "run"]


def change(results: Path, *places: str, **changes: object) -> None:
    """Change what the cells in these places, all by default, say about themselves."""
    for place in places or ("*/*",):
        for file in results.glob(f"{place}/cell.json"):
            file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("page", WITH_RESULTS)
def test_results_of_the_demo_are_marked_beside_real_data(
    results: Path, page: str, lang: str
) -> None:
    change(results, demo_data=True)
    app = opened(page, lang, category="part", method="padim")
    assert not app.exception
    assert [info.value for info in app.info].count(translate("demo_results", lang)) == 1


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("page", WITH_RESULTS)
def test_results_of_another_folder_are_marked_with_that_folder(
    results: Path,
    evaluated: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    lang: str,
) -> None:
    assert results.is_dir()
    write_category(tmp_path / "others", "part", train=2, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "others"))
    app = opened(page, lang, category="part", method="padim")
    assert not app.exception
    made_from = translate("made_from", lang, root=evaluated[0].resolve())
    assert [info.value for info in app.info].count(made_from) == 1


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


def test_results_of_the_selected_folder_carry_no_mark(results: Path) -> None:
    assert results.is_dir()
    for page in WITH_RESULTS:
        text = shown(opened(page, category="part", method="padim"))
        assert "Demo data" not in text
        assert "not from the selected data folder" not in text
