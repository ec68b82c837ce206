"""A report of finished cells as one HTML file that needs nothing outside itself.

Its content-security policy forbids the browser to load anything, so a report opens alike
everywhere, without network, and tells nobody that it was opened. The templates escape whatever
is not markup, so no name from disk can become an element.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboard.figures.tradeoff_charts import tradeoff_chart, with_front
from dashboard.finished import finished_methods
from dashboard.loaders import finished_cells
from dashboard.report.category_section import Said, Values, category_values
from dashboard.report.embedded import chart, chart_library
from dashboard.report.repeat import commands
from dashboard.tables import (
    cell_names,
    interval,
    method_title,
    number,
    percent,
    settings_title,
)
from dashboard.texts import fact_wording, wording
from detectors.backbones.names import LITE0, RANDOM, UNTRAINED, weights_kind
from detectors.registry import METHODS
from evaluation.measure.averages import groups, in_order, over_categories, shared_categories
from evaluation.run.timing import TIMED_PICTURES
from evaluation.store.cells import failures
from evaluation.store.spreadsheet import NOT_AVAILABLE
from evaluation.store.summary import table_of

About = dict[str, Any]
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PLACES = {
    "pixel_auroc": 3,
    "aupro": 3,
    "fit_s": 1,
    "score_s": 1,
    "ms_per_image": 0,
    "latency_ms": 0,
    "model_mb": 1,
}
COUNTS = ("train_images", "test_good", "test_defective", "test_with_mask")
COMMON_SETTINGS = frozenset(
    {"seed", "backbone", "image_size", "crop", "whole_picture", "full_size_masks"}
)
NETWORKS = {RANDOM: "report_random", UNTRAINED: "report_untrained", LITE0: "report_lite0"}
IDEAS = {
    "ae": ("report_method_ae", "1807.02011"),
    "padim": ("report_method_padim", "2011.08785"),
    "patchcore": ("report_method_patchcore", "2106.08265"),
}
COST, GAIN = "runtime_s", "image_auroc"
MOST_CATEGORIES = 4
TRADEOFF_HEIGHT_PX = 350


def report_html(
    outputs: Path, categories: Sequence[str], false_alarms: float, language: str
) -> str:
    """Return the report of some categories as the text of an HTML file.

    What cannot be read (a damaged file of a cell) or has failed is said in its place.

    Parameters
    ----------
    outputs : Path
    categories : sequence of str
        In the order in which the report shows them.
    false_alarms : float
        The allowed share of good parts that may be reported, above 0 and below 1.
    language : str
        ``"en"`` or ``"ko"``.
    """
    said: Said = partial(wording, language=language)
    abouts = [about for about in finished_cells(outputs) if about["category"] in categories]
    abouts.sort(key=lambda about: categories.index(about["category"]))
    notes = failures(outputs)
    sections = []
    for position, name in enumerate(categories, start=1):
        cells, problems = finished_methods(outputs, name)
        told = [fact_wording(problem, language) for problem in problems]
        for note in notes:
            if note.category == name:
                method, reason = method_title(note.method), fact_wording(note.reason, language)
                told.append(said("report_cell_failed", category=name, method=method, reason=reason))
        sections.append(category_values(name, cells, told, false_alarms, said, language, position))
    table = table_of(abouts).assign(origin="")
    tradeoffs = _tradeoffs(table, language)
    has_charts = bool(tradeoffs) or any(section.get("charts") for section in sections)
    title = "report_title_one" if len(categories) == 1 else "report_title_all"
    known = set(table["method"])
    return TEMPLATES.get_template("document.html").render(
        said=said,
        language=language,
        title=said(title, category=categories[0], count=len(categories)),
        made=f"{datetime.now(UTC).astimezone():%Y-%m-%d %H:%M}",
        rate=percent(false_alarms),
        chart_library=chart_library() if has_charts else "",
        warnings=_warnings(abouts, said),
        data=_data(abouts),
        results=_results(table, said) if abouts else {},
        timed_pictures=TIMED_PICTURES,
        machines=_machines(abouts, said),
        tradeoffs=tradeoffs,
        sections=sections,
        settings=_settings(abouts, said),
        versions=_versions(abouts),
        commands=commands(abouts, outputs),
        methods=[(METHODS[key].title, IDEAS.get(key)) for key in METHODS if key in known],
    )


def _warnings(abouts: Sequence[About], said: Said) -> list[str]:
    """Return what must stand on top: generated pictures, another backbone than a ResNet."""
    told = []
    if demo := dict.fromkeys(about["category"] for about in abouts if about["demo_data"]):
        told.append(said("report_demo", categories=", ".join(demo)))
    for kind, warning in NETWORKS.items():
        such = [about for about in abouts if weights_kind(str(about["weights"])) == kind]
        if such:
            told.append(said(warning, cells=cell_names(such)))
    return told


def _data(abouts: Iterable[About]) -> list[tuple[str, ...]]:
    """Return the numbers of pictures per category and data folder."""
    rows = [
        (
            about["category"],
            PurePath(about["data_root"]).name,
            *(str(about["counts"].get(name, NOT_AVAILABLE)) for name in COUNTS),
        )
        for about in abouts
    ]
    return list(dict.fromkeys(rows))


def _results(table: pd.DataFrame, said: Said) -> Values:
    """Return a table with a row per cell and a mean row per method, settings and weights."""
    summary = in_order(table, ("category", "settings_id", "method"))
    means = in_order(over_categories(summary), ("demo_data", "settings_id", "method"))
    other = bool((summary["settings_id"] != "").any())
    mixed = bool((summary.groupby(["method", "settings_id"])["weights"].nunique() > 1).any())
    words = ["category", "method", *["settings"] * other, *["weights"] * mixed]

    def line(row: Any, name: str = "") -> list[str]:
        spread = "" if name else interval(row.image_auroc_low, row.image_auroc_high)
        settings = [settings_title(row.settings_id)] * other
        numbers = [number(getattr(row, column), places) for column, places in PLACES.items()]
        method = [method_title(row.method), *settings, *[row.weights] * mixed]
        return [name or row.category, *method, number(row.image_auroc), spread, *numbers]

    return {
        "head": [said(f"column_{name}") for name in (*words, "image_auroc", "interval", *PLACES)],
        "rows": [line(row) for row in summary.itertuples()],
        "foot": [line(row, said("report_mean", count=row.categories)) for row in means.itertuples()]
        if summary["category"].nunique() > 1
        else [],
        "words": len(words),
    }


def _machines(abouts: Iterable[About], said: Said) -> str:
    """Return the machines that the times come from."""
    keys = ("cpu", "cores", "threads", "system")
    named = [
        said("report_machine", **{key: about.get(key, NOT_AVAILABLE) for key in keys})
        for about in abouts
    ]
    return "; ".join(dict.fromkeys(named))


def _versions(abouts: Iterable[About]) -> str:
    """Return the versions of Python and the packages, each set once."""
    named = [
        ", ".join(f"{name} {version}" for name, version in about.get("versions", {}).items())
        for about in abouts
    ]
    return "; ".join(dict.fromkeys(filter(None, named))) or NOT_AVAILABLE


def _settings(abouts: Sequence[About], said: Said) -> list[list[str]]:
    """Return one row per method and set of settings, with the categories it stands for."""
    rows: dict[tuple[str, ...], dict[str, None]] = {}
    for about in abouts:
        settings = about["settings"]
        own = [f"{name} {one}" for name, one in settings.items() if name not in COMMON_SETTINGS]
        row = (
            method_title(about["method"]),
            str(about.get("backbone", NOT_AVAILABLE)),
            str(about["weights"]),
            str(about.get("transform", NOT_AVAILABLE)),
            ", ".join(own) or "–",
            str(settings.get("seed", NOT_AVAILABLE)),
        )
        rows.setdefault(row, {})[about["category"]] = None
    count = len({about["category"] for about in abouts})
    return [
        [method, said("everything") if len(names) == count > 1 else ", ".join(names), *others]
        for (method, *others), names in rows.items()
    ]


def _tradeoffs(table: pd.DataFrame, language: str) -> list[Values]:
    """Return a chart for each group of cells that may be compared with each other.

    One point per cell; with more than four categories one per method, its mean over the
    categories that all methods have finished, where there are such.
    """
    drawn = []
    for position, group in enumerate(groups(table), start=1):
        cells = in_order(group.cells)
        shared = shared_categories(cells, GAIN)
        averaged = cells["category"].nunique() > MOST_CATEGORIES and bool(shared)
        if averaged:
            cells = in_order(over_categories(cells[cells["category"].isin(shared)]))
        points = with_front(cells, COST, GAIN)
        if points.empty:
            continue
        figure = tradeoff_chart(points, COST, GAIN, language)
        figure.update_layout(height=TRADEOFF_HEIGHT_PX)
        drawn.append(
            {
                "group": group,
                "count": len(group.cells),
                "chart": chart(figure, f"tradeoff-{position}"),
                "averaged": ", ".join(shared) if averaged else "",
            }
        )
    return drawn
