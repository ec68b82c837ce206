"""What an evaluation has noted in English, in the session's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dashboard.state import said
from detectors.backbones.names import FILTER_BANK_LABEL, LITE0_LABEL
from evaluation.spreadsheet import NOT_AVAILABLE
from evaluation.summary import MACHINE_COLUMNS

PHASES = {
    "run_starting": r"starting|",
    "phase_weights": r"loading the backbone's weights",
    "phase_cluster": r"waiting for workers of the cluster",
    "phase_reading": r"(?P<category>.+): reading pictures",
    "phase_features": r"(?P<category>.+): features of training pictures",
    "phase_training": r"(?P<category>.+): training (?P<method>.+)",
    "phase_fitting": r"(?P<category>.+): fitting (?P<method>.+)",
    "phase_scoring": r"(?P<category>.+): scoring test pictures",
    "phase_scoring_with": r"(?P<category>.+): scoring with (?P<method>.+)",
    "phase_measuring": r"(?P<category>.+): measuring (?P<method>.+)",
    "phase_writing": r"(?P<category>.+): writing files of (?P<method>.+)",
}
WEIGHTS = {
    "weights_none": r"none \(trained on these pictures\)",
    "weights_untrained": re.escape(FILTER_BANK_LABEL),
    "weights_lite0": re.escape(LITE0_LABEL),
    "weights_random": r"random \(seed (?P<seed>\d+)\)",
    "weights_file": r"file (?P<file>.+)",
}


def phase_text(phase: str) -> str:
    """Return what a job is doing, as ``JobStatus.phase`` says it."""
    return _said(PHASES, phase)


def weights_text(label: str) -> str:
    """Return where a cell's backbone weights came from, as ``cell.json`` says it."""
    return _said(WEIGHTS, label)


def machine(cell: Mapping[Any, Any]) -> str:
    """Return the processor, threads and system that a cell's times were measured with."""
    cpu, threads, system = (str(cell.get(name) or NOT_AVAILABLE) for name in MACHINE_COLUMNS)
    if cpu == NOT_AVAILABLE:
        return said("machine_unknown")
    processor = said("overview_machine", cpu=cpu, threads=threads)
    return processor if system == NOT_AVAILABLE else f"{processor}, {system}"


def _said(patterns: dict[str, str], noted: str) -> str:
    """Return the text whose pattern fits, with the values found in it; else what was noted."""
    for key, pattern in patterns.items():
        if found := re.fullmatch(pattern, noted):
            return said(key, **found.groupdict())
    return noted
