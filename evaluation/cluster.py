"""The units of a run on an existing Dask cluster.

Dask places the units, notices lost workers, and carries what is told and made. This process
decides what is to be made, and is the only one that writes results: a worker tells by an event of
Dask that a cell is finished, and hands it over at once.

Dask runs the unit of a lost worker again by itself. The copy finds that the unit was begun (an
``Event`` of Dask) and returns, so that only what is missing is made again, and tries are counted.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_utils.demo import is_demo
from detectors.backbones.names import ALWAYS_THERE
from detectors.backbones.weights import WeightsError
from detectors.registry import METHODS
from evaluation.backbone_source import BackboneSources, named_weights
from evaluation.cells import CellError, CellKey
from evaluation.cluster_worker import TOPIC, Outcome, Task, fetched, greeting, made, program_version
from evaluation.errors import ClusterError, sentence
from evaluation.job import DONE, FAILED, HERE
from evaluation.parcel import ParcelError, put_in_place
from evaluation.progress import RunProgress
from evaluation.runner import Run, cells_to_make, conclude, prepared
from evaluation.unit import Board, Event, Unit, UnitProgress, units_of

CONNECT_S = 10
LOOK_S = 1.0


def evaluate_on_cluster(
    run: Run, scheduler: str, threads: int | None, progress: RunProgress
) -> None:
    """Evaluate on the workers of a Dask cluster; otherwise as ``evaluation.runner.evaluate``.

    Parameters
    ----------
    scheduler : str
        Its address.
    threads : int or None
        Processor threads of each worker; None for what it was started with.

    Raises
    ------
    ClusterError
        If there is no such cluster, or it is gone; finished cells are kept.
    """
    with _connected(scheduler) as client:
        progress.of_cluster(_web_link(client.dashboard_link))
        sources = BackboneSources(run.weights)
        run = prepared(run, sources, progress)
        Foreman(client, run, threads, progress).make(sources)
    conclude(run, progress)


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "--scheduler needs Dask; install it with pip install -r requirements-cluster.txt."
        ) from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a lost scheduler is one sentence here
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError) as error:
        raise ClusterError(
            f"The scheduler at {scheduler} cannot be reached ({sentence(error)}); start one with "
            "python -m dask scheduler, or correct --scheduler."
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # of a scheduler that is gone
            client.close(timeout=2)


def _web_link(link: object) -> str:
    """Return an address that a page may link to, else ""."""
    return link if isinstance(link, str) and link.startswith(("http://", "https://")) else ""


@dataclass
class Placed:
    """A unit on the cluster, and the future that Dask gave for it."""

    unit: Unit
    future: Any


class Foreman:
    """Hands the units of one run to Dask, and takes in what comes back.

    Parameters
    ----------
    client : distributed.Client
    run : Run
        With the backbones that there are.
    threads : int or None
    """

    def __init__(self, client: Any, run: Run, threads: int | None, progress: RunProgress) -> None:
        self._client, self._run, self._threads = client, run, threads
        self._progress, self._board = progress, Board(run, progress)
        self._job = uuid.uuid4().hex[:12]
        self._count = 0
        self._news: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._placed: dict[str, Placed] = {}
        self._pictures: dict[str, str] = {}
        self._weights: dict[CellKey, str] = {}
        self._workers: dict[str, str] = {}  # by address: why it gets nothing, or ""
        self._refused: dict[str, dict[str, str]] = {}  # by category, then address: why

    def make(self, sources: BackboneSources) -> None:
        """Make all cells."""
        client = self._client
        client.subscribe_topic(TOPIC, self._hear)
        planner = threading.Thread(target=self._plan, args=(sources,), daemon=True)
        try:
            self._look_at_workers()
            planner.start()
            planning, looked = True, time.monotonic()
            while planning or self._placed:
                if time.monotonic() - looked > LOOK_S:
                    self._look_at_workers()
                    looked = time.monotonic()
                with suppress(queue.Empty):
                    planning = self._take(*self._news.get(timeout=LOOK_S)) and planning
        except (OSError, TimeoutError) as error:
            if client.status != "running":
                raise self._gone() from error
            raise
        finally:
            with suppress(Exception):
                client.unsubscribe_topic(TOPIC)

    def _plan(self, sources: BackboneSources) -> None:
        """Find out what is to be made, category by category; runs in a thread of its own."""
        for name in self._run.categories:
            part = replace(self._run, categories=[name])
            told = UnitProgress(part, lambda event: self._news.put(("heard", HERE, "", "", event)))
            try:
                wanted, pictures = cells_to_make(part, name, sources, told)
                units = units_of(replace(part, only=tuple(wanted)), name, sources)
                self._news.put(("planned", name, pictures, units, self._identities(units, sources)))
            except Exception as error:
                if not isinstance(error, (ValueError, OSError)):
                    traceback.print_exc()
                self._news.put(("unplanned", name, sentence(error)))
        self._news.put(("through",))

    def _identities(self, units: list[Unit], sources: BackboneSources) -> list[str | WeightsError]:
        """Return what identifies the weights of every unit, or why there are none."""
        found: list[str | WeightsError] = []
        for unit in units:
            try:
                reads = METHODS[unit.cells[0].method].reads_backbone
                found.append(sources.of(unit.settings).get().identity if reads else "")
            except WeightsError as error:
                found.append(error)
        return found

    def _take(self, kind: str, *news: Any) -> bool:
        """Take one piece of news in; return False if it is that all is planned."""
        match kind:
            case "heard":
                self._note(*news)
            case "planned":
                name, pictures, units, identities = news
                self._pictures[name] = pictures
                self._progress.away(HERE)
                for unit, identity in zip(units, identities, strict=True):
                    if isinstance(identity, WeightsError):
                        self._board.fail(unit.cells, str(identity))
                    else:
                        self._weights |= dict.fromkeys(unit.cells, identity)
                        self._hand_out(unit)
            case "unplanned":
                name, reason = news
                cells = tuple(self._run.cells(name))
                self._progress.away(HERE)
                self._board.fail(self._board.left(Unit(replace(self._run, only=cells))), reason)
            case "ended":
                self._take_back(news[0])
            case "through":
                return False
        return True

    def _hear(self, event: tuple[float, Any]) -> None:
        """Take an event of Dask; runs in the client's own thread."""
        told = event[1]
        if isinstance(told, dict) and told.get("job") == self._job:
            self._news.put(("heard", told["worker"], told["name"], told["scratch"], told["event"]))

    def _note(self, worker: str, name: str, scratch: str, event: Event) -> None:
        if worker == HERE:
            self._board.note(worker, event)
            return
        if name not in self._placed:
            return
        match event:
            case ["end", cell, state, _] if state == DONE:
                self._fetch(self._placed[name].unit, worker, scratch, CellKey(*cell))
            case ["end", cell, state, reason] if state == FAILED:
                self._board.fail([CellKey(*cell)], reason)
            case ["postpone", cells, reason]:
                self._board.fail([CellKey(*cell) for cell in cells], f"on {worker}: {reason}")
            case ["say", text]:
                self._progress.say(f"{worker}: {text}")
            case _:
                self._board.note(worker, event)

    def _fetch(self, unit: Unit, worker: str, scratch: str, cell: CellKey) -> None:
        """Get a finished cell from its worker; what cannot be got now comes with the outcome."""
        folder = replace(self._run, outputs=Path(scratch)).place_of(cell).folder
        found = self._client.run(fetched, str(folder), scratch, workers=[worker], on_error="ignore")
        parcel = found.get(worker)
        if isinstance(parcel, bytes):
            self._put_in_place(unit, cell, parcel)

    def _put_in_place(self, unit: Unit, cell: CellKey, parcel: bytes) -> None:
        if cell not in self._board.left(unit):
            return
        place, pictures = self._run.place_of(cell), self._pictures[unit.category]
        try:
            put_in_place(parcel, place, self._run.data, pictures)
        except (CellError, ParcelError) as error:
            self._board.fail([cell], str(error))
        else:
            self._board.end(cell, DONE)

    def _hand_out(self, unit: Unit) -> None:
        """Give a unit to Dask, for any worker that is not known to refuse it."""
        refused = self._refused.get(unit.category, {})
        why = {one: reason or refused.get(one, "") for one, reason in self._workers.items()}
        usable = [address for address, reason in why.items() if not reason]
        if why and not usable:
            reasons = "; ".join(f"{address} {reason}" for address, reason in sorted(why.items()))
            self._board.fail(self._board.left(unit), f"No worker can make it: {reasons}.")
            return
        self._count += 1
        name = f"{TOPIC}-{self._job}-{self._count}"
        task = Task(
            name=name,
            job=self._job,
            run=replace(unit.run, weights=self._weights_source(unit)),
            pictures=self._pictures[unit.category],
            weights=self._weights[unit.cells[0]],
            program=program_version(),
            demo=is_demo(self._run.data),
            threads=self._threads,
        )
        restricted = len(usable) < len(why)
        future = self._client.submit(
            made,
            task,
            key=name,
            pure=False,
            workers=usable if restricted else None,
            allow_other_workers=restricted,
        )
        self._placed[name] = Placed(unit, future)
        future.add_done_callback(lambda _: self._news.put(("ended", name)))

    def _weights_source(self, unit: Unit) -> str | None:
        own = unit.settings.backbone in ALWAYS_THERE
        return self._run.weights if own else named_weights(self._run.weights)

    def _take_back(self, name: str) -> None:
        """Take in what a unit has come to; hand out again what is missing."""
        from distributed import Event as Mark

        placed = self._placed.pop(name)
        unit, outcome = placed.unit, self._outcome(placed)
        if isinstance(outcome, str):
            again = self._board.again(unit, outcome)
        elif outcome.refused:
            self._refuse(unit.category, outcome.worker, outcome.refused)
            left = self._board.left(unit)
            again = [unit.of(left, unit.tries)] if left else []
        else:
            for cell, parcel in outcome.parcels.items():
                self._put_in_place(unit, cell, parcel)
            lost = "the worker that made it was lost." if outcome.lost else "it was left out."
            again = self._board.again(unit, lost) if self._board.left(unit) else []
        Mark(name, client=self._client).clear()
        for one in again:
            self._hand_out(one)

    def _outcome(self, placed: Placed) -> Outcome | str:
        """Return what a worker gave back, or why nothing came."""
        future = placed.future
        if self._client.status != "running" or future.status in ("cancelled", "lost"):
            raise self._gone()
        try:
            if future.status == "error":
                error = future.exception()
                return f"the worker that made it reports: {type(error).__name__}: {error}"
            outcome: Outcome = future.result()
        except CancelledError as error:  # since it was asked for its status
            raise self._gone() from error
        self._progress.away(outcome.worker)
        return outcome

    def _refuse(self, category: str, worker: str, reason: str) -> None:
        if reason != self._refused.setdefault(category, {}).get(worker):
            self._progress.say(f"Worker {worker} gets no cells of {category}: it {reason}.")
        self._refused[category][worker] = reason

    def _look_at_workers(self) -> None:
        """Note which workers have come and gone, and what newcomers are not fit for."""
        if self._client.status != "running":
            raise self._gone()
        there = set(self._client.scheduler_info(n_workers=-1)["workers"])
        new = sorted(there - self._workers.keys())
        for address in self._workers.keys() - there:
            del self._workers[address]
            self._progress.away(address)
        if new:
            answers = self._client.run(greeting, program_version(), workers=new, on_error="return")
            for address, answer in answers.items():
                self._meet(address, answer)
        if not there:
            self._progress.phase("waiting for workers of the cluster")
        elif self._progress.status.phase:
            self._progress.phase("")

    def _meet(self, address: str, answer: object) -> None:
        """Note what a new worker answers to the greeting: why it is not fit, or an error."""
        if not isinstance(answer, str):
            answer = (
                f"cannot load the program ({answer}); start it in the project's folder with "
                "python -m dask worker"
            )
        self._workers[address] = answer
        if answer:
            self._progress.say(f"Worker {address} gets no cells: it {answer}.")

    def _gone(self) -> ClusterError:
        return ClusterError(
            "The cluster's scheduler is gone; finished cells are kept, and the same command goes "
            "on when there is one again."
        )
