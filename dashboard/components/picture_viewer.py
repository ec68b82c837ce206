"""The viewer: a part's pictures in a row, zoomed and moved together, original file and all.

Everything that comes from disk reaches the browser as data and is shown as text, never as HTML.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.components.assets import component
from dashboard.state import said

KEY = "viewer"
ZOOM_KEY = "zoom"
WHOLE = (1.0, 0.5, 0.5)
MOST_ZOOM = 40.0
NEIGHBOURS, MOST_KEPT = (0, 1, -1, 2), 24

_viewer = component("picture_viewer", '<div class="viewer"></div>')


def draw_viewer(
    make: Callable[[int], dict[str, Any]],
    names: Sequence[str],
    at: int,
    version: str,
    panels: Sequence[Mapping[str, str]],
    labels: Mapping[str, Any],
    opacity: float,
    on_method: Callable[[int], None] | None,
    **settings: Any,
) -> None:
    """Draw the viewer; what is stepped to becomes the session's ``sample``.

    Parameters
    ----------
    make : callable
        Returns what is shown of the sample at a place among `names` (see ``samples.viewer``).
    names : sequence of str
        All samples that can be stepped to, in order.
    at : int
        The place of the chosen one. Its neighbours are sent ahead of the key that asks for them.
    version : str
        Differs where other pictures or words are shown of a sample.
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

    kept = _kept(version)
    samples = {}
    for place in dict.fromkeys((at + by) % len(names) for by in NEIGHBOURS):
        name = names[place]
        shown = kept.get(name) or make(place)
        if not shown["absent"] and (shown["detail"] or zoom() == WHOLE):  # what lacks may come
            kept[name] = shown
        position = said("position", position=place + 1, count=len(names))
        samples[name] = shown | {"place": position}
    for name in list(kept)[:-MOST_KEPT]:
        kept.pop(name, None)  # another session may have done so
    _viewer(
        key=KEY,
        data={
            "samples": samples,
            "names": list(names),
            "chosen": names[at],
            "version": version,
            "panels": list(panels),
            "labels": dict(labels),
            "opacity": opacity,
            "methods": on_method is not None,
            "view": list(zoom()),
            **settings,
        },
        on_sample_change=stepped,
        on_view_change=zoomed,
        on_method_change=turned,
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _kept(version: str) -> dict[str, dict[str, Any]]:  # noqa: ARG001
    return {}


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
    except (TypeError, ValueError, OverflowError):
        return ""
    if not near > 1 or not math.isfinite(near + x + y):
        return ""
    return f"{near:g},{x:g},{y:g}"
