"""What the fields of a ``cell.json`` hold, so that a damaged one is found where it is read."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
NUMBER, MAYBE, COUNT = "a number", "a number or null", "a whole number from 0 on"
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
    "fit_s": NUMBER,
    "score_s": NUMBER,
    "runtime_s": NUMBER,
    "wall_s": NUMBER,
    "ms_per_image": NUMBER,
    "latency_ms": NUMBER,
    "latency_p95_ms": NUMBER,
    "model_mb": NUMBER,
    "peak_memory_mb": NUMBER,
    "findings": TEXTS,
    "finished": TEXT,
    "cpu": TEXT,
    "cores": COUNT,
    "threads": COUNT,
    "system": TEXT,
    "metrics.*": MAYBE,
    "counts.*": COUNT,
    "settings.seed": COUNT,
    "settings.backbone": TEXT,
    "settings.whole_picture": TRUTH,
    "settings.*": MAYBE,
    "timings.*": NUMBER,
    "versions.*": TEXT,
}
"""What each field holds; a star stands for the names of a section that are not listed.

``metrics.by_defect``, ``scale`` and ``geometry`` are checked by what reads them.
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


def _is_number(value: object) -> bool:
    """Tell whether it is a finite number; JSON also has integers beyond all floats."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= sys.float_info.max


def _is_number_or_null(value: object) -> bool:
    return value is None or _is_number(value)


def _same_name(noted: str, on_disk: str) -> bool:
    """Compare names; file systems and archives may take Korean syllables apart."""
    return unicodedata.normalize("NFC", noted) == unicodedata.normalize("NFC", on_disk)


HOLDS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str),
    TEXTS: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    TRUTH: lambda value: isinstance(value, bool),
    NUMBER: _is_number,
    MAYBE: _is_number_or_null,
    COUNT: lambda value: _is_number(value) and isinstance(value, int) and value >= 0,
}
