"""Evaluating categories: which cells are to be made, one after the other, none ending the rest."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from data_utils.memory import free_bytes
from data_utils.mvtec import (
    Category,
    DatasetError,
    category_names,
    left_out_folders,
    scan_category,
)
from data_utils.pictures import Pictures, cached_fingerprint, load_pictures
from detectors.architectures import OFFLINE_BACKBONE, TRAINED, weights_kind
from detectors.backbone import Backbone
from detectors.registry import METHODS
from detectors.weights import WeightsError
from evaluation.backbone_source import BackboneSource
from evaluation.cell_check import damage_to
from evaluation.cell_writer import write_cell
from evaluation.cells import (
    CELL_FILE,
    CellError,
    CellPlace,
    all_cells,
    read_cell,
    record_failure,
)
from evaluation.errors import sentence
from evaluation.job import DONE, FAILED, RUNNING, SKIPPED, WAITING
from evaluation.machine import Clock
from evaluation.memory import CategorySize, cells_bytes, reading_bytes, refusal, size_of
from evaluation.progress import RunProgress
from evaluation.settings import Settings
from evaluation.summary import SUMMARY_FILE, summary_table, write_summary, wrong_summary
from evaluation.work import CategoryWork, CellWork, run_alone, run_together


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
    """

    data: Path
    outputs: Path
    categories: list[str]
    methods: list[str]
    settings: Settings = field(default_factory=Settings)
    weights: str | None = None
    force: bool = False

    def place(self, category: str, method: str) -> CellPlace:
        """Return where the cell goes; raises CellError if the category's name cannot be used."""
        return CellPlace(self.outputs, category, method, self.settings.identifier(method))


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
    if wrong := wrong_summary(run.outputs, summary_table(run.outputs)[0]):
        progress.say(wrong)
    for finding in left_out_folders(run.data):
        progress.say(f"{finding}.")
    backbone = BackboneSource(run.settings, run.weights)
    if any(METHODS[method].reads_backbone for method in run.methods):
        run = replace(run, settings=backbone.settled(progress))
    for name in run.categories:
        try:
            _evaluate_category(run, name, backbone, progress)
        except Exception as error:
            if not isinstance(error, (ValueError, OSError)):
                traceback.print_exc()
            for cell in progress.status.cells:
                if cell.category == name and cell.state in (WAITING, RUNNING):
                    _fail(run, name, cell.method, sentence(error), progress)
    try:
        problems = write_summary(run.outputs)
    except OSError as error:
        problems = [f"{SUMMARY_FILE} cannot be written. {sentence(error)}"]
    for problem in problems:
        progress.say(problem)


def seconds_per_cell(run: Run) -> dict[tuple[str, str], float]:
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
        for method in run.methods:
            if method in per_picture:
                estimates[name, method] = pictures * float(np.median(per_picture[method]))
    return estimates


def _evaluate_category(
    run: Run, name: str, backbone: BackboneSource, progress: RunProgress
) -> None:
    started = time.perf_counter()
    places = {method: run.place(name, method) for method in run.methods}
    category = scan_category(run.data, name)
    if category.train.empty or category.test.empty:
        raise DatasetError(_why_refused(category))
    transform = run.settings.transform_for(category)
    size = size_of(category, transform)
    unfinished = [method for method, place in places.items() if not place.finished]
    refused = set(unfinished) - set(_with_room(run, name, unfinished, size, progress))
    if len(refused) == len(places):
        return
    if cached_fingerprint(category, transform) is None:
        _refuse_reading_without_room(size)
    clock = Clock()
    with clock.phase("decode"):
        pictures = load_pictures(category, transform, progress.phase(f"{name}: reading pictures"))
    if not pictures.train_count or not len(pictures.test):
        kind = "test" if pictures.train_count else "training"
        raise DatasetError(f"No {kind} picture can be decoded; {pictures.findings[0]}.")

    shared = CategoryWork(category, pictures, run.settings, clock["decode"], progress)

    todo = []
    for method, place in places.items():
        if method in refused:
            continue
        reason = (
            _reason_to_keep(place, backbone)
            if run.force
            else _reason_to_skip(run, place, pictures, backbone, progress)
        )
        if reason is None:
            todo.append(method)
        else:
            place.failure_file.unlink(missing_ok=True)
            progress.end(name, method, SKIPPED, reason)

    again = [method for method in todo if places[method].finished]
    refused = set(again) - set(_with_room(run, name, again, size, progress))
    todo = [method for method in todo if method not in refused]
    together = [method for method in todo if METHODS[method].reads_backbone]
    network: Backbone | None = None
    if together:
        try:
            network = backbone.get(progress)
        except WeightsError as error:
            for method in together:
                _fail(run, name, method, str(error), progress)
            together = []
    reading_s = time.perf_counter() - started
    if network is not None:
        for group in _that_fit_together(run, together, size):
            started = time.perf_counter() - reading_s
            _make_together(run, [places[method] for method in group], network, shared, started)
    for method in todo:
        if not METHODS[method].reads_backbone:
            started = time.perf_counter()
            progress.begin(name, [method])
            work = _work(run, places[method], None)
            run_alone(work, pictures, progress)
            _finish(run, work, shared, started)


