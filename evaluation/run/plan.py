"""What a run is to make: its cells, their settings and their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from data_utils.locations import free_bytes
from data_utils.mvtec import category_names
from detectors.backbones.names import RANDOM
from detectors.registry import METHODS
from evaluation.run.request import Request, RequestError, check_settings, study_refusal
from evaluation.store.cells import readable_cells
from evaluation.store.leave_out import read_left_out
from evaluation.store.places import CellKey, CellPlace
from evaluation.store.settings import Settings


@dataclass(frozen=True)
class Run:
    """What is to be evaluated.

    Attributes
    ----------
    data, outputs : Path
    categories, methods : list of str
    settings : Settings
    weights : str or None
        File, ``"random"``, or None for torchvision's ImageNet weights; see ``BackboneSource``.
    force : bool
        Repeat finished cells, and replace cells made with other weights.
    variants : tuple of Settings
        Further settings to evaluate; they apply the same transform as `settings`.
    only : tuple of CellKey or None
        The cells that this part of a run makes, None for all. A part leaves the summary alone.
    memory : int or None
        Bytes that it may take; what needs more is postponed. None for all that is free.
    leave_out : mapping of str to tuple of str
        Training pictures that are not used, by category; see ``store.leave_out``.
    """

    data: Path
    outputs: Path
    categories: list[str]
    methods: list[str]
    settings: Settings = field(default_factory=Settings)
    weights: str | None = None
    force: bool = False
    variants: tuple[Settings, ...] = ()
    only: tuple[CellKey, ...] | None = None
    memory: int | None = None
    leave_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def place(self, category: str, method: str) -> CellPlace:
        """Return where the cell with the first settings goes; for errors see ``place_of``."""
        return self.place_of(CellKey(category, method, self.settings.identifier(method)))

    def place_of(self, cell: CellKey) -> CellPlace:
        """Return where a cell goes; raises CellError if the category's name cannot be used."""
        return CellPlace(self.outputs, *cell)

    @property
    def planned(self) -> list[CellKey]:
        """The cells of all categories, in order."""
        return [cell for name in self.categories for cell in self.cells(name)]

    def cells(self, category: str) -> dict[CellKey, Settings]:
        """Return the planned cells of a category, each with the settings that it is made with.

        Settings that make no difference to a method make no cell of their own.
        """
        planned: dict[CellKey, Settings] = {}
        left_out = self.left_out(category)
        for method in self.methods:
            for one in (self.settings, *self.variants):
                settings = replace(one, leave_out=left_out)
                key = CellKey(category, method, settings.identifier(method))
                if self.only is None or key in self.only:
                    planned.setdefault(key, settings)
        return planned

    def left_out(self, category: str) -> tuple[str, ...]:
        """Return the training pictures of a category that are not used."""
        return self.leave_out.get(category, ())

    @property
    def room(self) -> int:
        """The bytes that it may take now."""
        return free_bytes() if self.memory is None else min(free_bytes(), self.memory)


def planned_run(request: Request, data: Path, outputs: Path) -> Run:
    """Return the run that a request asks for, checked against what `data` holds.

    Raises
    ------
    RequestError, ValueError, OSError
        If it cannot be carried out.
    """
    available, wanted = category_names(data), request.categories
    if unknown := [name for name in wanted if name not in available]:
        names, held = ", ".join(unknown), ", ".join(available)
        raise RequestError("category_unknown", names=names, data=data, available=held)
    if refused := study_refusal(request):
        raise RequestError(refused)
    if len(request.backbones) > 1 and request.weights not in (None, RANDOM):
        raise RequestError("one_backbone", weights=request.weights)
    settings, *variants = request.settings()
    run = Run(
        data=data,
        outputs=outputs,
        categories=list(dict.fromkeys(wanted or available)),
        methods=[name for name in METHODS if name in (request.methods or METHODS)],
        settings=settings,
        weights=request.weights,
        force=request.force,
        variants=tuple(variants),
        leave_out=read_left_out(Path(request.leave_out)) if request.leave_out else {},
    )
    if request.leave_out and not any(map(run.left_out, run.categories)):
        raise RequestError("leave_out_nothing", path=request.leave_out)
    for one in (settings, *variants):
        check_settings(one, run.categories, run.methods)
    return run


def seconds_per_cell(run: Run) -> dict[CellKey, float]:
    """Estimate each planned cell's seconds from the cells in the outputs folder."""
    per_picture: dict[str, list[float]] = {}
    for cell in readable_cells(run.outputs):
        counts = cell["counts"]
        pictures = counts["train_images"] + counts["test_good"] + counts["test_defective"]
        if pictures and cell.get("wall_s"):
            per_picture.setdefault(cell["method"], []).append(cell["wall_s"] / pictures)
    estimates = {}
    for name in run.categories:
        pictures = sum(1 for _ in (run.data / name).glob("t*/*/*.*"))
        for key in run.cells(name):
            if key.method in per_picture:
                estimates[key] = pictures * float(np.median(per_picture[key.method]))
    return estimates
