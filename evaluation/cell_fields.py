"""What the fields of a ``cell.json`` hold, so that a damaged one is found where it is read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluation.cell_files import FILES, is_record

LARGEST = 1e9
LARGEST_SCORE = 1e30
LARGEST_SEED = 2**32 - 1
ROUNDING = 1e-6
SECTIONS = ("metrics", "counts", "settings", "timings", "scale", "geometry")
NEEDED = {
    "": {
        *SECTIONS,
        *("format", "category", "method", "fingerprint", "data_root", "demo_data"),
        *("fit_s", "score_s", "ms_per_image", "weights", "backbone_identity"),
    },
    "metrics": {"image_auroc", "image_auroc_low", "image_auroc_high", "pixel_auroc", "aupro"},
    "counts": {"train_images", "test_good", "test_defective", "calibration_images"},
}
"""Names that each section has, and the file itself; others may be missing."""

TEXT, TEXTS, TRUTH = "a text", "a list of texts", "true or false"
SCORE, MAYBE_SCORE = "a number", "a number or null"
AMOUNT, SHARE = "a number from 0 to 1e9", "a number from 0 to 1 or null"
COUNT, MAYBE_COUNT = "a whole number from 0 to 1e9", "a whole number from 0 to 1e9 or null"
SIDE = "a whole number from 1 to 1e9"
SEED, RECORD = "a whole number from 0 to 2^32 - 1", "a record of files"
FIELDS = {
    "category": TEXT,
    "method": TEXT,
    "method_version": COUNT,
    "settings_id": TEXT,
    "fingerprint": TEXT,
    "data_fingerprint": TEXT,
    "data_root": TEXT,
    "demo_data": TRUTH,
    "backbone": TEXT,
    "weights": TEXT,
    "backbone_identity": TEXT,
    "transform": TEXT,
    "fit_s": AMOUNT,
    "score_s": AMOUNT,
    "runtime_s": AMOUNT,
    "wall_s": AMOUNT,
    "ms_per_image": AMOUNT,
    "latency_ms": AMOUNT,
    "latency_p95_ms": AMOUNT,
    "model_mb": AMOUNT,
    "peak_memory_mb": AMOUNT,
    "findings": TEXTS,
    "finished": TEXT,
    "cpu": TEXT,
    "cores": COUNT,
    "threads": COUNT,
    "system": TEXT,
    "metrics.image_best_f1_threshold": MAYBE_SCORE,
    "metrics.pixel_best_f1_threshold": MAYBE_SCORE,
    "metrics.*": SHARE,
    "counts.*": COUNT,
    "settings.seed": SEED,
    "settings.backbone": TEXT,
    "settings.whole_picture": TRUTH,
    "settings.*": MAYBE_SCORE,
    "timings.*": AMOUNT,
    "versions.*": TEXT,
    "scale.low": SCORE,
    "scale.high": SCORE,
    "geometry.height": SIDE,
    "geometry.width": SIDE,
    "geometry.shorter_side": MAYBE_COUNT,
    FILES: RECORD,
}
"""What each field holds; a star stands for the names of a section that are not listed.

``metrics.by_defect`` and how the numbers of ``scale`` and ``geometry`` fit together are checked by
what reads them.
"""
ELSEWHERE = "metrics.by_defect"


def is_complete(cell: object) -> bool:
    """Tell whether the content of a ``cell.json`` has all that readers need, of whatever kind."""
    return (
        isinstance(cell, dict)
        and cell.keys() >= NEEDED[""]
        and all(isinstance(cell[section], dict) for section in SECTIONS)
        and all(cell[section].keys() >= NEEDED[section] for section in ("metrics", "counts"))
    )


def damage(cell: dict[str, Any], folder: Path) -> str:
    """Return what is wrong with the content of a complete ``cell.json``; "" if nothing is.

    Parameters
    ----------
    cell : dict
    folder : Path
        ``<category>/<method>``, where it was found.
    """
    if not isinstance(cell.get("versions", {}), dict):
        return "versions is not a section"
    for name, value in _fields(cell):
        kind = FIELDS.get(name) or FIELDS.get(f"{name.partition('.')[0]}.*")
        if name != ELSEWHERE and kind is not None and not HOLDS[kind](value):
            return f"{name} is not {kind}"
    for name, place in (("category", folder.parent.name), ("method", folder.name)):
        if not _same_name(cell[name], place):
            return f"{name} is '{cell[name]}' in the folder '{place}'"
    return ""


def _fields(cell: dict[str, Any]) -> list[tuple[str, Any]]:
    sections = (*SECTIONS, "versions")
    inner = [(f"{top}.{name}", cell[top][name]) for top in sections for name in cell.get(top, {})]
    return [*((name, value) for name, value in cell.items() if name not in sections), *inner]


def _is_number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return low <= value <= high


def _same_name(noted: str, on_disk: str) -> bool:
    """Compare names; file systems and archives may take Korean syllables apart."""
    return unicodedata.normalize("NFC", noted) == unicodedata.normalize("NFC", on_disk)


HOLDS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str),
    TEXTS: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    TRUTH: lambda value: isinstance(value, bool),
    SCORE: lambda value: _is_number(value, -LARGEST_SCORE, LARGEST_SCORE),
    MAYBE_SCORE: lambda value: value is None or HOLDS[SCORE](value),
    AMOUNT: lambda value: _is_number(value, 0, LARGEST),
    SHARE: lambda value: value is None or _is_number(value, -ROUNDING, 1 + ROUNDING),
    COUNT: lambda value: isinstance(value, int) and _is_number(value, 0, LARGEST),
    MAYBE_COUNT: lambda value: value is None or HOLDS[COUNT](value),
    SIDE: lambda value: HOLDS[COUNT](value) and value > 0,
    SEED: lambda value: isinstance(value, int) and _is_number(value, 0, LARGEST_SEED),
    RECORD: is_record,
}
