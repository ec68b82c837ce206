"""The foreman of a run that others make: workers of an existing Dask cluster, or of one made here.

Dask carries what is told and made. This process decides what is made where, and is the only one
that writes results: a worker tells by an event of Dask that a cell is finished, and hands it over
at once. A worker gets one group at a time; when it is lost, what it has not handed over is made
again.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any

import torch

from data_utils.demo import is_demo
from data_utils.facts import Fact, fact, fact_of, from_json
from data_utils.locations import free_bytes
from detectors.backbones.names import ALWAYS_THERE
from detectors.backbones.weights import WeightsError
from detectors.registry import METHODS
from evaluation.cluster.board import Board
from evaluation.cluster.clients import ClusterError, client_of, client_of_processes, workers_folder
from evaluation.cluster.groups import Group, GroupProgress, groups_of
from evaluation.cluster.packing import PackedError, put_in_place
from evaluation.cluster.worker import TOPIC, fetch, greet, make_group, program_version
from evaluation.run.backbone_source import BackboneSources, named_weights
from evaluation.run.category import cells_to_make, conclude, prepared
from evaluation.run.plan import Run
from evaluation.run.progress import DONE, FAILED, HERE, RunProgress
from evaluation.run.request import Request
from evaluation.store.places import CellError, CellKey

LOOK_S = 1.0
START_S = 120.0
PROCESS_BYTES = 300_000_000  # a worker with the program loaded and nothing to do


def evaluate_on_cluster(run: Run, request: Request, progress: RunProgress) -> None:
    """Evaluate as ``evaluation.run.category.evaluate`` does, on several workers.

    They are those of the cluster that the request names, else processes of this machine, which
    share its cores and memory. Cells for which memory is short there while others are made are
    made alone in the end.

    Raises
    ------
    ClusterError
        If there is no such cluster, or it is gone; finished cells are kept.
    """
    sources = BackboneSources(run.weights)
    if request.scheduler:
        with client_of(request.scheduler) as client:
            page = str(client.dashboard_link)
            progress.of_cluster(page if page.startswith(("http://", "https://")) else "")
            run = prepared(run, sources, progress)
            Foreman(client, run, progress, request.threads).make(sources)
    else:
        run = prepared(run, sources, progress)
        groups = sum(len(groups_of(run, name, sources)) for name in run.categories)
        count = max(1, min(request.workers, groups))
        threads = request.threads or max(1, torch.get_num_threads() // count)
        with client_of_processes(threads, workers_folder(run.outputs)) as client:
            Foreman(client, run, progress, threads, count).make(sources)
    conclude(run, progress)


@dataclass
class Worker:
    """A worker, as the foreman knows it.

    Attributes
    ----------
    address, name : str
        For Dask and for people.
    folder : str
        Its own; another folder means another process at the same address.
    refuses : dict of str to Fact
        Why it makes nothing of a category; of "": nothing at all.
    task : str
        What Dask calls the group that it makes, "" for none.
    """

    address: str
    name: str
    folder: str
    refuses: dict[str, Fact] = field(default_factory=dict)
    task: str = ""
    group: Group | None = None
    future: Any = None

    def refusal(self, group: Group) -> Fact | None:
        """Return why it does not make a group, None if it does."""
        return self.refuses.get("") or self.refuses.get(group.category)


class Foreman:
    """Hands the groups of one run to workers, and takes in what they make.

    Parameters
    ----------
    client : distributed.Client
    run : Run
        With the backbones that there are.
    threads : int or None
        Processor threads of each worker; None for what it was started with.
    processes : int
        Workers to start on this machine, each with a share of its memory; 0 for a cluster that has
        workers of its own.
    """

    def __init__(
        self,
        client: Any,
        run: Run,
        progress: RunProgress,
        threads: int | None,
        processes: int = 0,
    ) -> None:
        self._client, self._run, self._progress = client, run, progress
        self._board, self._processes = Board(run, progress), processes
        share = max(0, free_bytes() // processes - PROCESS_BYTES) if processes else None
        self._common: dict[str, Any] = {"threads": threads, "memory": share}
        self._common |= {"here": processes > 0, "demo": is_demo(run.data)}
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._planning = True
        self._waiting: list[Group] = []
        self._postponed: list[Group] = []
        self._workers: dict[str, Worker] = {}  # by address

    def make(self, sources: BackboneSources) -> None:
        """Make all cells."""
        looked = seen = time.monotonic()
        try:
            self._client.subscribe_topic(TOPIC, self._hear)
            self._look_at_workers()
            threading.Thread(target=self._plan, args=(sources,), daemon=True).start()
            while self._planning or self._waiting or self._postponed or self._busy():
                if time.monotonic() - looked > LOOK_S:
                    self._look_at_workers()
                    looked = time.monotonic()
                seen = looked if self._workers or not self._waiting else seen
                if self._processes and looked - seen > START_S:
                    raise ClusterError("no_processes")
                if self._processes and self._waiting and not self._workers:
                    self._client.cluster.scale(self._processes)
                self._hand_out()
                with suppress(queue.Empty):
                    self._news.get(timeout=LOOK_S)()
        except (OSError, TimeoutError) as error:
            self._expect_scheduler(error)
            raise

    def _plan(self, sources: BackboneSources) -> None:
        """Find out what is to be made, category by category; runs in a thread of its own."""
        for name in self._run.categories:
            part = replace(self._run, categories=[name])
            told = GroupProgress(part, lambda *event: self._news.put(partial(self._note, event)))
            try:
                wanted, pictures = cells_to_make(part, name, sources, told)
                for group in groups_of(replace(part, only=tuple(wanted)), name, sources):
                    self._plan_group(replace(group, pictures=pictures, **self._common), sources)
            except Exception as error:
                if not isinstance(error, (ValueError, OSError)):
                    traceback.print_exc()
                cells = tuple(part.cells(name))
                self._news.put(partial(self._board.fail, cells, fact_of(error)))
            self._news.put(partial(self._progress.away, HERE))
        self._news.put(partial(setattr, self, "_planning", False))

    def _plan_group(self, group: Group, sources: BackboneSources) -> None:
        if METHODS[group.planned[0].method].reads_backbone:
            try:
                identity = sources.of(group.first).get().identity
            except WeightsError as error:
                self._news.put(partial(self._board.fail, group.planned, fact_of(error)))
                return
            own = group.first.backbone in ALWAYS_THERE
            weights = group.weights if own else named_weights(group.weights)
            group = replace(group, backbone=identity, weights=weights)
        self._news.put(partial(self._waiting.append, group))

    def _hear(self, event: tuple[float, Any]) -> None:
        """Take an event of Dask; runs in the client's own thread."""
        told = event[1]
        self._news.put(partial(self._note, told["event"], told["worker"], told["name"]))

    def _note(self, event: Any, address: str = "", task: str = "") -> None:
        """Note what a worker tells of its group or, where none is named, the planning."""
        worker = self._workers.get(address)
        if address and not (worker and worker.task == task):  # another run's, or given up meanwhile
            return
        match event:
            case ["begin", cells]:
                self._progress.begin([CellKey(*cell) for cell in cells])
            case ["phase", phase, done, total]:
                name = worker.name if worker else HERE
                self._progress.at_work(name, from_json(phase), done, total)
            case ["say", text]:
                far = worker and not self._processes
                self._progress.say(f"{worker.name}: {text}" if worker and far else text)
            case ["end", cell, state, _] if state == DONE and worker:
                self._fetch(worker, CellKey(*cell))
            case ["end", cell, state, reason] if state == FAILED:
                self._board.fail([CellKey(*cell)], from_json(reason))
            case ["end", cell, state, reason]:
                self._board.end(CellKey(*cell), state, from_json(reason) if reason else None)
            case ["postpone", cells, reason] if worker:
                keys, short = [CellKey(*cell) for cell in cells], from_json(reason)
                if self._processes:
                    self._progress.postpone(keys, short)
                else:
                    self._board.fail(keys, fact("on_worker", worker=worker.name, reason=short))
            case ["refuse", reason] if worker and worker.group:
                self._refuse(worker, worker.group.category, from_json(reason))

    def _refuse(self, worker: Worker, category: str, reason: Fact) -> None:
        worker.refuses[category] = reason
        of = f" of {category}" if category else ""
        self._progress.say(f"Worker {worker.name} gets no cells{of}. {reason}")

    def _fetch(self, worker: Worker, cell: CellKey) -> None:
        """Get a finished cell from its worker, and put it in place."""
        found = self._client.run(
            fetch, worker.task, cell, workers=[worker.address], on_error="ignore"
        )
        if worker.address not in found or worker.group is None:
            self._give_up(worker)
            return
        place, pictures = self._run.place_of(cell), worker.group.pictures
        try:
            put_in_place(found[worker.address], place, self._run.data, pictures)
        except (CellError, PackedError) as error:
            self._board.fail([cell], error.fact)
        else:
            self._board.end(cell, DONE)

    def _busy(self) -> bool:
        return any(worker.group for worker in self._workers.values())

    def _hand_out(self) -> None:
        """Give a group to every worker that has nothing to do, unless it refuses its category."""
        if self._postponed and not (self._planning or self._waiting or self._busy()):
            self._waiting.append(self._postponed.pop())
        idle = [worker for worker in self._workers.values() if not worker.group]
        for group in list(self._waiting) if idle else ():
            refusals = [(worker, worker.refusal(group)) for worker in self._workers.values()]
            willing = [worker for worker, reason in refusals if not reason]
            if chosen := next((worker for worker in willing if not worker.group), None):
                self._waiting.remove(group)
                self._place(group, chosen)
            elif not willing:
                self._waiting.remove(group)
                told = [fact("on_worker", worker=one.name, reason=why) for one, why in refusals]
                reasons = reduce(lambda some, one: fact("both", first=some, second=one), told)
                self._board.fail(group.planned, fact("no_worker", reasons=reasons))

    def _place(self, group: Group, worker: Worker) -> None:
        name = worker.task = f"{TOPIC}-{uuid.uuid4().hex[:12]}"
        worker.group = group
        worker.future = self._client.submit(
            make_group, group, worker.folder, key=name, pure=False, workers=[worker.address]
        )
        back = partial(self._take_back, worker, name)
        worker.future.add_done_callback(lambda _: self._news.put(back))

    def _take_back(self, worker: Worker, name: str) -> None:
        """See what is left of a group with which its worker is through."""
        if worker.task != name or worker.group is None:  # given up meanwhile
            return
        self._expect_scheduler()
        group, left = worker.group, self._board.left(worker.group.planned)
        match worker.future.status:
            case "cancelled":
                raise ClusterError("cluster_gone")
            case "error":
                told = fact_of(worker.future.exception())
                self._give_up(worker, fact("worker_error", error=told))
            case "finished" if left and worker.refusal(group):
                self._waiting.append(replace(group, only=left))
            case "finished" if left and group.memory is not None:
                self._postponed.append(replace(group, only=left, memory=None))
            case "finished" if left:
                self._give_up(worker, fact("left_out"))
            case "lost":
                self._give_up(worker)
        self._release(worker)

    def _give_up(self, worker: Worker, reason: Fact | None = None) -> None:
        """Have the group made again that a worker has not made."""
        if worker.group:
            self._waiting += self._board.retry(worker.group, reason or fact("worker_lost"))
            self._release(worker)

    def _release(self, worker: Worker) -> None:
        if worker.group:
            worker.future.release()
            worker.task, worker.group, worker.future = "", None, None
            self._progress.away(worker.name)

    def _look_at_workers(self) -> None:
        """Note which workers have come and gone, and what newcomers are not fit for."""
        self._expect_scheduler()
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        for address, worker in list(self._workers.items()):
            if address not in found or found[address]["local_directory"] != worker.folder:
                del self._workers[address]
                self._give_up(worker)
        if new := sorted(found.keys() - self._workers.keys()):
            version, here = program_version(), self._processes > 0
            answers = self._client.run(greet, version, here, workers=new, on_error="return")
            for address, answer in answers.items():
                name = str(found[address]["name"] + 1) if here else address
                worker = Worker(address, name, found[address]["local_directory"])
                self._workers[address] = worker
                if answer is not None:
                    wrong = fact("program_unloadable", error=answer)
                    self._refuse(worker, "", answer if isinstance(answer, Fact) else wrong)
        phase = self._progress.status.phase
        if self._workers:
            self._progress.status.phase = None
        elif phase is None or phase.code != "awaiting_workers":
            self._progress.phase("awaiting_workers")

    def _expect_scheduler(self, error: Exception | None = None) -> None:
        if self._client.status != "running":
            raise ClusterError("cluster_gone") from error
