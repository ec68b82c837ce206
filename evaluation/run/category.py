"""Evaluating categories one after the other: which cells are to be made, and none ends the rest."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress
from dataclasses import replace

from data_utils.decoding import Pictures
from data_utils.facts import Fact, fact, fact_of
from data_utils.mvtec import Category, DatasetError, left_out_folders
from data_utils.pictures import cached_fingerprint
from data_utils.transform import Transform
from detectors.backbones.features import Backbone
from detectors.backbones.names import STAND_IN, TRAINED, weights_kind
from detectors.backbones.weights import WeightsError
from detectors.registry import METHODS
from evaluation.run.backbone_source import BackboneSource, BackboneSources
from evaluation.run.fitting import PendingCell, run_alone, run_together
from evaluation.run.memory_budget import (
    CategorySize,
    cells_bytes,
    parts_that_fit,
    reading_bytes,
    refusal,
    size_of,
)
from evaluation.run.plan import Run
from evaluation.run.progress import DONE, FAILED, RUNNING, SKIPPED, WAITING, RunProgress
from evaluation.run.reading import decoded, scanned
from evaluation.run.timing import Clock
from evaluation.run.writing import CategoryInput, write_cell
from evaluation.store.cells import read_cell, record_failure
from evaluation.store.checksums import damaged_file
from evaluation.store.places import CELL_FILE, CellError, CellKey, CellPlace, is_taken
from evaluation.store.settings import Settings
from evaluation.store.summary import write_summary, wrong_summary


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
    if wrong := wrong_summary(run.outputs):
        progress.say(wrong)
    for finding in left_out_folders(run.data):
        progress.say(f"{finding}.")
    for name in filter(is_taken, run.categories):
        for cell in run.cells(name):
            progress.end(cell, FAILED, fact("category_name_taken", category=name))
    run = replace(run, categories=[name for name in run.categories if not is_taken(name)])
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
                fail(run, cell.key, fact_of(error), progress)


def conclude(run: Run, progress: RunProgress) -> None:
    """Rebuild the summary, and say what is wrong with finished cells."""
    try:
        problems = write_summary(run.outputs)
    except OSError as error:
        problems = [fact("summary_unwritable", error=fact_of(error))]
    for problem in problems:
        progress.say(problem)


def fail(run: Run, cell: CellKey, reason: Fact, progress: RunProgress) -> None:
    """End a cell as failed, and note its reason beside its place."""
    progress.end(cell, FAILED, reason)
    try:
        record_failure(run.place_of(cell), reason)
    except (OSError, CellError) as error:
        progress.say(f"The failure of {cell} could not be noted: {error}")


def cells_to_make(
    run: Run, name: str, sources: BackboneSources, progress: RunProgress
) -> tuple[list[CellKey], str]:
    """Return a category's cells without those that are skipped, and its pictures' fingerprint.

    Raises ValueError or OSError if it cannot be evaluated at all, also for want of memory.
    """
    category = scanned(run.data, name)
    transform = run.settings.transform_for(category)
    if lacking := _no_room_to_read(run, category, transform):
        raise DatasetError(lacking)
    pictures = decoded(category, transform, run.left_out(name), progress, remark=True)
    wanted = [
        cell
        for cell, settings in run.cells(name).items()
        if not _is_skipped(run, cell, settings, pictures, sources.of(settings), progress)
    ]
    return wanted, pictures.fingerprint


def _evaluate_category(
    run: Run, name: str, sources: BackboneSources, progress: RunProgress
) -> None:
    started = time.perf_counter()
    cells = run.cells(name)
    category = scanned(run.data, name)
    transform = run.settings.transform_for(category)
    size = size_of(category, transform)
    missing = [cell for cell in cells if not run.place_of(cell).finished]
    refused = {one for one in missing if not _has_room(run, one, cells[one], size, progress)}
    if len(refused) == len(cells):
        return
    if lacking := _no_room_to_read(run, category, transform):
        _lack_memory(run, [cell for cell in cells if cell not in refused], lacking, progress)
        return
    clock = Clock()
    with clock.phase("decode"):
        pictures = decoded(
            category, transform, run.left_out(name), progress, remark=run.only is None
        )
    given = CategoryInput(category, pictures, clock["decode"])
    sharing: dict[int, tuple[Backbone, list[PendingCell]]] = {}
    alone: list[PendingCell] = []
    for cell, settings in cells.items():
        source = sources.of(settings)
        if cell in refused or _is_skipped(run, cell, settings, pictures, source, progress):
            continue
        if cell not in missing and not _has_room(run, cell, settings, size, progress):
            continue
        method = METHODS[cell.method]
        if not method.reads_backbone:
            detector = method.make(settings.options, None)
            alone.append(PendingCell(run.place_of(cell), detector, settings))
            continue
        try:
            network = source.get(progress)
        except WeightsError as error:
            fail(run, cell, fact_of(error), progress)
            continue
        detector = method.make(settings.options, network)
        _, together = sharing.setdefault(id(network), (network, []))
        together.append(PendingCell(run.place_of(cell), detector, settings, network))

    decided_s = time.perf_counter() - started
    for key in list(sharing):
        network, together = sharing.pop(key)
        parts = parts_that_fit(
            together, size, run.room, lambda one: (one.place.method, one.settings)
        )
        together.clear()
        while parts:
            _evaluate_together(run, parts.pop(0), network, given, decided_s, progress)
    for pending in alone:
        began = time.perf_counter()
        progress.begin([pending.place.key])
        run_alone(pending, pictures, progress.phase)
        _finish(run, pending, given, began, progress)


def _evaluate_together(
    run: Run,
    cells: list[PendingCell],
    network: Backbone,
    given: CategoryInput,
    before_s: float,
    progress: RunProgress,
) -> None:
    """Make cells that share one pass of the backbone; `before_s` were spent on all before."""
    began = time.perf_counter()
    progress.begin([cell.place.key for cell in cells])
    try:
        run_together(cells, network, given.pictures, progress.phase)
    except Exception as error:  # what fails in the shared pass must not keep others from going on
        traceback.print_exc()
        for cell in cells:
            cell.failure = cell.failure or fact_of(error)
    shared_s = before_s + time.perf_counter() - began
    for cell in cells:
        _finish(run, cell, given, time.perf_counter() - shared_s, progress)


def _finish(
    run: Run, cell: PendingCell, given: CategoryInput, started: float, progress: RunProgress
) -> None:
    """Write the cell and the summary, or record why there is none."""
    if not cell.failure:
        with cell.guarded():
            write_cell(cell, given, started, progress.phase)
            if run.only is None:
                with suppress(OSError):  # said when the run ends
                    write_summary(run.outputs)
    if cell.failure:
        fail(run, cell.place.key, cell.failure, progress)
    else:
        progress.end(cell.place.key, DONE)
    cell.maps, cell.calibration = None, None


def _is_skipped(
    run: Run,
    cell: CellKey,
    settings: Settings,
    pictures: Pictures,
    source: BackboneSource,
    progress: RunProgress,
) -> bool:
    """Tell whether the cell is not to be made, and end it if so."""
    place = run.place_of(cell)
    reason = None
    if place.finished:
        with suppress(CellError):
            about = read_cell(place.folder)
            if run.force:
                reason = _reason_to_keep(place, about, source)
            else:
                reason = _reason_to_skip(run, place, about, settings, pictures, source, progress)
    if reason is None:
        return False
    place.failure_file.unlink(missing_ok=True)
    progress.end(cell, SKIPPED, reason)
    return True


def _reason_to_keep(
    place: CellPlace, about: dict[str, object], source: BackboneSource
) -> Fact | None:
    """Return why a cell is not repeated although all are to be, or None if it is.

    What a ResNet gave is not lost to a network that only stands in for it.
    """
    weights = str(about["weights"])
    precious = METHODS[place.method].reads_backbone and weights_kind(weights) == TRAINED
    if not (precious and source.stands_in):
        return None
    return fact("kept_stand_in", weights=weights, stand_in=STAND_IN)


def _reason_to_skip(
    run: Run,
    place: CellPlace,
    about: dict[str, object],
    settings: Settings,
    pictures: Pictures,
    source: BackboneSource,
    progress: RunProgress,
) -> Fact | None:
    """Return why the cell is not to be made, or None if it is."""
    if METHODS[place.method].reads_backbone:
        with suppress(WeightsError):
            network, made = source.get(progress), about["backbone_identity"]
            if made != network.identity:
                alike = about["weights"] == network.weights_label
                return fact("kept_weights", weights=made if alike else about["weights"])
    if about["fingerprint"] == settings.fingerprint(place.method, pictures.fingerprint):
        if damage := damaged_file(place.folder, about):
            progress.say(fact("cell_made_again", folder=place.folder, damage=damage))
            return None
        with suppress(OSError):
            (place.folder / CELL_FILE).touch()  # says when it was last found up to date
        return fact("up_to_date")
    if about["data_root"] != str(run.data.resolve()):
        return fact("kept_data", data=about["data_root"])
    return None


def _no_room_to_read(run: Run, category: Category, transform: Transform) -> Fact | None:
    """Return why the pictures are not read for want of memory."""
    if cached_fingerprint(category, transform):
        return None
    return refusal(reading_bytes(size_of(category, transform)), run.room)


def _has_room(
    run: Run, cell: CellKey, settings: Settings, size: CategorySize, progress: RunProgress
) -> bool:
    """Tell whether there is memory for a cell; record it as failed if there is not."""
    reason = refusal(cells_bytes(size, [(cell.method, settings)]), run.room)
    if reason:
        _lack_memory(run, [cell], reason, progress)
    return not reason


def _lack_memory(run: Run, cells: list[CellKey], reason: Fact, progress: RunProgress) -> None:
    """Record cells as failed, or leave them for a time when more memory is free."""
    if run.memory is not None:
        progress.postpone(cells, reason)
        return
    for cell in cells:
        fail(run, cell, reason, progress)
