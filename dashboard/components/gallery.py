"""A gallery of thumbnails: one button per picture, in a box that scrolls.

Everything that comes from disk reaches the browser as data and is shown as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.figures.style import DEFECT_COLOUR, GOOD_COLOUR

HERE = Path(__file__).resolve().parent
COLOURS_CSS = f":host {{ --good: {GOOD_COLOUR}; --defect: {DEFECT_COLOUR}; }}\n"

_gallery = st.components.v2.component(
    "picture_gallery",
    html='<div class="gallery" role="group"></div>',
    css=COLOURS_CSS + (HERE / "gallery.css").read_text(encoding="utf-8"),
    js=(HERE / "gallery.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Tile:
    """One picture of the gallery.

    Attributes
    ----------
    name : str
        Told back when the tile is clicked; unique in the gallery.
    label, score : str
        The two lines below the thumbnail.
    defective : bool
        Decides the sign before the label.
    mark : str
        A short remark on the thumbnail, empty for none.
    about : str
        What a screen reader says.
    picture : str
        The thumbnail as a data URL, empty where there is none.
    """

    name: str
    label: str
    score: str
    defective: bool
    mark: str
    about: str
    picture: str


def draw_gallery(
    tiles: Sequence[Tile], chosen: str, label: str, aspect: float, key: str, state_key: str
) -> None:
    """Draw the gallery; a click writes the tile's name to ``st.session_state[state_key]``.

    Parameters
    ----------
    tiles : sequence of Tile
    chosen : str
        The name of the tile that is marked as current.
    label : str
        What a screen reader calls the gallery.
    aspect : float
        Width of a thumbnail divided by its height.
    key : str
        The component's own key.
    state_key : str
    """
    _gallery(
        key=key,
        data={
            "tiles": [asdict(tile) for tile in tiles],
            "chosen": chosen,
            "label": label,
            "aspect": aspect,
        },
        on_picked_change=partial(take_over, key, state_key, frozenset(tile.name for tile in tiles)),
    )


def take_over(key: str, state_key: str, names: frozenset[str]) -> None:
    """Write what was clicked in gallery `key` to ``st.session_state[state_key]``.

    What is no tile's name is ignored: it comes from the browser.
    """
    picked = st.session_state[key].get("picked")
    if isinstance(picked, str) and picked in names:
        st.session_state[state_key] = picked
