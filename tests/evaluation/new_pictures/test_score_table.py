"""The table of scores: what a line says, in a file that opens anywhere."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest

from data_utils.facts import fact
from evaluation.new_pictures.opened_cell import OpenCell
from evaluation.new_pictures.score_table import (
    BYTE_ORDER_MARK,
    COLUMNS,
    check_target,
    default_file,
    score_csv,
    verdict,
    verdicts_in_words,
)
from evaluation.new_pictures.scoring import ScoredPicture, unlike_held_out
from evaluation.store.review_lines import ReviewLines


def cell(method: str = "padim", threshold: float = 2.25) -> OpenCell:
    """Return a cell with three held-out pictures, too few to compare any with."""
    held_out = pd.DataFrame({"brightness": [1.0] * 3})
    told = {"calibration_scores": [1.0] * 3, "held_out": held_out}
    return cast("OpenCell", SimpleNamespace(method=method, threshold=lambda _: threshold, **told))


def rows(*scored: ScoredPicture, cells: tuple[OpenCell, ...] = (cell(),)) -> list[dict[str, str]]:
    """Return the table as a spreadsheet reads it."""
    content = score_csv(scored, cells, 0.05).encode()
    assert content.startswith(b"\xef\xbb\xbffile,method,score,")
    assert content.endswith(b"\r\n")
    lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    last = [lines.pop() for _ in cells][::-1]
    assert [line["method"] for line in last] == [one.method for one in cells]
    assert {line["file"] for line in last} == {"(all pictures)"}
    return lines


def test_a_score_at_the_threshold_passes_and_one_above_it_does_not() -> None:
    assert verdict(2.0, 2.0) == "good"
    assert verdict(2.1, 2.0) == "defective"
    assert verdict(math.nan, 2.0) == "n/a"
    assert verdict(2.0, math.nan) == "n/a"


def test_between_two_thresholds_a_person_decides_and_equal_ones_leave_nothing_to_review() -> None:
    scores = (1.0, 1.1, 2.0, 2.1, math.nan)
    assert [verdict(score, 2.0, 1.0) for score in scores] == [
        *("good", "review", "review", "defective", "n/a")
    ]
    assert [verdict(score, 2.0, 2.0) for score in scores[:4]] == ["good"] * 3 + ["defective"]
    assert verdict(1.5, math.nan, 1.0) == "n/a"


def test_with_chosen_thresholds_a_line_says_both_and_no_rate() -> None:
    chosen = ReviewLines("part", "padim", "", 1.0, 2.0, "")
    content = score_csv([ScoredPicture("a", {"padim": 1.5})], [cell()], 0.05, chosen)
    line, last = csv.DictReader(io.StringIO(content.lstrip(BYTE_ORDER_MARK), newline=""))
    assert (line["threshold"], line["review_above"]) == ("2", "1")
    assert (line["verdict"], line["false_alarms"]) == ("review", "n/a")
    assert last == line | {
        "file": "(all pictures)",
        "score": "",
        "verdict": "",
        "remark": "1 pictures scored. 0 of them are above 2 and rejected; 1 are above 1 and to be "
        "reviewed.",
    }


def test_chosen_thresholds_are_said_with_how_many_pictures_are_above_them() -> None:
    chosen = ReviewLines("part", "padim", "", 1.0, 2.0, "")
    scored = [ScoredPicture("a", {"padim": score}) for score in (0.5, 1.5, 1.7, 3.0)]
    scored.append(ScoredPicture("unreadable"))
    opened = cell(threshold=math.nan)
    words = verdicts_in_words(scored, opened, 0.05, chosen)
    assert words.startswith("4 pictures scored. 1 of them are above 2 and rejected; 2 are above 1")
    assert "at least 19 are needed" in verdicts_in_words(scored, opened, 0.05, None)


def test_the_last_line_of_a_method_is_on_all_pictures_and_says_if_they_differ() -> None:
    dark = {"brightness": 1.0, "sharpness": 1.0, "size": "9x9"}
    scored = [ScoredPicture("a", {"padim": 3.0}, None, {"padim": 1.0}, dark)] * 12
    held_out = pd.DataFrame({"brightness": [2.0] * 20})
    like, unlike = cell(), cell()
    unlike.held_out = held_out  # type: ignore[misc]
    for one, more in ((like, ""), (unlike, f" {unlike_held_out(scored, [unlike])}")):
        content = score_csv(scored, [one], 0.05).lstrip(BYTE_ORDER_MARK)
        *_, last = csv.DictReader(io.StringIO(content, newline=""))
        assert last["remark"] == verdicts_in_words(scored, one, 0.05, None) + more
    assert "they are darker (AUROC of brightness 1.00, p < 0.001)" in last["remark"]
    assert last["remark"].startswith("12 pictures scored. 12 of them are above the threshold 2.25")


def test_every_line_says_method_score_threshold_verdict_and_rate() -> None:
    scored = ScoredPicture("a.png", {"padim": 0.125, "ae": 3.5})
    first, second = rows(scored, cells=(cell(), cell("ae")))
    assert tuple(first) == COLUMNS
    assert first == {
        "file": "a.png",
        "method": "padim",
        "score": "0.125",
        "threshold": "2.25",
        "review_above": "n/a",
        "verdict": "good",
        "false_alarms": "0.05",
        "remark": "",
    }
    assert second == first | {"method": "ae", "score": "3.5", "verdict": "defective"}


def test_without_a_score_or_a_threshold_there_is_no_verdict() -> None:
    broken, bare = ScoredPicture("a", {}, fact("not_a_picture")), ScoredPicture("b", {"padim": 1.0})
    line = rows(broken)[0]
    assert (line["score"], line["threshold"], line["verdict"]) == ("", "2.25", "n/a")
    assert line["remark"] == "is not a picture"
    line = rows(bare, cells=(cell(threshold=math.nan),))[0]
    assert (line["score"], line["threshold"], line["verdict"]) == ("1", "n/a", "n/a")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *((name, f"'{name}") for name in ("=1+1.png", "+a.png", "-a.png", "@a.png")),
        *((name, name) for name in ('a, "b".png', "한글 😀.png", "two\nlines.png", "a=b.png")),
        ("bad\udcff.png", "bad?.png"),
    ],
)
def test_a_strange_name_comes_back_and_is_never_a_formula(name: str, written: str) -> None:
    assert rows(ScoredPicture(name, {"padim": 1.0}))[0]["file"] == written


def test_the_table_is_named_after_the_folder(tmp_path: Path) -> None:
    assert default_file(tmp_path / "new parts").name == "new parts_scores.csv"
    assert default_file(Path("/")).name == "scores.csv"


def test_a_file_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    check_target(tmp_path / "new" / "a.csv")
    assert not (tmp_path / "new" / "a.csv").exists()
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    for target in (tmp_path / "file" / "a.csv", tmp_path / "folder.csv"):
        with pytest.raises(ValueError, match="cannot be written"):
            check_target(target)
    with pytest.raises(ValueError, match=r"end in \.csv"):
        check_target(tmp_path / "part.png")
