"""One category in a report: decisions, charts, telling samples, findings about its data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from dashboard.answer import answer, spoken_time
from dashboard.compare.lineup import unlike_weights
from dashboard.figures.roc import roc_chart
from dashboard.report.charts import chart
from dashboard.report.choice import telling_samples
from dashboard.report.markup import Markup, element, joined, listed, paragraph, picture, table
from dashboard.report.words import NOT_AVAILABLE, Said, digits, method_names, share, unmarked
from dashboard.roc.operating import method_curve
from dashboard.tables import method_title, percent
from detectors.registry import METHODS
from evaluation.brightness import SUSPICIOUS_AUROC
from evaluation.cells import CellError
from evaluation.choice import choose
from evaluation.decisions import Decisions
from evaluation.heatmap import outlined

if TYPE_CHECKING:
    from dashboard.finished import FinishedCell
    from dashboard.samples.sample_set import StoredSamples

SHOWN_FINDINGS = 50
KINDS = ("image", "pixel")
CHART_HEIGHT_PX = 430
SAME_PICTURES = ("data_fingerprint", "transform")


def category_section(
    name: str,
    cells: Sequence[FinishedCell],
    problems: Sequence[str],
    false_alarms: float,
    said: Said,
    language: str,
    number: int,
) -> Markup:
    """Return everything about one category.

    Parameters
    ----------
    name : str
    cells : sequence of FinishedCell
        With default settings; what of them is damaged is said in its place.
    problems : sequence of str
        A sentence per result that cannot be read.
    false_alarms : float
        The allowed share, above 0 and below 1.
    number : int
        Tells the section's anchors from those of the others.
    """
    missing = [key for key in METHODS if key not in {cell.method for cell in cells}]
    told = [*problems]
    if missing:
        told.append(said("report_missing", methods=method_names(missing)))
    stale = [
        cell.method
        for cell in cells
        if cell.about.get("method_version") != METHODS[cell.method].version
    ]
    if stale:
        told.append(said("report_stale", methods=method_names(stale)))
    if any(len({cell.about.get(key) for cell in cells}) > 1 for key in SAME_PICTURES):
        told.append(said("report_differs", category=name))
    if weights := unlike_weights(cells):
        told.append(said("compare_unlike", what=weights))
    parts = [
        element("h2", name, id=anchor(number)),
        *(paragraph(one, class_="warning") for one in told),
    ]
    if cells:
        parts += [
            _decisions(name, cells, false_alarms, said, language),
            _charts(name, cells, false_alarms, said, language, number),
            _samples(cells, false_alarms, said),
            _findings(cells, said),
        ]
    return element("section", *parts, class_="category")


def anchor(number: int) -> str:
    """Return the id of a category's section."""
    return f"category-{number}"


def _decisions(
    name: str, cells: Sequence[FinishedCell], false_alarms: float, said: Said, language: str
) -> Markup:
    made = [(cell, cell.decisions(false_alarms)) for cell in cells]
    rows = [
        [
            method_title(cell.method),
            f"{one.threshold:.4g}" if one.known else NOT_AVAILABLE,
            str(len(cell.calibration_scores)),
            share(one.missed, one.defective, said) if one.known else NOT_AVAILABLE,
            share(one.false_alarms, one.good, said) if one.known else NOT_AVAILABLE,
        ]
        for cell, one in made
    ]
    head = [
        said("column_method"),
        said("report_threshold"),
        said("report_held_out"),
        said("report_missed"),
        said("report_alarms"),
    ]
    matrices = [_matrix(cell.method, one, said) for cell, one in made if one.known]
    return joined(
        [
            element("h3", said("report_decisions", rate=percent(false_alarms))),
            _in_short(name, cells, false_alarms, said, language),
            table(said("report_decisions_caption", category=name), head, rows),
            element("div", *matrices, class_="matrices") if matrices else Markup(),
        ]
    )


def _in_short(
    name: str, cells: Sequence[FinishedCell], false_alarms: float, said: Said, language: str
) -> Markup:
    """Return which method to take, as the overview says it, and which is fastest."""
    candidates = [cell.candidate(false_alarms) for cell in cells]
    choice = choose(candidates, false_alarms, None)
    words = partial(unmarked, language=language)
    told = answer(name, candidates, choice, false_alarms, None, words, said)
    if len(candidates) > 1 and not choice.tied:
        fastest = min(candidates, key=lambda one: one.ms)
        time = spoken_time(fastest.time, said)
        told.append(said("report_fastest", method=method_title(fastest.method), time=time))
    return paragraph(" ".join(told), class_="short")


