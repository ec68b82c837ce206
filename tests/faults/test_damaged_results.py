"""Damaged results: named, skipped, made again by a plain run; all other cells are shown."""

from __future__ import annotations

import io
import json
import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import frame
from dashboard.report.document import report_html
from dashboard.report.source import report_contents
from data_utils.locations import PROJECT
from evaluation.cell_check import damage_to
from evaluation.cell_files import CHECKSUM, content_checksum
from evaluation.cells import (
    CELL_FILE,
    CURVES_FILE,
    LARGEST_TEXT_BYTES,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    CellPlace,
    all_cells,
    read_cell,
)
from evaluation.curves import CURVE_NAMES, read_curves
from evaluation.matrix import run_matrix
from evaluation.progress import RunProgress
from evaluation.runner import Run, evaluate
from evaluation.seeds import BY_SETTING_FILE
from evaluation.summary import SUMMARY_FILE, summary_table, wrong_summary
from tests.make_data import write_category

BOTH = ["padim", "patchcore"]
IMAGE, TRUTH = "good_000_img.png", "blot_000_gt.png"
AGAIN = "evaluate this cell again"
RANDOM = "Random backbone weights: "
IN_CI = 10  # every so many damages are shown on all pages there; all of them with -m soak

Act = Callable[[Path], None]

