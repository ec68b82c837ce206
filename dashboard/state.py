"""What the user has selected: kept in the session, mirrored in the URL, read by every page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.texts import DEFAULT_LANGUAGE, LANGUAGES, translate

URL_KEYS = ("lang", "category", "method", "sample")
SELECTION_KEY = "_selection"


@dataclass(frozen=True)
class Selection:
    """The current choice.

    Attributes
    ----------
    data : Path or None
        The data folder; None if there is none that can be used.
    demo : bool
        Whether it holds generated pictures.
    categories : tuple of str
        The data folder's categories.
    category, method : str
        Empty where nothing can be chosen.
    outputs : Path
        The outputs folder.
    """

    data: Path | None
    demo: bool
    categories: tuple[str, ...]
    category: str
    method: str
    outputs: Path


def language() -> str:
    """Return the language of this session, ``"en"`` or ``"ko"``."""
    chosen = st.session_state.get("lang", DEFAULT_LANGUAGE)
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE


def t(key: str, **values: object) -> str:
    """Return a text in the session's language."""
    return translate(key, language(), **values)


def restore_from_url() -> None:
    """Take over what the URL says, once, at the start of a session."""
    for key in URL_KEYS:
        if key not in st.session_state and key in st.query_params:
            st.session_state[key] = st.query_params[key]


def mirror_in_url() -> None:
    """Write the current choice into the URL, so that a view can be shared."""
    wanted = {key: str(st.session_state[key]) for key in URL_KEYS if st.session_state.get(key)}
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)


def select(selection: Selection) -> None:
    """Make `selection` the one that the page reads."""
    st.session_state[SELECTION_KEY] = selection


def selected() -> Selection:
    """Return the current choice, made by the sidebar before any page runs."""
    selection: Selection = st.session_state[SELECTION_KEY]
    return selection


def keep_choice(key: str, options: list[str]) -> None:
    """Make sure that the session's value for widget `key` is one of `options`."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
