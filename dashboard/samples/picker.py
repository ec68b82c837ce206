"""Which samples are shown, in which order, and which of them is chosen."""

from __future__ import annotations

import math

import streamlit as st

from dashboard.samples.sample_set import ORDERS, SampleSet, sample_names
from dashboard.state import keep_choice, language, said, t
from dashboard.texts import plain

FILTER_KEY, ORDER_KEY, KEPT = "defect_filter", "order", "_kept_"
EVERYTHING = ""
ORDER_WIDTH_PX = 210
ORDER_TEXTS = {"name": "sort_name", "score": "sort_score", "mistakes": "sort_mistakes"}


def draw_filter(defects: list[str]) -> str:
    """Draw the filter; return the defect type, "" for all."""
    options = [EVERYTHING, *defects]
    _keep_kept(FILTER_KEY, FILTER_KEY, options)
    defect = st.pills(
        t("filter_defect"),
        options,
        key=FILTER_KEY,
        format_func=lambda name: plain(name) if name else t("everything"),
        required=True,
    )
    st.session_state[KEPT + FILTER_KEY] = defect
    return str(defect)


def draw_order() -> str:
    """Draw the list of orders; return the order. A new one starts at its first sample."""
    # A list shown in one language keeps its chosen line in another; so each has its own key.
    key = f"{ORDER_KEY}_{language()}"
    _keep_kept(key, ORDER_KEY, list(ORDERS))
    order = st.selectbox(
        t("sort_by"),
        ORDERS,
        key=key,
        format_func=lambda order: said(ORDER_TEXTS[order]),
        width=ORDER_WIDTH_PX,
        on_change=_start_at_the_first,
    )
    st.session_state[KEPT + ORDER_KEY] = order
    return str(order)


def _start_at_the_first() -> None:
    st.session_state["sample"] = ""


def _keep_kept(key: str, name: str, options: list[str]) -> None:
    """Keep a choice although Streamlit forgets widgets that a rerun did not draw."""
    if key not in st.session_state and KEPT + name in st.session_state:
        st.session_state[key] = st.session_state[KEPT + name]
    keep_choice(key, options)


def draw_picker(samples: SampleSet, positions: list[int]) -> int:
    """Draw list, previous and next; return the chosen place among `positions`."""
    names = sample_names(samples.table.iloc[positions])
    scores = dict(zip(names, samples.table["score"].iloc[positions], strict=True))
    keep_choice("sample", names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            t("sample"),
            names,
            key="sample",
            format_func=lambda name: f"{name} · {scores.get(name, math.nan):.4g}",
        )
        st.button(t("previous"), key="previous", on_click=_step, args=(names, -1))
        st.button(t("next"), key="next", on_click=_step, args=(names, 1))
    return names.index(name)


def _step(names: list[str], by: int) -> None:
    current = names.index(st.session_state["sample"]) if st.session_state["sample"] in names else 0
    st.session_state["sample"] = names[(current + by) % len(names)]
