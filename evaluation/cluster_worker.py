"""What the workers of a Dask cluster run; see ``evaluation.cluster``.

A worker makes its cells in a folder of its own, tells that one is finished, and keeps it until it
is fetched. Whose program, pictures or weights are not those of the run makes nothing and says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import torch
from filelock import FileLock

from data_utils.demo import ensure_demo, is_demo
from data_utils.locations import DATA_VARIABLE, PROJECT, cache_root, default_data_root, demo_root
from data_utils.mvtec import scan_category
from data_utils.pictures import load_pictures
from detectors.backbones.names import RANDOM, WEIGHTS_VARIABLE
from detectors.backbones.weights import WeightsError
from evaluation.backbone_source import BackboneSources
from evaluation.cells import CellKey
from evaluation.errors import sentence
from evaluation.parcel import pack
from evaluation.runner import Run
from evaluation.unit import Event, Unit, make_unit

TOPIC = "mvtec-anomaly-detection"
LAYERS = ("data_utils", "detectors", "evaluation")
THREADS_AT_START = torch.get_num_threads()


@dataclass(frozen=True)
class Task:
    """What a worker needs to know to make a unit.

    Attributes
    ----------
    name : str
        Of the unit, on the cluster.
    job : str
        Of the run, on the cluster.
    pictures, weights, program : str
        What identifies them where the run was started.
    demo : bool
        The pictures are the demo's.
    threads : int or None
    """

    name: str
    job: str
    run: Run
    pictures: str
    weights: str
    program: str
    demo: bool
    threads: int | None


@dataclass(frozen=True)
class Outcome:
    """What comes back when a worker is through with a unit.

    Attributes
    ----------
    worker : str
        Its address.
    refused : str
        Why it makes nothing of this category, "" if it does.
    lost : bool
        The unit was begun by a worker that is gone.
    parcels : dict of CellKey to bytes
        Finished cells that were not fetched before.
    """

    worker: str
    refused: str = ""
    lost: bool = False
    parcels: dict[CellKey, bytes] = field(default_factory=dict)


@cache
def program_version() -> str:
    """Return a hash of the program's own files below the pages."""
    digest = hashlib.blake2b(digest_size=8)
    for layer in LAYERS:
        for path in sorted((PROJECT / layer).rglob("*.py")):
            digest.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


class AbandonedError(BaseException):
    """Nobody waits for the unit any more; no cell may take this for its own failure."""


def greeting(program: str, dask_worker: Any) -> str:
    """Return why this worker can make nothing at all, "" if it can; `program` as the client's."""
    if program_version() != program:
        return "runs another version of the program; give all machines the same files"
    threads = dask_worker.state.nthreads
    if threads != 1:
        return (
            f"makes {threads} units at a time in one process; start it with --nthreads 1, and with "
            "--nworkers for more processes"
        )
    return ""


def made(task: Task) -> Outcome:
    """Make a unit, after it is certain that it is the unit that is meant."""
    from distributed import Event as Mark
    from distributed import get_worker

    worker = get_worker()
    begun = Mark(task.name)
    if begun.is_set():
        return Outcome(worker.address, lost=True)
    if reason := greeting(task.program, worker):
        return Outcome(worker.address, refused=reason)
    torch.set_num_threads(task.threads or THREADS_AT_START)
    run = replace(task.run, weights=_own_weights(task.run))
    sources = BackboneSources(run.weights)
    try:
        run = replace(run, data=_own_data(task))
        reason = _difference(task, run, sources)
    except (ValueError, OSError, WeightsError) as error:
        reason = f"reports: {sentence(error).rstrip('.')}"
    if reason:
        return Outcome(worker.address, refused=reason)
    begun.set()
    scratch = Path(worker.local_directory) / task.name

    def tell(event: Event) -> None:
        known = worker.state.tasks.get(task.name)
        if known is None or known.state != "executing":
            raise AbandonedError
        told = {"job": task.job, "name": task.name, "worker": worker.address}
        worker.log_event(TOPIC, told | {"scratch": str(scratch), "event": list(event)})

    try:
        run = replace(run, outputs=scratch, force=False, memory=room(worker))
        make_unit(run, tell, sources)
        folders = {cell: run.place_of(cell).folder for cell in run.only or ()}
        packed = {cell: pack(folder, scratch.parent) for cell, folder in folders.items()}
        parcels = {cell: parcel for cell, parcel in packed.items() if parcel is not None}
        return Outcome(worker.address, parcels=parcels)
    except AbandonedError:
        return Outcome(worker.address, lost=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def fetched(folder: str, scratch: str) -> bytes | None:
    """Return a finished cell and forget it here; None if that was done before."""
    return await asyncio.to_thread(pack, Path(folder), Path(scratch).parent)


def room(worker: Any) -> int | None:
    """Return the bytes that are left to a worker before Dask ends it, None if it never does."""
    import dask

    limit = worker.memory_manager.memory_limit
    share = dask.config.get("distributed.worker.memory.terminate")
    if not limit or not share:
        return None
    return max(0, int(share * limit) - psutil.Process().memory_info().rss)


def _own_data(task: Task) -> Path:
    """Return the data folder on this machine."""
    if task.demo:
        if is_demo(task.run.data):
            return task.run.data
        cache_root().mkdir(parents=True, exist_ok=True)
        with FileLock(cache_root() / "demo.lock"):
            return ensure_demo(demo_root())
    return default_data_root() if os.environ.get(DATA_VARIABLE, "").strip() else task.run.data


def _own_weights(run: Run) -> str | None:
    """Return the weights on this machine: a file may lie elsewhere than where the run began."""
    if run.weights is None or run.weights == RANDOM:
        return run.weights
    return os.environ.get(WEIGHTS_VARIABLE, "").strip() or run.weights


def _difference(task: Task, run: Run, sources: BackboneSources) -> str:
    """Return what about pictures or weights is not as where the run was started, "" if nothing."""
    unit = Unit(run)
    category = scan_category(run.data, unit.category)
    pictures = load_pictures(category, run.settings.transform_for(category))
    if pictures.fingerprint != task.pictures:
        return f"has other pictures of {unit.category} in {run.data}"
    if task.weights:
        identity = sources.of(unit.settings).get().identity
        if identity != task.weights:
            return f"has other weights ({identity}) than those of this run ({task.weights})"
    return ""