# What can become of a file.


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def cut_by_a_byte(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def zeroed(file: Path) -> None:
    """Keep the size and lose the content, as after a power failure."""
    file.write_bytes(bytes(file.stat().st_size))


def spoiled(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = b"spoiled!"
    file.write_bytes(bytes(content))


def removed(file: Path) -> None:
    file.unlink()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_link_to_nothing(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.parent / "nothing")


def a_link_to_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def a_pipe(file: Path) -> None:
    """Put there what waits for a writer when it is opened."""
    file.unlink()
    os.mkfifo(file)


def far_too_large(file: Path) -> None:
    """Make it longer than anything that is read in one piece; it takes no room on the disk."""
    os.truncate(file, LARGEST_TEXT_BYTES + 1)


# What can be done to one kind of file.


def with_field(*path: str, value: object) -> Act:
    """Return what edits a field of ``cell.json`` by hand."""

    def act(file: Path) -> None:
        content = json.loads(file.read_text())
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        file.write_text(json.dumps(content))

    return act


def with_field_and_checksum(*path: str, value: object) -> Act:
    """Return what edits a field of ``cell.json`` so that its checksum does not tell."""

    def act(file: Path) -> None:
        with_field(*path, value=value)(file)
        content = json.loads(file.read_text())
        content[CHECKSUM] = content_checksum(content)
        file.write_text(json.dumps(content))

    return act


def without_a_section(file: Path) -> None:
    content = json.loads(file.read_text())
    del content["metrics"]
    file.write_text(json.dumps(content))


def deeply_nested(file: Path) -> None:
    file.write_text("[" * 100_000)


def with_cell(row: int, column: int, value: str) -> Act:
    """Return what edits one place of a table by hand."""

    def act(file: Path) -> None:
        lines = [line.split(",") for line in file.read_text().splitlines()]
        lines[row][column] = value
        file.write_text("\n".join(",".join(line) for line in lines) + "\n")

    return act


def with_another_score(file: Path) -> None:
    """Change one digit; the size stays."""
    lines = [line.split(",") for line in file.read_text().splitlines(keepends=True)]
    score = lines[1][4]
    lines[1][4] = ("1" if score[0] != "1" else "2") + score[1:]
    file.write_text("".join(",".join(line) for line in lines))


def without_its_last_column(file: Path) -> None:
    rows = [line.rpartition(",")[0] for line in file.read_text().splitlines()]
    file.write_text("\n".join(rows) + "\n")


def a_bomb(file: Path) -> None:
    """Write arrays that take two hundred megabytes when they are unpacked."""
    head = npy_header("<f8", (25_000_000,))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as stored:
        for name in CURVE_NAMES[1:]:
            stored.writestr(f"{name}.npy", head)
        with stored.open(f"{CURVE_NAMES[0]}.npy", "w") as member:
            member.write(head)
            for _ in range(200):
                member.write(bytes(1_000_000))


def arrays_that_claim(file: Path, dtype: str, shape: tuple[int, ...]) -> None:
    with zipfile.ZipFile(file, "w") as stored:
        for name in CURVE_NAMES:
            stored.writestr(f"{name}.npy", npy_header(dtype, shape) + bytes(80))


def gigantic_arrays(file: Path) -> None:
    arrays_that_claim(file, "<f8", (2_500_000_000,))


def pickled_arrays(file: Path) -> None:
    arrays_that_claim(file, "|O", (10,))


def infinite_arrays(file: Path) -> None:
    with file.open("wb") as content:
        arrays = {name: np.full(10, np.inf) for name in CURVE_NAMES}
        np.savez(content, allow_pickle=False, **arrays)


def gigantic_maps(file: Path) -> None:
    file.write_bytes(npy_header("<f2", (6, 40_000, 40_000)) + bytes(1000))


def pickled_maps(file: Path) -> None:
    file.write_bytes(npy_header("|O", (6, 224, 224)) + bytes(1000))


def maps_of_texts(file: Path) -> None:
    np.save(file, np.full((6, 224, 224), "x"))


def maps_with_nan(file: Path) -> None:
    maps = np.load(file)
    maps[0, 5, 5] = np.nan
    np.save(file, maps)


def smaller_maps(file: Path) -> None:
    np.save(file, np.load(file)[:, ::2, ::2])


def an_enormous_picture(file: Path) -> None:
    """Write a picture of four hundred million pixels; its file is small."""
    Image.new("1", (20_000, 20_000)).save(file)


def a_picture_of_another_kind(file: Path) -> None:
    Image.new("LA", (224, 224)).save(file)


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    about = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


@dataclass(frozen=True)
class Damage:
    """One file and what becomes of it; whether that shows without reading the file, and in it."""

    file: str
    act: Act
    shows: bool = True
    opens: bool = False
    name: str = ""

    def __str__(self) -> str:
        return f"{self.file}-{self.name or self.act.__name__}"


SCORES_DAMAGES = [
    Damage(SCORES_FILE, with_cell(1, 4, "1e300"), name="huge score"),
    Damage(SCORES_FILE, with_cell(1, 4, "nan"), name="no score"),
    Damage(SCORES_FILE, with_cell(1, 3, "-5"), name="wrong label"),
    Damage(SCORES_FILE, with_cell(1, 5, "perhaps"), name="wrong mask"),
    Damage(SCORES_FILE, with_cell(1, 6, "many"), name="wrong area"),
    Damage(SCORES_FILE, with_cell(4, 6, "inf"), name="endless area"),
    Damage(SCORES_FILE, with_cell(1, 2, "../../../000"), name="way out"),
]
CONTENT_DAMAGES = [
    *SCORES_DAMAGES,
    Damage(SCORES_FILE, without_its_last_column),
    Damage(SCORES_FILE, far_too_large),
    Damage(CURVES_FILE, a_bomb),
    Damage(CURVES_FILE, gigantic_arrays),
    Damage(CURVES_FILE, pickled_arrays),
    Damage(CURVES_FILE, infinite_arrays),
    Damage(MAPS_FILE, gigantic_maps),
    Damage(MAPS_FILE, pickled_maps),
    Damage(MAPS_FILE, maps_of_texts),
    Damage(MAPS_FILE, maps_with_nan, shows=False),
    Damage(MAPS_FILE, smaller_maps),
    Damage(MODEL_FILE, zeroed, shows=False),
    Damage(CURVES_FILE, zeroed, shows=False),
    Damage(SCORES_FILE, zeroed, shows=False),
    Damage(IMAGE, an_enormous_picture),
    Damage(IMAGE, a_picture_of_another_kind),
]
CELL_DAMAGES = [
    Damage(CELL_FILE, act)
    for act in (
        *(cut, emptied, a_folder, a_link_to_itself, a_pipe, far_too_large),
        *(without_a_section, deeply_nested, zeroed),
    )
] + [
    Damage(CELL_FILE, with_field("metrics", "image_auroc", value=0.512345), name="edited"),
    Damage(CELL_FILE, with_field("format", value=1), name="older format"),
    Damage(CELL_FILE, with_field("scale", "high", value=float("inf")), name="endless scale"),
    Damage(CELL_FILE, with_field("geometry", "width", value=10**8), name="huge geometry"),
    Damage(CELL_FILE, with_field("wall_s", value=-1e300), name="negative time"),
    Damage(CELL_FILE, with_field_and_checksum("weights", value="\ud800"), name="half a character"),
    Damage(CELL_FILE, with_field_and_checksum("geometry", "height", value=0), name="no height"),
]
FILE_DAMAGES = [
    Damage(file, act, opens=act is cut_by_a_byte and file in (IMAGE, TRUTH))
    for file in (SCORES_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE, IMAGE, TRUTH)
    for act in (cut, cut_by_a_byte, emptied, removed, a_folder, a_link_to_nothing, a_pipe)
] + [
    Damage(SCORES_FILE, with_another_score, shows=False),
    Damage(IMAGE, zeroed, shows=False),
    Damage(IMAGE, spoiled, shows=False),
    Damage(MODEL_FILE, spoiled, shows=False),
]
DAMAGES = [*CELL_DAMAGES, *FILE_DAMAGES, *CONTENT_DAMAGES]
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
    run = Run(base / "data", base / "outputs", ["part", "bare"], BOTH, weights="random")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        evaluated(run)
    return run


@pytest.fixture
def run(finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return the same run with its own copy of the results, which the app shows."""
    outputs = tmp_path / "outputs"
    shutil.copytree(finished.outputs, outputs)
    monkeypatch.setenv("MVTEC_ROOT", str(finished.data))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(outputs))
    monkeypatch.setenv("MVTEC_CACHE", str(finished.outputs.parent / "cache"))
    return replace(finished, outputs=outputs)


def evaluated(run: Run) -> list[tuple[str, str, str]]:
    """Evaluate; return category, method and state of every cell."""
    progress = RunProgress(run.outputs, run.planned, show_bars=False)
    evaluate(run, progress)
    progress.finish()
    return [(cell.category, cell.method, cell.state) for cell in progress.status.cells]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder but the job's, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".job" not in path.parts
    }


def damaged(run: Run, damage: Damage) -> Path:
    """Damage a file of part / PaDiM; return it."""
    file = run.outputs / "part" / "padim" / damage.file
    damage.act(file)
    return file


def opened() -> AppTest:
    """Open the app at the damaged cell."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for key, value in {"lang": "en", "category": "part", "method": "padim"}.items():
        app.query_params[key] = value
    return app.run()


def seen(app: AppTest, page: str, sample: str = "good/000") -> str:
    """Go to a page; return what it says."""
    app.session_state["sample"] = sample
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, page
    groups = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(str(one.value) for group in groups for one in group).replace("\\", "")


def state_of(run: Run, category: str, method: str) -> tuple[str, str]:
    """Return state and reason of a cell in the run matrix."""
    [cell] = run_matrix(run.outputs, run.data, [category], [method], None)
    return cell.state, cell.reason


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_the_matrix_names_damage_that_shows_and_no_other_cell(run: Run, damage: Damage) -> None:
    file = damaged(run, damage)
    state, reason = state_of(run, "part", "padim")
    others = [("part", "patchcore"), ("bare", "padim"), ("bare", "patchcore")]

    assert [state_of(run, *other) for other in others] == [("done", "")] * 3
    if damage.shows:
        assert state == "failed"
        assert str(file.parent) in reason
        assert file.name in reason
        assert reason.endswith(f"{AGAIN}.")
    else:
        assert state == "done"


@pytest.mark.parametrize("damage", [one for one in DAMAGES if one.file != CELL_FILE], ids=str)
def test_a_run_finds_every_damage_and_none_in_other_cells(run: Run, damage: Damage) -> None:
    file = damaged(run, damage)
    for category in run.categories:
        for method in BOTH:
            place = run.place(category, method)
            said = damage_to(place, read_cell(place.folder))
            if place.folder == file.parent:
                assert said.startswith(f"The cell in {file.parent} is damaged ({file.name} ")
            else:
                assert said == ""


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage, marks=() if number % IN_CI == 0 else pytest.mark.soak)
        for number, damage in enumerate(DAMAGES)
    ],
    ids=str,
)
def test_every_page_that_reads_a_damaged_file_names_it_and_shows_the_other_cells(
    run: Run, damage: Damage
) -> None:
    damaged(run, damage)
    app = opened()
    kept = "bare (PaDiM, PatchCore); part (PatchCore)"
    both = "bare, part (PaDiM, PatchCore)"
    sample = "blot/000" if damage.file == TRUTH else "good/000"
    for page in frame.PAGES:
        said = seen(app, page, sample)
        assert f"{RANDOM}{kept if damage.file == CELL_FILE else both}" in said, page
        named = damage.file in said or "The maps in" in said
        expected = page in LOOKED_AT[damage.file] and not damage.opens
        expected |= damage.shows and page in ("overview", "run")
        assert named or not expected, page
        assert ("again" in said) or not expected, page
    report = report_html(report_contents(run.outputs, ["part", "bare"], 0.05, "en"), "en")
    for category in ("part", "bare"):
        assert f'<th scope="row">{category}</th><td>PatchCore</td>' in report


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage, marks=() if number % IN_CI == 0 else pytest.mark.soak)
        for number, damage in enumerate(reversed(DAMAGES))
    ],
    ids=str,
)
def test_a_plain_run_makes_exactly_the_damaged_cell_again(
    run: Run, finished: Run, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    file = damaged(run, damage)
    states = evaluated(run)
    said = capsys.readouterr().out
    before, after = contents(finished.outputs), contents(run.outputs)
    changed = {name for name in before if before[name] != after.get(name)}

    assert [state for *_, state in states] == ["done", "skipped", "skipped", "skipped"]
    assert before.keys() == after.keys()
    assert changed == {f"part/padim/{CELL_FILE}", SUMMARY_FILE, BY_SETTING_FILE}  # times
    assert state_of(run, "part", "padim") == ("done", "")
    if file.name != CELL_FILE:
        assert f"The cell in {file.parent} is damaged ({file.name}" in said


def test_all_pictures_can_be_lost_and_come_back(run: Run, finished: Run) -> None:
    for file in (run.outputs / "part" / "padim").glob("*.png"):
        file.unlink()
    _, reason = state_of(run, "part", "padim")
    states = evaluated(run)

    assert "is missing; " in reason
    assert "and 21 more" in reason
    assert [state for *_, state in states] == ["done", "skipped", "skipped", "skipped"]
    assert contents(run.outputs).keys() == contents(finished.outputs).keys()


@pytest.mark.parametrize("act", [a_folder, a_link_to_itself, emptied], ids=lambda act: act.__name__)
def test_something_else_in_place_of_a_cells_folder_gives_way(
    run: Run, finished: Run, act: Act
) -> None:
    place = run.outputs / "part" / "padim"
    shutil.rmtree(place)
    place.touch()
    act(place)
    states = evaluated(run)

    assert [state for *_, state in states] == ["done", "skipped", "skipped", "skipped"]
    assert sorted(path.name for path in place.parent.iterdir()) == BOTH
    assert contents(run.outputs).keys() == contents(finished.outputs).keys()


# Cells from before there was a record of files.


def made_older(run: Run) -> None:
    """Take the record out of every cell."""
    for file in run.outputs.glob("*/*/cell.json"):
        content = json.loads(file.read_text())
        del content["files"], content["checksum"]
        file.write_text(json.dumps(content))


def test_whole_cells_without_a_record_are_shown_and_skipped(run: Run) -> None:
    made_older(run)
    cells, problems = all_cells(run.outputs)
    before = contents(run.outputs)
    states = evaluated(run)

    assert (len(cells), problems) == (4, [])
    assert [state for *_, state in states] == ["skipped"] * 4
    assert contents(run.outputs) == before


def test_of_an_older_cell_other_orders_and_more_columns_are_read(run: Run) -> None:
    made_older(run)
    file = run.outputs / "part" / "padim" / SCORES_FILE
    rows = [line.split(",") for line in file.read_text().splitlines()]
    file.write_text("\n".join(",".join([*reversed(row), "more"]) for row in rows) + "\n")
    before = contents(run.outputs)

    assert "PaDiM" in seen(opened(), "roc")
    assert [state for *_, state in evaluated(run)] == ["skipped"] * 4
    assert contents(run.outputs) == before


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage, marks=() if number % 3 == 0 else pytest.mark.soak)
        for number, damage in enumerate(one for one in CONTENT_DAMAGES if one.file != IMAGE)
    ],
    ids=str,
)
def test_what_a_page_refuses_of_an_older_cell_a_plain_run_makes_again(
    run: Run, damage: Damage
) -> None:
    made_older(run)
    file = damaged(run, damage)
    app = opened()
    for page in LOOKED_AT[file.name]:
        said = seen(app, page)
        assert file.name in said or "The maps in" in said, page
        assert "again" in said, page
    place = CellPlace(run.outputs, "part", "padim")
    cell = json.loads((place.folder / CELL_FILE).read_text())

    assert file.name in damage_to(place, cell)


