"""Evaluating categories: which cells are to be made, one after the other, none ending the rest."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from data_utils.locations import CACHE_VARIABLE, cache_root
from data_utils.memory import free_bytes
from data_utils.mvtec import (
    Category,
    DatasetError,
    category_names,
    left_out_folders,
    scan_category,
)
from data_utils.pictures import Pictures, cached_fingerprint, load_pictures
from data_utils.transform import Transform
from detectors.backbones.features import Backbone
from detectors.backbones.names import STAND_IN, TRAINED, weights_kind
from detectors.backbones.weights import WeightsError
from detectors.registry import METHODS
from evaluation.backbone_source import BackboneSource, BackboneSources
from evaluation.cell_check import damage_to
from evaluation.cell_work import CategoryWork, CellWork
from evaluation.cell_writer import write_cell
from evaluation.cells import (
    CELL_FILE,
    CellError,
    CellKey,
    CellPlace,
    all_cells,
    lost_parts,
    read_cell,
    record_failure,
)
from evaluation.errors import sentence
from evaluation.job import DONE, FAILED, RUNNING, SKIPPED, WAITING
from evaluation.machine import Clock
from evaluation.memory import CategorySize, cells_bytes, reading_bytes, refusal, size_of
from evaluation.progress import RunProgress
from evaluation.settings import Settings
from evaluation.shared_coreset import families
from evaluation.summary import SUMMARY_FILE, summary_table, write_summary, wrong_summary
from evaluation.work import run_alone, run_together


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
        for method in self.methods:
            for settings in (self.settings, *self.variants):
                key = CellKey(category, method, settings.identifier(method))
                if self.only is None or key in self.only:
                    planned.setdefault(key, settings)
        return planned

    @property
    def room(self) -> int:
        """The bytes that it may take now."""
        return free_bytes() if self.memory is None else min(free_bytes(), self.memory)


def plan_categories(data: Path, wanted: list[str] | None) -> list[str]:
    """Return the categories to evaluate, checked against what `data` holds.

    Raises
    ------
    DatasetError
        If one is not there.
    """
    available = category_names(data)
    unknown = [name for name in wanted or [] if name not in available]
    if unknown:
        raise DatasetError(
            f"There is no category {', '.join(unknown)} in {data}; it holds: "
            f"{', '.join(available)}."
        )
    return list(dict.fromkeys(wanted)) if wanted else available


def evaluate(run: Run, progress: RunProgress) -> None:
    """Evaluate every category, write its cells, and rebuild the summary after each.

    A cell that fails is recorded with its reason and never ends the run.
    """
    sources = BackboneSources(run.weights)
    run = prepared(run, sources, progress)
    for name in run.categories:
        evaluate_category(run, name, sources, progress)
    conclude(run, progress)


def prepared(run: Run, sources: BackboneSources, progress: RunProgress) -> Run:
    """Say what is wrong before anything is made; return the run with the backbones there are."""
    if wrong := wrong_summary(run.outputs, summary_table(run.outputs)[0]):
        progress.say(wrong)
    for finding in left_out_folders(run.data):
        progress.say(f"{finding}.")
    if any(METHODS[method].reads_backbone for method in run.methods):
        first, *others = (
            sources.settled(settings, progress) for settings in (run.settings, *run.variants)
        )
        run = replace(run, settings=first, variants=tuple(others))
    return run


def evaluate_category(run: Run, name: str, sources: BackboneSources, progress: RunProgress) -> None:
    """Make the cells of one category; what ends the category is the failure of all of them."""
    try:
        _evaluate_category(run, name, sources, progress)
    except Exception as error:
        if not isinstance(error, (ValueError, OSError)):
            traceback.print_exc()
        for cell in progress.status.cells:
            if cell.category == name and cell.state in (WAITING, RUNNING):
                fail(run, cell.key, sentence(error), progress)


def conclude(run: Run, progress: RunProgress) -> None:
    """Rebuild the summary, and say what is wrong with finished cells."""
    try:
        problems = write_summary(run.outputs)
    except OSError as error:
        problems = [f"{SUMMARY_FILE} cannot be written. {sentence(error)}"]
    for problem in problems:
        progress.say(problem)


def seconds_per_cell(run: Run) -> dict[CellKey, float]:
    """Estimate each planned cell's seconds from the cells in the outputs folder."""
    per_picture: dict[str, list[float]] = {}
    for _, cell in all_cells(run.outputs)[0]:
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


