"""What is made together, what is made again, and what a worker refuses; without any worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import distributed
import pytest
from dask import config

from data_utils.facts import fact
from data_utils.mvtec import scan_category
from data_utils.pictures import load_pictures
from evaluation.cluster.board import Board
from evaluation.cluster.clients import ClusterError
from evaluation.cluster.foreman import Foreman, Worker
from evaluation.cluster.groups import Group, groups_of
from evaluation.cluster.worker import make_group, room
from evaluation.run.backbone_source import BackboneSources
from evaluation.run.category import cells_to_make
from evaluation.run.plan import Run
from evaluation.run.progress import RunProgress
from tests.engines import OPENVINO_INT8, without_packages
from tests.evaluation.cluster.placed import BOTH, SMALL, progress_of, small_run, states

OTHER_SEED = replace(SMALL, options=replace(SMALL.options, seed=1))


def group_of(run: Run) -> Group:
    [group] = groups_of(run, "part", BackboneSources("random"))
    return group


def test_cells_that_share_a_backbone_are_one_group_and_an_autoencoder_is_its_own() -> None:
    variants = (replace(SMALL, backbone="resnet34"), OTHER_SEED)
    run = Run(Path(), Path(), ["part"], ["ae", *BOTH], SMALL, variants=variants)
    found = groups_of(run, "part", BackboneSources(None))
    random = groups_of(run, "part", BackboneSources("random"))

    assert [[cell.method for cell in group.planned] for group in found] == [
        ["ae"],
        ["ae"],
        ["padim", "padim", "patchcore", "patchcore"],
        ["padim", "patchcore"],
    ]
    assert sorted(cell for group in found for cell in group.planned) == sorted(run.planned)
    assert len(random) == 5  # a seed draws other weights


def test_the_summary_is_not_rebuilt_after_every_cell_where_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    rebuilt: list[float] = []

    def slow(outputs: Path) -> None:
        assert outputs == tmp_path
        rebuilt.append(now[0])
        now[0] += 2.0

    monkeypatch.setattr("evaluation.cluster.board.write_summary", slow)
    monkeypatch.setattr("evaluation.cluster.board.time.monotonic", lambda: now[0])
    run = Run(Path(), tmp_path, [f"c{i}" for i in range(10)], ["ae"], SMALL)
    board = Board(run, progress_of(run))
    for cell in run.planned:
        board.end(cell, "done")
        now[0] += 5.0

    assert rebuilt == [100.0, 122.0, 144.0]


# What comes back at an unlucky moment.


def foreman(run: Run, status: str) -> tuple[Foreman, Worker, RunProgress]:
    """Return a foreman, and its only worker, whose group has come to an end of that kind."""
    future = SimpleNamespace(
        status=status, exception=lambda: OSError(28, "No space left"), release=lambda: None
    )
    worker = Worker("tcp://w", "tcp://w", "", task="name", group=group_of(run), future=future)
    progress = progress_of(run)
    made = Foreman(SimpleNamespace(status="running"), run, progress, None)
    made._workers["tcp://w"] = worker
    return made, worker, progress


def test_a_scheduler_that_goes_while_an_outcome_is_read_is_one_sentence(tmp_path: Path) -> None:
    made, worker, _ = foreman(small_run(tmp_path), "cancelled")
    with pytest.raises(ClusterError, match="scheduler is gone"):
        made._take_back(worker, "name")


@pytest.mark.parametrize(
    ("status", "said"), [("finished", "left it out"), ("error", "No space"), ("lost", "was ended")]
)
def test_what_a_worker_has_not_made_is_made_again(
    tmp_path: Path, status: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = small_run(tmp_path)
    made, worker, _ = foreman(run, status)
    made._take_back(worker, "name")

    assert [(one.tries, one.planned) for one in made._waiting] == [(1, run.planned)]
    assert said in capsys.readouterr().out
    assert worker.group is None


def test_a_refusal_is_no_try_and_cells_that_have_ended_are_not_made_again(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    made, worker, progress = foreman(run, "finished")
    progress.end(run.planned[0], "done")
    worker.refuses["part"] = fact("other_program")
    made._take_back(worker, "name")

    assert [(one.tries, one.planned) for one in made._waiting] == [(0, run.planned[1:])]


def test_cells_for_which_a_worker_of_a_cluster_lacks_memory_fail_with_its_name(
    tmp_path: Path,
) -> None:
    run = small_run(tmp_path)
    made, _, progress = foreman(run, "finished")
    reason = {"code": "plain", "values": {"message": "too little"}}
    made._note(["postpone", [list(cell) for cell in run.planned], reason], "tcp://w", "name")

    assert set(states(progress).values()) == {"failed"}
    assert str(progress.status.cells[0].reason) == "tcp://w: too little"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pictures": "other"}, "other_pictures"),
        ({"leave_out": {"part": ("part/train/good/000.png",)}, "only": None}, "other_pictures"),
        ({"backbone": "other"}, "worker_other_weights"),
        ({"backbone": "resnet18-0-openvino-float32"}, "worker_other_weights"),
        ({"settings": replace(SMALL, engine=OPENVINO_INT8), "only": None}, "engine_missing"),
        ({"categories": ["nut"]}, "category_unknown"),
        ({}, None),
    ],
)
def test_a_worker_refuses_other_pictures_and_weights_and_what_it_cannot_compute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], said: str | None
) -> None:
    told: list[list[Any]] = []
    task = SimpleNamespace(state="executing")
    worker = SimpleNamespace(
        address="tcp://w",
        local_directory=str(tmp_path),
        memory_manager=SimpleNamespace(memory_limit=0),
        state=SimpleNamespace(tasks={"name": task}),
        get_current_task=lambda: "name",
        log_event=lambda _, event: told.append(event["event"]),
    )
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    monkeypatch.setattr("evaluation.cluster.worker.evaluate_category", lambda *_: None)
    monkeypatch.setenv("MVTEC_ROOT", "")
    run = small_run(tmp_path)
    category = scan_category(run.data, "part")
    pictures = load_pictures(category, SMALL.transform_for(category)).fingerprint
    backbone = BackboneSources("random").of(SMALL).get().identity
    without_packages(monkeypatch, "nncf")
    group = replace(group_of(run), **{"pictures": pictures, "backbone": backbone} | wrong)
    make_group(group, "of one that is gone")
    make_group(group, str(tmp_path))

    assert [event[1]["code"] for event in told] == ([said] if said else [])
    if said == "worker_other_weights":
        assert told[0][1]["values"] == {"own": backbone, "wanted": wrong["backbone"]}


@pytest.mark.parametrize(("ends_at", "least", "most"), [(0.5, 40.0e9, 50.0e9), (False, None, None)])
def test_a_group_may_take_what_a_worker_has_before_dask_ends_it(
    ends_at: float, least: float | None, most: float | None
) -> None:
    worker = SimpleNamespace(memory_manager=SimpleNamespace(memory_limit=100 * 10**9))
    with config.set({"distributed.worker.memory.terminate": ends_at}):
        found = room(worker)

    assert found is None if least is None or most is None else least < (found or 0) < most


def test_pictures_without_room_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.run.plan.free_bytes", lambda: 0)
    run = small_run(tmp_path)

    with pytest.raises(ValueError, match="of memory and 0 MB are free"):
        cells_to_make(run, "part", BackboneSources("random"), progress_of(run))
