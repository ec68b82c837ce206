"""Thresholds chosen by hand: kept and read back, or refused with a reason."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.store.places import CellKey
from evaluation.store.review_lines import (
    LINES_FILE,
    LinesError,
    ReviewLines,
    keep_lines,
    kept_lines,
    lines_for,
    lines_text,
    read_lines,
)

LINES = ReviewLines("한글 part", "padim", "seed-1", 1.1, 2.0000000000000004, "2024-01-01T00:00:00")
OTHER = replace(LINES, category="other", review_above=3, reject_above=3)


def content(*lines: dict[str, Any], **changes: Any) -> str:
    return json.dumps({"format": 1, "thresholds": list(lines)} | changes)


def test_what_is_written_is_read_back_to_the_last_digit(tmp_path: Path) -> None:
    file = tmp_path / "lines.json"
    file.write_text(lines_text([LINES, OTHER]), encoding="utf-8")
    assert read_lines(file) == {LINES.key: LINES, OTHER.key: OTHER}
    assert lines_for(file, CellKey("한글 part", "padim", "seed-1"), LINES.finished) == LINES


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        "7",
        content(format=2),
        content(thresholds=7),
        json.dumps({"format": 1}),
        content({}),
        content(asdict(LINES) | {"more": 1}),
        content(asdict(LINES) | {"category": 7}),
        content(asdict(LINES) | {"finished": None}),
        content(asdict(LINES) | {"reject_above": "2"}),
        content(asdict(LINES) | {"reject_above": None}),
        content(asdict(LINES) | {"reject_above": math.nan}),
        content(asdict(LINES) | {"reject_above": math.inf}),
        content(asdict(LINES) | {"reject_above": 10**400}),
        content(asdict(LINES) | {"review_above": 2.5}),
    ],
)
def test_anything_else_is_refused_and_the_file_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / LINES_FILE
    file.write_text(text)
    with pytest.raises(LinesError, match="cannot be read as thresholds"):
        read_lines(file)
    with pytest.raises(LinesError):
        keep_lines(tmp_path, LINES.key, LINES)
    assert file.read_text() == text


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("bytes", "nothing", "."):
        with pytest.raises(LinesError, match="cannot be read"):
            read_lines(tmp_path / name)


def test_lines_of_another_cell_or_of_an_earlier_result_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "lines.json"
    file.write_text(lines_text([LINES]), encoding="utf-8")
    with pytest.raises(LinesError, match="has no thresholds for"):
        lines_for(file, LINES.key._replace(settings_id=""), LINES.finished)
    with pytest.raises(LinesError, match="an earlier result"):
        lines_for(file, LINES.key, "2025")


def test_keeping_and_forgetting_leaves_other_cells_alone(tmp_path: Path) -> None:
    assert kept_lines(tmp_path) == {}
    for lines in (OTHER, LINES, replace(LINES, review_above=1.5)):
        keep_lines(tmp_path, lines.key, lines)
    assert kept_lines(tmp_path) == {OTHER.key: OTHER, LINES.key: replace(LINES, review_above=1.5)}
    keep_lines(tmp_path, LINES.key, None)
    assert kept_lines(tmp_path) == {OTHER.key: OTHER}
    keep_lines(tmp_path, LINES.key, None)
    assert kept_lines(tmp_path) == {OTHER.key: OTHER}
    assert [path.name for path in tmp_path.iterdir()] == [LINES_FILE]
