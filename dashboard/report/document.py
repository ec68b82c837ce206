"""A report of finished cells as one HTML file that needs nothing outside itself.

Its content-security policy forbids the browser to load anything, so a report opens alike
everywhere, without network, and tells nobody that it was opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.report.category import anchor, category_section
from dashboard.report.charts import chart_script
from dashboard.report.command import commands
from dashboard.report.markup import Markup, element, listed, paragraph
from dashboard.report.results import (
    data_table,
    machines,
    method_list,
    results_table,
    settings_table,
    versions,
    warnings,
)
from dashboard.report.style import STYLE
from dashboard.report.tradeoff import tradeoff_section
from dashboard.report.words import Said
from dashboard.texts import wording
from detectors.registry import METHODS
from evaluation.latency import TIMED_PICTURES

if TYPE_CHECKING:
    from dashboard.finished import FinishedCell

POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
CHART = 'class="chart"'


@dataclass(frozen=True)
class ReportCategory:
    """What there is of one category.

    Attributes
    ----------
    name : str
    cells : tuple of FinishedCell
        With default settings, in the registry's order; its decisions, curves and samples.
    problems : tuple of str
        A sentence per result that cannot be read or that failed.
    """

    name: str
    cells: tuple[FinishedCell, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportContents:
    """What a report tells.

    Attributes
    ----------
    categories : tuple of ReportCategory
    abouts : tuple of dict
        The contents of ``cell.json`` of all cells of these categories, other settings included.
    false_alarms : float
        The allowed share of good parts that may be reported, above 0 and below 1.
    made : datetime
    outputs : Path
        The outputs folder, for the command that repeats it.
    """

    categories: tuple[ReportCategory, ...]
    abouts: tuple[dict[str, Any], ...]
    false_alarms: float
    made: datetime
    outputs: Path


def report_html(contents: ReportContents, language: str) -> str:
    """Return the report as the text of an HTML file.

    What cannot be read (a damaged file of a cell) is said in its place.

    Parameters
    ----------
    contents : ReportContents
    language : str
        ``"en"`` or ``"ko"``.
    """
    said: Said = partial(wording, language=language)
    sections = [
        category_section(
            one.name, one.cells, one.problems, contents.false_alarms, said, language, number
        )
        for number, one in enumerate(contents.categories, start=1)
    ]
    main = element(
        "main",
        _head(contents, said),
        _results(contents, said, language),
        *sections,
        _settings(contents, said),
        _reading(contents, said),
    )
    script = chart_script() if CHART in main else Markup()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", _title(contents, said)),
        element("style", Markup(STYLE)),
        script,
    )
    page = element("html", head, element("body", main), lang=language)
    return f"<!DOCTYPE html>\n{page}\n"


def _title(contents: ReportContents, said: Said) -> str:
    names = [one.name for one in contents.categories]
    if len(names) == 1:
        return said("report_title_one", category=names[0])
    return said("report_title_all", count=len(names))


def _head(contents: ReportContents, said: Said) -> Markup:
    parts = [
        element("h1", _title(contents, said)),
        paragraph(said("report_made", date=f"{contents.made:%Y-%m-%d %H:%M}"), class_="made"),
        warnings(contents.abouts, said),
    ]
    if len(contents.categories) > 1:
        links = [
            element("li", element("a", one.name, href=f"#{anchor(number)}"))
            for number, one in enumerate(contents.categories, start=1)
        ]
        parts += [
            element("h2", said("report_contents")),
            element("nav", element("ul", *links)),
        ]
    return element("header", *parts)


def _results(contents: ReportContents, said: Said, language: str) -> Markup:
    abouts = contents.abouts
    if not abouts:
        return Markup()
    return element(
        "section",
        element("h2", said("report_data_title")),
        data_table(abouts, said),
        element("h2", said("report_results")),
        results_table(abouts, said),
        paragraph(
            said("report_times"),
            " ",
            said("latency_explained", most=TIMED_PICTURES),
            " ",
            said("report_measured_on", machine=machines(abouts, said)),
            class_="note",
        ),
        tradeoff_section(abouts, said, language),
    )


def _settings(contents: ReportContents, said: Said) -> Markup:
    abouts = contents.abouts
    if not abouts:
        return Markup()
    return element(
        "section",
        element("h2", said("report_settings")),
        settings_table(abouts, said),
        paragraph(said("report_versions", versions=versions(abouts)), class_="note"),
        element("h3", said("report_repeat")),
        element("pre", "\n".join(commands(abouts, contents.outputs))),
        paragraph(said("report_repeat_note"), class_="note"),
    )


def _reading(contents: ReportContents, said: Said) -> Markup:
    known = {about["method"] for about in contents.abouts}
    return element(
        "section",
        element("h2", said("report_reading")),
        listed(
            [
                said("report_reading_auroc"),
                said("report_reading_pixel"),
                said("report_reading_score"),
                said("report_reading_threshold"),
            ]
        ),
        element("h3", said("report_methods")),
        method_list([key for key in METHODS if key in known], said),
        element("h3", said("report_licence")),
        paragraph(said("report_licence_text")),
    )
