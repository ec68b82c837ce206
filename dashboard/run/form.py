"""The form of the run page: what to evaluate with which settings, checked before it starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from dashboard.state import Selection, keep_choices, remember, t, told
from data_utils.locations import expanded, is_allowed
from detectors.backbones.engines import FLOAT32, LIBRARIES, PRECISIONS, TORCH, why_unusable
from detectors.backbones.names import (
    AUTOMATIC,
    BACKBONES,
    RANDOM,
    WEIGHTS_VARIABLE,
)
from detectors.registry import ALL_CHANNELS, METHODS, Options
from evaluation.run.request import (
    MAX_SEED,
    MAX_WORKERS,
    TRAIN_COUNT,
    Request,
    image_size_bounds,
    named_scheduler,
    study_refusal,
)

Number = TypeVar("Number", int, float)

DEFAULTS: dict[str, object] = {
    "form_categories": [],
    "form_methods": [],
    "form_force": False,
    "form_backbones": [],
    "form_engines": [],
    "form_precisions": [],
    "form_all_channels": False,
    "form_ratios": str(Options().coreset_ratio),
    "form_size": None,
    "form_seeds": str(Options().seed),
    "form_counts": "",
    "form_weights": "",
    "form_workers": 1,
    "form_cluster": False,
}


def draw_form(selection: Selection) -> tuple[Request, str]:
    """Draw the form; return what is asked for, and what is wrong with it as Markdown, or ""."""
    for key, default in DEFAULTS.items():
        remember(key, default, shared=False)
    left, right = st.columns(2)
    with left:
        categories, methods = draw_scope(selection, "form")
        weights = st.text_input(
            t("runpage_weights"),
            key="form_weights",
            placeholder=os.environ.get(WEIGHTS_VARIABLE, "").strip() or t("runpage_weights_none"),
            help=t("runpage_weights_help", variable=WEIGHTS_VARIABLE),
        )
        workers = st.number_input(
            t("runpage_workers"),
            key="form_workers",
            min_value=1,
            max_value=MAX_WORKERS,
            help=t("runpage_workers_help"),
        )
        scheduler = named_scheduler()
        if scheduler and st.checkbox(t("runpage_cluster", address=scheduler), key="form_cluster"):
            workers = 1
        else:
            scheduler = ""
        force = st.checkbox(t("run_force"), key="form_force", help=t("run_force_help"))
    with right:
        backbones = _several("backbones", BACKBONES, AUTOMATIC)
        engines = _several("engines", LIBRARIES, TORCH)
        precisions = _several("precisions", PRECISIONS, FLOAT32)
        all_channels = st.checkbox(
            t("runpage_all_channels"),
            key="form_all_channels",
            help=t("runpage_all_channels_help"),
        )
        ratios = _numbers(
            st.text_input(t("runpage_ratios"), key="form_ratios", help=t("runpage_ratios_help")),
            float,
        )
        size = st.number_input(
            t("runpage_size"),
            key="form_size",
            value=None,
            step=32,
            placeholder=t("runpage_size_default"),
            help=t("runpage_size_help"),
        )
        seeds = _numbers(
            st.text_input(t("runpage_seeds"), key="form_seeds", help=t("runpage_seeds_help")), int
        )
        given_counts = st.text_input(
            t("runpage_counts"), key="form_counts", help=t("runpage_counts_help")
        )
        counts = tuple(given_counts.replace(",", " ").split())
    weights = weights.strip()
    problem = (
        _problem(selection, categories, size)
        or _sweep_problem(ratios, seeds)
        or _weights_problem(weights, backbones)
        or ("" if all(map(TRAIN_COUNT.fullmatch, counts)) else t("runpage_counts_wrong"))
    )
    given = Request(
        data=selection.data_argument,
        categories=tuple(categories),
        methods=tuple(method for method in METHODS if method in methods),
        backbones=backbones,
        weights=_weights(weights),
        engines=engines,
        precisions=precisions,
        image_size=size,
        padim_channels=ALL_CHANNELS if all_channels else None,
        force=force,
        workers=workers,
        scheduler=scheduler,
        train_counts=counts,
    )
    if not problem:
        given = replace(given, coreset_ratios=tuple(ratios), seeds=tuple(seeds))
        refused = [study_refusal(given)]
        if any(METHODS[method].reads_backbone for method in methods or METHODS):
            refused += (why_unusable(one.engine, one.backbone) for one in given.settings())
        problem = next((told(fact) for fact in refused if fact), "")
    return given, problem


def draw_scope(selection: Selection, prefix: str) -> tuple[list[str], list[str]]:
    """Draw the choices of categories and methods; none chosen means all.

    Parameters
    ----------
    selection : Selection
    prefix : str
        Tells the widgets of one place from those of the other.
    """
    # One that begins as an option cannot be handed on.
    names = [name for name in selection.categories if not name.startswith("-")]
    keep_choices(f"{prefix}_categories", names)
    categories = st.multiselect(
        t("run_categories"),
        names,
        key=f"{prefix}_categories",
        placeholder=t("everything"),
        help=t("run_everything_help"),
    )
    methods = st.multiselect(
        t("run_methods"),
        list(METHODS),
        format_func=lambda key: METHODS[key].title,
        key=f"{prefix}_methods",
        placeholder=t("everything"),
        help=t("run_everything_help"),
    )
    return categories, methods


def _several(name: str, options: Sequence[str], usual: str) -> tuple[str, ...]:
    """Draw a choice of several options; none chosen means the usual one."""
    chosen = st.multiselect(
        t(f"runpage_{name}"),
        list(options),
        key=f"form_{name}",
        placeholder=usual,
        help=t(f"runpage_{name}_help"),
    )
    return tuple(chosen) or (usual,)


def _problem(selection: Selection, categories: list[str], size: int | None) -> str:
    low, high = image_size_bounds(categories or selection.categories)
    if selection.data is None:
        return t("runpage_no_data")
    if size is not None and not low <= size <= high:
        return t("runpage_size_wrong", low=low, high=high)
    return ""


def _sweep_problem(ratios: list[float], seeds: list[int]) -> str:
    if not ratios or not all(0 < ratio <= 1 for ratio in ratios):
        return t("runpage_ratios_wrong")
    if not seeds or not all(0 <= seed <= MAX_SEED for seed in seeds):
        return t("runpage_seeds_wrong", most=MAX_SEED)
    return ""


def _weights_problem(weights: str, backbones: Sequence[str]) -> str:
    if not weights or weights == RANDOM:
        return ""
    if len(backbones) > 1:
        return t("runpage_weights_one")
    if not (is_allowed(expanded(weights)) and expanded(weights).is_file()):
        return t("runpage_weights_wrong", path=weights)
    return ""


def _numbers(text: str, kind: Callable[[str], Number]) -> list[Number]:
    """Return the numbers in a text, each once; none if anything in it is no number."""
    try:
        return list(dict.fromkeys(kind(word) for word in text.replace(",", " ").split()))
    except ValueError:
        return []


def own_weights() -> str | None:
    """Return the weights that the machine's owner has set, as the command line names them."""
    given = os.environ.get(WEIGHTS_VARIABLE, "").strip()
    return str(expanded(given).absolute()) if given and given != RANDOM else given or None


def _weights(given: str) -> str | None:
    """Return the weights to name on the command line, so that it says all that is used."""
    if not given or given == RANDOM:
        return given or own_weights()
    return str(expanded(given).absolute())
