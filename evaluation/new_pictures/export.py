"""A finished cell as a folder that rates pictures without this project and without PyTorch.

What the method does with a picture becomes one or two networks of OpenVINO's: the backbone, if it
reads one, and what follows it. ``predict.py`` beside them, a program of its own, reads a picture as
the evaluation did. A folder is handed over only after this program has given the scores and the
verdicts of the cell's test pictures.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data_utils.facts import Fault
from detectors.backbones.engines import (
    BFLOAT16,
    OPENVINO,
    Engine,
    engine_in,
    openvino,
    why_unusable,
)
from detectors.backbones.features import NetworkBackbone
from detectors.backbones.openvino_network import OpenvinoBackbone, as_openvino, converted
from detectors.base import Detector
from detectors.feature_detector import FeatureDetector
from evaluation.new_pictures.opened_cell import OpenCell, fitted_pictures
from evaluation.new_pictures.score_table import verdict
from evaluation.store.review_lines import ReviewLines
from evaluation.store.scores import read_scores

PROGRAM = Path(__file__).with_name("predict.py")
NETWORK_FILE, METHOD_FILE, ABOUT_FILE = "network.xml", "method.xml", "about.json"
LINES = ("threshold", "review_above")
TOLERANCE = 1e-3  # of the largest score


class ExportError(Fault):
    """A cell that cannot be exported, or whose export does not do as the cell does."""


def export_cell(
    cell: OpenCell, folder: Path, false_alarms: float, chosen: ReviewLines | None = None
) -> NDArray[np.float64]:
    """Write a new folder, whole or not at all; return what was checked, ``[2, T]``.

    That are the scores of the test pictures by the cell and by the exported program. The threshold
    follows from the rate of false alarms, unless there are `chosen` ones.

    Raises
    ------
    ExportError
        If OpenVINO is missing, the folder is in use, or the scores or verdicts differ.
    CellError, OSError
        If the cell's pictures are gone or others, or the folder cannot be written.
    """
    engine, folder = engine_in(cell.about["settings"]), folder.resolve()
    if problem := why_unusable(Engine(OPENVINO, engine.precision), str(cell.about["backbone"])):
        raise ExportError(problem)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError("export_in_use", folder=folder)
    pictures = fitted_pictures(cell.about).test_records
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=folder.parent, prefix=".", ignore_cleanup_errors=True
    ) as name:
        fresh = Path(name, folder.name)
        fresh.mkdir()
        _write(cell, fresh, "bf16" if engine.precision == BFLOAT16 else "f32", false_alarms, chosen)
        checked = _checked(cell, fresh, pictures["image_path"])
        if folder.exists():
            folder.rmdir()
        fresh.rename(folder)
    return checked


def _write(
    cell: OpenCell, folder: Path, precision: str, false_alarms: float, chosen: ReviewLines | None
) -> None:
    detector, geometry, save = cell.detector, cell.geometry, openvino().save_model
    size = (geometry.height, geometry.width)
    picture = torch.zeros((1, *size, 3), dtype=torch.uint8)
    stages = {METHOD_FILE: "f32"}
    inputs = {"images": picture}
    if isinstance(detector, FeatureDetector):
        backbone = detector.backbone
        if isinstance(backbone, OpenvinoBackbone):
            network = backbone.model.clone()
        else:
            assert isinstance(backbone, NetworkBackbone)
            network = converted(backbone, quantised=False)
        network.reshape([1, *size, 3])
        save(network, folder / NETWORK_FILE, compress_to_fp16=False)
        stages = {NETWORK_FILE: precision} | stages
        layers = backbone.extract(picture.numpy()).items()
        inputs = {name: maps.permute(0, 2, 3, 1).contiguous() for name, maps in layers}
    method = as_openvino(Mapped(detector, size), inputs, ["map"])
    save(method, folder / METHOD_FILE, compress_to_fp16=False)
    threshold = chosen.reject_above if chosen else cell.threshold(false_alarms)
    review_above = chosen.review_above if chosen else threshold
    about = {
        "category": cell.about["category"],
        "method": cell.method,
        "settings": cell.about["settings"],
        "weights": cell.about["weights"],
        "evaluated": cell.about["finished"],
        "stages": stages,
        "geometry": asdict(geometry),
        "threshold": None if math.isnan(threshold) else threshold,
        "review_above": None if math.isnan(threshold) else review_above,
        "false_alarms": None if chosen else false_alarms,
    }
    text = json.dumps(about, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / ABOUT_FILE).write_text(text, encoding="utf-8")
    shutil.copyfile(PROGRAM, folder / PROGRAM.name)
    needed = [f"{name}=={version(name)}\n" for name in ("numpy", "pillow", OPENVINO)]
    (folder / "requirements.txt").write_text("".join(needed), encoding="utf-8")


def _checked(cell: OpenCell, folder: Path, pictures: Iterable[Path]) -> NDArray[np.float64]:
    """Compare the exported program's scores and verdicts with the cell's; raise ExportError."""
    from evaluation.new_pictures import predict

    model = predict.Model(folder)
    table = read_scores(cell.place.folder, cell.about)
    expected = table.loc[table["split"] == "test", "score"].to_numpy()
    lines = [math.nan if model.about[name] is None else model.about[name] for name in LINES]
    scores = []
    for path, score in zip(pictures, expected, strict=True):
        pixels, _ = model.read(path)
        scores.append(float(model.anomaly_map(pixels).max()))
        if model.verdict(scores[-1]) != verdict(score, *lines):
            raise ExportError("export_other_verdict", file=path, score=score, exported=scores[-1])
    largest, most = float(np.abs(scores - expected).max()), float(expected.max())
    if not largest <= TOLERANCE * most:
        raise ExportError("export_other_scores", largest=f"{largest:.3g}", most=f"{most:.3g}")
    return np.stack([expected, scores])


class Mapped(nn.Module):
    """What a detector does with what it reads of a picture, as a module that can be converted."""

    def __init__(self, detector: Detector, size: tuple[int, int]) -> None:
        super().__init__()
        self.detector, self.size = detector, size

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Return the map, float32 ``[1, H, W]``."""
        return self.detector.plain_map(*inputs.values(), size=self.size)
