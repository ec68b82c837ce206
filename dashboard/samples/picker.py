"""Which samples are shown, in which order, and which of them is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.samples.sample_set import ORDERS
from dashboard.state import keep_choice, language, said, t
from dashboard.texts import plain

SAMPLE_KEY, ORDER_KEY = "sample", "order"
EVERYTHING = ""
ORDER_WIDTH_PX = 210
ORDER_TEXTS = {"name": "sort_name", "score": "sort_score", "mistakes": "sort_mistakes"}


def draw_filter(defects: Sequence[str], names: Sequence[str], key: str) -> str:
    """Draw the filter; return the defect type, "" for all.

    Parameters
    ----------
    defects : sequence of str
    names : sequence of str
        All samples, as ``<defect>/<stem>``. One that was chosen elsewhere, on another page or by
        its address, is shown: a filter that would hide it is lifted.
    key : str
    """
    options = [EVERYTHING, *defects]
    keep_choice(key, options)
    chosen = st.session_state.get(SAMPLE_KEY, "")
    if chosen in names and not _passes(chosen, st.session_state[key]):
        st.session_state[key] = EVERYTHING
    defect = st.pills(
        t("filter_defect"),
        options,
        key=key,
        format_func=lambda name: plain(name) if name else t("everything"),
        required=True,
        on_change=_leave_hidden_sample,
        args=(key,),
    )
    return str(defect)


def draw_order() -> str:
    """Draw the list of orders; return the order. A new one starts at its first sample."""
    keep_choice(ORDER_KEY, ORDERS)
    # A list shown in one language keeps its chosen line in another; so each has its own key.
    key = f"{ORDER_KEY}_{language()}"
    st.session_state[key] = st.session_state[ORDER_KEY]
    return str(
        st.selectbox(
            t("sort_by"),
            ORDERS,
            key=key,
            format_func=lambda order: said(ORDER_TEXTS[order]),
            width=ORDER_WIDTH_PX,
            on_change=_take_order,
            args=(key,),
        )
    )


def draw_picker(names: Sequence[str], shown: Callable[[str], str] = str) -> int:
    """Draw list, previous and next; return the chosen place among `names`.

    Parameters
    ----------
    names : sequence of str
        At least one.
    shown : function
        What the list says of a sample.
    """
    keep_choice(SAMPLE_KEY, names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(t("sample"), names, key=SAMPLE_KEY, format_func=shown)
        st.button(t("previous"), key="previous", on_click=_step, args=(names, -1))
        st.button(t("next"), key="next", on_click=_step, args=(names, 1))
    return names.index(name)


def _passes(name: str, defect: str) -> bool:
    return defect == EVERYTHING or name.startswith(f"{defect}/")


def _leave_hidden_sample(key: str) -> None:
    """Start at the first sample if the filter that the user has chosen hides the current one."""
    if not _passes(st.session_state.get(SAMPLE_KEY, ""), st.session_state[key]):
        st.session_state[SAMPLE_KEY] = ""


def _take_order(key: str) -> None:
    st.session_state[ORDER_KEY] = st.session_state[key]
    st.session_state[SAMPLE_KEY] = ""


def _step(names: Sequence[str], by: int) -> None:
    current = st.session_state[SAMPLE_KEY]
    at = names.index(current) if current in names else 0
    st.session_state[SAMPLE_KEY] = names[(at + by) % len(names)]
