"""Every page, on full, partial, empty and broken results."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.report.document import report_html
from data_utils.locations import PROJECT
from detectors.registry import METHODS
from evaluation.run.plan import Run
from evaluation.run.progress import job_folder
from tests.dashboard.driver import component, every_page, figures, notices, opened, shown
from tests.make_data import write_category
from tests.runs import states

RANDOM = {"en": "Random backbone weights", "ko": "무작위 백본 가중치"}


def full(outputs: Path) -> None:
    """Leave all results."""


def partial(outputs: Path) -> None:
    """Leave one method of one category."""
    shutil.rmtree(outputs / "bare")
    shutil.rmtree(outputs / "part" / "padim")


def empty(outputs: Path) -> None:
    """Leave no results."""
    shutil.rmtree(outputs)


def cut(outputs: Path) -> None:
    """Cut every file of one cell in half."""
    for path in (outputs / "part" / "padim").iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edited(outputs: Path) -> None:
    """Let one cell claim more than it was."""
    file = outputs / "part" / "padim" / "cell.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"demo_data": []}))


LIGHT = """
import os, sys
from tests.dashboard.driver import PAGES, every_page, opened

app = opened(PAGES[0], "ko", category="part")
assert app.radio(key="lang").options == ["English", "한국어"]
assert app.radio(key="lang").value == "ko"
assert len(app.radio(key="report_scope").options) == 2
emojis = ["streamlit.emojis" in sys.modules]
for method, outputs in (("padim", None), ("ae", None), ("padim", sys.argv[1])):
    os.environ["MVTEC_OUTPUTS"] = outputs or os.environ["MVTEC_OUTPUTS"]
    for page, app in every_page("ko", category="part", method=method):
        assert app.title[0].value
        loaded = [name for name in ("torch", "sklearn") if name in sys.modules]
        assert not loaded, (page, method, outputs, loaded)
