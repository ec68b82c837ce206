"""Published AUROC values of the fifteen MVTec AD categories, beside our own.

``published_auroc.csv`` holds numbers as papers and repositories print them, each with its source;
"(partly unconfirmed)" marks those that were not checked against the source in full. Columns:
``category`` (``mean`` is the average of the fifteen), ``method`` (``patchcore-10%`` keeps 10 % of
the patches; plain ``patchcore`` states no share), ``backbone, metric, value, source``.

A published value compares with ours only where both were made alike, so every pair says what
differs and what the table does not state.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from data_utils.mvtec import OFFICIAL_CATEGORIES
from data_utils.transform import PAPER_CROP, PAPER_RESIZE
from detectors.backbones.engines import FLOAT32, engine_in
from detectors.backbones.names import RANDOM, UNTRAINED, weights_kind
from detectors.registry import Options

FILE = Path(__file__).with_name("published_auroc.csv")
MEAN = "mean"
UNCONFIRMED = "(partly unconfirmed)"
PAPERS = ("PaDiM paper", "PatchCore paper")
PAPER_GEOMETRY = {"height": PAPER_CROP, "width": PAPER_CROP, "shorter_side": PAPER_RESIZE}
VARIANTS = {"ae-l2": "AE (L2)", "ae-ssim": "AE (SSIM)", "padim": "PaDiM", "patchcore": "PatchCore"}
DISAGREEMENT = 0.01
YES, UNCLEAR, NO = "yes", "unclear", "no"

OFFICIAL_COUNTS = {
    "bottle": (209, 20, 63),
    "cable": (224, 58, 92),
    "capsule": (219, 23, 109),
    "carpet": (280, 28, 89),
    "grid": (264, 21, 57),
    "hazelnut": (391, 40, 70),
    "leather": (245, 32, 92),
    "metal_nut": (220, 22, 93),
    "pill": (267, 26, 141),
    "screw": (320, 41, 119),
    "tile": (230, 33, 84),
    "toothbrush": (60, 12, 30),
    "transistor": (213, 60, 40),
    "wood": (247, 19, 60),
    "zipper": (240, 32, 119),
}
"""Good training, good test and defective test pictures of each category."""


@dataclass(frozen=True)
class PublishedValue:
    """One published number.

    Attributes
    ----------
    category : str
        One of the fifteen, or ``mean``.
    method : str
        Our key of the method it belongs to.
    title : str
        The method's name for people, with its variant.
    ratio : float or None
        PatchCore's stated share of patches; None where none is stated, and for other methods.
    backbone, metric : str
    value : float
    source : str
        As in the file, with the mark of what is unconfirmed.
    """

    category: str
    method: str
    title: str
    ratio: float | None
    backbone: str
    metric: str
    value: float
    source: str

    @property
    def unconfirmed(self) -> bool:
        """Whether the value was not checked against its source in full."""
        return self.source.endswith(UNCONFIRMED)

    @property
    def from_paper(self) -> bool:
        """Whether it is from the method's own paper, whose protocol is known."""
        return self.source.startswith(PAPERS)


