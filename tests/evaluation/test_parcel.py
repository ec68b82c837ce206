"""A parcel becomes exactly the cell that it was, or nothing."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from evaluation.cells import CellPlace, read_cell
from evaluation.parcel import ParcelError, pack, put_in_place
from evaluation.runner import Run, evaluate
from tests.evaluation.placed import progress_of, small_run

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(folder / "cache"))
        run = replace(small_run(folder), methods=["padim"])
        evaluate(run, progress_of(run))
    return run


@pytest.fixture
def sent(finished: Run, tmp_path: Path) -> tuple[bytes, CellPlace]:
    """Return the parcel of a cell and its place on the receiving side."""
    place = finished.place_of(finished.planned[0])
    copy = tmp_path / "sent"
    shutil.copytree(place.folder, copy)
    parcel = pack(copy, tmp_path)
    assert parcel is not None
    return parcel, replace(place, outputs=tmp_path / "received")


def files_of(parcel: bytes) -> Files:
    """Return the files in a parcel by name."""
    with ZipFile(io.BytesIO(parcel)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def parcel_of(files: Files, compression: int = ZIP_STORED) -> bytes:
    """Return a parcel of files."""
    file = io.BytesIO()
    with ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def fingerprint(finished: Run) -> str:
    """Return the fingerprint of the pictures."""
    found: str = read_cell(finished.place_of(finished.planned[0]).folder)["data_fingerprint"]
    return found


def test_a_cell_arrives_with_all_its_files_and_names_the_data_here(
    finished: Run, sent: tuple[bytes, CellPlace], tmp_path: Path
) -> None:
    parcel, place = sent
    put_in_place(parcel, place, tmp_path, fingerprint(finished))
    before = read_cell(finished.place_of(finished.planned[0]).folder)
    after = read_cell(place.folder)

    assert after["data_root"] == str(tmp_path.resolve())
    assert {path.name for path in place.folder.iterdir()} == files_of(parcel).keys()
    assert after["metrics"] == before["metrics"]


@pytest.mark.usefixtures("sent")
def test_a_folder_is_packed_once_and_gone_then(tmp_path: Path) -> None:
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("sent")]
    assert pack(tmp_path / "sent", tmp_path) is None


def outside(files: Files) -> bytes:
    return parcel_of(files | {"../escaped.txt": b"x"})


def absolute(files: Files) -> bytes:
    return parcel_of(files | {"/tmp/escaped.txt": b"x"})


def windows(files: Files) -> bytes:
    return parcel_of(files | {"..\\escaped.txt": b"x"})


def hidden(files: Files) -> bytes:
    return parcel_of(files | {".escaped": b"x"})


def compressed(files: Files) -> bytes:
    return parcel_of(files, ZIP_DEFLATED)


def cut(files: Files) -> bytes:
    return parcel_of(files)[:-40]


def changed(files: Files) -> bytes:
    return parcel_of(files | {"scores.csv": files["scores.csv"][:-1] + b"9"})


def lost(files: Files) -> bytes:
    return parcel_of({name: files[name] for name in files if name != "maps.npy"})


def no_cell(files: Files) -> bytes:
    return parcel_of(files | {"cell.json": b"[1"})


@pytest.mark.parametrize(
    "spoiled", [outside, absolute, windows, hidden, compressed, cut, changed, lost, no_cell]
)
def test_a_spoiled_parcel_leaves_nothing(
    finished: Run,
    sent: tuple[bytes, CellPlace],
    tmp_path: Path,
    spoiled: Callable[[Files], bytes],
) -> None:
    parcel, place = sent
    with pytest.raises(ParcelError):
        put_in_place(spoiled(files_of(parcel)), place, tmp_path, fingerprint(finished))

    assert not place.finished
    assert not list(tmp_path.rglob("*escaped*"))
    assert not list(place.folder.parent.iterdir())


def test_a_cell_of_other_pictures_or_of_another_place_is_refused(
    finished: Run, sent: tuple[bytes, CellPlace], tmp_path: Path
) -> None:
    parcel, place = sent
    with pytest.raises(ParcelError, match="other data"):
        put_in_place(parcel, place, tmp_path, "other pictures")
    for other in (replace(place, category="nut"), replace(place, settings_id="seed-3")):
        with pytest.raises(ParcelError):
            put_in_place(parcel, other, tmp_path, fingerprint(finished))