def _matrix(method: str, made: Decisions, said: Said) -> Markup:
    head = [
        said("report_matrix_corner"),
        said("report_matrix_passed"),
        said("report_matrix_reported"),
    ]
    rows = [
        [
            said("report_matrix_good"),
            str(made.good - made.false_alarms),
            str(made.false_alarms),
        ],
        [
            said("report_matrix_defective"),
            str(made.missed),
            str(made.defective - made.missed),
        ],
    ]
    return table(said("report_matrix", method=method_title(method)), head, rows)


def _charts(
    name: str,
    cells: Sequence[FinishedCell],
    false_alarms: float,
    said: Said,
    language: str,
    number: int,
) -> Markup:
    drawn: list[Markup] = []
    absent: list[str] = []
    broken: dict[str, None] = {}
    for kind in KINDS:
        curves = []
        for cell in cells:
            try:
                curve = method_curve(cell, kind, false_alarms)
            except CellError as error:
                broken[str(error)] = None
                continue
            if curve is not None:
                curves.append(curve)
        if curves:
            asked = false_alarms if kind == "image" else None
            figure = roc_chart(curves, kind, language, asked)
            figure.update_layout(height=CHART_HEIGHT_PX, title_font_size=14)
            figure.update_xaxes(title_font_size=11)
            figure.update_yaxes(title_font_size=11)
            drawn.append(chart(figure, f"roc-{kind}-{number}", said))
        elif not broken:
            none = "report_no_curves" if kind == "image" else "report_no_masks"
            absent.append(said(none, category=name))
    return joined(
        [
            element("h3", said("report_charts")),
            *(paragraph(one, class_="warning") for one in broken),
            element("div", *drawn, class_="charts") if drawn else Markup(),
            *(paragraph(one) for one in absent),
            paragraph(said("report_chart_note", rate=percent(false_alarms)), class_="note"),
        ]
    )


def _samples(cells: Sequence[FinishedCell], false_alarms: float, said: Said) -> Markup:
    parts = [
        element("h3", said("report_samples")),
        paragraph(said("report_samples_note"), class_="note"),
    ]
    for cell in cells:
        title = method_title(cell.method)
        try:
            samples = cell.samples()
        except CellError as error:
            parts.append(paragraph(f"{title}: {error}", class_="warning"))
            continue
        threshold = cell.decisions(false_alarms).threshold
        chosen = telling_samples(samples.table, threshold)
        groups = [
            ("", chosen.mistakes),
            (said("report_closest"), chosen.closest),
            (said("report_hardest"), chosen.hardest),
            (said("report_surest"), chosen.surest),
        ]
        shown = [
            _sample(samples, at, threshold, words, said)
            for words, positions in groups
            for at in positions
        ]
        if not chosen.mistakes and chosen.closest:
            title = said("report_no_mistake", method=title)
        parts += [element("h4", title), element("div", *shown, class_="samples")]
    return joined(parts)


def _sample(
    samples: StoredSamples, position: int, threshold: float, why: str, said: Said
) -> Markup:
    row, panels = samples.table.iloc[position], samples.panels(position)
    name = f"{row['defect']}/{row['stem']}"
    absent = element("span", said("report_no_picture"))
    image = overlay = absent
    if panels.image is not None:
        image = picture(panels.image, said("report_image_of", name=name))
    if panels.overlay is not None:
        seen = outlined(panels.overlay, panels.anomaly_map, threshold)
        overlay = picture(seen, said("report_overlay_of", name=name))
    truth = absent if row["has_mask"] else element("span", said("report_no_mask"))
    if panels.truth is not None:
        truth = picture(panels.truth, said("report_truth_of", name=name))
    if math.isnan(threshold):
        words = said("report_sample_score_only", score=row["score"])
    else:
        words = said("report_sample_score", score=row["score"], threshold=threshold)
    wrong = said("verdict_missed") if row["label"] else said("verdict_false_alarm")
    heading = element("strong", f"{name}: {why or wrong}")
    caption = element("figcaption", heading, element("br"), words)
    return element(
        "figure", element("div", image, truth, overlay, class_="panels"), caption, class_="sample"
    )


def _findings(cells: Sequence[FinishedCell], said: Said) -> Markup:
    found = list(
        dict.fromkeys(str(one) for cell in cells for one in cell.about.get("findings") or [])
    )
    shown = found[:SHOWN_FINDINGS]
    if len(found) > len(shown):
        shown.append(said("report_findings_more", count=len(found) - len(shown)))
    parts = [element("h3", said("report_findings"))]
    brightness = cells[0].about["metrics"].get("brightness_auroc", math.nan)
    if brightness >= SUSPICIOUS_AUROC:
        words = said("report_brightness", auroc=digits(brightness, 3))
        parts.append(paragraph(words, class_="warning"))
    parts.append(listed(shown) if shown else paragraph(said("report_findings_none")))
    return joined(parts)
