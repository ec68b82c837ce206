"""A packed cell becomes exactly the cell that it was, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.cluster.packing import PackedError, pack, put_in_place
from evaluation.run.category import evaluate
from evaluation.store.cells import read_cell
from evaluation.store.checksums import CHECKSUM, content_checksum
from evaluation.store.places import CellPlace
from tests.evaluation.cluster.placed import progress_of, small_run

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> CellPlace:
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(folder / "cache"))
        run = replace(small_run(folder), methods=["padim"])
        evaluate(run, progress_of(run))
    return run.place_of(run.planned[0])


@pytest.fixture
def files(finished: CellPlace, tmp_path: Path) -> Files:
    return pack(Path(shutil.copytree(finished.folder, tmp_path / "sent")))


def test_a_cell_arrives_with_all_its_files_and_names_the_data_here(
    finished: CellPlace, files: Files, tmp_path: Path
) -> None:
    before, place = read_cell(finished.folder), replace(finished, outputs=tmp_path / "received")
    put_in_place(files, place, tmp_path, before["data_fingerprint"])
    after = read_cell(place.folder)

    assert not (tmp_path / "sent").exists()
    assert after["data_root"] == str(tmp_path.resolve())
    assert after["metrics"] == before["metrics"]
    assert {path.name: path.read_bytes() for path in place.folder.iterdir()} == files | {
        "cell.json": (place.folder / "cell.json").read_bytes()
    }


def other(files: Files, **changes: object) -> Files:
    """Return the files with another ``cell.json``, which says that it is whole."""
    cell = json.loads(files["cell.json"]) | changes
    cell[CHECKSUM] = content_checksum(cell)
    return files | {"cell.json": json.dumps(cell).encode()}


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda files: files | {"../escaped": b"x"}, "no file of a cell"),
        (lambda files: files | {"..\\escaped": b"x"}, "no file of a cell"),
        (lambda files: files | {".escaped": b"x"}, "no file of a cell"),
        (lambda files: files | {"scores.csv": files["scores.csv"][:-1] + b"9"}, "corrupted"),
        (lambda files: {name: files[name] for name in files if name != "maps.npy"}, "corrupted"),
        (lambda files: files | {"cell.json": b"[1"}, "corrupted"),
        (lambda files: files | {"cell.json": b"[1]"}, "corrupted"),
        (lambda files: files | {"cell.json": files["cell.json"].replace(b"1", b"2")}, "corrupted"),
        (lambda _: {}, "corrupted"),
        (lambda files: other(files, format=3), "another cell or version"),
        (lambda files: other(files, category="nut"), "another cell or version"),
        (lambda files: other(files, settings_id="seed-3"), "another cell or version"),
        (lambda files: other(files, data_fingerprint="0"), "other data"),
    ],
)
def test_a_spoiled_cell_leaves_nothing(
    finished: CellPlace,
    files: Files,
    tmp_path: Path,
    spoiled: Callable[[Files], Files],
    said: str,
) -> None:
    place = replace(finished, outputs=tmp_path / "received")
    pictures = read_cell(finished.folder)["data_fingerprint"]
    with pytest.raises(PackedError, match=said):
        put_in_place(spoiled(files), place, tmp_path, pictures)

    assert not list(tmp_path.rglob("*escaped*"))
    assert not list(place.folder.parent.iterdir())
