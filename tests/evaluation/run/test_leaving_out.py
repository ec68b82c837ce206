"""Evaluations without some training pictures: as if these had never been in the folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from evaluation.new_pictures.opened_cell import fitted_pictures
from evaluation.run.plan import Run
from evaluation.store.cells import read_cell
from evaluation.store.places import SCORES_FILE
from tests.make_data import write_category
from tests.runs import BOTH, SMALL, evaluated, states

LEFT_OUT = ("part/train/good/003.png", "part/train/good/010.png")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run with two of 24 training pictures of one category left out."""
    for name in ("part", "whole"):
        write_category(tmp_path / "data", name)
    left_out = {"part": LEFT_OUT}
    names = ["part", "whole"]
    return Run(
        tmp_path / "data", tmp_path / "out", names, BOTH, SMALL, "random", leave_out=left_out
    )


def scores_of(run: Run, category: str, method: str) -> pd.DataFrame:
    key = next(key for key in run.cells(category) if key.method == method)
    return pd.read_csv(run.place_of(key).folder / SCORES_FILE, dtype={"stem": str})


def test_scores_are_those_of_a_folder_without_the_pictures(run: Run, tmp_path: Path) -> None:
    assert set(states(run)) == {"done"}
    shutil.copytree(run.data, tmp_path / "cut")
    for name in LEFT_OUT:
        (tmp_path / "cut" / name).unlink()
    cut = replace(run, data=tmp_path / "cut", outputs=tmp_path / "out-cut", leave_out={})
    assert set(states(cut)) == {"done"}

    for method in BOTH:
        pd.testing.assert_frame_equal(
            scores_of(run, "part", method), scores_of(cut, "part", method)
        )


def test_results_stand_beside_those_with_all_pictures_and_say_what_was_left_out(run: Run) -> None:
    whole = replace(run, leave_out={})
    assert set(states(whole)) == {"done"}
    reasons = evaluated(run)
    key, settings = next(iter(run.cells("part").items()))
    cell = read_cell(run.place_of(key).folder)

    assert key.settings_id.split("_leave_out-")[1].startswith("2.")
    assert settings.leave_out == LEFT_OUT
    assert cell["left_out"] == list(LEFT_OUT)
    assert cell["counts"]["train_images"] == 22
    assert cell["fingerprint"] != read_cell(whole.place("part", "padim").folder)["fingerprint"]
    assert [state for state, _ in reasons] == ["done", "done", "skipped", "skipped"]
    assert fitted_pictures(cell).train_count == 22


def test_another_list_is_another_setting_and_its_order_is_not(run: Run) -> None:
    def identifiers(*names: str) -> set[str]:
        return {key.settings_id for key in replace(run, leave_out={"part": names}).cells("part")}

    assert identifiers(*LEFT_OUT) == identifiers(*reversed(LEFT_OUT))
    assert identifiers(*LEFT_OUT).isdisjoint(identifiers(LEFT_OUT[0]))


def test_what_is_not_there_is_told_and_leaving_out_everything_is_refused(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    named = (*LEFT_OUT, "part/train/good/999.png", "part/test/good/000.png")
    part = replace(run, categories=["part"], methods=["padim"], leave_out={"part": named})
    assert states(part) == ["done"]
    assert (
        "2 of 24 training pictures are left out, as asked (4 are named" in capsys.readouterr().out
    )

    ((state, reason),) = evaluated(replace(part, leave_out={"part": ("part/train/good/x.png",)}))
    assert state == "failed"
    assert reason.startswith("None of the 1 pictures to be left out is among")
    every = tuple(f"part/train/good/{at:03}.png" for at in range(24))
    ((state, reason),) = evaluated(replace(part, leave_out={"part": every}))
    assert state == "failed"
    assert reason == "No training picture would be left in part/train/good; leave fewer out."
