"""Numbers as people read them, and tables of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.figures.style import auroc_style
from dashboard.state import said, t
from detectors.backbones.names import weights_origin
from detectors.registry import METHODS
from evaluation.measure.operating_points import expected_interval, expected_share
from evaluation.store.spreadsheet import NOT_AVAILABLE, table_text
from evaluation.store.summary import MACHINE_COLUMNS

SETTING = re.compile(r"([a-z][a-z_]*?)-(.*?)(?:_(?=[a-z][a-z_]*?-)|$)")
SAID_BY_VALUE = ("engine", "precision")
ROW_PX, BORDER_PX, TALLEST_PX = 35, 3, 900


def draw_table(
    table: pd.DataFrame,
    headings: Mapping[str, Any],
    formats: Mapping[str, Any] | None = None,
    aurocs: Sequence[str] = (),
    tallest_px: int = TALLEST_PX,
    key: Any = None,
    on_cell: Callable[[int, str], None] | None = None,
) -> None:
    """Draw a table without scrolling, if `tallest_px` allows it; what is undefined reads ``n/a``.

    Columns without an entry in `headings` get the text ``column_<name>``; `formats` and `aurocs`
    name the columns whose numbers are formatted, and coloured as AUROC values. `on_cell` is given
    row and column of a cell that the user has clicked, before the page runs again.
    """

    def clicked() -> None:
        for row, column in st.session_state[key]["selection"]["cells"][:1]:
            if on_cell is not None and row < len(table):
                on_cell(row, column)

    style: Any = table.style
    style = style.format(dict(formats or {}), na_rep=NOT_AVAILABLE)
    st.dataframe(
        style.map(auroc_style, subset=list(aurocs)),
        hide_index=True,
        width="stretch",
        height=min(ROW_PX * (len(table) + 1) + BORDER_PX, tallest_px),
        placeholder=NOT_AVAILABLE,
        key=key,
        on_select="ignore" if on_cell is None else clicked,
        selection_mode="single-cell",
        column_config={name: headings.get(name) or t(f"column_{name}") for name in map(str, table)},
    )


def draw_download(label: str, table: pd.DataFrame, file_name: str, encoding: str = "utf-8") -> None:
    """Draw a button that downloads a table as CSV."""
    st.download_button(
        label,
        table_text(table).encode(encoding),
        file_name=file_name,
        mime="text/csv",
        on_click="ignore",
    )


def pinned(key: str, width: int | None = None) -> Any:
    """Return a column's heading that stays in sight when the table is scrolled sideways."""
    return st.column_config.Column(t(key), pinned=True, width=width)


def method_title(key: str) -> str:
    """Return the method's name for people, or the key itself if it is not known."""
    return METHODS[key].title if key in METHODS else key


def settings_title(identifier: str) -> str:
    """Return a settings' identifier as people read it: ``coreset ratio 0.02, openvino, int8``."""
    if not identifier:
        return said("default_settings")
    parts = []
    for name, value in SETTING.findall(identifier):
        if name == "leave_out":
            count, _, these = value.partition(".")
            parts.append(said("settings_left_out", count=count, these=these))
        else:
            parts.append(value if name in SAID_BY_VALUE else f"{name.replace('_', ' ')} {value}")
    return ", ".join(parts) or identifier


def cell_names(cells: Iterable[Mapping[Any, Any]]) -> str:
    """Return cells as ``bottle, cable (AE, PaDiM); pill (AE)``; each has category and method."""
    methods: dict[str, dict[str, None]] = {}
    for cell in cells:
        title = method_title(str(cell["method"]))
        methods.setdefault(str(cell["category"]), {})[title] = None
    categories: dict[str, list[str]] = {}
    for category, found in methods.items():
        categories.setdefault(", ".join(found), []).append(category)
    return "; ".join(f"{', '.join(names)} ({found})" for found, names in categories.items())


def number(value: float, digits: int = 3) -> str:
    """Return a number with fixed digits, ``n/a`` for NaN."""
    return NOT_AVAILABLE if math.isnan(value) else f"{value:.{digits}f}"


def interval(low: float, high: float) -> str:
    """Return an interval such as ``0.981–1.000``, ``n/a`` for NaN."""
    return NOT_AVAILABLE if math.isnan(low + high) else f"{low:.3f}–{high:.3f}"


def percent(share: float) -> str:
    """Return a share such as ``5 %`` or ``0.5 %``, ``n/a`` for NaN."""
    return NOT_AVAILABLE if math.isnan(share) else f"{100 * share:.3g} %"


def percent_interval(low: float, high: float) -> str:
    """Return an interval of shares such as ``0.2–5.9 %``, ``n/a`` for NaN."""
    return NOT_AVAILABLE if math.isnan(low + high) else f"{100 * low:.1f}–{100 * high:.1f} %"


def expected_alarms(pictures: int, false_alarms: float) -> dict[str, str]:
    """Return what share of good parts exceeds a threshold from so few pictures.

    On average, ``share``, and ``between`` which shares for one such threshold.
    """
    return {
        "share": percent(expected_share(pictures, false_alarms)),
        "between": percent_interval(*expected_interval(pictures, false_alarms)),
    }


def weights_text(label: str) -> str:
    """Return where a cell's backbone weights came from, as ``cell.json`` says it."""
    kind, value = weights_origin(label)
    return said(f"weights_{kind}", value=value) if kind else label


def machine(cell: Mapping[Any, Any]) -> str:
    """Return the processor, threads and system that a cell's times were measured with."""
    cpu, threads, system = (str(cell.get(name) or NOT_AVAILABLE) for name in MACHINE_COLUMNS)
    if cpu == NOT_AVAILABLE:
        return said("machine_unknown")
    processor = said("overview_machine", cpu=cpu, threads=threads)
    return processor if system == NOT_AVAILABLE else f"{processor}, {system}"


def machines(cells: pd.DataFrame) -> list[str]:
    """Return the machines that rows of the summary name, each once."""
    return sorted({machine(row) for row in cells[MACHINE_COLUMNS].to_dict("records")})
