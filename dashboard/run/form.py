"""The form of the run page: what to evaluate with which settings, checked before it starts."""

from __future__ import annotations

import os

import streamlit as st

from dashboard.run.scope import draw_scope
from dashboard.state import Selection, remember, t
from data_utils.locations import expanded, is_allowed
from detectors.architectures import AUTOMATIC, BACKBONES, RANDOM, WEIGHTS_VARIABLE
from detectors.registry import METHODS, Options
from evaluation.request import MAX_SEED, Request, image_size_bounds
from evaluation.settings import DEFAULT_BACKBONE, Settings

DEFAULTS: dict[str, object] = {
    "form_categories": [],
    "form_methods": [],
    "form_force": False,
    "form_backbone": AUTOMATIC,
    "form_ratio": Options().coreset_ratio,
    "form_size": None,
    "form_seed": Options().seed,
    "form_weights": "",
}


def draw_form(selection: Selection) -> tuple[Request, str]:
    """Draw the form; return what is asked for, and what is wrong with it as Markdown, or ""."""
    for key, default in DEFAULTS.items():
        remember(key, default)
    left, right = st.columns(2)
    with left:
        categories, methods = draw_scope(selection, "form")
        weights = st.text_input(
            t("runpage_weights"),
            key="form_weights",
            placeholder=os.environ.get(WEIGHTS_VARIABLE, "").strip() or t("runpage_weights_none"),
            help=t("runpage_weights_help", variable=WEIGHTS_VARIABLE),
        )
        force = st.checkbox(t("run_force"), key="form_force", help=t("run_force_help"))
    with right:
        backbone = st.selectbox(
            t("runpage_backbone"),
            [AUTOMATIC, *BACKBONES],
            key="form_backbone",
            help=t("runpage_backbone_help"),
        )
        ratio = st.number_input(
            t("runpage_ratio"),
            key="form_ratio",
            step=0.01,
            format="%.4g",
            help=t("runpage_ratio_help"),
        )
        size = st.number_input(
            t("runpage_size"),
            key="form_size",
            value=None,
            step=32,
            placeholder=t("runpage_size_default"),
            help=t("runpage_size_help"),
        )
        seed = st.number_input(
            t("runpage_seed"), key="form_seed", value=None, step=1, help=t("runpage_seed_help")
        )
    problem = _problem(selection, categories, ratio, size, seed, weights.strip())
    request = Request(
        data=selection.data_argument,
        categories=tuple(categories),
        methods=tuple(method for method in METHODS if method in methods),
        settings=Settings(
            backbone=DEFAULT_BACKBONE if backbone == AUTOMATIC else backbone,
            automatic=backbone == AUTOMATIC,
            options=Options(seed=seed or 0, coreset_ratio=ratio or Options().coreset_ratio),
            image_size=size,
        ),
        weights=_weights(weights.strip()),
        force=force,
    )
    return request, problem


def _problem(
    selection: Selection,
    categories: list[str],
    ratio: float | None,
    size: int | None,
    seed: int | None,
    weights: str,
) -> str:
    low, high = image_size_bounds(categories or selection.categories)
    if selection.data is None:
        return t("runpage_no_data")
    if ratio is None or not 0 < ratio <= 1:
        return t("runpage_ratio_wrong")
    if size is not None and not low <= size <= high:
        return t("runpage_size_wrong", low=low, high=high)
    if seed is None or not 0 <= seed <= MAX_SEED:
        return t("runpage_seed_wrong", most=MAX_SEED)
    named = weights and weights != RANDOM
    if named and not (is_allowed(expanded(weights)) and expanded(weights).is_file()):
        return t("runpage_weights_wrong", path=weights)
    return ""


def _weights(given: str) -> str | None:
    """Return the weights to name on the command line, so that it says all that is used."""
    given = given or os.environ.get(WEIGHTS_VARIABLE, "").strip()
    return str(expanded(given).absolute()) if given and given != RANDOM else given or None
