"""A cell is whole or not there, whatever interrupts its making."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation.cells import (
    CELL_FILE,
    CellError,
    CellPlace,
    all_cells,
    failures,
    new_cell,
    read_cell,
    record_failure,
    repair,
    write_atomically,
    write_cell_file,
)
from tests.make_data import cell_content


@pytest.fixture
def place(tmp_path: Path) -> CellPlace:
    """Return the place of one cell in an outputs folder that does not exist yet."""
    return CellPlace(tmp_path / "outputs", "part", "padim")


def write(place: CellPlace, **changes: Any) -> None:
    """Write a cell with one extra file that names its generation."""
    with new_cell(place) as folder:
        write_cell_file(folder, cell_content(place.category, place.method, **changes))
        (folder / "generation.txt").write_text(str(changes.get("finished", "")))


def break_off(place: CellPlace, error: BaseException | type[BaseException]) -> None:
    """Write a cell and raise an error before it is in its place."""
    with new_cell(place) as folder:
        write_cell_file(folder, cell_content(finished="second"))
        raise error


def generation(folder: Path) -> str:
    """Return which generation stands in a folder, checked in both of its files."""
    cell = read_cell(folder)
    assert (folder / "generation.txt").read_text() == cell["finished"]
    return str(cell["finished"])


def names_beside(place: CellPlace) -> list[str]:
    """Return what stands in the category's folder."""
    return sorted(path.name for path in place.folder.parent.iterdir())


def test_cells_of_the_default_settings_and_of_others_stand_apart(tmp_path: Path) -> None:
    default = CellPlace(tmp_path, "part", "padim")
    other = CellPlace(tmp_path, "part", "padim", "seed-1")

    assert default.folder == tmp_path / "part" / "padim"
    assert other.folder == tmp_path / "settings" / "seed-1" / "part" / "padim"
    assert default.failure_file.parent == default.folder.parent
    assert default.failure_file != other.failure_file


@pytest.mark.parametrize("name", ["settings", ".job", ".hidden"])
def test_a_category_whose_name_the_outputs_folder_uses_is_refused(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(CellError, match=f"cannot be called '{name}'.*rename"):
        CellPlace(tmp_path, name, "padim")


def test_a_finished_cell_appears_at_its_place_and_nothing_else(place: CellPlace) -> None:
    before = place.finished
    write(place, finished="first")

    assert (before, place.finished) == (False, True)
    assert generation(place.folder) == "first"
    assert names_beside(place) == ["padim"]


def test_a_new_cell_replaces_the_whole_earlier_one(place: CellPlace) -> None:
    write(place, finished="first")
    (place.folder / "blot_999_img.png").write_bytes(b"of the first generation")
    write(place, finished="second")

    assert generation(place.folder) == "second"
    assert sorted(path.name for path in place.folder.iterdir()) == [CELL_FILE, "generation.txt"]
    assert names_beside(place) == ["padim"]


def test_while_a_cell_is_made_the_earlier_one_stands_untouched(place: CellPlace) -> None:
    write(place, finished="first")
    with new_cell(place) as folder:
        (folder / "generation.txt").write_text("second")

        assert folder.parent == place.folder.parent
        assert generation(place.folder) == "first"
        assert [path for path, _ in all_cells(place.outputs)[0]] == [place.folder]
        write_cell_file(folder, cell_content(finished="second"))

    assert generation(place.folder) == "second"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, MemoryError])
def test_an_error_while_a_cell_is_made_leaves_the_earlier_one_and_nothing_else(
    place: CellPlace, error: type[BaseException]
) -> None:
    write(place, finished="first")
    with pytest.raises(CellError if error is OSError else error):
        break_off(place, error)

    assert generation(place.folder) == "first"
    assert names_beside(place) == ["padim"]


def test_an_error_in_the_first_cell_leaves_nothing(place: CellPlace) -> None:
    with pytest.raises(ValueError, match="half way"):
        break_off(place, ValueError("half way"))

    assert names_beside(place) == []


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
    """Raise as soon as a new cell has taken this place."""
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


def test_leftovers_of_a_first_cell_are_removed(place: CellPlace) -> None:
    new = place.folder.with_name(".padim-x1y2.cell-new")
    new.mkdir(parents=True)
    (new / "scores.csv").write_text("half")
    repair(place.outputs)

    assert names_beside(place) == []


def test_a_half_deleted_old_cell_never_replaces_the_new_one(place: CellPlace) -> None:
    write(place, finished="second")
    old = place.folder.with_name(".padim.cell-old")
    old.mkdir()
    (old / "generation.txt").write_text("first")
    repair(place.outputs)

    assert generation(place.folder) == "second"
    assert names_beside(place) == ["padim"]


def test_an_old_cell_comes_back_where_the_new_one_is_not_whole(place: CellPlace) -> None:
    write(place, finished="first")
    place.folder.rename(place.folder.with_name(".padim.cell-old"))
    place.folder.mkdir()
    (place.folder / "scores.csv").write_text("half")
    repair(place.outputs)

    assert generation(place.folder) == "first"
    assert names_beside(place) == ["padim"]


