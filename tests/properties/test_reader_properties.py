"""Whatever is done to the files of a cell or a job: they are refused in a sentence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluation.run.job import read_status
from evaluation.run.progress import CellState, JobStatus, status_file, write_status
from evaluation.store.cells import read_cell, stored_cells, write_cell_file
from evaluation.store.curves import CURVE_NAMES, read_curves
from evaluation.store.places import CELL_FILE, CURVES_FILE, SCORES_FILE, CellError
from evaluation.store.scores import read_scores
from tests.make_data import cell_content

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(content: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return every value, as what holds it and its name there."""
    deeper = [
        place for value in content.values() if isinstance(value, dict) for place in places(value)
    ]
    return [(content, name) for name in content] + deeper


def draw_edit(data: st.DataObject, file: Path) -> None:
    """Change or remove one value in a JSON file; give up where that leaves it as it was."""
    before = json.loads(file.read_text())
    content = json.loads(file.read_text())
    holder, name = data.draw(st.sampled_from(places(content)))
    if data.draw(st.booleans()):
        holder[name] = data.draw(JSON)
    else:
        del holder[name]
    assume(json.dumps(content, sort_keys=True) != json.dumps(before, sort_keys=True))
    file.write_text(json.dumps(content))


def draw_spoiled(data: st.DataObject, content: bytes) -> bytes:
    """Change some bytes, cut it, or put other bytes in its place."""
    spoiled = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=20)):
        spoiled[place] = data.draw(st.integers(0, 255))
    cut = bytes(spoiled[: data.draw(st.integers(0, len(content)))])
    made = data.draw(st.sampled_from([bytes(spoiled), cut]) | st.binary(max_size=200))
    assume(made != content)
    return made


def write_cell(outputs: Path) -> Path:
    folder = outputs / "part" / "padim"
    folder.mkdir(parents=True)
    (folder / SCORES_FILE).write_text("split,defect,stem\ntest,good,000\n")
    arrays = dict.fromkeys(CURVE_NAMES, np.linspace(0, 1, 5))
    np.savez(folder / CURVES_FILE, allow_pickle=False, **arrays)
    write_cell_file(folder, cell_content())
    return folder


@given(st.data())
def test_a_cell_file_that_was_edited_or_spoiled_is_refused(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = write_cell(Path(name)) / CELL_FILE
        assert read_cell(file.parent)["method"] == "padim"
        if data.draw(st.booleans()):
            draw_edit(data, file)
        else:
            file.write_bytes(draw_spoiled(data, file.read_bytes()))
        [cell] = stored_cells(Path(name)).values()

        assert cell.about is None
        assert str(cell.damage).startswith(str(file))


@pytest.mark.parametrize(("file", "read"), [(SCORES_FILE, read_scores), (CURVES_FILE, read_curves)])
@given(data=st.data())
def test_scores_and_curves_with_other_bytes_are_refused(
    file: str, read: Any, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write_cell(Path(name))
        path = folder / file
        path.write_bytes(draw_spoiled(data, path.read_bytes()))
        with pytest.raises(CellError, match="changed after the evaluation"):
            read(folder, read_cell(folder))


@given(st.data())
def test_a_status_that_was_edited_or_spoiled_is_none(data: st.DataObject) -> None:
    status = JobStatus(state="done", cells=[CellState("part", "padim", "done")], arguments=["x"])
    with tempfile.TemporaryDirectory() as name:
        write_status(Path(name), status)
        assert read_status(Path(name)) == status
        file = status_file(Path(name))
        if data.draw(st.booleans()):
            draw_edit(data, file)
        else:
            file.write_bytes(draw_spoiled(data, file.read_bytes()))
        assert read_status(Path(name)) is None