def _evaluate_category(
    run: Run, name: str, sources: BackboneSources, progress: RunProgress
) -> None:
    started = time.perf_counter()
    cells = run.cells(name)
    places = {cell: run.place_of(cell) for cell in cells}
    category = _scanned(run, name)
    transform = run.settings.transform_for(category)
    size = size_of(category, transform)
    refused = {
        cell
        for cell, place in places.items()
        if not place.finished and not _has_room(run, cell, cells[cell], size, progress)
    }
    if len(refused) == len(places):
        return
    if lacking := _no_room_to_read(run, category, transform):
        _lack_memory(run, [cell for cell in cells if cell not in refused], lacking, progress)
        return
    clock = Clock()
    with clock.phase("decode"):
        pictures = _decoded(category, transform, progress)
    shared = CategoryWork(category, pictures, clock["decode"], progress)
    sharing: dict[int, tuple[Backbone, list[CellWork]]] = {}
    alone: list[CellWork] = []
    for cell, settings in cells.items():
        if cell in refused:
            continue
        place = places[cell]
        source = sources.of(settings)
        if _is_skipped(run, settings, place, pictures, source, progress):
            continue
        if place.finished and not _has_room(run, cell, settings, size, progress):
            continue
        if METHODS[cell.method].reads_backbone:
            try:
                network = source.get(progress)
            except WeightsError as error:
                fail(run, cell, str(error), progress)
                continue
            _, works = sharing.setdefault(id(network), (network, []))
            works.append(_work(place, settings, network))
        else:
            alone.append(_work(place, settings, None))

    decided_s = time.perf_counter() - started
    for key in list(sharing):
        network, works = sharing.pop(key)
        parts = _that_fit_together(works, size, run.room)
        works.clear()
        while parts:
            _evaluate_together(run, parts.pop(0), network, shared, decided_s)
    for work in alone:
        began = time.perf_counter()
        progress.begin([work.place.key])
        run_alone(work, pictures, progress)
        _finish(run, work, shared, began)


def cells_to_make(
    run: Run, name: str, sources: BackboneSources, progress: RunProgress
) -> tuple[list[CellKey], str]:
    """Read the pictures of a category; return its cells without those that are skipped.

    Returns
    -------
    list of CellKey
    str
        Fingerprint of the pictures.

    Raises
    ------
    ValueError, OSError
        If the category cannot be evaluated at all, also for want of memory.
    """
    category = _scanned(run, name)
    transform = run.settings.transform_for(category)
    if lacking := _no_room_to_read(run, category, transform):
        raise ValueError(lacking)
    pictures = _decoded(category, transform, progress)
    wanted = [
        cell
        for cell, settings in run.cells(name).items()
        if not _is_skipped(
            run, settings, run.place_of(cell), pictures, sources.of(settings), progress
        )
    ]
    return wanted, pictures.fingerprint


def _scanned(run: Run, name: str) -> Category:
    category = scan_category(run.data, name)
    if category.train.empty or category.test.empty:
        raise DatasetError(_why_refused(category))
    return category


def _no_room_to_read(run: Run, category: Category, transform: Transform) -> str:
    """Return the sentence that refuses to read the pictures for want of memory, or ""."""
    if cached_fingerprint(category, transform):
        return ""
    return refusal(reading_bytes(size_of(category, transform)), run.room)


def _decoded(category: Category, transform: Transform, progress: RunProgress) -> Pictures:
    report = progress.phase(f"{category.name}: reading pictures")
    pictures = load_pictures(category, transform, report)
    if pictures.uncached:
        progress.say(
            f"The pictures of {category.name} cannot be kept in {cache_root()} "
            f"({pictures.uncached}) and will be read again; make room there, or name another "
            f"folder in {CACHE_VARIABLE}."
        )
    if not pictures.train_count or not len(pictures.test):
        kind = "test" if pictures.train_count else "training"
        raise DatasetError(f"No {kind} picture can be decoded; {pictures.findings[0]}.")
    return pictures


def _is_skipped(
    run: Run,
    settings: Settings,
    place: CellPlace,
    pictures: Pictures,
    source: BackboneSource,
    progress: RunProgress,
) -> bool:
    """Tell whether the cell is not to be made, and end it if so."""
    reason = (
        _reason_to_keep(place, source)
        if run.force
        else _reason_to_skip(run, settings, place, pictures, source, progress)
    )
    if reason is None:
        return False
    place.failure_file.unlink(missing_ok=True)
    progress.end(place.key, SKIPPED, reason)
    return True


def _evaluate_together(
    run: Run, works: list[CellWork], network: Backbone, shared: CategoryWork, before_s: float
) -> None:
    """Make cells that share one pass of the backbone; `before_s` were spent on all before."""
    began = time.perf_counter()
    shared.progress.begin([work.place.key for work in works])
    try:
        run_together(works, network, shared.pictures, shared.progress)
    except Exception as error:  # what fails in the shared pass must not keep others from going on
        traceback.print_exc()
        for work in works:
            work.failure = work.failure or sentence(error)
    shared_s = before_s + time.perf_counter() - began
    for work in works:
        _finish(run, work, shared, time.perf_counter() - shared_s)