@dataclass(frozen=True)
class Reason:
    """Why a published value does not, or may not, compare with ours.

    Attributes
    ----------
    code : str
    certain : bool
        True for a known difference; False for something that is not stated.
    values : dict
        What a sentence about it fills in.
    """

    code: str
    certain: bool = True
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One of our values beside one published value of the same category and metric.

    Attributes
    ----------
    settings_id : str
        Our settings; empty for the defaults.
    ours : float
        NaN where undefined.
    published : PublishedValue
    reasons : tuple of Reason
        Empty if nothing speaks against comparing them.
    """

    settings_id: str
    ours: float
    published: PublishedValue
    reasons: tuple[Reason, ...]

    @property
    def difference(self) -> float:
        """Ours minus published."""
        return self.ours - self.published.value

    @property
    def comparable(self) -> str:
        """``yes``, ``unclear`` (something is not stated) or ``no`` (something differs)."""
        if any(reason.certain for reason in self.reasons):
            return NO
        return UNCLEAR if self.reasons else YES


@dataclass(frozen=True)
class Disagreement:
    """Published values of one thing that differ among themselves by 0.01 or more."""

    category: str
    title: str
    ratio_unstated: bool
    backbone: str
    metric: str
    low: float
    high: float
    sources: int


@cache
def published_values() -> tuple[PublishedValue, ...]:
    """Return all published values."""
    table = pd.read_csv(FILE, keep_default_na=False)
    return tuple(
        PublishedValue(
            category=row["category"],
            method=row["method"].partition("-")[0],
            title=_title(row["method"]),
            ratio=_ratio(row["method"]),
            backbone=row["backbone"],
            metric=row["metric"],
            value=float(row["value"]),
            source=row["source"],
        )
        for row in table.to_dict("records")
    )


def comparisons(cells: Iterable[dict[str, Any]]) -> list[Comparison]:
    """Compare every cell of the fifteen categories with all published values of its method.

    Where all fifteen are finished with the same settings and weights, their mean is compared too.
    A value of another backbone is in the list as well, marked as not comparable.

    Parameters
    ----------
    cells : iterable of dict
        Contents of ``cell.json``.
    """
    compared = []
    alike: dict[tuple[object, ...], list[dict[str, Any]]] = defaultdict(list)
    for cell in cells:
        if cell["category"] not in OFFICIAL_COUNTS:
            continue
        alike[cell["method"], _settings_id(cell), cell["weights"], cell["demo_data"]].append(cell)
        compared += [
            Comparison(_settings_id(cell), _ours(cell, value), value, differences(cell, value))
            for value in published_values()
            if (value.category, value.method) == (cell["category"], cell["method"])
        ]
    for group in alike.values():
        if {cell["category"] for cell in group} == set(OFFICIAL_CATEGORIES):
            compared += _compared_means(group)
    return compared


def differences(cell: dict[str, Any], value: PublishedValue) -> tuple[Reason, ...]:
    """Return what differs between a cell and a published value, or is not stated."""
    reasons = []
    if cell["demo_data"]:
        reasons.append(Reason("demo"))
    kind = weights_kind(str(cell["weights"]))
    if kind in (RANDOM, UNTRAINED):
        reasons.append(Reason(kind))
    reasons += _data_differences(cell, value.metric)
    if value.method == "ae":
        reasons.append(Reason("network"))
    else:
        reasons += _method_differences(cell, value)
        reasons += _crop_differences(cell, value)
    if value.unconfirmed:
        reasons.append(Reason("unconfirmed", certain=False))
    return tuple(reasons)


def disagreements(values: Iterable[PublishedValue]) -> list[Disagreement]:
    """Return where published values of one thing differ by 0.01 or more, the widest first.

    One thing: the same category, method with its share of patches, backbone and metric.
    """
    groups: dict[tuple[str, ...], list[PublishedValue]] = defaultdict(list)
    for value in dict.fromkeys(values):
        groups[value.category, value.title, value.backbone, value.metric].append(value)
    found = []
    for (category, title, backbone, metric), group in groups.items():
        low, high = min(one.value for one in group), max(one.value for one in group)
        if round(high - low, 6) >= DISAGREEMENT:
            unstated = _ratio_unstated(group[0])
            found.append(
                Disagreement(category, title, unstated, backbone, metric, low, high, len(group))
            )
    return sorted(found, key=lambda one: one.low - one.high)


def _compared_means(cells: Sequence[dict[str, Any]]) -> list[Comparison]:
    compared = []
    for value in published_values():
        if (value.category, value.method) != (MEAN, cells[0]["method"]):
            continue
        ours = sum(_ours(cell, value) for cell in cells) / len(cells)
        reasons: dict[str, Reason] = {}
        for cell in cells:
            for reason in differences(cell, value):
                reasons.setdefault(reason.code, reason)
        compared.append(Comparison(_settings_id(cells[0]), ours, value, tuple(reasons.values())))
    return compared


def _data_differences(cell: dict[str, Any], metric: str) -> list[Reason]:
    counts, official = cell["counts"], OFFICIAL_COUNTS[cell["category"]]
    ours = (counts["train_images"], counts["test_good"], counts["test_defective"])
    reasons = []
    if ours != official:
        told = {
            "category": str(cell["category"]),
            "ours": " / ".join(map(str, ours)),
            "official": " / ".join(map(str, official)),
        }
        reasons.append(Reason("data", values=told))
    if metric == "pixel_auroc" and cell["settings"].get("full_size_masks"):
        reasons.append(Reason("full_size_masks"))
    if metric == "pixel_auroc" and counts.get("test_with_mask") != counts["test_defective"]:
        reasons.append(Reason("masks", values={"category": str(cell["category"])}))
    return reasons


def _method_differences(cell: dict[str, Any], value: PublishedValue) -> list[Reason]:
    settings = cell["settings"]
    reasons = []
    backbone = str(cell.get("backbone"))
    if backbone != value.backbone:
        reasons.append(Reason("backbone", values={"ours": backbone, "published": value.backbone}))
    if (precision := engine_in(settings).precision) != FLOAT32:
        reasons.append(Reason("precision", values={"ours": precision}))
    if value.method == "patchcore":
        if value.metric == "image_auroc":
            reasons.append(Reason("maximum"))
        ratio = settings.get("coreset_ratio")
        if value.ratio is None or ratio is None:
            reasons.append(Reason("ratio_unstated", certain=False))
        elif not math.isclose(float(ratio), value.ratio):
            told = {"ours": _percent(float(ratio)), "published": _percent(value.ratio)}
            reasons.append(Reason("ratio", values=told))
    channels = settings.get("padim_channels")
    papers = Options().channels_for(backbone)
    if value.method == "padim" and channels is not None and channels != papers:
        told = {"ours": str(channels), "paper": str(papers)}
        reasons.append(Reason("channels", values=told))
    return reasons


def _crop_differences(cell: dict[str, Any], value: PublishedValue) -> list[Reason]:
    if not value.from_paper:
        return [Reason("crop_unstated", certain=False)]
    geometry = cell["geometry"]
    if all(geometry.get(name) == side for name, side in PAPER_GEOMETRY.items()):
        return []
    told = {"paper": f"{PAPER_RESIZE} / {PAPER_CROP} px", "ours": str(cell.get("transform"))}
    return [Reason("crop", values=told)]


def _ours(cell: dict[str, Any], value: PublishedValue) -> float:
    ours = cell["metrics"].get(value.metric)
    return float(ours) if isinstance(ours, (int, float)) else math.nan


def _settings_id(cell: dict[str, Any]) -> str:
    return str(cell.get("settings_id") or "")


def _ratio(method: str) -> float | None:
    share = method.partition("-")[2]
    return float(share.removesuffix("%")) / 100 if share.endswith("%") else None


def _ratio_unstated(value: PublishedValue) -> bool:
    return value.method == "patchcore" and value.ratio is None


def _title(method: str) -> str:
    if method in VARIANTS:
        return VARIANTS[method]
    family, _, share = method.partition("-")
    return f"{VARIANTS.get(family, family)} {share.replace('%', ' %')}".strip()


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