@pytest.mark.parametrize(
    ("name", "act"),
    [(SCORES_FILE, far_too_large)]
    + [(name, a_pipe) for name in (SCORES_FILE, CURVES_FILE, MAPS_FILE, MODEL_FILE)],
)
def test_what_must_not_be_opened_of_an_older_cell_is_named_and_made_again(
    run: Run, name: str, act: Act
) -> None:
    made_older(run)
    act(run.outputs / "part" / "padim" / name)
    state, reason = state_of(run, "part", "padim")
    states = evaluated(run)

    assert state == "failed"
    assert f"({name} is " in reason
    assert [state for *_, state in states] == ["done", "skipped", "skipped", "skipped"]
    assert state_of(run, "part", "padim") == ("done", "")


# The summary.


@pytest.mark.usefixtures("run")
def test_a_whole_summary_is_not_spoken_of() -> None:
    assert SUMMARY_FILE not in seen(opened(), "overview")


def of_another_version(file: Path) -> None:
    """Take a column out, as in a summary from before it was measured."""
    rows = [line.split(",", 3) for line in file.read_text().splitlines()]
    file.write_text("\n".join(",".join([*row[:2], row[3]]) for row in rows) + "\n")


def of_bytes(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00\x9f")


def with_a_column_more(file: Path) -> None:
    file.write_text("\n".join(f"{line},more" for line in file.read_text().splitlines()) + "\n")


def in_another_order(file: Path) -> None:
    rows = [line.split(",", 2) for line in file.read_text().splitlines()]
    file.write_text("\n".join(",".join([row[1], row[0], row[2]]) for row in rows) + "\n")


@pytest.mark.parametrize(
    "act",
    [
        cut,
        cut_by_a_byte,
        emptied,
        zeroed,
        of_bytes,
        of_another_version,
        with_a_column_more,
        in_another_order,
        with_cell(2, 2, "0.123456"),
        a_pipe,
        far_too_large,
        a_link_to_nothing,
    ],
    ids=lambda act: act.__name__,
)
def test_a_damaged_summary_is_named_and_rebuilt_and_no_number_comes_from_it(
    run: Run, finished: Run, act: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run.outputs / SUMMARY_FILE
    act(file)
    assert f"{file} " in seen(opened(), "overview")
    states = evaluated(run)
    said = capsys.readouterr().out

    assert [state for *_, state in states] == ["skipped"] * 4
    assert f"{file} " in said
    assert contents(run.outputs) == contents(finished.outputs)


def test_a_folder_in_place_of_the_summary_is_named_and_the_run_goes_on(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    a_folder(run.outputs / SUMMARY_FILE)
    assert f"{SUMMARY_FILE} is no file" in seen(opened(), "overview")
    states = evaluated(run)

    assert [state for *_, state in states] == ["skipped"] * 4
    assert f"{SUMMARY_FILE} cannot be written" in capsys.readouterr().out


def test_a_bomb_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    for act in (a_bomb, gigantic_arrays):
        act(tmp_path / CURVES_FILE)
        tracemalloc.start()
        with pytest.raises(ValueError, match=r"too large|another length"):
            read_curves(tmp_path / CURVES_FILE)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000


def test_texts_that_are_far_too_large_are_refused_before_they_take_memory(run: Run) -> None:
    far_too_large(run.outputs / "part" / "padim" / CELL_FILE)
    far_too_large(run.outputs / SUMMARY_FILE)
    tracemalloc.start()
    table, problems = summary_table(run.outputs)
    wrong = wrong_summary(run.outputs, table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [CELL_FILE in problem for problem in problems] == [True]
    assert "is too large" in wrong
    assert peak < 5_000_000
