"""Whatever stands in the files of a cell: it is read, or refused in a sentence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.cells import CELL_FILE, CellError, all_cells, read_cell
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
