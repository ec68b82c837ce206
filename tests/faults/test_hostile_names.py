"""Names that strangers chose are shown on every page as they are, never as markup.

Every hostile sign in the names below touches the word ``zz``. In what a page draws as Markdown,
an unescaped sign beside that word would be live; in a chart or the report, a tag would.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from streamlit.testing.v1 import AppTest

from dashboard.loaders import results
from dashboard.overview.metric_table import auroc_by_category
from dashboard.report.document import report_html
from dashboard.texts import plain
from data_utils.facts import fact
from evaluation.run.job import log_file
from evaluation.run.plan import Run
from evaluation.run.progress import CellState, JobStatus, job_folder, write_status
from evaluation.store.cells import read_cell, record_failure, write_cell_file
from evaluation.store.spreadsheet import harmless_table
from tests.dashboard.driver import PAGES, opened
from tests.make_data import write_category
from tests.runs import finished_run

MARKUP = "x <zz> **zz** [zz](zz) ![zz](zz) `zz` $zz$ :red[zz] x"
ICONS = "- zz :streamlit: :zz: ~~zz~~ |zz| #zz &zz; www.zz.example zz@zz.example\n# zz x"
FORMULA = "=zz('\"\u202ezz') _zz_ \\zz 1. zz x"
WORDS = f"{ICONS} :material/home: https://zz.example\n\n- zz"  # not in names: it has a slash
CATEGORIES = (MARKUP, ICONS, FORMULA)
DEFECTS = {MARKUP: ICONS, ICONS: FORMULA, FORMULA: MARKUP}
SIGNS = r"[<>*_`$~\[\]!|#&:]"
ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
LIVE = re.compile(
    rf"{SIGNS}zz|zz{SIGNS}|:streamlit|:material/home|(?<!\u2060)(www\.|https?.//)zz|@zz"
    r"|^- zz|\n\W{0,3}zz"
)
LITERAL = {
    "bidi_component",  # the gallery and the canvas set text, never HTML
    "code.code_text",
    "dataframe",  # drawn on a canvas, but for the tooltips of its headings
    "plotly_chart",  # checked apart
    "selectbox.options",
    "selectbox.raw_value",
    "table",  # checked cell by cell
    "multiselect.options",
    "text.body",
    "text_input.placeholder",
    "text_input.default",
}


@pytest.fixture(scope="module")
def evaluated_hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data folder whose names are hostile, and the outputs of two methods on it."""
    base = tmp_path_factory.mktemp("hostile")
    for name in CATEGORIES:
        folder = write_category(base / "data", name, train=21, good=2, bad=3)
        for part in ("test", "ground_truth"):
            (folder / part / "blot").rename(folder / part / DEFECTS[name])
        for path in (*folder.glob("test/*/002.png"), *folder.glob("ground_truth/*/002_mask.png")):
            path.rename(path.with_name(path.name.replace("002", name)))
        (folder / "test" / "good" / f"{name}.txt").touch()
    run = finished_run(base, *CATEGORIES)
    return run.data, run.outputs


