"""The viewer: a part's pictures in a row, zoomed and moved together, original file and all.

Everything that comes from disk reaches the browser as data and is shown as text, never as HTML.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.components.assets import component

KEY = "viewer"
ZOOM_KEY = "zoom"
WHOLE = (1.0, 0.5, 0.5)
MOST_ZOOM = 40.0

_viewer = component("picture_viewer", '<div class="viewer"></div>')


def draw_viewer(
    samples: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    chosen: str,
    panels: Sequence[Mapping[str, str]],
    labels: Mapping[str, Any],
    opacity: float,
    on_method: Callable[[int], None] | None,
    **settings: Any,
) -> None:
    """Draw the viewer; what is stepped to becomes the session's ``sample``.

    Parameters
    ----------
    samples : mapping
        What is shown of the chosen sample and its neighbours, by name (see ``samples.viewer``).
    names : sequence of str
        All samples that can be stepped to, in order.
    chosen : str
    panels : sequence of ``{"kind": image | truth | heat | overlay, "method", "title"}``
    labels : mapping
        Texts of the tools.
    opacity : float
        Of the hottest colour in an overlay, 0 to 1.
    on_method : callable or None
        Is given 1 or -1 when the user asks for the next or the previous method.
    """

    def stepped() -> None:
        name = st.session_state[KEY].get("sample")
        if isinstance(name, str) and name in names:
            st.session_state["sample"] = name

    def zoomed() -> None:
        st.session_state[ZOOM_KEY] = zoom_text(st.session_state[KEY].get("view"))

    def turned() -> None:
        by = st.session_state[KEY].get("method")
        if by in (1, -1) and on_method is not None:
            on_method(by)

    _viewer(
        key=KEY,
        data={
            "samples": dict(samples),
            "names": list(names),
            "chosen": chosen,
            "panels": list(panels),
            "labels": dict(labels),
            "opacity": opacity,
            "view": list(zoom()),
            **settings,
        },
        on_sample_change=stepped,
        on_view_change=zoomed,
        on_method_change=turned,
    )


def zoom() -> tuple[float, float, float]:
    """Return the magnification and the middle of what is seen, as parts of width and height."""
    try:
        near, x, y = (float(part) for part in str(st.session_state.get(ZOOM_KEY, "")).split(","))
    except ValueError:
        return WHOLE
    if not (1 <= near <= MOST_ZOOM and 0 <= x <= 1 and 0 <= y <= 1):  # false for NaN
        return WHOLE
    return near, x, y


def zoom_text(view: Any) -> str:
    """Return what the browser sent as it stands in the address, "" for the whole picture."""
    try:
        near, x, y = (float(part) for part in view)
    except (TypeError, ValueError):
        return ""
    if not near > 1 or not math.isfinite(near + x + y):
        return ""
    return f"{near:g},{x:g},{y:g}"
