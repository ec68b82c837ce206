"""Damaged results: named, skipped, made again by a plain run; all other cells are shown."""

from __future__ import annotations

import json
import os
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dashboard import frame
from dashboard.report.document import report_html
from dashboard.samples.sample_set import SampleSet, stored_samples
from evaluation.run.plan import Run
from evaluation.run.states import run_matrix
from evaluation.store.cells import read_cell, stored_cells
from evaluation.store.checksums import damaged_file
from evaluation.store.curves import read_curves
from evaluation.store.files import LARGEST_TEXT_BYTES
from evaluation.store.places import (
    CELL_FILE,
    CURVES_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    CellError,
)
from evaluation.store.scores import calibration_scores, read_scores
from evaluation.store.summary import BY_SETTING_FILE, SUMMARY_FILE, wrong_summary
from tests.dashboard.driver import component, opened, shown, viewer
from tests.make_data import write_category
from tests.runs import BOTH, finished_run, states

IMAGE, TRUTH = "good_000_img.png", "blot_000_gt.png"
AGAIN = "evaluate this cell again"
RANDOM = "Random backbone weights: "
FIRST_MADE_AGAIN = ["done", "skipped", "skipped", "skipped"]
IN_CI = 6  # every so many damages are shown on all pages; all of them with -m soak

Act = Callable[[Path], object]


def written(change: Callable[[bytes], bytes]) -> Act:
    return lambda file: file.write_bytes(change(file.read_bytes()))


def replaced(put: Act) -> Act:
    """Return what puts something else in the place of a file."""

    def act(file: Path) -> None:
        file.unlink()
        put(file)

    return act


