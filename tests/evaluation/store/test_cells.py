"""A cell is whole or not there, whatever interrupts its making."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from data_utils.facts import Fact, fact
from evaluation.store.cells import (
    Failure,
    failures,
    new_cell,
    read_cell,
    record_failure,
    repair,
    stored_cells,
    write_cell_file,
)
from evaluation.store.files import write_atomically
from evaluation.store.places import CELL_FILE, CellError, CellPlace
from tests.make_data import cell_content

DARK = fact("plain", message="사진이 어둡다")
NO_TEXT = fact("worker_error", error="\udcff 어둡다")


@pytest.fixture
def place(tmp_path: Path) -> CellPlace:
    return CellPlace(tmp_path / "outputs", "part", "padim")


def write(place: CellPlace, **changes: Any) -> None:
    """Write a cell with one extra file that names its generation."""
    with new_cell(place) as folder:
        (folder / "generation.txt").write_text(str(changes.get("finished", "")))
        write_cell_file(folder, cell_content(place.category, place.method, **changes))


def break_off(place: CellPlace, error: type[BaseException]) -> None:
    with new_cell(place) as folder:
        write_cell_file(folder, cell_content(finished="second"))
        raise error


def generation(folder: Path) -> str:
    """Return which generation stands in a folder, checked in both of its files."""
    cell = read_cell(folder)
    assert (folder / "generation.txt").read_text() == cell["finished"]
    return str(cell["finished"])


def names_beside(place: CellPlace) -> list[str]:
    return sorted(path.name for path in place.folder.parent.iterdir())


@pytest.mark.parametrize("name", ["settings", ".job", ".hidden"])
def test_a_category_whose_name_the_outputs_folder_uses_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(CellError, match=f"cannot be called '{name}'.*rename"):
        CellPlace(tmp_path, name, "padim")


def test_a_new_cell_appears_whole_and_replaces_the_whole_earlier_one(place: CellPlace) -> None:
    before = place.finished
    write(place, finished="first")
    after, first = place.finished, generation(place.folder)
    (place.folder / "blot_999_img.png").write_bytes(b"of the first generation")
    with new_cell(place) as folder:
        (folder / "generation.txt").write_text("second")

        assert folder.parent == place.folder.parent
        assert generation(place.folder) == "first"  # it stands untouched
        assert list(stored_cells(place.outputs)) == [place.folder]
        write_cell_file(folder, cell_content(finished="second"))

    assert (before, after, first) == (False, True, "first")
    assert generation(place.folder) == "second"
    assert sorted(path.name for path in place.folder.iterdir()) == [CELL_FILE, "generation.txt"]
    assert names_beside(place) == ["padim"]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("earlier", [True, False])
def test_an_error_while_a_cell_is_made_leaves_the_earlier_one_and_nothing_else(
    place: CellPlace, error: type[BaseException], earlier: bool
) -> None:
    if earlier:
        write(place, finished="first")
    with pytest.raises(CellError if error is OSError else error):
        break_off(place, error)

    assert names_beside(place) == ["padim"] * earlier
    if earlier:
        assert generation(place.folder) == "first"


def test_an_exchange_that_fails_puts_the_earlier_cell_back(
    place: CellPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place, finished="first")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if target == place.folder and self.name.endswith(".cell-new"):
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(CellError, match=r"cannot be written .*disk is gone"):
        write(place, finished="second")

    assert generation(place.folder) == "first"
    assert names_beside(place) == ["padim"]


def raise_after_exchange(
    patch: pytest.MonkeyPatch, place: CellPlace, error: type[BaseException]
) -> None:
    rename = Path.rename

    def renamed(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        if target == place.folder:
            raise error
        return moved

    patch.setattr(Path, "rename", renamed)


def test_a_cancel_just_after_the_exchange_is_a_cancel_and_leaves_the_new_cell(
    place: CellPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place, finished="first")
    with monkeypatch.context() as patch:
        raise_after_exchange(patch, place, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            write(place, finished="second")
    repair(place.outputs)

    assert generation(place.folder) == "second"
    assert names_beside(place) == ["padim"]


STEPS = ["before the first rename", "between the renames", "before the old one is deleted"]


@pytest.mark.parametrize(
    ("step", "kept"), list(zip(STEPS, ["first", "first", "second"], strict=True))
)
@pytest.mark.parametrize("settings_id", ["", "seed-1"])
def test_a_run_killed_in_the_middle_of_an_exchange_is_repaired(
    tmp_path: Path, step: str, kept: str, settings_id: str
) -> None:
    place = CellPlace(tmp_path, "part", "padim", settings_id)
    write(place, finished="first")
    old = place.folder.with_name(".padim.cell-old")
    new = place.folder.with_name(".padim-x1y2.cell-new")
    new.mkdir()
    write_cell_file(new, cell_content(finished="second"))
    (new / "generation.txt").write_text("second")
    if step != STEPS[0]:
        place.folder.rename(old)
    if step == STEPS[2]:
        new.rename(place.folder)

    repair(tmp_path)

    assert generation(place.folder) == kept
    assert names_beside(place) == ["padim"]


def test_repair_removes_what_is_half_made_and_leaves_finished_cells_notes_and_the_job_alone(
    place: CellPlace,
) -> None:
    write(place, finished="second")
    for leftover in (".padim-x1y2.cell-new", ".padim.cell-old"):  # half made, half deleted
        place.folder.with_name(leftover).mkdir()
        (place.folder.with_name(leftover) / "generation.txt").write_text("first")
    record_failure(CellPlace(place.outputs, "part", "patchcore"), DARK)
    write_atomically(place.outputs / ".job" / "status.json", "{}")
    repair(place.outputs)
    repair(place.outputs / "nowhere")

    assert generation(place.folder) == "second"
    assert names_beside(place) == ["padim", "patchcore.failed.json"]
    assert (place.outputs / ".job" / "status.json").is_file()
    assert not (place.outputs / "nowhere").exists()


def test_an_old_cell_comes_back_where_the_new_one_is_not_whole(place: CellPlace) -> None:
    write(place, finished="first")
    place.folder.rename(place.folder.with_name(".padim.cell-old"))
    place.folder.mkdir()
    (place.folder / "scores.csv").write_text("half")
    repair(place.outputs)

    assert generation(place.folder) == "first"
    assert names_beside(place) == ["padim"]


def test_what_is_read_is_what_was_written(place: CellPlace) -> None:
    metrics = cell_content()["metrics"] | {
        "image_auroc": math.nan,
        "aupro": 0.5,
        "by_defect": {"blot": {"count": 2, "pixel_auroc": math.nan}},
    }
    finding = {"path": "나사/긁힘/000.png", "problem": asdict(fact("no_mask"))}
    others = {"settings": {"seed": 0, "crop": None}, "findings": [finding]}
    write(place, metrics=metrics, **others)
    stored = json.loads((place.folder / CELL_FILE).read_text())["metrics"]
    cell = read_cell(place.folder)
    read = cell["metrics"]

    assert stored["image_auroc"] is None
    assert math.isnan(read["image_auroc"])
    assert math.isnan(read["by_defect"]["blot"]["pixel_auroc"])
    assert read["aupro"] == 0.5
    assert read["by_defect"]["blot"]["count"] == 2
    assert {name: cell[name] for name in others} == others


def edited(**changes: Any) -> Callable[[Path], object]:
    """Return what changes fields of a cell by hand; None removes one."""

    def act(file: Path) -> None:
        content = json.loads(file.read_text()) | changes
        file.write_text(json.dumps({n: one for n, one in content.items() if one is not None}))

    return act


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Path.unlink, "missing or damaged"),
        (lambda file: file.write_text("[1, 2]"), "missing or damaged"),
        (edited(format=0), "another version"),
        (edited(fit_s=0.1), "was changed after the evaluation"),
        (edited(checksum=None), "was changed after the evaluation"),
    ],
)
def test_one_unreadable_cell_is_named_with_advice_and_the_others_are_read(
    tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    places = [
        CellPlace(tmp_path, "part", "padim"),
        CellPlace(tmp_path, "part", "patchcore"),
        CellPlace(tmp_path, "part", "padim", "seed-1"),
    ]
    for place in places:
        write(place)
    file = places[1].folder / CELL_FILE
    damage(file)
    cells = stored_cells(tmp_path).items()

    assert [folder for folder, cell in cells if cell.about is not None] == [
        places[0].folder,
        places[2].folder,
    ]
    with pytest.raises(CellError, match=f"{words}.*evaluate this cell again") as caught:
        read_cell(places[1].folder)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": {}},
        {"metrics": {"image_auroc": "high"}},
        {"scale": [1.0, 5.0]},
        {"weights": None},
        {"fit_s": "long"},
        {"findings": [{"path": "a.png", "problem": {"code": "nobody's", "values": {}}}]},
    ],
)
def test_a_cell_whose_content_is_none_of_a_cell_is_not_read(
    place: CellPlace, changes: dict[str, Any]
) -> None:
    write(place, **changes)

    with pytest.raises(CellError, match="is missing or damaged; evaluate this cell again"):
        read_cell(place.folder)


def test_a_cell_that_was_moved_to_another_category_is_not_read(place: CellPlace) -> None:
    write(place)
    moved = place.outputs / "other" / place.method
    moved.parent.mkdir()
    place.folder.rename(moved)

    with pytest.raises(CellError, match="was changed after the evaluation"):
        read_cell(moved)


def test_a_korean_name_that_an_archive_took_apart_is_still_the_same_name(tmp_path: Path) -> None:
    place = CellPlace(tmp_path, unicodedata.normalize("NFC", "나사"), "padim")
    write(place)
    apart = place.folder.parent.rename(tmp_path / unicodedata.normalize("NFD", "나사"))

    assert read_cell(apart / "padim")["method"] == "padim"


def test_cells_are_found_below_a_hidden_folder_and_unfinished_and_foreign_folders_are_none(
    tmp_path: Path,
) -> None:
    place = CellPlace(tmp_path / ".private" / "outputs", "part", "padim")
    write(place)
    (place.outputs / "notes" / "mine").mkdir(parents=True)
    leftover = place.folder.with_name(".padim-x1y2.cell-new")
    leftover.mkdir()
    write_cell_file(leftover, cell_content())

    assert list(stored_cells(place.outputs)) == [place.folder]


@pytest.mark.parametrize("settings_id", ["", "seed-1"])
@pytest.mark.parametrize("reason", [DARK, fact("given_up", tries=3, reason=NO_TEXT)])
def test_a_failure_is_noted_beside_the_cell_until_the_next_success(
    tmp_path: Path, settings_id: str, reason: Fact
) -> None:
    place = CellPlace(tmp_path, "part", "padim", settings_id)
    write(place, finished="first")
    record_failure(place, reason)
    noted, kept = failures(tmp_path), generation(place.folder)
    write(place)

    assert (noted, kept) == ([Failure("part", "padim", reason)], "first")
    assert failures(tmp_path) == []
    assert not place.failure_file.exists()


@pytest.mark.parametrize(
    "content", ["{", "[" * 100_000, "null", '{"reason": 5}', "", '{"reason": {"code": "none"}}']
)
def test_a_note_that_cannot_be_read_still_says_that_the_last_try_failed(
    place: CellPlace, content: str
) -> None:
    record_failure(place, DARK)
    place.failure_file.write_text(content)

    assert failures(place.outputs) == [Failure("part", "padim", fact("failure_unreadable"))]


def test_a_file_is_replaced_in_one_step_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "folder" / "summary.csv"
    write_atomically(file, "first")

    def failing(self: Path, target: Path) -> Path:
        assert file.read_text() == "first"
        raise OSError(f"{self} cannot become {target}")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing)
        with pytest.raises(OSError, match="cannot become"):
            write_atomically(file, "second")

    assert file.read_text() == "first"
    assert list(file.parent.iterdir()) == [file]