def test_repair_leaves_finished_cells_notes_and_the_job_alone(place: CellPlace) -> None:
    write(place, finished="first")
    other = CellPlace(place.outputs, "part", "patchcore")
    record_failure(other, "too dark")
    write_atomically(place.outputs / ".job" / "status.json", "{}")
    repair(place.outputs)

    assert generation(place.folder) == "first"
    assert names_beside(place) == ["padim", "patchcore.failed.json"]
    assert (place.outputs / ".job" / "status.json").is_file()


def test_repair_of_an_outputs_folder_that_does_not_exist_does_nothing(tmp_path: Path) -> None:
    repair(tmp_path / "nowhere")

    assert not (tmp_path / "nowhere").exists()


def test_undefined_metrics_are_null_on_disk_and_nan_when_read(place: CellPlace) -> None:
    metrics = cell_content()["metrics"] | {
        "image_auroc": math.nan,
        "aupro": 0.5,
        "by_defect": {"blot": {"count": 2, "pixel_auroc": math.nan}},
    }
    write(place, metrics=metrics, finished="")
    stored = json.loads((place.folder / CELL_FILE).read_text())["metrics"]
    read = read_cell(place.folder)["metrics"]

    assert stored["image_auroc"] is None
    assert math.isnan(read["image_auroc"])
    assert math.isnan(read["by_defect"]["blot"]["pixel_auroc"])
    assert read["aupro"] == 0.5
    assert read["by_defect"]["blot"]["count"] == 2


def test_settings_that_are_not_given_stay_none(place: CellPlace) -> None:
    write(place, settings={"seed": 0, "crop": None})

    assert read_cell(place.folder)["settings"] == {"seed": 0, "crop": None}


def test_names_in_any_script_come_back_as_they_were(place: CellPlace) -> None:
    write(place, findings=["나사/긁힘/000.png: 마스크 없음"])

    assert read_cell(place.folder)["findings"] == ["나사/긁힘/000.png: 마스크 없음"]


