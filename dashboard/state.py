"""What the user has selected: kept in the session, mirrored in the URL, read by every page."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import texts
from dashboard.texts import DEFAULT_LANGUAGE, LANGUAGES, TEXTS, translate, wording
from data_utils.facts import Fact
from data_utils.locations import demo_root
from evaluation.measure.conditions import ABOVE, BETWEEN, WITHIN
from evaluation.measure.operating_points import DEFAULT_FALSE_ALARMS

ALARMS_KEY = "alarms"
LASTING = ("lang", "data_folder", "category", "method", "settings", ALARMS_KEY, "sample", "zoom")
PICTURES = {"show", "defect", "sample"}  # taken from an address together
ALARMS_STEP, ALARMS_MOST = 0.5, 30.0
SELECTION_KEY, KEPT_KEY, DRAWN_KEY = "_selection", "_kept", "_drawn"
NO_ZOOM = {"zoom": ""}  # which the viewer itself writes into the address
RECENT_KEY, ADOPTED_KEY, VALUES_KEY, MOST_RECENT = "_recent", "_adopted", "_values", 50
SAMPLES_PAGE, OPEN_KEY = "pages/samples.py", "_open"


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
    settings : str
        The identifier of the settings whose results are shown, "" for the default ones.
    outputs : Path
        The outputs folder.
    """

    data: Path | None
    demo: bool
    categories: tuple[str, ...]
    category: str
    method: str
    outputs: Path
    settings: str = ""

    @property
    def data_argument(self) -> str:
        """What ``evaluate.py --data`` takes for this folder; empty if there is none."""
        if self.data is None:
            return ""
        return "demo" if self.demo and self.data == demo_root() else str(self.data.absolute())


def language() -> str:
    """Return the language of this session: as chosen, else the browser's, else English."""
    chosen = st.session_state.get("lang") or str(st.context.locale or "").split("-")[0]
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
    """Take over what the address says where it is not of this session's making, and keep choices.

    So it is in a new session, after Back, and after a link. A run that was asked for before the
    browser had the latest address brings an older one of this session, which says nothing.
    Streamlit forgets values of widgets that a page does not draw, unless the script sets them.
    """
    given = st.query_params.to_dict()
    recent: list[dict[str, str]] = st.session_state.setdefault(RECENT_KEY, [])
    context = get_script_run_ctx()
    back = context is not None and context.is_history_navigation
    adopting = back or given | NO_ZOOM not in recent
    st.session_state[ADOPTED_KEY] = given if adopting else {}
    if adopting and given and recent:
        last = recent[-1]
        changed = {key for key in given.keys() | last.keys() if given.get(key) != last.get(key)}
        for key in changed | (PICTURES if changed & PICTURES else set()):
            forget(key)
    values = st.session_state.get(VALUES_KEY, {})
    for key in (*st.session_state.get(KEPT_KEY, {}), *LASTING):
        if key in st.session_state or key in values:
            st.session_state[key] = st.session_state.get(key, values.get(key))
        elif key in LASTING and (text := _adopted(key)) and not elsewhere(text):
            st.session_state[key] = _alarms(text) if key == ALARMS_KEY else text
    st.session_state[DRAWN_KEY] = set()


def forget(key: str) -> None:
    """Let widget `key` begin anew."""
    st.session_state.pop(key, None)
    st.session_state.get(VALUES_KEY, {}).pop(key, None)


def _adopted(key: str) -> str | None:
    """Return what the address says, where this run takes it over."""
    given: str | None = st.session_state.get(ADOPTED_KEY, {}).get(key)
    return given


def elsewhere(path: str) -> bool:
    """Tell whether a path is on another computer, which no link may make this one ask."""
    return path.strip().replace("\\", "/").startswith("//")