emojis.append("streamlit.emojis" in sys.modules)
print(emojis)
"""

BOTH = "bare, part (PaDiM, PatchCore)"
WITHOUT_ONE = "bare (PaDiM, PatchCore); part (PatchCore)"


@pytest.mark.parametrize(
    ("state", "lang", "named"),
    [
        (full, "en", BOTH),
        (full, "ko", BOTH),
        (partial, "en", ": part (PatchCore)"),
        (empty, "en", ""),
        (cut, "en", WITHOUT_ONE),
        (edited, "ko", WITHOUT_ONE),
    ],
)
def test_every_page_and_report_names_the_cells_with_random_weights_and_the_damaged_ones(
    results: Path, state: Callable[[Path], None], lang: str, named: str
) -> None:
    state(results)
    again = {"en": "evaluate this cell again", "ko": "셀을 다시 평가해"}[lang]
    for page, app in every_page(lang, category="part", method="padim"):
        assert app.title[0].value
        random = [notice for notice in notices(app) if RANDOM[lang] in notice]
        damaged_only = page == "pages/samples.py" and state in (cut, edited)
        assert len(random) == (bool(named) and page != "pages/run.py" and not damaged_only), page
        assert all(named in notice for notice in random), page
        if page != "pages/training.py":
            assert (again in shown(app)) == (named == WITHOUT_ONE), page
    report = report_html(results, ["part"], 0.05, lang)
    rows = [
        f'<th scope="row">part</th><td>{name}</td>' in report for name in ("PaDiM", "PatchCore")
    ]
    assert rows == [state is full, state is not empty]
    assert (again in report) == (named == WITHOUT_ONE)


NO_REASON = "The last try failed; its reason cannot be read."
HALF = {
    "category": "part",
    "method": "ae",
    "reason": {"code": "plain", "values": {"message": "half a \ud800"}},
}


@pytest.mark.parametrize(
    ("note", "words"),
    [("[" * 100_000, NO_REASON), (json.dumps(HALF), r"half a \\ud800"), ("{", NO_REASON)],
    ids=["deep", "half a letter", "cut"],
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
    said = [shown(app) for _, app in every_page(category="part", method="padim")]

    assert said[0].count("\\udcff") >= 3


@pytest.mark.usefixtures("results")
def test_a_view_survives_in_the_url_and_the_language_can_be_changed_on_every_page() -> None:
    url = {"category": "part", "method": "patchcore", "sample": "blot/002"}
    for page, app in every_page(**url):
        assert app.session_state["category"] == "part"
        assert app.session_state["method"] == "patchcore"
        assert app.query_params == {"lang": "en", **url}
        if page == "pages/samples.py":
            assert app.selectbox(key="sample").value == "blot/002"
        english = app.title[0].value
        app.session_state["lang"] = "ko"
        app.run()
        assert app.title[0].value != english


@pytest.mark.usefixtures("results")
def test_a_page_asks_only_for_what_it_reads() -> None:
    asked = {
        page.removeprefix("pages/").removesuffix(".py"): {
            one.key for one in (*app.selectbox, *app.segmented_control)
        }
        & {"category", "method", "settings"}
        for page, app in every_page(category="part")
    }
    assert asked.pop("run") == set()
    assert asked.pop("samples") == {"category", "method"}
    assert list(asked.values()) == [{"category"}] * 7


def test_a_method_that_only_the_registry_knows_is_on_every_page_and_in_the_report(
    results: Path, evaluated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = replace(METHODS["patchcore"], key="toy", title="Toy")
    monkeypatch.setitem(METHODS, "toy", toy)
    assert states(Run(evaluated[0], results, ["part"], ["toy"], weights="random")) == ["done"]
    for page, app in every_page(category="part", method="toy"):
        if page == "pages/training.py":  # its pictures have not been rated
            continue
        tables = "".join(str(one.value) for one in (*app.dataframe, *app.table))
        sent = json.dumps([component(app, key) for key in ("viewer", "score_lines_toy")])
        charts = "".join(str(figure) for figure in figures(app))
        assert "Toy" in app.title[0].value + tables + sent + charts + shown(app), page
    assert "<strong>Toy</strong>" in report_html(results, ["part"], 0.05, "en")


@pytest.mark.usefixtures("results")
def test_a_wrong_data_folder_is_one_sentence_in_the_sidebar() -> None:
    app = opened("pages/overview.py")
    app.text_input(key="data_folder").set_value("/no/such/folder").run()
    assert any("There is no data folder" in error.value for error in app.error)


@pytest.mark.usefixtures("results")
def test_pages_with_and_without_results_load_no_torch_and_the_first_one_no_table_of_emojis(
    tmp_path: Path,
) -> None:
    """The AE has no results, so Samples offers to fit it; Inspect has no picture yet.

    A segmented control with a label in Korean needs the table of emojis, as on the ROC page.
    """
    command = [sys.executable, "-c", LIGHT, str(tmp_path / "nothing")]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[False, True]"


def test_without_results_every_page_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data", "tile", train=1, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    words = {
        "overview": "Run full evaluation",
        "samples": "has not been evaluated",
        "compare": "tile has no results yet",
        "roc": "Run full evaluation",
        "tradeoff": "Run full evaluation",
        "defects": "tile has published values, but no results here",
        "training": "The training pictures of tile have not been rated yet",
    }
    for page, app in every_page(category="tile", method="padim"):
        name = page.removeprefix("pages/").removesuffix(".py")
        assert words.get(name, "") in shown(app), page
        assert not app.get("plotly_chart"), page
        tables = [list(table.value.columns)[:2] for table in app.dataframe]
        assert tables == [["category", "train"]] * (name == "overview"), page
        keys = {button.key for button in app.button}
        assert "report_prepare" not in keys
        assert ("evaluate_missing" in keys) == (name not in ("overview", "training", "run")), page
