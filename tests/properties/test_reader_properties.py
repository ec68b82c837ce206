"""Whatever stands in the files of a cell: it is read, or refused in a sentence."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluation.cells import CELL_FILE, CellError, all_cells, read_cell
from evaluation.curves import CURVE_NAMES, read_curves
from evaluation.job import JobStatus, job_folder, read_status, write_status
from evaluation.scores import COLUMNS as SCORE_COLUMNS
from evaluation.scores import read_scores
from evaluation.summary import COLUMNS, summary_table
from tests.make_data import cell_content

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def place_of(content: dict[str, Any], path: list[str]) -> dict[str, Any]:
    for key in path:
        content = content[key]
    return content


def paths(content: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the way to every value."""
    found = []
    for key, value in content.items():
        found.append((*above, key))
        if isinstance(value, dict):
            found += paths(value, (*above, key))
    return found


@given(st.data())
@settings(max_examples=150)
def test_a_cell_with_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    content = cell_content()
    *above, key = data.draw(st.sampled_from(paths(content)))
    holder = place_of(content, above)
    if data.draw(st.booleans()):
        holder[key] = data.draw(JSON)
    else:
        del holder[key]
    expect_read_or_refused(json.dumps(content).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes) -> None:
    expect_read_or_refused(content)


@given(st.data())
def test_a_cut_cell_is_refused(data: st.DataObject) -> None:
    whole = json.dumps(cell_content()).encode()
    cut = whole[: data.draw(st.integers(0, len(whole) - 2))]

    assert not expect_read_or_refused(cut)


def expect_read_or_refused(content: bytes) -> bool:
    """Expect a row in the summary or a sentence; tell whether it was read."""
    with tempfile.TemporaryDirectory() as name:
        outputs = Path(name)
        folder = outputs / "part" / "padim"
        folder.mkdir(parents=True)
        (folder / CELL_FILE).write_bytes(content)
        cells, problems = all_cells(outputs)
        table, said = summary_table(outputs)
        if refused(folder):
            assert len(problems) == len(said) == 1
            assert not cells
            return False
        assert list(table.columns) == COLUMNS
        assert len(table) == len(cells) == 1
        return True


def refused(folder: Path) -> str:
    """Return the sentence with which a cell is refused, or ""."""
    try:
        read_cell(folder)
    except CellError as error:
        return str(error)
    return ""


SCORES = [
    SCORE_COLUMNS,
    ["test", "good", "000", "0", "1.5", "True", "0", "90.1", "part/test/good/000.png"],
    ["test", "blot", "000", "1", "2.5", "True", "12", "80", "part/test/blot/000.png"],
    ["calibration", "good", "001", "0", "0.5", "True", "0", "90", "part/train/good/001.png"],
]
COUNTED = {"test_good": 1, "test_defective": 1, "calibration_images": 1}
ODD = st.sampled_from(["", "nan", "inf", "1e999", "True", "..", "\0", '"', "\n", "-1", "9" * 400])


@given(st.data())
def test_scores_with_any_text_in_any_place_are_read_or_refused(data: st.DataObject) -> None:
    rows = [list(row) for row in SCORES]
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.sampled_from(rows))
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(st.text(max_size=9) | ODD)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    content = text.getvalue().encode(errors="surrogatepass")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "scores.csv"
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))] or content)
        try:
            table = read_scores(path, COUNTED)
        except ValueError:
            return
        assert np.isfinite(table["score"].to_numpy(float)).all()
        assert sorted(table["label"]) == [0, 0, 1]
        assert len(table) == 3


@example([(0.999197850556129, 1)])  # the place of the table of contents lies before the file
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20))
def test_curves_with_any_bytes_in_any_place_are_read_or_refused(
    spoiled: list[tuple[float, int]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "curves.npz"
        row = np.linspace(0, 1, 5)
        np.savez(path, allow_pickle=False, **dict.fromkeys(CURVE_NAMES, row))
        content = bytearray(path.read_bytes())
        for place, value in spoiled:
            content[int(place * (len(content) - 1))] = value
        path.write_bytes(content)
        try:
            arrays = read_curves(path)
        except ValueError:
            return
        assert set(arrays) == set(CURVE_NAMES)
        assert all(array.ndim == 1 and array.dtype.kind == "f" for array in arrays.values())


@given(st.data())
def test_a_status_with_any_value_in_any_place_is_read_or_none(data: st.DataObject) -> None:
    content = asdict(JobStatus(state="done", cells=[], arguments=["--data", "demo"]))
    content["cells"] = [{"category": "part", "method": "padim", "state": "done"}]
    holder = data.draw(st.sampled_from([content, content["cells"][0]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(JSON)
    with tempfile.TemporaryDirectory() as name:
        job_folder(Path(name)).mkdir()
        (job_folder(Path(name)) / "status.json").write_text(json.dumps(content))
        status = read_status(Path(name))
        if status is not None:
            write_status(Path(name), status)
            assert read_status(Path(name)) == status
