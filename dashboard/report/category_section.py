"""One category in a report: decisions, charts, telling samples, findings about its data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from dashboard.answer import answer
from dashboard.compare.lineup import unlike_weights
from dashboard.figures.roc_charts import roc_chart
from dashboard.finished import FinishedCell, apart, findings_of
from dashboard.method_curves import method_curve
from dashboard.report.embedded import chart, picture
from dashboard.samples.sample_set import SampleSet, sample_names
from dashboard.tables import method_title, number, percent, percent_interval
from dashboard.texts import TEXTS, fact_wording
from detectors.registry import METHODS
from evaluation.measure.disagreement import verdicts
from evaluation.measure.drift import brightness_tells
from evaluation.measure.operating_points import share_interval
from evaluation.measure.recommendation import choose
from evaluation.measure.telling import MISTAKES, wrongness
from evaluation.store.heatmap import outlined
from evaluation.store.places import CellError
from evaluation.store.spreadsheet import NOT_AVAILABLE

Said = Callable[..., str]
Values = dict[str, Any]
SHOWN_FINDINGS = 50
SHOWN_SAMPLES = 3
CHART_HEIGHT_PX = 430
SAME_PICTURES = ("data_fingerprint", "transform")
ABSENT_CURVES = {"image": "report_no_curves", "pixel": "report_no_masks"}


def category_values(
    name: str,
    cells: Sequence[FinishedCell],
    problems: Sequence[str],
    false_alarms: float,
    said: Said,
    language: str,
    place: int,
) -> Values:
    """Return what ``category.html`` shows of one category.

    Parameters
    ----------
    name : str
    cells : sequence of FinishedCell
        With default settings; what of them is damaged is said in its place.
    problems : sequence of str
        A sentence per result that cannot be read or that failed.
    false_alarms : float
        The allowed share, above 0 and below 1.
    place : int
        Tells the names of the section's charts from those of the others.
    """
    values = {"name": name, "warnings": [*problems, *_warnings(name, cells, said)]}
    if not cells:
        return values | {"decisions": []}
    made = [(method_title(cell.method), cell, cell.decisions(false_alarms)) for cell in cells]
    return values | {
        "in_short": _in_short(name, cells, false_alarms, said, language),
        "decisions": [
            (
                title,
                f"{one.threshold:.4g}" if one.known else NOT_AVAILABLE,
                len(cell.calibration_scores),
                _share(one.missed, one.defective, said) if one.known else NOT_AVAILABLE,
                _share(one.false_alarms, one.good, said) if one.known else NOT_AVAILABLE,
            )
            for title, cell, one in made
        ],
        "matrices": [(title, one) for title, _, one in made if one.known],
        **_charts(name, cells, false_alarms, said, language, place),
        "samples": [
            _samples(title, cell, one.threshold, said, language) for title, cell, one in made
        ],
        **_findings(name, cells, said, language),
    }


def _warnings(name: str, cells: Sequence[FinishedCell], said: Said) -> list[str]:
    told = []
    done = {cell.method: cell.about for cell in cells}
    if missing := [method.title for key, method in METHODS.items() if key not in done]:
        told.append(said("report_missing", methods=", ".join(missing)))
    if stale := [
        METHODS[key].title
        for key, about in done.items()
        if about.get("method_version") != METHODS[key].version
    ]:
        told.append(said("report_stale", methods=", ".join(stale)))
    if any(len({about.get(key) for about in done.values()}) > 1 for key in SAME_PICTURES):
        told.append(said("report_differs", category=name))
    if weights := unlike_weights(cells):
        told.append(said("compare_unlike", what=weights))
    return told


def _share(count: int, total: int, said: Said) -> str:
    if total == 0:
        return NOT_AVAILABLE
    interval = percent_interval(*share_interval(count, total))
    share = percent(count / total)
    return said("report_share", count=count, total=total, share=share, interval=interval)


def _in_short(
    name: str, cells: Sequence[FinishedCell], false_alarms: float, said: Said, language: str
) -> str:
    """Return which method to take, as the overview says it, and which is fastest."""
    candidates = [cell.candidate(false_alarms) for cell in cells]
    choice = choose(candidates, false_alarms, None)
    words = partial(_without_bold, language=language)
    told = answer(name, candidates, choice, false_alarms, None, words, said)
    if len(candidates) > 1 and not choice.tied:
        fastest = min(candidates, key=lambda one: one.ms)
        values = {"method": method_title(fastest.method), "ms": number(fastest.ms, 0)}
        told.append(said("report_fastest", **values))
    return " ".join(told)


def _without_bold(key: str, language: str, **values: object) -> str:
    """Return a text that a page shows as Markdown as plain words; its values stay as they are."""
    return TEXTS[language][key].replace("**", "").format(**values)


def _charts(
    name: str,
    cells: Sequence[FinishedCell],
    false_alarms: float,
    said: Said,
    language: str,
    place: int,
) -> Values:
    charts: list[Markup] = []
    absent: list[str] = []
    damaged: dict[str, None] = {}
    for kind, none in ABSENT_CURVES.items():
        curves = []
        for cell in cells:
            try:
                curves.append(method_curve(cell, kind, false_alarms))
            except CellError as error:
                damaged[fact_wording(error.fact, language)] = None
        if drawn := [curve for curve in curves if curve is not None]:
            figure = roc_chart(drawn, kind, language, false_alarms if kind == "image" else None)
            figure.update_layout(height=CHART_HEIGHT_PX, title_font_size=14)
            figure.update_xaxes(title_font_size=11)
            figure.update_yaxes(title_font_size=11)
            charts.append(chart(figure, f"roc-{kind}-{place}"))
        elif not damaged:
            absent.append(said(none, category=name))
    return {"charts": charts, "damaged_curves": list(damaged), "absent_curves": absent}


def _samples(title: str, cell: FinishedCell, threshold: float, said: Said, language: str) -> Values:
    try:
        samples = cell.samples()
    except CellError as error:
        return {"problem": f"{title}: {fact_wording(error.fact, language)}"}
    chosen = telling_samples(samples.table, threshold)
    if "report_closest" in [why for why, _ in chosen]:
        title = said("report_no_mistake", method=title)
    shown = [_sample(samples, at, threshold, said(why), said) for why, at in chosen]
    return {"problem": "", "title": title, "samples": shown}


def telling_samples(test: pd.DataFrame, threshold: float) -> list[tuple[str, int]]:
    """Choose the samples that tell most about a method.

    Up to three mistakes, the worst first, or the closest calls where there is none; then up to
    three that it is surest of, one of them good. Without a threshold, the good pictures with the
    highest scores and the defective ones with the lowest, by turns.

    Parameters
    ----------
    test : DataFrame
        ``label`` (0 good, 1 defective) and ``score``, index 0..T-1.
    threshold : float
        A score above it is reported defective; NaN where there is none.

    Returns
    -------
    list of (str, int)
        The key of the text that says why, and the position in the table.
    """
    bad = test["label"].to_numpy() > 0
    worst = np.argsort(-wrongness(test, threshold), kind="stable")
    if math.isnan(threshold):
        good_ones, bad_ones = worst[~bad[worst]], worst[bad[worst]]
        turns = [at for pair in zip(good_ones, bad_ones, strict=False) for at in pair]
        hardest = dict.fromkeys([*turns, *good_ones, *bad_ones])
        return [("report_hardest", int(at)) for at in hardest][:SHOWN_SAMPLES]
    wrong = np.isin(verdicts(test["score"], test["label"], threshold), MISTAKES)
    first = (worst[wrong[worst]] if wrong.any() else worst)[:SHOWN_SAMPLES]
    surest = [at for at in worst[::-1] if not wrong[at] and at not in first]
    sure_good = [at for at in surest if not bad[at]][:1]
    sure_bad = [at for at in surest if bad[at]][: SHOWN_SAMPLES - len(sure_good)]
    mistake = {True: "verdict_missed", False: "verdict_false_alarm"}
    return [
        *((mistake[bool(bad[at])] if wrong[at] else "report_closest", int(at)) for at in first),
        *(("report_surest", int(at)) for at in (*sure_bad, *sure_good)),
    ]


def _sample(samples: SampleSet, position: int, threshold: float, why: str, said: Said) -> Values:
    row, panels = samples.table.iloc[position], samples.panels(position)
    overlay = panels.overlay
    if overlay is not None:
        overlay = outlined(overlay, panels.anomaly_map, threshold)
    words = "report_sample_score_only" if math.isnan(threshold) else "report_sample_score"
    return {
        "name": sample_names(samples.table)[position],
        "why": why,
        "score": said(words, score=row["score"], threshold=threshold),
        "image": picture(panels.image),
        "truth": picture(panels.truth),
        "has_mask": row["has_mask"],
        "overlay": picture(overlay),
    }


def _findings(name: str, cells: Sequence[FinishedCell], said: Said, language: str) -> Values:
    every = (finding for cell in cells for finding in findings_of(cell.about))
    found = list(
        dict.fromkeys(f"{path}: {fact_wording(problem, language)}" for path, problem in every)
    )
    shown = found[:SHOWN_FINDINGS]
    if len(found) > len(shown):
        shown.append(said("report_findings_more", count=len(found) - len(shown)))
    brightness = brightness_tells(name, cells[0].about["metrics"].get("brightness_auroc"))
    unlike = [fact_wording(one, language) for one in (*apart(name, cells), *brightness)]
    return {"findings": shown, "unlike": unlike}