ACTS: dict[str, Act] = {
    "cut": written(lambda old: old[: len(old) // 2]),
    "cut by a byte": written(lambda old: old[:-1]),
    "emptied": written(lambda _: b""),
    "zeroed": written(lambda old: bytes(len(old))),  # as after a power failure
    "spoiled": written(lambda old: old[: len(old) // 2] + b"spoiled!" + old[len(old) // 2 + 8 :]),
    "removed": Path.unlink,
    "a folder": replaced(Path.mkdir),
    "a link to nothing": replaced(lambda file: file.symlink_to(file.parent / "nothing")),
    "a link to itself": replaced(lambda file: file.symlink_to(file)),
    "a pipe": replaced(os.mkfifo),  # opening it waits for a writer
    "far too large": lambda file: os.truncate(file, LARGEST_TEXT_BYTES + 1),  # without its bytes
    "deeply nested": written(lambda _: b"[" * 100_000),
}
"""What can become of any file."""


def edited(file: Path) -> None:
    """Change a number of ``cell.json`` by hand."""
    content = json.loads(file.read_text())
    content["metrics"]["image_auroc"] = 0.512345
    file.write_text(json.dumps(content))


def with_rows(change: Callable[[list[str]], list[str]]) -> Act:
    def act(file: Path) -> None:
        rows = [change(line.split(",")) for line in file.read_text().splitlines()]
        file.write_text("".join(",".join(row) + "\n" for row in rows))

    return act


@dataclass(frozen=True)
class Damage:
    """One file and what becomes of it."""

    file: str
    name: str
    act: Act
    shows: bool = True  # without reading the file
    opens: bool = False  # on a page all the same

    def __str__(self) -> str:
        return f"{self.file}-{self.name}"


FILES = (SCORES_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE, IMAGE, TRUTH)
NO_CELL = ("cut", "zeroed", "a folder", "a link to itself", "a pipe", "deeply nested")
NOT_WHOLE = ("cut", "cut by a byte", "emptied", "a link to nothing", "a pipe", "far too large")
OPENS = {
    *((file, act) for file in (IMAGE, TRUTH) for act in ("cut by a byte", "far too large")),
    *((MAPS_FILE, act) for act in ("spoiled", "far too large")),
}
DAMAGES = [
    *(Damage(CELL_FILE, name, ACTS[name]) for name in (*NO_CELL, "far too large")),
    Damage(CELL_FILE, "edited", edited),
    *(
        Damage(file, name, ACTS[name], name not in ("zeroed", "spoiled"), (file, name) in OPENS)
        for file in FILES
        for name in (*NOT_WHOLE, "removed", "a folder", "zeroed", "spoiled")
    ),
]
LOOKED_AT = {
    CELL_FILE: ("samples", "compare", "roc", "defects", "inspection"),
    SCORES_FILE: ("samples", "compare", "roc", "defects", "inspection"),
    CURVES_FILE: ("roc",),
    MAPS_FILE: ("samples", "compare"),
    IMAGE: ("samples",),
    TRUTH: ("samples",),
    MODEL_FILE: (),
}
"""On which pages a file is opened for what is shown at first."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a finished run of two methods on two categories."""
    base = tmp_path_factory.mktemp("finished")
    for name in ("part", "bare"):
        write_category(base / "data", name, train=4, good=3, bad=3, masks=name == "part")
    return finished_run(base, "part", "bare")


@pytest.fixture
def run(finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return the same run with its own copy of the results, which the app shows."""
    outputs = tmp_path / "outputs"
    shutil.copytree(finished.outputs, outputs)
    monkeypatch.setenv("MVTEC_ROOT", str(finished.data))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(outputs))
    monkeypatch.setenv("MVTEC_CACHE", str(finished.outputs.parent / "cache"))
    return replace(finished, outputs=outputs)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".job" not in path.parts
    }


def damaged(run: Run, damage: Damage) -> Path:
    file = run.outputs / "part" / "padim" / damage.file
    damage.act(file)
    return file


def said_by(page: str, sample: str = "good/000") -> str:
    app = opened(f"pages/{page}.py", category="part", method="padim", sample=sample)
    seen = component(app, "viewer") and viewer(app)["absent"]
    return f"{shown(app)} {' '.join(seen.values())}".replace("\\", "")


def states_of(run: Run) -> list[tuple[str, str]]:
    matrix = run_matrix(run.outputs, run.data, run.categories, run.methods, None)
    return [(cell.state, str(cell.reason or "")) for cell in matrix]


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_the_matrix_names_damage_that_shows_and_a_run_finds_all_and_no_other_cell(
    run: Run, damage: Damage
) -> None:
    file = damaged(run, damage)
    (state, reason), *others = states_of(run)

    if damage.shows:
        assert state == "failed"
        assert str(file.parent) in reason
        assert file.name in reason
        assert reason.endswith(f"{AGAIN}.")
    else:
        assert state == "done"
    assert others == [("done", "")] * 3
    for folder, stored in stored_cells(run.outputs).items():
        hit = folder == file.parent
        assert bool(stored.damage) == (hit and damage.shows)
        if stored.about is not None:
            said = damaged_file(folder, read_cell(folder))
            assert str(said or "").startswith(f"{file.name} ") == hit
        else:
            assert damage.file == CELL_FILE


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage, marks=() if number % IN_CI == 0 else pytest.mark.soak)
        for number, damage in enumerate(DAMAGES)
    ],
    ids=str,
)
def test_pages_name_a_damaged_file_and_a_plain_run_makes_exactly_its_cell_again(
    run: Run, finished: Run, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    file = damaged(run, damage)
    kept = "bare (PaDiM, PatchCore); part (PatchCore)"
    both = "bare, part (PaDiM, PatchCore)"
    sample = "blot/000" if damage.file == TRUTH else "good/000"
    for page in frame.PAGES:
        said = said_by(page, sample)
        drawn = damage.opens or damage.file not in (CELL_FILE, SCORES_FILE, MAPS_FILE)
        nothing = ("run",) if drawn else ("run", "samples")
        told = f"{RANDOM}{kept if damage.file == CELL_FILE else both}"
        assert (told in said) == (page not in nothing), page
        expected = page in LOOKED_AT[damage.file] and not damage.opens
        expected |= damage.shows and page in ("overview", "run")
        assert (damage.file in said and "again" in said) or not expected, page
    report = report_html(run.outputs, ["part", "bare"], 0.05, "en")
    for category in ("part", "bare"):
        assert f'<th scope="row">{category}</th><td>PatchCore</td>' in report
    capsys.readouterr()
    outcome = states(run)
    before, after = contents(finished.outputs), contents(run.outputs)
    changed = {name for name in before if before[name] != after.get(name)}

    assert outcome == FIRST_MADE_AGAIN
    assert before.keys() == after.keys()
    assert changed == {f"part/padim/{CELL_FILE}", SUMMARY_FILE, BY_SETTING_FILE}  # times
    assert states_of(run)[0] == ("done", "")
    if file.name != CELL_FILE:
        words = f"The cell in {file.parent} is damaged ({file.name}"
        assert words in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a folder", "a link to itself", "emptied"])
def test_something_else_in_place_of_a_cells_folder_gives_way(
    run: Run, finished: Run, name: str
) -> None:
    place = run.outputs / "part" / "padim"
    shutil.rmtree(place)
    place.touch()
    ACTS[name](place)

    assert states(run) == FIRST_MADE_AGAIN
    assert sorted(path.name for path in place.parent.iterdir()) == BOTH
    assert contents(run.outputs).keys() == contents(finished.outputs).keys()


# Maps and pictures are read without comparing their checksums, which would take too long.


def samples(folder: Path) -> SampleSet:
    about: dict[str, Any] = read_cell(folder)
    scores = read_scores(folder, about)
    test = scores[scores["split"] == "test"].reset_index(drop=True)
    return stored_samples(folder, about, test, calibration_scores(scores))


def maps_with_nan(file: Path) -> None:
    maps = np.load(file)
    maps[0, 5, 5] = np.nan
    np.save(file, maps)


def header_of_maps(dtype: str, shape: tuple[int, ...]) -> Act:
    """Return what writes a header of an array, and little after it."""

    def act(file: Path) -> None:
        with file.open("wb") as content:
            about = {"descr": dtype, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(content, about)
            content.write(bytes(1000))

    return act


@pytest.mark.parametrize(
    "act",
    [
        header_of_maps("<f2", (6, 40_000, 40_000)),
        header_of_maps("|O", (6, 224, 224)),
        lambda file: np.save(file, np.full((6, 224, 224), "x")),
        lambda file: np.save(file, np.load(file)[:, ::2, ::2]),
        maps_with_nan,
    ],
    ids=["gigantic", "pickled", "texts", "smaller", "nan"],
)
def test_maps_that_cannot_have_been_written_are_refused(run: Run, act: Act) -> None:
    file = run.outputs / "part" / "padim" / MAPS_FILE
    act(file)

    with pytest.raises(CellError, match=f"{MAPS_FILE} is missing or damaged; {AGAIN}"):
        samples(file.parent)


@pytest.mark.parametrize("picture", [Image.new("1", (20_000, 20_000)), Image.new("LA", (224, 224))])
def test_a_picture_of_another_size_or_kind_is_not_shown(run: Run, picture: Image.Image) -> None:
    folder = run.outputs / "part" / "padim"
    picture.save(folder / IMAGE)
    shown = samples(folder)

    position = shown.table.index[shown.table["defect"] == "good"][0]
    assert shown.picture(position, "img") is None
    assert shown.picture(position, "gt") is not None


# The summary.


SUMMARY_DAMAGES: dict[str, Act] = {
    "of bytes": lambda file: file.write_bytes(b"\xff\xfe\x00\x9f"),
    "of another version": with_rows(lambda row: [*row[:2], *row[3:]]),
    "with a column more": with_rows(lambda row: [*row, "more"]),
    "in another order": with_rows(lambda row: [row[1], row[0], *row[2:]]),
    "with another number": with_rows(
        lambda row: [row[0], row[1], row[2].replace("1.0", "0.9"), *row[3:]]
    ),
} | {name: ACTS[name] for name in (*NOT_WHOLE, "zeroed")}


@pytest.mark.parametrize("act", SUMMARY_DAMAGES.values(), ids=SUMMARY_DAMAGES)
def test_a_damaged_summary_is_named_and_rebuilt_and_no_number_comes_from_it(
    run: Run, finished: Run, act: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run.outputs / SUMMARY_FILE
    act(file)

    assert f"{file} " in said_by("overview")
    assert states(run) == ["skipped"] * 4
    assert f"{file} " in capsys.readouterr().out
    assert contents(run.outputs) == contents(finished.outputs)
    assert wrong_summary(run.outputs) is None


def test_a_folder_in_place_of_the_summary_is_named_and_the_run_goes_on(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert SUMMARY_FILE not in said_by("overview")
    ACTS["a folder"](run.outputs / SUMMARY_FILE)

    assert f"{SUMMARY_FILE} is no file" in said_by("overview")
    assert states(run) == ["skipped"] * 4
    assert f"{SUMMARY_FILE} cannot be written" in capsys.readouterr().out


def test_what_is_far_too_large_is_refused_before_it_takes_memory(run: Run) -> None:
    folder = run.outputs / "part" / "padim"
    cell = read_cell(folder)
    for file in (folder / CELL_FILE, folder / CURVES_FILE, run.outputs / SUMMARY_FILE):
        ACTS["far too large"](file)
    tracemalloc.start()
    with pytest.raises(CellError, match=AGAIN):
        read_curves(folder, cell)
    problems = [one.damage for one in stored_cells(run.outputs).values() if one.damage]
    wrong = wrong_summary(run.outputs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [CELL_FILE in str(problem) for problem in problems] == [True]
    assert "is too large" in str(wrong)
    assert peak < 5_000_000
