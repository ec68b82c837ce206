"""What the workers run, on other machines or on this one.

A worker makes its cells in a folder of its own, tells that one is finished, and keeps it until it
is fetched. Whose program, pictures or weights are not those of the run makes nothing and says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import torch
from filelock import FileLock

from data_utils.demo import ensure_demo, is_demo
from data_utils.facts import Fact, Fault, fact, fact_of
from data_utils.locations import DATA_VARIABLE, PROJECT, cache_root, default_data_root, demo_root
from data_utils.mvtec import scan_category
from data_utils.pictures import load_pictures
from detectors.backbones.names import RANDOM, WEIGHTS_VARIABLE
from detectors.backbones.weights import WeightsError
from evaluation.cluster.groups import Group, GroupProgress
from evaluation.cluster.packing import pack
from evaluation.run.backbone_source import BackboneSources
from evaluation.run.category import evaluate_category
from evaluation.store.places import CellKey, CellPlace

TOPIC = "mvtec-anomaly-detection"
LAYERS = ("data_utils", "detectors", "evaluation")
THREADS_AT_START = torch.get_num_threads()
WAIT_S = 0.02


class AbandonedError(BaseException):
    """Nobody waits for the group any more; no cell may take this for its own failure."""


@cache
def program_version() -> str:
    """Return a hash of the program's own files below the pages."""
    digest = hashlib.blake2b(digest_size=8)
    for layer in LAYERS:
        for path in sorted((PROJECT / layer).rglob("*.py")):
            digest.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def greet(program: str, here: bool) -> Fact | None:
    """Return why this worker can make nothing at all, None if it can.

    Parameters
    ----------
    program : str
        Version of the program where the run was started.
    here : bool
        It was started on this machine, by that run, which also ends it.
    """
    if here:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return fact("other_program") if program_version() != program else None


def make_group(group: Group, folder: str) -> None:
    """Make a group, after it is certain that its pictures and weights are those of the run.

    Parameters
    ----------
    folder : str
        Of the worker for which it is meant.
    """
    from distributed import get_worker

    worker = get_worker()
    if worker.local_directory != folder:  # that one is gone
        return
    name = str(worker.get_current_task())
    scratch = Path(folder) / name

    def expect_interest() -> None:
        known = worker.state.tasks.get(name)
        if known is None or known.state != "executing":
            raise AbandonedError

    def tell(*event: object) -> None:
        expect_interest()
        worker.log_event(TOPIC, {"worker": worker.address, "name": name, "event": list(event)})

    torch.set_num_threads(group.threads or THREADS_AT_START)
    with suppress(AbandonedError):
        try:
            group, sources = _fitting(group)
        except (ValueError, OSError, WeightsError) as error:
            tell("refuse", asdict(fact_of(error)))
            return
        memory = room(worker) if group.memory is None else group.memory
        group = replace(group, outputs=scratch, force=False, memory=memory)
        try:
            evaluate_category(group, group.category, sources, GroupProgress(group, tell))
            while any(group.place_of(cell).finished for cell in group.planned):  # not yet fetched
                expect_interest()
                time.sleep(WAIT_S)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


async def fetch(name: str, cell: CellKey, dask_worker: Any) -> dict[str, bytes]:
    """Return a finished cell of a group and forget it here."""
    place = CellPlace(Path(dask_worker.local_directory) / name, *cell)
    return await asyncio.to_thread(pack, place.folder)


def room(worker: Any) -> int | None:
    """Return the bytes that are left to a worker before Dask ends it, None if it never does."""
    import dask

    limit = worker.memory_manager.memory_limit
    share = dask.config.get("distributed.worker.memory.terminate")
    if not limit or not share:
        return None
    return max(0, int(share * limit) - psutil.Process().memory_info().rss)


def _fitting(group: Group) -> tuple[Group, BackboneSources]:
    """Return the group with the data and weights of this machine.

    Raises
    ------
    ValueError, OSError, WeightsError
        If they cannot be read, or are not those of the machine where the run was started.
    """
    weights = group.weights
    if group.here:
        return group, BackboneSources(weights)
    if weights not in (None, RANDOM):  # a file may lie elsewhere than where the run began
        weights = os.environ.get(WEIGHTS_VARIABLE, "").strip() or weights
    sources = BackboneSources(weights)
    group = replace(group, data=_own_data(group), weights=weights)
    category = scan_category(group.data, group.category)
    pictures = load_pictures(category, group.settings.transform_for(category))
    pictures = pictures.without(group.left_out(group.category), category.root)
    if pictures.fingerprint != group.pictures:
        raise Fault("other_pictures", category=group.category, data=group.data)
    if group.backbone:
        own = sources.of(group.first).get().identity
        if own != group.backbone:
            raise Fault("worker_other_weights", own=own, wanted=group.backbone)
    return group, sources


def _own_data(group: Group) -> Path:
    """Return the data folder on this machine."""
    if group.demo and not is_demo(group.data):
        cache_root().mkdir(parents=True, exist_ok=True)
        with FileLock(cache_root() / "demo.lock"):
            return ensure_demo(demo_root())
    named = os.environ.get(DATA_VARIABLE, "").strip() and not group.demo
    return default_data_root() if named else group.data
