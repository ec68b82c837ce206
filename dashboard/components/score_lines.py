"""The scores of a cell with one or two lines that a person drags: pass, review, reject."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike

from dashboard.components.assets import component
from evaluation.measure.conditions import BETWEEN, LABELS, WITHIN

BINS, TICKS = 30, 5

_lines = component("score_lines", '<div class="score-lines"></div>')


def draw_score_lines(
    key: str,
    groups: Mapping[str, ArrayLike],
    lines: tuple[float, float],
    promised: Sequence[tuple[str, str, str]],
    labels: Mapping[str, str],
    moved: Callable[[float, float], None],
    opened: Callable[[str], None],
) -> None:
    """Draw the scores and the lines.

    Parameters
    ----------
    key : str
        Of the widget.
    groups : mapping
        Raw scores of ``good`` and ``defective`` test pictures, and of the ``held`` out good ones.
    lines : (float, float)
        What is above the first is reviewed, above the second rejected; equal for one line.
    promised : sequence of (share, low, high)
        In words: what share of good parts is expected above a line with as many held-out pictures
        above it as the entry's place says, and its 95 % interval.
    labels : mapping
        Texts.
    moved, opened : callable
        Are given the two lines that the user has chosen, and the condition (see
        ``measure.conditions``) for the pictures that the user wants to see.
    """
    scores = {kind: np.sort(np.asarray(some, np.float64)) for kind, some in groups.items()}
    edges = np.histogram_bin_edges(np.concatenate([*scores.values(), lines]), BINS)

    def take_lines() -> None:
        sent = st.session_state[key].get("lines")
        if _are_numbers(sent, 2) and sent[0] <= sent[1]:
            moved(float(sent[0]), float(sent[1]))

    def take_opened() -> None:
        sent = st.session_state[key].get("open")
        if isinstance(sent, list) and len(sent) == 4 and str(sent[2]) in LABELS:
            how, ends = (WITHIN if sent[3] == WITHIN else BETWEEN), sent[:2]
            try:
                low, high = (float(end) for end in ends)
            except (TypeError, ValueError, OverflowError):
                return
            opened(f"{how}:{low!r}:{high!r}:{sent[2]}")

    _lines(
        key=key,
        data={
            **{kind: some.tolist() for kind, some in scores.items()},
            "counts": {
                kind: np.histogram(some, edges)[0].tolist() for kind, some in scores.items()
            },
            "edges": edges.tolist(),
            "ticks": np.linspace(edges[0], edges[-1], TICKS).tolist(),
            "lines": list(lines),
            "promised": [list(one) for one in promised],
            "labels": dict(labels),
        },
        on_lines_change=take_lines,
        on_open_change=take_opened,
    )


def _are_numbers(sent: Any, count: int) -> bool:
    return (
        isinstance(sent, list)
        and len(sent) == count
        and all(type(one) in (int, float) and abs(one) < sys.float_info.max for one in sent)
    )
