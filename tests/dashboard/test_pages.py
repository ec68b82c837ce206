"""Every page, run by Streamlit's own test driver on full, partial, empty and broken results."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import frame
from dashboard.frame import DEFAULT_PAGE
from dashboard.report.document import report_html
from dashboard.report.source import report_contents
from data_utils.locations import PROJECT
from evaluation.job import job_folder

PAGES = [f"pages/{name}.py" for name in frame.PAGES]
RANDOM = {"en": "Random backbone weights", "ko": "무작위 백본 가중치"}


def opened(page: str, lang: str = "en", **url: str) -> AppTest:
    """Run the app and go to `page` with the given URL parameters."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["lang"] = lang
    for key, value in url.items():
        app.query_params[key] = value
    if page != f"pages/{DEFAULT_PAGE}.py":
        app.switch_page(page)
    return app.run()


def shown(app: AppTest) -> str:
    """Return all text on the page."""
    groups = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info)
    alerts = (app.warning, app.error, app.success)
    return "\n".join(str(element.value) for group in (*groups, *alerts) for element in group)


def full(outputs: Path) -> None:
    """Leave all results."""


def partial(outputs: Path) -> None:
    """Leave one method of one category."""
    shutil.rmtree(outputs / "bare")
    shutil.rmtree(outputs / "part" / "padim")


def empty(outputs: Path) -> None:
    """Leave no results."""
    shutil.rmtree(outputs)


def broken(outputs: Path) -> None:
    """Cut every file of one cell in half."""
    for path in (outputs / "part" / "padim").iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BOTH = "bare, part (PaDiM, PatchCore)"
STATES = [
    (full, "en", BOTH),
    (full, "ko", BOTH),
    (partial, "en", ": part (PatchCore)"),
    (empty, "en", ""),
    (broken, "en", "bare (PaDiM, PatchCore); part (PatchCore)"),
]


@pytest.mark.parametrize(("state", "lang", "evaluated_cells"), STATES)
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_and_names_the_cells_with_random_weights(
    results: Path, page: str, state: Callable[[Path], None], lang: str, evaluated_cells: str
) -> None:
    state(results)
    app = opened(page, lang, category="part", method="padim")
    assert not app.exception
    assert app.title[0].value
    notices = [one.value for one in app.warning if RANDOM[lang] in one.value]
    assert bool(notices) == bool(evaluated_cells)
    assert all(evaluated_cells in notice for notice in notices[:1])


@pytest.mark.parametrize("page", PAGES)
def test_a_cell_whose_files_are_cut_in_half_is_named_on_every_page(
    results: Path, page: str
) -> None:
    broken(results)
    app = opened(page, category="part", method="padim")
    assert not app.exception
    assert "evaluate this cell again" in shown(app)


LOST = object()
DAMAGES = [
    ("category", 5),
    ("category", "bare"),
    ("method", "ae"),
    ("weights", 5),
    ("demo_data", []),
    ("metrics.image_auroc", "abc"),
    ("metrics.pixel_auroc", [1]),
    ("metrics.image_auroc", LOST),
    ("metrics.image_auroc_low", LOST),
    ("counts.test_good", -1),
    ("settings.seed", []),
    ("ms_per_image", "x"),
    ("ms_per_image", None),
    ("fit_s", None),
    ("findings", 5),
]


def damage(file: Path, field: str, value: object) -> None:
    """Give a field of a cell's ``cell.json`` another value, or none; a dot leads into a section."""
    cell = json.loads(file.read_text())
    *sections, name = field.split(".")
    place = cell
    for section in sections:
        place = place[section]
    if value is LOST:
        del place[name]
    else:
        place[name] = value
    file.write_text(json.dumps(cell))


@pytest.mark.parametrize(("field", "value"), DAMAGES)
def test_a_cell_damaged_in_one_field_takes_no_page_and_no_report_down(
    results: Path, field: str, value: object
) -> None:
    shutil.rmtree(results / "bare")
    damage(results / "part" / "padim" / "cell.json", field, value)
    app = opened(PAGES[0], category="part", method="padim")
    for page in PAGES:
        app.switch_page(page).run()
        assert not app.exception, page
        assert f"{RANDOM['en']}: part (PatchCore)" in app.warning[0].value, page
    report = report_html(report_contents(results, ["part"], 0.05, "en"), "en")
    assert '<th scope="row">part</th><td>PatchCore</td>' in report
    assert '<th scope="row">part</th><td>PaDiM</td>' not in report
    assert "evaluate this cell again" in report


NO_REASON = "The last try failed; its reason cannot be read."
HALF = '{"category": "part", "method": "ae", "reason": "half a \\ud800"}'


@pytest.mark.parametrize(
    ("note", "words"), [("[" * 100_000, NO_REASON), (HALF, r"half a \\ud800"), ("{", NO_REASON)]
)
def test_a_damaged_note_about_a_failed_try_takes_no_page_down(
    results: Path, note: str, words: str
) -> None:
    (results / "part" / "ae.failed.json").write_text(note)
    job_folder(results).mkdir(exist_ok=True)
    (job_folder(results) / "status.json").write_text(note)
    app = opened("pages/overview.py", category="part", method="ae")
    said = shown(app)
    app.switch_page("pages/run.py").run()

    assert not app.exception
    assert words in said


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_text_take_no_page_down(
    results: Path, evaluated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    shutil.copytree(evaluated[0], data)
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    good = data / "part" / "test" / "good"
    shutil.copytree(good, good.with_name("\udcff"))
    shutil.copy(good / "000.png", good / "\udcff.png")
    shutil.copytree(results / "part", results / "\udcff")
    shutil.copytree(results / "part" / "padim", results / "part" / "\udcff")
    app = opened(PAGES[0], category="part", method="padim")
    said = shown(app)
    for page in PAGES:
        app.switch_page(page).run()
        assert not app.exception, page

    assert said.count("\\udcff") >= 3


@pytest.mark.usefixtures("results")
def test_a_view_survives_in_the_url() -> None:
    url = {"category": "part", "method": "patchcore", "sample": "blot/002"}
    overview = opened("pages/overview.py", "ko", **url)
    assert overview.selectbox(key="category").value == "part"
    assert overview.selectbox(key="method").value == "patchcore"
    assert overview.query_params == {"lang": "ko", **url}
    samples = overview.switch_page("pages/samples.py").run()
    assert samples.selectbox(key="sample").value == "blot/002"


@pytest.mark.usefixtures("results")
def test_a_wrong_data_folder_is_one_sentence_in_the_sidebar() -> None:
    app = opened("pages/overview.py")
    app.text_input(key="data_folder").set_value("/no/such/folder").run()
    assert not app.exception
    assert any("There is no data folder" in error.value for error in app.error)


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("page", PAGES)
def test_the_language_can_be_changed_on_every_page(page: str) -> None:
    app = opened(page, category="part", method="padim")
    english = app.title[0].value
    app.session_state["lang"] = "ko"
    app.run()
    assert not app.exception
    assert app.title[0].value != english
