"""A gallery of thumbnails: one button per picture, in a box that scrolls.

Everything that comes from disk reaches the browser as data and is shown as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import streamlit as st

from dashboard.components.assets import component

KEY = "gallery"

_gallery = component("gallery", '<div class="gallery" role="group"></div>')


@dataclass(frozen=True)
class Tile:
    """One picture of the gallery, with two lines below it: a sign and the label, and the score.

    The name is told back on a click; `mark` is a short remark on the thumbnail, `about` what a
    screen reader says, `picture` a data URL. Mark and picture may be empty.
    """

    name: str
    label: str
    score: str
    defective: bool
    mark: str
    about: str
    picture: str


def draw_gallery(tiles: Sequence[Tile], label: str, aspect: float) -> None:
    """Draw the gallery; a click makes the tile's name the session's ``sample``.

    The one that the viewer shows is marked in the browser, so that nothing is sent for a step.

    Parameters
    ----------
    tiles : sequence of Tile
        Their names differ.
    label : str
        What a screen reader calls the gallery.
    aspect : float
        Width of a thumbnail divided by its height.
    """
    shown = [asdict(tile) for tile in tiles]
    _gallery(
        key=KEY,
        data={"tiles": shown, "label": label, "aspect": aspect},
        on_picked_change=partial(take_over, frozenset(tile.name for tile in tiles)),
    )


def take_over(names: frozenset[str]) -> None:
    """Choose the sample that was clicked; what is no tile's name comes from elsewhere."""
    picked = st.session_state[KEY].get("picked")
    if isinstance(picked, str) and picked in names:
        st.session_state["sample"] = picked