def cut(file: Path) -> None:
    """Lose the second half."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    """Leave no byte."""
    file.write_bytes(b"")


def of_bytes(file: Path) -> None:
    """Replace the text by bytes that are no text."""
    file.write_bytes(b"\xff\xfe\x00\x9f")


def a_list(file: Path) -> None:
    """Replace the content by JSON of another kind."""
    file.write_text("[1, 2]")


def without_metrics(file: Path) -> None:
    """Remove something that every reader needs."""
    content = json.loads(file.read_text())
    del content["metrics"]
    file.write_text(json.dumps(content))


def metrics_lost(file: Path) -> None:
    """Replace the numbers by nothing."""
    file.write_text(json.dumps(json.loads(file.read_text()) | {"metrics": None}))


def of_another_format(file: Path) -> None:
    """Pretend that another version wrote it."""
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 0}))


def removed(file: Path) -> None:
    """Lose the file."""
    file.unlink()


def with_other(field: str, value: object) -> Callable[[Path], None]:
    """Return what puts another value into a field; a dot leads into a section."""

    def change(file: Path) -> None:
        content = json.loads(file.read_text())
        *sections, name = field.split(".")
        place = content
        for section in sections:
            place = place[section]
        place[name] = value
        file.write_text(json.dumps(content))

    return change


DAMAGES = [
    (cut, "missing or damaged"),
    (emptied, "missing or damaged"),
    (of_bytes, "missing or damaged"),
    (a_list, "incomplete"),
    (without_metrics, "incomplete"),
    (metrics_lost, "incomplete"),
    (of_another_format, "another version"),
    (with_other("metrics", {"image_auroc": 0.9}), "incomplete"),
    (with_other("counts", {"train_images": 5}), "incomplete"),
    (with_other("weights", 5), "weights is not a text"),
    (with_other("settings_id", None), "settings_id is not a text"),
    (with_other("demo_data", 1), "demo_data is not true or false"),
    (with_other("fit_s", None), "fit_s is not a number"),
    (with_other("fit_s", True), "fit_s is not a number"),
    (with_other("wall_s", math.inf), "wall_s is not a number"),
    (with_other("ms_per_image", 10**400), "ms_per_image is not a number"),
    (with_other("latency_ms", None), "latency_ms is not a number"),
    (with_other("latency_p95_ms", "9"), "latency_p95_ms is not a number"),
    (with_other("findings", ["fine", 5]), "findings is not a list of texts"),
    (with_other("metrics.aupro", "abc"), "metrics.aupro is not a number from 0 to 1 or null"),
    (with_other("metrics.image_auroc", 1.5), "metrics.image_auroc is not a number from 0 to 1"),
    (with_other("metrics.image_auroc", -0.1), "metrics.image_auroc is not a number from 0 to 1"),
    (with_other("fit_s", -1.0), "fit_s is not a number from 0"),
    (with_other("wall_s", 1e300), "wall_s is not a number from 0 to 1e9"),
    (with_other("counts.train_images", 10**12), "counts.train_images is not a whole number"),
    (with_other("scale.high", math.nan), "scale.high is not a number"),
    (with_other("scale.low", -math.inf), "scale.low is not a number"),
    (with_other("geometry.width", math.inf), "geometry.width is not a whole number"),
    (with_other("files", {"../cell.json": [3, "00000000"]}), "files is not a record of files"),
    (with_other("checksum", "00000000"), "was changed after the evaluation"),
    (with_other("metrics.brightness_auroc", [1]), "metrics.brightness_auroc is not a number"),
    (with_other("counts.test_good", -1), "counts.test_good is not a whole number"),
    (with_other("counts.test_good", 1.5), "counts.test_good is not a whole number"),
    (with_other("settings.coreset_ratio", "all"), "settings.coreset_ratio is not a number or null"),
    (with_other("settings.backbone", None), "settings.backbone is not a text"),
    (with_other("timings.fit", None), "timings.fit is not a number"),
    (with_other("versions", ["3.11"]), "versions is not a section"),
    (with_other("category", "bare"), "category is 'bare' in the folder 'part'"),
    (with_other("method", "other"), "method is 'other' in the folder"),
]


@pytest.mark.parametrize(("damage", "words"), [*DAMAGES, (removed, "missing or damaged")])
def test_an_unreadable_cell_is_named_and_says_what_to_do(
    place: CellPlace, damage: Callable[[Path], None], words: str
) -> None:
    write(place)
    damage(place.folder / CELL_FILE)

    with pytest.raises(CellError, match=f"{words}.*evaluate this cell again") as caught:
        read_cell(place.folder)

    assert str(place.folder / CELL_FILE) in str(caught.value)


@pytest.mark.parametrize(("damage", "words"), DAMAGES)
def test_one_unreadable_cell_is_skipped_and_named_and_the_others_are_read(
    tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    places = [
        CellPlace(tmp_path, "part", "padim"),
        CellPlace(tmp_path, "part", "patchcore"),
        CellPlace(tmp_path, "part", "padim", "seed-1"),
    ]
    for place in places:
        write(place)
    damage(places[1].folder / CELL_FILE)

    cells, problems = all_cells(tmp_path)

    assert [folder for folder, _ in cells] == [places[0].folder, places[2].folder]
    assert len(problems) == 1
    assert str(places[1].folder) in problems[0]
    assert words in problems[0]


def test_a_korean_name_that_an_archive_took_apart_is_still_the_same_name(tmp_path: Path) -> None:
    place = CellPlace(tmp_path, unicodedata.normalize("NFD", "나사"), "padim")
    write(place)
    with_other("category", unicodedata.normalize("NFC", "나사"))(place.folder / CELL_FILE)

    assert read_cell(place.folder)["method"] == "padim"


def test_unfinished_and_foreign_folders_are_no_cells(place: CellPlace) -> None:
    write(place)
    (place.outputs / "notes" / "mine").mkdir(parents=True)
    leftover = place.folder.with_name(".padim-x1y2.cell-new")
    leftover.mkdir()
    write_cell_file(leftover, cell_content())

    assert [folder for folder, _ in all_cells(place.outputs)[0]] == [place.folder]


def test_a_cell_is_found_in_an_outputs_folder_with_a_hidden_parent(tmp_path: Path) -> None:
    place = CellPlace(tmp_path / ".private" / "outputs", "part", "padim")
    write(place)

    assert [folder for folder, _ in all_cells(place.outputs)[0]] == [place.folder]


def test_a_failure_is_noted_beside_the_cell_and_leaves_earlier_results(place: CellPlace) -> None:
    write(place, finished="first")
    record_failure(place, "사진이 어둡다")

    assert generation(place.folder) == "first"
    assert failures(place.outputs) == [
        {"category": "part", "method": "padim", "reason": "사진이 어둡다"}
    ]


@pytest.mark.parametrize("settings_id", ["", "seed-1"])
def test_a_success_removes_the_note_about_the_failure(tmp_path: Path, settings_id: str) -> None:
    place = CellPlace(tmp_path, "part", "padim", settings_id)
    record_failure(place, "no memory")
    noted = len(failures(tmp_path))
    write(place)

    assert noted == 1
    assert failures(tmp_path) == []
    assert not place.failure_file.exists()


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "null", '{"reason": 5}', ""])
def test_a_damaged_note_is_ignored(place: CellPlace, content: str) -> None:
    record_failure(place, "no memory")
    place.failure_file.write_text(content)

    assert failures(place.outputs) == []


def test_half_a_character_in_a_note_is_written_as_an_escape(place: CellPlace) -> None:
    record_failure(place, "no memory")
    place.failure_file.write_text('{"category": "part", "method": "padim", "reason": "\\ud800"}')

    assert [note["reason"] for note in failures(place.outputs)] == [r"\ud800"]


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
