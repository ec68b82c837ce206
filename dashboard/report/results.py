"""The parts of a report that cover all its categories: data, results, settings, methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

import pandas as pd

from dashboard.report.markup import Markup, element, joined, paragraph, table
from dashboard.report.words import NOT_AVAILABLE, Said, digits
from dashboard.tables import cell_names, interval, means_per_method, method_title
from detectors.backbones.names import LITE0, RANDOM, UNTRAINED, weights_kind
from detectors.registry import METHODS
from evaluation.summary import COLUMNS, summary_row

PLACES = {
    "pixel_auroc": 3,
    "aupro": 3,
    "fit_s": 1,
    "score_s": 1,
    "ms_per_image": 0,
    "latency_ms": 0,
    "latency_p95_ms": 0,
    "model_mb": 1,
}
COMMON_SETTINGS = frozenset({"seed", "backbone", "image_size", "crop", "whole_picture"})
NETWORKS = {RANDOM: "report_random", UNTRAINED: "report_untrained", LITE0: "report_lite0"}
PAPERS = {
    "ae": ("arXiv:1807.02011", "https://arxiv.org/abs/1807.02011"),
    "padim": ("arXiv:2011.08785", "https://arxiv.org/abs/2011.08785"),
    "patchcore": ("arXiv:2106.08265", "https://arxiv.org/abs/2106.08265"),
}

About = dict[str, Any]


def summary_of(abouts: Iterable[About]) -> pd.DataFrame:
    """Return one row per cell, by category, settings and the registry's order of methods."""
    known = list(METHODS)
    rows = pd.DataFrame([summary_row(about) for about in abouts], columns=COLUMNS)
    place = rows["method"].map(lambda key: known.index(key) if key in known else len(known))
    return (
        rows.assign(_place=place)
        .sort_values(["category", "settings_id", "_place"], kind="stable", ignore_index=True)
        .drop(columns="_place")
    )


def data_table(abouts: Sequence[About], said: Said) -> Markup:
    """Return the numbers of pictures per category and data folder."""
    rows = []
    for about in abouts:
        counts = about["counts"]
        row = (
            about["category"],
            PurePath(about["data_root"]).name,
            *(str(counts[name]) for name in ("train_images", "test_good", "test_defective")),
            str(counts.get("test_with_mask", NOT_AVAILABLE)),
        )
        if row not in rows:
            rows.append(row)
    head = [
        said("column_category"),
        said("report_data_folder"),
        said("report_data_train"),
        said("report_data_good"),
        said("report_data_defective"),
        said("report_data_masks"),
    ]
    return table(said("report_data_caption"), head, rows, text_columns=2)


def results_table(abouts: Sequence[About], said: Said) -> Markup:
    """Return one row per cell and a mean row per method, settings and weights."""
    summary = summary_of(abouts)
    means = means_per_method(summary)
    other = bool((summary["settings_id"] != "").any())
    mixed = bool((summary.groupby(["method", "settings_id"])["weights"].nunique() > 1).any())
    words = [
        "category",
        "method",
        *(["settings"] if other else []),
        *(["weights"] if mixed else []),
    ]
    head = [
        *(said(f"column_{name}") for name in words),
        said("column_image_auroc"),
        said("column_interval"),
        *(said(f"column_{name}") for name in PLACES),
    ]

    def settings(row: Any) -> list[str]:
        named = [row.settings_id or said("default_settings")] if other else []
        return [*named, row.weights] if mixed else named

    def numbers(row: Any) -> list[str]:
        return [digits(getattr(row, name), places) for name, places in PLACES.items()]

    def result(row: Any) -> list[str]:
        return [
            row.category,
            method_title(row.method),
            *settings(row),
            digits(row.image_auroc, 3),
            interval(row.image_auroc_low, row.image_auroc_high),
            *numbers(row),
        ]

    def mean(row: Any) -> list[str]:
        return [
            said("report_mean", count=row.categories),
            method_title(row.method),
            *settings(row),
            digits(row.image_auroc, 3),
            "",
            *numbers(row),
        ]

    rows = [result(row) for row in summary.itertuples()]
    foot = [mean(row) for row in means.itertuples()]
    if summary["category"].nunique() < 2:
        foot = []
    drawn = table(said("report_results_caption"), head, rows, foot, text_columns=len(words))
    if foot and means["categories"].nunique() > 1:
        return joined([drawn, paragraph(said("report_means_mixed"), class_="note")])
    return drawn


def machines(abouts: Iterable[About], said: Said) -> str:
    """Return the machines that the times come from."""
    named = [
        said(
            "report_machine",
            **{
                name: about.get(name, NOT_AVAILABLE)
                for name in ("cpu", "cores", "threads", "system")
            },
        )
        for about in abouts
    ]
    return "; ".join(dict.fromkeys(named))


def versions(abouts: Iterable[About]) -> str:
    """Return the versions of Python and the packages, each set once."""
    named = [
        ", ".join(f"{name} {version}" for name, version in about.get("versions", {}).items())
        for about in abouts
    ]
    return "; ".join(dict.fromkeys(one for one in named if one)) or NOT_AVAILABLE


def settings_table(abouts: Sequence[About], said: Said) -> Markup:
    """Return one row per method and set of settings, with the categories it stands for."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for about in abouts:
        settings = about["settings"]
        own = ", ".join(
            f"{name} {value}" for name, value in settings.items() if name not in COMMON_SETTINGS
        )
        row = (
            method_title(about["method"]),
            str(about.get("backbone", NOT_AVAILABLE)),
            str(about["weights"]),
            str(about.get("transform", NOT_AVAILABLE)),
            own or "–",
            str(settings.get("seed", NOT_AVAILABLE)),
        )
        rows.setdefault(row, []).append(about["category"])
    everything = {about["category"] for about in abouts}
    head = [
        said("column_method"),
        said("report_setting_categories"),
        said("report_setting_backbone"),
        said("report_setting_weights"),
        said("report_setting_transform"),
        said("report_setting_others"),
        said("report_setting_seed"),
    ]
    drawn = [
        [
            row[0],
            said("report_setting_all")
            if set(names) == everything and len(everything) > 1
            else ", ".join(dict.fromkeys(names)),
            *row[1:],
        ]
        for row, names in rows.items()
    ]
    return table(said("report_settings_caption"), head, drawn, text_columns=6)


def warnings(abouts: Sequence[About], said: Said) -> Markup:
    """Return what must stand on top: generated pictures, another backbone than a ResNet."""
    told = []
    demo = dict.fromkeys(about["category"] for about in abouts if about["demo_data"])
    if demo:
        told.append(said("report_demo", categories=", ".join(demo)))
    for kind, warning in NETWORKS.items():
        such = [about for about in abouts if weights_kind(str(about["weights"])) == kind]
        if such:
            told.append(said(warning, cells=cell_names(such)))
    return joined(paragraph(one, class_="warning") for one in told)


def method_list(methods: Iterable[str], said: Said) -> Markup:
    """Return the idea of each method, with its paper."""
    ideas = {
        "ae": said("report_method_ae"),
        "padim": said("report_method_padim"),
        "patchcore": said("report_method_patchcore"),
    }
    items = [
        element(
            "li",
            element("strong", method_title(method)),
            f": {ideas[method]} (",
            element("a", PAPERS[method][0], href=PAPERS[method][1]),
            ")",
        )
        for method in methods
        if method in ideas
    ]
    return element("ul", *items) if items else Markup()