def _has_room(
    run: Run, cell: CellKey, settings: Settings, size: CategorySize, progress: RunProgress
) -> bool:
    """Tell whether there is memory for a cell; record it as failed if there is not."""
    reason = refusal(cells_bytes(size, [(cell.method, settings)]), run.room)
    if reason:
        _lack_memory(run, [cell], reason, progress)
    return not reason


def _lack_memory(run: Run, cells: list[CellKey], reason: str, progress: RunProgress) -> None:
    """Record cells as failed, or leave them for a time when more memory is free."""
    if run.memory is not None:
        progress.postpone(cells, reason)
        return
    for cell in cells:
        fail(run, cell, reason, progress)


def _that_fit_together(
    works: list[CellWork], size: CategorySize, free: int
) -> list[list[CellWork]]:
    """Divide cells that share a backbone into parts that take at most `free` bytes.

    One part as a rule, made in one pass of the backbone.
    """
    parts: list[list[CellWork]] = []
    for family in families(works):
        fits = _bytes_of(family, size) <= free
        for unit in [family] if fits else [[work] for work in family]:
            if parts and _bytes_of([*parts[-1], *unit], size) <= free:
                parts[-1] += unit
            else:
                parts.append(list(unit))
    return parts


def _bytes_of(works: list[CellWork], size: CategorySize) -> int:
    return cells_bytes(size, [(work.place.method, work.settings) for work in works])


def _why_refused(category: Category) -> str:
    """Return what is wrong with a category as a whole and, as an example, with one of its files."""
    whole = [str(finding) for finding in category.findings if finding.path == category.name]
    files = [str(finding) for finding in category.findings if finding.path != category.name]
    return "; ".join(whole + files[:1]) + "."


def _work(place: CellPlace, settings: Settings, network: Backbone | None) -> CellWork:
    detector = METHODS[place.method].make(settings.options, network)
    return CellWork(place, detector, settings, network)


def _reason_to_keep(place: CellPlace, backbone: BackboneSource) -> str | None:
    """Return why a cell is not repeated although all are to be, or None if it is.

    What a ResNet gave is not lost to a network that only stands in for it.
    """
    if not (METHODS[place.method].reads_backbone and backbone.stands_in and place.finished):
        return None
    try:
        cell = read_cell(place.folder)
    except CellError:
        return None
    if weights_kind(cell["weights"]) != TRAINED:
        return None
    return (
        f"kept, made with weights that cannot be had now ({cell['weights']}); --backbone "
        f"{STAND_IN} makes one beside it"
    )


def _reason_to_skip(
    run: Run,
    settings: Settings,
    place: CellPlace,
    pictures: Pictures,
    backbone: BackboneSource,
    progress: RunProgress,
) -> str | None:
    """Return why the cell is not to be made, or None if it is."""
    if not place.finished:
        return None
    try:
        cell = read_cell(place.folder)
    except CellError:
        return None
    if METHODS[place.method].reads_backbone:
        try:
            identity = backbone.get(progress).identity
        except WeightsError:
            identity = cell["backbone_identity"]
        if cell["backbone_identity"] != identity:
            return f"kept, made with other weights ({cell['weights']}); --force replaces it"
    if cell["fingerprint"] == settings.fingerprint(place.method, pictures.fingerprint):
        if damaged := lost_parts(place.folder, cell) or damage_to(place, cell):
            progress.say(f"{damaged.removesuffix('evaluate this cell again.')}it is made again.")
            return None
        with suppress(OSError):
            (place.folder / CELL_FILE).touch()  # says when it was last found up to date
        return "finished earlier"
    if cell["data_root"] != str(run.data.resolve()):
        return f"kept, made from other data ({cell['data_root']}); --force replaces it"
    return None


def _finish(run: Run, work: CellWork, shared: CategoryWork, started: float) -> None:
    """Write the cell and the summary, or record why there is none."""
    if not work.failure:
        with work.guarded():
            write_cell(work, shared, started)
            if run.only is None:
                with suppress(OSError):  # said when the run ends
                    write_summary(run.outputs)
    if work.failure:
        fail(run, work.place.key, work.failure, shared.progress)
    else:
        shared.progress.end(work.place.key, DONE)
    work.maps, work.calibration = None, None


def fail(run: Run, cell: CellKey, reason: str, progress: RunProgress) -> None:
    """End a cell as failed, and note its reason beside its place."""
    progress.end(cell, FAILED, reason)
    try:
        record_failure(run.place_of(cell), reason)
    except (OSError, CellError) as error:
        progress.say(f"The failure of {cell} could not be noted: {error}")
