"""Tables of the Defect types page, from finished cells; cached where they read all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.figures.defects import PublishedDot
from dashboard.finished import FinishedCell
from dashboard.loaders import results_stamp, stamped_cells
from dashboard.state import said
from detectors.registry import METHODS
from evaluation.defect_size import recall_by_size
from evaluation.defect_types import type_table
from evaluation.published import MEAN, NO, UNCLEAR, YES, Comparison, PublishedValue, comparisons

VERDICTS = {YES: "defects_yes", UNCLEAR: "defects_unclear", NO: "defects_no"}
REASONS = {
    "demo": "defects_reason_demo",
    "random": "defects_reason_random",
    "untrained": "defects_reason_untrained",
    "data": "defects_reason_data",
    "masks": "defects_reason_masks",
    "network": "defects_reason_network",
    "backbone": "defects_reason_backbone",
    "ratio": "defects_reason_ratio",
    "ratio_unstated": "defects_reason_ratio_unstated",
    "channels": "defects_reason_channels",
    "crop": "defects_reason_crop",
    "crop_unstated": "defects_reason_crop_unstated",
    "unconfirmed": "defects_reason_unconfirmed",
}
TALLEST_PX = 460
METRIC_KEYS = {"image_auroc": "defects_image_auroc", "pixel_auroc": "defects_pixel_auroc"}


@dataclass(frozen=True)
class SizeTable:
    """Recall by size of the methods that saw the same pictures.

    Attributes
    ----------
    recalls : DataFrame
        Columns ``method, group, smallest, largest, pictures, reported, recall, low, high``:
        areas in pixels, shares with their 95 % interval.
    defective, without_mask, outside : int
        Defective test pictures; those without a usable mask; those with an area of 0.
    height, width : int
        Size of the transformed picture in pixels.
    left_out : tuple of str
        Methods whose pictures or sizes differ from those of the newest cell.
    """

    recalls: pd.DataFrame
    defective: int
    without_mask: int
    outside: int
    height: int
    width: int
    left_out: tuple[str, ...]

    @property
    def used(self) -> int:
        """Defective pictures with a marked area."""
        return self.defective - self.without_mask - self.outside


def size_table(cells: Sequence[FinishedCell], false_alarms: float) -> SizeTable:
    """Return the recall by size of one category's methods; `cells` must not be empty."""
    newest = max(cells, key=lambda cell: str(cell.about.get("finished")))
    areas, geometry = _areas(newest), newest.about["geometry"]
    rows: list[dict[str, object]] = []
    left_out = []
    for cell in cells:
        if not _areas(cell).equals(areas) or cell.about["geometry"] != geometry:
            left_out.append(cell.method)
            continue
        scores = cell.test.loc[cell.test["label"] > 0, "score"]
        threshold = cell.decisions(false_alarms).threshold
        rows += [
            {
                "method": cell.method,
                "group": found.group,
                "smallest": found.low,
                "largest": found.high,
                "pictures": found.pictures,
                "reported": found.reported,
                "recall": found.recall,
                "low": found.interval[0],
                "high": found.interval[1],
            }
            for found in recall_by_size(areas, scores, threshold)
        ]
    return SizeTable(
        recalls=pd.DataFrame(rows),
        defective=len(areas),
        without_mask=int(areas.isna().sum()),
        outside=int((areas == 0).sum()),
        height=int(geometry["height"]),
        width=int(geometry["width"]),
        left_out=tuple(left_out),
    )


def all_types(outputs: Path) -> pd.DataFrame:
    """Return ``type_table`` over all cells with default settings."""
    return _all_types(str(outputs), results_stamp(outputs))


@st.cache_data(show_spinner=False, max_entries=4)
def _all_types(outputs: str, stamp: str) -> pd.DataFrame:
    return type_table(cell for cell in stamped_cells(outputs, stamp)[0] if _is_default(cell))


def all_comparisons(outputs: Path) -> list[Comparison]:
    """Return our values beside the published ones, of all readable cells with any settings."""
    return _all_comparisons(str(outputs), results_stamp(outputs))


@st.cache_data(show_spinner=False, max_entries=4)
def _all_comparisons(outputs: str, stamp: str) -> list[Comparison]:
    found = comparisons(stamped_cells(outputs, stamp)[0])
    methods, verdicts = list(METHODS), list(VERDICTS)
    return sorted(
        found,
        key=lambda one: (
            one.published.category == MEAN,
            one.published.category,
            methods.index(one.published.method),
            one.settings_id,
            one.published.metric,
            verdicts.index(one.comparable),
        ),
    )


def comparison_table(found: Sequence[Comparison]) -> pd.DataFrame:
    """Return the comparisons in the session's language.

    Returns
    -------
    DataFrame
        Columns ``category, variant`` (method, share of patches and backbone of the published
        value), ``metric, ours, published, difference, comparable, source, reason, settings``.
    """
    return pd.DataFrame(
        {
            "category": [
                said("defects_mean") if one.published.category == MEAN else one.published.category
                for one in found
            ],
            "variant": [
                f"{published_title(one.published)} · {one.published.backbone}"
                if one.published.backbone != "none"
                else published_title(one.published)
                for one in found
            ],
            "metric": [said(METRIC_KEYS[one.published.metric]) for one in found],
            "ours": [one.ours for one in found],
            "published": [one.published.value for one in found],
            "difference": [one.difference for one in found],
            "comparable": [said(VERDICTS[one.comparable]) for one in found],
            "source": [one.published.source for one in found],
            "reason": [_reasons(one) for one in found],
            "settings": [one.settings_id or said("default_settings") for one in found],
        }
    )


def signed(difference: float) -> str:
    """Return a difference with its sign and three decimals; ``0.000`` has no sign."""
    rounded = round(difference, 3)
    return f"{rounded:+.3f}" if rounded else "0.000"


def published_title(value: PublishedValue) -> str:
    """Return the published method's name, and that its coreset share is not stated."""
    if value.method == "patchcore" and value.ratio is None:
        return said("defects_share_unstated", method=value.title)
    return value.title


def published_dots(found: Sequence[Comparison]) -> list[PublishedDot]:
    """Return the chart's dots of one category and metric, a row per published variant."""
    dots: list[PublishedDot] = []
    ours: dict[tuple[str, float], PublishedDot] = {}
    for one in found:
        row = published_title(one.published).replace(", ", "\n")
        if one.published.backbone != "none":
            row += f"\n{one.published.backbone}"
        method = one.published.method
        dots.append(PublishedDot(row, one.published.value, one.published.source, method))
        known = ours.get((row, one.ours))
        filled = one.comparable != NO or (known is not None and known.filled)
        ours[row, one.ours] = PublishedDot(row, one.ours, "", method, filled)
    return [*dict.fromkeys(dots), *ours.values()]


def _reasons(one: Comparison) -> str:
    """Return why a value is not or may not be comparable, known differences first."""
    ordered = sorted(one.reasons, key=lambda reason: not reason.certain)
    return "; ".join(said(REASONS[reason.code], **reason.values) for reason in ordered)


def _areas(cell: FinishedCell) -> pd.Series:
    """Return the marked areas of the defective test pictures, by defect type and stem."""
    defective = cell.test[cell.test["label"] > 0]
    areas = pd.to_numeric(defective["defect_pixels"], errors="coerce").astype(float)
    areas.index = pd.MultiIndex.from_frame(defective[["defect", "stem"]])
    return areas


def _is_default(cell: dict[str, Any]) -> bool:
    return not cell.get("settings_id")
