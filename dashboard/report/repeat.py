"""The command lines that repeat finished cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any

from data_utils.locations import PROJECT, shown_path
from detectors.backbones.engines import engine_in
from detectors.backbones.names import AUTOMATIC, DEFAULT_BACKBONE, RANDOM, weights_kind
from detectors.registry import METHODS, Options
from evaluation.run.request import Request, command_line
from evaluation.store.leave_out import LEAVE_OUT_FILE

DEMO, ELSEWHERE = "demo", "..."
WEIGHTS_FILE = re.compile(r"file (?P<name>.+) \(.*\)")


def commands(abouts: Iterable[dict[str, Any]], outputs: Path) -> list[str]:
    """Return the command lines that give these cells' numbers, one for each kind of settings.

    The backbone is named, so that no other one is taken where the weights cannot be had. Cells of
    EfficientNet-Lite0 that stand where those of the default one would are made in a folder of
    their own.

    A weights file is given by its name alone, as cells do not note its folder; so is a folder
    outside the project, as a report is for others and their folders lie elsewhere. So is the list
    of pictures that were left out.

    Parameters
    ----------
    abouts : iterable of dict
        The contents of their ``cell.json``.
    outputs : Path
    """
    cells = [(about, _request(about)) for about in abouts]
    weights: dict[Request, str | None] = {}
    for about, asked in cells:
        if about["backbone_identity"]:
            weights.setdefault(replace(asked, weights=None), asked.weights)
    methods: dict[tuple[str, Request], list[str]] = {}
    for about, asked in cells:
        if not about["backbone_identity"]:
            asked = replace(asked, weights=weights.get(asked))
        methods.setdefault((about["category"], asked), []).append(about["method"])
    categories: dict[Request, list[str]] = {}
    for (category, asked), used in methods.items():
        whole = replace(asked, methods=tuple(key for key in METHODS if key in used))
        categories.setdefault(whole, []).append(category)
    lines = []
    for asked, names in categories.items():
        data = asked.data if asked.data == DEMO else shared_path(Path(asked.data))
        if not any(METHODS[key].reads_backbone for key in asked.methods):
            asked = replace(asked, backbones=(AUTOMATIC,))
        named = replace(asked, data=data, categories=tuple(names))
        lines.append(command_line(named.arguments(), outputs.absolute(), shared_path))
    return lines


def shared_path(path: Path) -> str:
    """Return a folder for others to read: ``.../mvtec_ad`` where it is outside the project."""
    if path.is_relative_to(PROJECT):
        return shown_path(path)
    return f"{ELSEWHERE}/{PureWindowsPath(str(path)).name}"  # splits at slashes of both kinds


def _request(about: dict[str, Any]) -> Request:
    noted, default, label = about["settings"], Options(), str(about["weights"])
    backbone = str(noted.get("backbone", DEFAULT_BACKBONE))
    channels, engine = noted.get("padim_channels"), engine_in(noted)
    file = WEIGHTS_FILE.fullmatch(label)
    return Request(
        data=DEMO if about["demo_data"] else str(about["data_root"]),
        backbones=(backbone,),  # another one would make another cell
        weights=RANDOM if weights_kind(label) == RANDOM else file["name"] if file else None,
        engines=(engine.library,),
        precisions=(engine.precision,),
        image_size=noted.get("image_size"),
        crop=noted.get("crop"),
        no_crop=bool(noted.get("whole_picture")),
        full_size_masks=bool(noted.get("full_size_masks")),
        coreset_ratios=(noted.get("coreset_ratio", default.coreset_ratio),),
        padim_channels=None if channels == default.channels_for(backbone) else channels,
        seeds=(noted.get("seed", default.seed),),
        leave_out=LEAVE_OUT_FILE if about.get("left_out") else None,
    )