def _make_together(
    run: Run, places: list[CellPlace], network: Backbone, shared: CategoryWork, started: float
) -> None:
    """Make cells that share one pass of the backbone, which began at `started`."""
    works = [_work(run, place, network) for place in places]
    shared.progress.begin(shared.category.name, [place.method for place in places])
    try:
        run_together(works, network, shared.pictures, shared.progress)
    except Exception as error:  # what fails in the shared pass must not keep others from going on
        traceback.print_exc()
        for work in works:
            work.failure = work.failure or sentence(error)
    shared_s = time.perf_counter() - started
    for work in works:
        _finish(run, work, shared, time.perf_counter() - shared_s)


def _refuse_reading_without_room(size: CategorySize) -> None:
    if problem := refusal(reading_bytes(size), free_bytes()):
        raise DatasetError(problem)


def _with_room(
    run: Run, name: str, methods: list[str], size: CategorySize, progress: RunProgress
) -> list[str]:
    """Return the methods for whose cells there is memory; record the others as failed."""
    left = []
    for method in methods:
        if reason := refusal(cells_bytes(size, [method], run.settings), free_bytes()):
            _fail(run, name, method, reason, progress)
        else:
            left.append(method)
    return left


def _that_fit_together(run: Run, methods: list[str], size: CategorySize) -> list[list[str]]:
    """Return the methods as one group, or each alone where memory is too short for all."""
    if len(methods) < 2 or cells_bytes(size, methods, run.settings) <= free_bytes():
        return [methods] if methods else []
    return [[method] for method in methods]


def _why_refused(category: Category) -> str:
    """Return what is wrong with a category as a whole and, as an example, with one of its files."""
    whole = [str(finding) for finding in category.findings if finding.path == category.name]
    files = [str(finding) for finding in category.findings if finding.path != category.name]
    return "; ".join(whole + files[:1]) + "."


def _work(run: Run, place: CellPlace, network: Backbone | None) -> CellWork:
    return CellWork(place, METHODS[place.method].make(run.settings.options, network), network)


def _reason_to_keep(place: CellPlace, backbone: BackboneSource) -> str | None:
    """Return why a cell is not repeated although all are to be, or None if it is.

    What trained weights gave is not lost to a backbone that only stands in for them.
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
        f"kept, made with weights that are not to be had now ({cell['weights']}); --backbone "
        f"{OFFLINE_BACKBONE} makes one beside it"
    )


def _reason_to_skip(
    run: Run,
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
    if cell["fingerprint"] == run.settings.fingerprint(place.method, pictures.fingerprint):
        if damaged := damage_to(place, cell):
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
            with suppress(OSError):  # said when the run ends
                write_summary(run.outputs)
    if work.failure:
        _fail(run, work.place.category, work.place.method, work.failure, shared.progress)
    else:
        shared.progress.end(work.place.category, work.place.method, DONE)
    work.maps, work.calibration = None, None


def _fail(run: Run, name: str, method: str, reason: str, progress: RunProgress) -> None:
    progress.end(name, method, FAILED, reason)
    try:
        record_failure(run.place(name, method), reason)
    except (OSError, CellError) as error:
        progress.say(f"The failure of {name} / {method} could not be noted: {error}")
