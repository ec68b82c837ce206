"""The outputs folder's own name: any text will do, and what cannot be one is one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.report.document import report_html
from tests.dashboard.driver import PAGES, every_page, opened

STRANGE = "o u t 결과 🔩 '\"` <b>%2e%2e $x$\n#"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")


def no_text(base: Path) -> Path:
    folder = base / os.fsdecode(b"out \xff\xfe")
    folder.mkdir()
    return folder


def loop(base: Path) -> Path:
    (base / "loop").symlink_to(base / "loop")
    return base / "loop"


def too_long(base: Path) -> Path:
    return base / ("x" * 300)


def test_every_page_and_the_report_show_the_results_of_a_folder_with_a_strange_name(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = results.rename(results.parent / STRANGE)
    monkeypatch.setenv("MVTEC_OUTPUTS", str(strange))
    for page, app in every_page(category="part", method="padim"):
        assert not app.error, page
        assert not [one.value for one in app.info if "no results yet" in one.value], page
    text = report_html(strange, ["part"], 0.05, "en")
    assert "<b>%2e" not in text
    assert "part" in text


@pytest.mark.parametrize(
    ("made", "reason"),
    [(no_text, "no valid text"), (loop, "loop of links"), (too_long, "File name too long")],
)
def test_a_folder_that_cannot_hold_results_is_one_sentence_on_every_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[Path], Path], reason: str
) -> None:
    monkeypatch.setenv("MVTEC_OUTPUTS", str(made(tmp_path)))
    for page in PAGES:
        app = opened(page)
        assert [reason in one.value for one in app.error] == [True]
        assert not app.title


def test_a_file_in_place_of_the_folder_takes_no_page_down(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_OUTPUTS", str(results / "part" / "padim" / "cell.json"))
    for _, app in every_page(category="part", method="padim"):
        assert app.title