@pytest.fixture
def hostile(
    evaluated_hostile: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give the app a copy of these outputs whose cells, failures and log are hostile as well."""
    data, outputs = evaluated_hostile
    own = tmp_path / f"outputs {MARKUP}"
    shutil.copytree(outputs, own)
    for file in own.glob("*/*/cell.json"):
        cell = read_cell(file.parent)
        cell["metrics"]["brightness_auroc"] = 0.99
        changes = {
            "weights": f"file {MARKUP}.pth",
            "cpu": MARKUP,
            "system": WORDS,
            "transform": WORDS,
            "data_root": f"/{file.parent.name} {MARKUP}",
            "findings": [{"path": MARKUP, "problem": asdict(fact("plain", message=WORDS))}],
        }
        write_cell_file(file.parent, cell | changes)
    run = Run(data, own, list(CATEGORIES), ["ae"])
    for name in CATEGORIES:
        record_failure(run.place(name, "ae"), fact("plain", message=f"{name} {WORDS}"))
    other = own / "settings" / MARKUP / MARKUP / "padim"
    shutil.copytree(own / MARKUP / "padim", other)
    write_cell_file(other, read_cell(other) | {"settings_id": MARKUP})
    (own / MARKUP / "zz").mkdir()
    (own / MARKUP / "zz" / "cell.json").write_text("{")
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(own))
    return own


def write_job(outputs: Path, state: str) -> None:
    """Leave the status and the log of a job whose every word is hostile."""
    process = psutil.Process(os.getpid())
    cells = [
        CellState(name, "padim", state, fact("plain", message=f"{name} {WORDS}"), MARKUP)
        for name in CATEGORIES
    ]
    job_folder(outputs).mkdir(exist_ok=True)
    log_file(outputs).write_text(f"{MARKUP}\n{ICONS}\n", encoding="utf-8")
    write_status(
        outputs,
        JobStatus(
            state=state,
            pid=process.pid,
            created=process.create_time(),
            phase=fact("fitting", category=WORDS, method=MARKUP),
            last_error=fact("plain", message=f"{MARKUP} {WORDS}"),
            cells=cells,
            arguments=["--data", MARKUP, "--categories", MARKUP],
        ),
    )


def texts_in(content: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in nested dicts and lists, with where it stands."""
    if place in LITERAL:
        return
    if isinstance(content, str):
        yield place, content
    elif isinstance(content, dict):
        for name, value in content.items():
            yield from texts_in(value, f"{place}.{name}" if place else name)
    elif isinstance(content, list):
        for value in content:
            yield from texts_in(value, place)


def drawn(app: AppTest) -> Iterator[tuple[str, Any]]:
    """Yield kind and message of every element and block on the page and in the sidebar."""
    for node in app._tree:
        message = getattr(node, "proto", None)
        if message is not None:
            yield getattr(node, "type", "block"), message


def markdown_of(app: AppTest) -> Iterator[tuple[str, str]]:
    """Yield every text that the browser reads as Markdown, with where it stands."""
    for kind, message in drawn(app):
        name = message.DESCRIPTOR.name
        prefix = "" if name in ("Element", "Block") else kind
        sent = MessageToDict(message, preserving_proto_field_name=True)
        yield from texts_in(sent, prefix)
    for table in app.table:
        frame_ = table.value
        cells = [*frame_.index, *frame_.columns, *frame_.to_numpy().ravel()]
        yield from (("table", str(cell)) for cell in cells)


def chart_texts(app: AppTest) -> Iterator[str]:
    """Yield what the charts show: all texts but the data that only a click sends back."""
    for kind, message in drawn(app):
        if kind != "plotly_chart":
            continue
        spec = json.loads(message.spec)
        for trace in spec["data"]:
            if "customdata" not in str(trace.get("hovertemplate")):
                trace.pop("customdata", None)
        yield from (text for _, text in texts_in(spec))


def column_helps(app: AppTest) -> Iterator[str]:
    """Yield the tooltips of table columns, which are Markdown."""
    for kind, message in drawn(app):
        if kind == "dataframe" and message.columns:
            columns = json.loads(message.columns)
            yield from (str(one.get("help", "")) for one in columns.values())


@pytest.mark.parametrize("name", [MARKUP, ICONS, WORDS])
def test_these_names_would_be_live_and_are_not_when_escaped(name: str) -> None:
    assert LIVE.search(ESCAPED.sub("", name))
    assert not LIVE.search(ESCAPED.sub("\0", plain(name)))


@pytest.mark.parametrize("page", PAGES)
def test_no_name_from_disk_is_live_on_a_page(hostile: Path, page: str) -> None:
    for category, state in zip(CATEGORIES, ("failed", "running", "failed"), strict=True):
        write_job(hostile, state)
        app = opened(page, category=category, method="padim", sample=f"{DEFECTS[category]}/000")
        assert not app.exception
        assert app.session_state["category"] == category
        no_text = (".id", ".query_string")
        seen = [(place, text) for place, text in markdown_of(app) if not place.endswith(no_text)]
        assert any("zz" in text for _, text in seen)
        seen += [("help", text) for text in column_helps(app)]
        live = [one for one in seen if LIVE.search(ESCAPED.sub("\0", one[1]))]
        assert live == []
        assert [text for text in chart_texts(app) if "<zz" in text] == []


@pytest.mark.usefixtures("hostile")
def test_results_with_such_names_are_whole_and_drawn() -> None:
    for category in CATEGORIES:
        app = opened("pages/defects.py", category=category)
        assert not app.error
        assert any("zz" in text for text in chart_texts(app))


class Tags(HTMLParser):
    """Collects the elements, attributes and words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.addresses: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_no_name_from_disk_is_markup_in_the_report(hostile: Path) -> None:
    text = report_html(hostile, list(CATEGORIES), 0.05, "en")
    page = Tags()
    page.feed(text)
    for name in (*CATEGORIES, WORDS):
        assert name in page.words
    assert not [tag for tag in page.elements if "zz" in tag]
    linked = [address for address in page.addresses if not address.startswith("data:")]
    assert not [address for address in linked if "zz" in address]
    script_ends = len(re.findall(r"</script", text))
    assert script_ends == len(re.findall(r"<script", text.replace("<\\/script", "")))


def test_no_name_or_method_from_disk_is_a_formula_in_a_downloaded_table(hostile: Path) -> None:
    summary, _ = results(hostile)
    table = pd.read_csv(io.BytesIO(harmless_table(summary).to_csv(index=False).encode()))
    assert FORMULA in set(summary["category"])
    assert f"'{FORMULA}" in set(table["category"])
    assert f"'{ICONS}" in set(table["category"])
    texts = [str(value) for name in table for value in table[name] if isinstance(value, str)]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]

    strange = summary.assign(method="=zz()")
    headings = harmless_table(auroc_by_category(strange)).columns
    assert "'=zz()_image_auroc" in headings
    assert not [name for name in headings if name.startswith("=")]
