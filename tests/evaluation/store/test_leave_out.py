"""The list of training pictures to leave out: what is written comes back, nothing else is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.store.leave_out import (
    LEAVE_OUT_FILE,
    LeaveOutError,
    change_left_out,
    kept_left_out,
    read_left_out,
)

A, B = "part/train/good/003.png", "part/train/good/나사 1.png"


def test_what_is_kept_comes_back_by_category_and_other_categories_stay(tmp_path: Path) -> None:
    change_left_out(tmp_path, "part", [B, A])
    change_left_out(tmp_path, "other", ["other/train/good/1.png"])
    change_left_out(tmp_path, "other", remove=["other/train/good/1.png"])

    assert kept_left_out(tmp_path) == {"part": (A, B)}


@pytest.mark.parametrize("category", ["#1 part", " lead", "줄\u2028", "a,b"])
def test_odd_names_of_categories_come_back(tmp_path: Path, category: str) -> None:
    change_left_out(tmp_path, category, [f"{category}/train/good/1.png"])

    assert kept_left_out(tmp_path) == {category: (f"{category}/train/good/1.png",)}


def test_without_a_file_nothing_is_left_out(tmp_path: Path) -> None:
    assert kept_left_out(tmp_path) == {}


def test_a_list_written_by_hand_may_have_remarks_blank_lines_and_repetitions(
    tmp_path: Path,
) -> None:
    (tmp_path / "list.txt").write_text(f"\ufeff# mine\n\n{A}\r\n{A}\n", encoding="utf-8")

    assert read_left_out(tmp_path / "list.txt") == {"part": (A,)}


@pytest.mark.parametrize("line", ["003.png", "/etc/passwd", "part/../../x.png"])
def test_a_line_that_names_no_picture_of_a_category_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / LEAVE_OUT_FILE).write_text(f"{A}\n{line}\n")

    with pytest.raises(LeaveOutError, match="no path below the data folder"):
        kept_left_out(tmp_path)


def test_a_file_that_is_no_text_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / LEAVE_OUT_FILE).write_bytes(b"\xff\xfe\x00")

    with pytest.raises(LeaveOutError, match="names no pictures to leave out"):
        kept_left_out(tmp_path)
    with pytest.raises(LeaveOutError, match="names no pictures to leave out"):
        read_left_out(tmp_path / "nowhere.txt")
