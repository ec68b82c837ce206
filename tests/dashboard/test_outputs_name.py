"""The outputs folder's own name: any text will do, and what cannot be one is one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard import frame
from dashboard.report.document import report_html
from dashboard.report.source import report_contents
from tests.dashboard.test_pages import opened

PAGES = [f"pages/{name}.py" for name in frame.PAGES]
STRANGE = "o u t 결과 🔩 '\"` <b>%2e%2e $x$\n#"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")


@pytest.fixture
def strange(results: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the results a name that is text, and nothing but trouble."""
    folder = results.rename(results.parent / STRANGE)
    monkeypatch.setenv("MVTEC_OUTPUTS", str(folder))
    return folder


def no_text(base: Path) -> Path:
    """Return a folder whose name is no text."""
    folder = base / os.fsdecode(b"out \xff\xfe")
    folder.mkdir()
    return folder


def loop(base: Path) -> Path:
    """Return a link that leads to itself."""
    (base / "loop").symlink_to(base / "loop")
    return base / "loop"


def too_long(base: Path) -> Path:
    """Return a name that no file system takes."""
    return base / ("x" * 300)


@pytest.mark.usefixtures("strange")
@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_results_of_a_folder_with_a_strange_name(page: str) -> None:
    app = opened(page, category="part", method="padim")

    assert not app.exception
    assert not app.error
    assert not [one.value for one in app.info if "no results yet" in one.value]


def test_the_report_of_a_folder_with_a_strange_name_is_whole(strange: Path) -> None:
    text = report_html(report_contents(strange, ["part"], 0.05, "en"), "en")

    assert "<b>%2e" not in text
    assert "part" in text


@pytest.mark.parametrize(
    ("made", "reason"),
    [(no_text, "no valid text"), (loop, "loop of links"), (too_long, "File name too long")],
)
@pytest.mark.parametrize("page", PAGES)
def test_a_folder_that_cannot_hold_results_is_one_sentence_on_every_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    made: Callable[[Path], Path],
    reason: str,
) -> None:
    monkeypatch.setenv("MVTEC_OUTPUTS", str(made(tmp_path)))
    app = opened(page)

    assert not app.exception
    assert [reason in one.value for one in app.error] == [True]
    assert not app.title


@pytest.mark.parametrize("page", PAGES)
def test_a_file_in_place_of_the_folder_takes_no_page_down(
    results: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv("MVTEC_OUTPUTS", str(results / "part" / "padim" / "cell.json"))
    app = opened(page, category="part", method="padim")

    assert not app.exception
    assert app.title
