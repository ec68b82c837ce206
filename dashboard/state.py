"""What the user has selected: kept in the session, mirrored in the URL, read by every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard import texts
from dashboard.texts import DEFAULT_LANGUAGE, LANGUAGES, TEXTS, translate, wording
from data_utils.facts import Fact
from data_utils.locations import demo_root
from evaluation.measure.operating_points import DEFAULT_FALSE_ALARMS

TEXT_KEYS = ("lang", "category", "method", "sample")
ALARMS_KEY = "alarms"
URL_KEYS = (*TEXT_KEYS, ALARMS_KEY)
ALARMS_STEP, ALARMS_MOST = 0.5, 30.0
SELECTION_KEY, KEPT_KEY = "_selection", "_kept"


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

    @property
    def data_argument(self) -> str:
        """What ``evaluate.py --data`` takes for this folder; empty if there is none."""
        if self.data is None:
            return ""
        return "demo" if self.demo and self.data == demo_root() else str(self.data.absolute())


def language() -> str:
    """Return the language of this session, ``"en"`` or ``"ko"``."""
    chosen = st.session_state.get("lang", DEFAULT_LANGUAGE)
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE


def t(key: str, **values: object) -> str:
    """Return a text in the session's language as Markdown, with `values` escaped."""
    return translate(key, language(), **values)


def said(key: str, **values: object) -> str:
    """Return a text in the session's language as it is, for charts, chips and files."""
    return wording(key, language(), **values)


def score_unit(method: str) -> str:
    """Return what the method's scores measure."""
    known = f"unit_{method}" in TEXTS[DEFAULT_LANGUAGE]
    return said(f"unit_{method}") if known else said("unit_other")


def told(fact: Fact) -> str:
    """Return what the evaluation tells in the session's language, as Markdown."""
    return texts.told(fact, language())


def restore() -> None:
    """Take over what the URL says at the start of a session, and keep choices across pages.

    Streamlit forgets the value of a widget that the current page does not draw, unless the
    script has set it itself.
    """
    for key in st.session_state.get(KEPT_KEY, ()):
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    for key in URL_KEYS:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
        elif key in st.query_params:
            given = st.query_params[key]
            st.session_state[key] = _alarms(given) if key == ALARMS_KEY else given


def mirror_in_url() -> None:
    """Write the current choice into the URL, so that a view can be shared."""
    wanted = {key: str(st.session_state[key]) for key in URL_KEYS if st.session_state.get(key)}
    if wanted.get(ALARMS_KEY) == str(_alarms("")):
        del wanted[ALARMS_KEY]
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)


def select(selection: Selection) -> None:
    """Make `selection` the one that the page reads."""
    st.session_state[SELECTION_KEY] = selection


def selected() -> Selection:
    """Return the current choice, made by the sidebar before any page runs."""
    selection: Selection = st.session_state[SELECTION_KEY]
    return selection


def remember(key: str, start: object) -> None:
    """Let widget `key` begin with `start`, and keep its value while other pages are shown."""
    st.session_state.setdefault(key, start)
    st.session_state.setdefault(KEPT_KEY, set()).add(key)


def keep_choice(key: str, options: Sequence[object]) -> None:
    """Make sure that the session's value for widget `key` is one of `options`, and remember it."""
    remember(key, options[0])
    if st.session_state[key] not in options:
        st.session_state[key] = options[0]


def keep_choices(key: str, options: Iterable[str]) -> None:
    """Drop from the session's list for widget `key` what is not one of `options`."""
    known = set(options)
    chosen = st.session_state.get(key, [])
    if not known.issuperset(chosen):
        st.session_state[key] = [name for name in chosen if name in known]


def allowed_false_alarms() -> float:
    """Return the share of good parts that may be reported, the same on every page."""
    return float(st.session_state.get(ALARMS_KEY, _alarms(""))) / 100


def draw_false_alarm_slider() -> float:
    """Draw the slider "allow X % false alarms"; return the share."""
    st.session_state.setdefault(ALARMS_KEY, _alarms(""))
    percent = st.slider(
        t("allow_alarms"),
        ALARMS_STEP,
        ALARMS_MOST,
        step=ALARMS_STEP,
        format="%g %%",
        key=ALARMS_KEY,
        help=t("allow_alarms_help"),
    )
    return float(percent) / 100


def _alarms(given: str) -> float:
    """Return a percentage on the slider's grid; the default for what is no number."""
    try:
        steps = round(float(given) / ALARMS_STEP)
    except (ValueError, OverflowError):
        return 100 * DEFAULT_FALSE_ALARMS
    return min(max(steps, 1) * ALARMS_STEP, ALARMS_MOST)