def mirror_in_url() -> None:
    """Write the current choices into the address, so that a view can be shared.

    Of those that a single page draws, what differs from where they begin.
    """
    starts: dict[str, object] = st.session_state.get(KEPT_KEY, {})
    wanted = address()
    for key in st.session_state.get(DRAWN_KEY, ()):
        value = st.session_state.get(key, starts[key])
        if key not in LASTING and value != starts[key]:
            wanted[key] = value if isinstance(value, str) else json.dumps(value)
    for key in ("sample", "zoom"):
        if st.session_state.get(key):
            wanted[key] = str(st.session_state[key])
    values = {key: st.session_state[key] for key in {*starts, *LASTING} & {*st.session_state}}
    st.session_state.setdefault(VALUES_KEY, {}).update(values)
    recent: list[dict[str, str]] = st.session_state.setdefault(RECENT_KEY, [])
    recent[:] = [*recent[-MOST_RECENT:], wanted | NO_ZOOM]
    st.session_state[ADOPTED_KEY] = {}
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)


def address(**changes: str) -> dict[str, str]:
    """Return the parameters of an address with the session's choices and these changes."""
    kept = (key for key in LASTING if key not in ("sample", "zoom"))
    chosen = {key: str(st.session_state[key]) for key in kept if st.session_state.get(key)}
    if chosen.get(ALARMS_KEY) == str(_alarms("")):
        del chosen[ALARMS_KEY]
    return {key: value for key, value in (chosen | changes).items() if value}


def forget_scores() -> None:
    """Forget a choice by raw scores: they say nothing of another method or category."""
    if str(st.session_state.get("show")).partition(":")[0] in (ABOVE, BETWEEN, WITHIN):
        st.session_state["show"] = ""


def open_samples(**changes: str) -> None:
    """Let the next run open Samples with these choices; what they leave open begins anew."""
    forget("sample")
    st.session_state.update({"show": "", "defect": "", "zoom": ""} | changes)
    st.session_state[OPEN_KEY] = True


def follow() -> None:
    """Go to Samples if the user has opened pictures there."""
    if st.session_state.pop(OPEN_KEY, False):
        st.switch_page(SAMPLES_PAGE)


def select(selection: Selection) -> None:
    """Make `selection` the one that the page reads."""
    st.session_state[SELECTION_KEY] = selection


def selected() -> Selection:
    """Return the current choice, made by the sidebar before any page runs."""
    selection: Selection = st.session_state[SELECTION_KEY]
    return selection


def remember(
    key: str, start: object, least: float = -math.inf, most: float = math.inf, shared: bool = True
) -> None:
    """Let widget `key` begin with `start` or, where the address says so, as it says.

    Its value is kept while other pages are shown.

    Parameters
    ----------
    least, most : float
        Of numbers.
    shared : bool
        Whether the value stands in the address.
    """
    st.session_state.setdefault(KEPT_KEY, {})[key] = start
    if shared:
        st.session_state.setdefault(DRAWN_KEY, set()).add(key)
    if key not in st.session_state:
        given = _adopted(key) if shared else None
        st.session_state[key] = start if given is None else _read(given, start, least, most)


def _read(given: str, start: object, least: float, most: float) -> object:
    """Return what an address gives for a widget that begins with `start`; that if it cannot be."""
    if isinstance(start, str):
        return given
    try:
        value = json.loads(given)
    except (ValueError, RecursionError):
        return start
    if isinstance(start, list):
        whole = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return value if whole else start
    if isinstance(start, bool) or isinstance(value, bool):
        return value if type(value) is type(start) else start
    numeric = isinstance(value, (int, float)) and math.isfinite(value)
    if not numeric or not least <= value <= most:
        return start
    return float(value) if start is None else type(start)(value)  # type: ignore[call-arg]


def keep_choice(key: str, options: Sequence[object]) -> None:
    """Remember widget `key` with one of `options`; tell what else an address names."""
    remember(key, options[0])
    value = st.session_state[key]
    if value not in options:
        st.session_state[key] = options[0]
        if value and _adopted(key) == str(value):
            st.warning(t("not_here", what=str(value)))


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
