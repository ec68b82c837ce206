"""A request becomes arguments that ask for exactly it, and impossible ones are refused."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import evaluate
from data_utils.locations import DEFAULT_OUTPUTS
from detectors.backbones.names import STAND_IN
from detectors.registry import METHODS, Options
from evaluation.job import CellState, JobStatus
from evaluation.request import (
    SCHEDULER_VARIABLE,
    Request,
    Sweep,
    check_settings,
    command_line,
    image_size_bounds,
    is_scheduler,
    named_scheduler,
    resume_arguments,
)
from evaluation.settings import Settings

DATA = str(Path("/data sets/mine").absolute())
EVERYTHING = Request(
    DATA,
    ("part", "a b"),
    ("ae", "padim"),
    Settings("resnet50", Options(4, 0.25, 60), image_size=320, crop=300, automatic=False),
    str(Path("/weights/mine.pth").absolute()),
    force=True,
    threads=2,
)
ALL_METHODS = tuple(METHODS)


def parsed(arguments: list[str]) -> Request:
    """Return what the command line understands."""
    return evaluate.requested(evaluate.argument_parser().parse_args(arguments))


@pytest.mark.parametrize(
    "request_",
    [
        Request(DATA, methods=ALL_METHODS),
        Request("demo", methods=ALL_METHODS, weights="random"),
        Request(DATA, methods=("padim",), settings=Settings(whole_picture=True)),
        Request(DATA, methods=ALL_METHODS, settings=Settings(options=Options(2**32 - 1, 1e-5))),
        Request(DATA, methods=ALL_METHODS, settings=Settings(automatic=False)),
        Request(DATA, methods=ALL_METHODS, settings=Settings(options=Options(0, 0.01, "all"))),
        Request(DATA, methods=ALL_METHODS, settings=Settings(STAND_IN, automatic=False)),
        Request(DATA, methods=ALL_METHODS, sweep=Sweep(seeds=(1, 2))),
        Request(
            DATA,
            methods=ALL_METHODS,
            sweep=Sweep(("resnet50",), (0.1, 0.25), (7,)),
            settings=Settings(options=Options(3, 0.5), automatic=False),
        ),
        Request(DATA, methods=ALL_METHODS, workers=4),
        Request(DATA, methods=ALL_METHODS, scheduler="tls://[::1]:8786", threads=2),
        EVERYTHING,
    ],
)
def test_the_command_line_understands_what_was_asked(request_: Request) -> None:
    assert parsed(request_.arguments()) == request_


def test_a_sweep_is_every_combination_once() -> None:
    first = Settings(options=Options(seed=0, coreset_ratio=0.01))
    others = Sweep(("resnet50",), (0.1, 0.01), (0, 1)).variants(first)
    found = [(one.backbone, one.options.coreset_ratio, one.options.seed) for one in others]

    assert ("resnet18", 0.01, 0) not in found
    assert sorted(found) == [
        ("resnet18", 0.01, 1),
        ("resnet18", 0.1, 0),
        ("resnet18", 0.1, 1),
        ("resnet50", 0.01, 0),
        ("resnet50", 0.01, 1),
        ("resnet50", 0.1, 0),
        ("resnet50", 0.1, 1),
    ]


def test_no_methods_are_all_methods() -> None:
    assert parsed(Request(DATA).arguments()).methods == ALL_METHODS


def test_defaults_are_not_spelled_out() -> None:
    assert Request(DATA, methods=ALL_METHODS).arguments() == ["--data", DATA]


def test_the_command_survives_a_shell(tmp_path: Path) -> None:
    line = command_line(EVERYTHING.arguments(), tmp_path / "my results")

    assert shlex.split(line) == [
        *("python", "evaluate.py", *EVERYTHING.arguments()),
        *("--out", str(tmp_path / "my results")),
    ]


def test_the_default_outputs_folder_is_not_spelled_out() -> None:
    assert "--out" not in command_line(["--data", "demo"], DEFAULT_OUTPUTS)


def job(*states: str, arguments: list[str]) -> JobStatus:
    """Return a job with one category per state."""
    cells = [CellState(f"c{i}", "padim", state) for i, state in enumerate(states)]
    return JobStatus(state="cancelled", cells=cells, arguments=arguments)


def test_a_run_is_resumed_with_the_same_arguments() -> None:
    arguments = ["--data", DATA, "--seed", "3"]

    assert resume_arguments(job("done", "waiting", arguments=arguments)) == arguments


def test_a_run_that_repeats_finished_cells_goes_on_with_the_categories_left() -> None:
    arguments = ["--data", DATA, "--categories", "c0", "c1", "c2", "--force"]
    resumed = parsed(resume_arguments(job("done", "failed", "waiting", arguments=arguments)))

    assert resumed.categories == ("c1", "c2")
    assert resumed.force


@pytest.mark.parametrize(
    ("categories", "low"), [(["bottle"], 224), (["part", "bottle"], 224), (["part"], 32), ([], 32)]
)
def test_the_smallest_image_is_the_crop_where_there_is_one(categories: list[str], low: int) -> None:
    smallest, largest = image_size_bounds(categories)

    assert (smallest, largest) == (low, 2048)
    for size in (smallest, largest):
        check_settings(Settings(image_size=size), categories, ALL_METHODS)
    for size in (smallest - 1, largest + 1):
        with pytest.raises(ValueError, match=r"choose another|raise --image-size"):
            check_settings(Settings(image_size=size), categories or ["part"], ALL_METHODS)


@pytest.mark.parametrize(("backbone", "available"), [("resnet18", 448), ("wide_resnet50_2", 1792)])
def test_padim_can_keep_all_channels_and_no_more(backbone: str, available: int) -> None:
    most = Settings(backbone, Options(padim_channels=available))
    more = Settings(backbone, Options(padim_channels=available + 1))
    check_settings(most, ["part"], ALL_METHODS)
    check_settings(more, ["part"], ["patchcore"])

    with pytest.raises(ValueError, match=f"PaDiM cannot keep {available + 1} channels"):
        check_settings(more, ["part"], ALL_METHODS)


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("tcp://127.0.0.1:8786", True),
        ("tls://head-node.lab:8786", True),
        ("127.0.0.1:8786", False),
        ("tcp://head-node", False),
        ("tcp://user@head-node:8786", False),
        ("http://head-node:8787", False),
        ("inproc://1/2/3:4", False),
        ("tcp://head-node:8786/status", False),
        ("", False),
    ],
)
def test_a_scheduler_has_an_address_of_a_kind_that_dask_knows(address: str, right: bool) -> None:
    assert is_scheduler(address) == right


def test_the_app_uses_only_the_cluster_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(SCHEDULER_VARIABLE, raising=False)
    assert named_scheduler() == ""
    monkeypatch.setenv(SCHEDULER_VARIABLE, " tcp://head:8786 ")
    assert named_scheduler() == "tcp://head:8786"
    monkeypatch.setenv(SCHEDULER_VARIABLE, "head")
    assert named_scheduler() == ""
