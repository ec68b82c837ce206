"""A request becomes arguments that ask for exactly it, and impossible ones are refused."""

from __future__ import annotations

import shlex
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from data_utils.locations import DEFAULT_OUTPUTS
from detectors.backbones.engines import Engine
from detectors.backbones.names import FILTER_BANK
from detectors.registry import METHODS, Options
from evaluate import argument_parser
from evaluation.run.arguments import parse_request, request_of
from evaluation.run.job import resume_arguments
from evaluation.run.progress import CellState, JobStatus
from evaluation.run.request import (
    SCHEDULER_VARIABLE,
    Request,
    RequestError,
    check_settings,
    command_line,
    image_size_bounds,
    is_scheduler,
    named_scheduler,
    study_refusal,
)
from evaluation.store.settings import Settings
from tests.engines import INSTALL, OPENVINO_FLOAT32, OPENVINO_INT8, without_packages

DATA = str(Path("/data sets/mine").absolute())
EVERYTHING = Request(
    DATA,
    ("part", "a b"),
    ("ae", "padim"),
    ("resnet50",),
    str(Path("/weights/mine.pth").absolute()),
    image_size=320,
    crop=300,
    coreset_ratios=(0.25,),
    padim_channels=60,
    seeds=(4,),
    force=True,
    threads=2,
)
ALL_METHODS = tuple(METHODS)


@pytest.mark.parametrize(
    "request_",
    [
        Request(DATA),
        Request("demo", weights="random"),
        Request(DATA, methods=("padim",), no_crop=True, full_size_masks=True),
        Request(DATA, seeds=(2**32 - 1,), coreset_ratios=(1e-5,)),
        Request(DATA, backbones=("resnet18",)),
        Request(DATA, padim_channels="all"),
        Request(DATA, backbones=("auto", "resnet50"), coreset_ratios=(0.1, 0.25), seeds=(7, 3)),
        Request(DATA, workers=4),
        Request(DATA, engines=("openvino",), precisions=("bfloat16",)),
        Request(DATA, engines=("torch", "openvino"), precisions=("float32", "int8")),
        Request(DATA, scheduler="tls://[::1]:8786", threads=2),
        Request(DATA, seeds=(0, 1), train_counts=("10", "20", "all")),
        EVERYTHING,
    ],
)
def test_the_command_line_understands_what_was_asked(request_: Request) -> None:
    assert parse_request(request_.arguments()) == request_
    assert request_of(argument_parser().parse_args(request_.arguments())) == request_


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"train_counts": ()}, None),
        ({"train_counts": (), "workers": 2}, None),
        ({"methods": ("ae", "padim")}, None),
        ({"workers": 2}, "study_alone"),
        ({"scheduler": "tcp://a:1"}, "study_alone"),
        ({"training_pictures": True}, "study_alone"),
        ({"train_counts": (), "training_pictures": True, "workers": 2}, "study_alone"),
        ({"methods": ("ae",)}, "study_without_methods"),
        ({"train_counts": (), "methods": ("ae",)}, None),
    ],
)
def test_a_study_is_carried_out_alone_in_one_process_by_methods_that_read_the_network(
    changes: dict[str, Any], code: str | None
) -> None:
    refused = study_refusal(replace(Request(DATA, train_counts=("10", "all")), **changes))
    assert (refused.code if refused else None) == code


def test_a_sweep_is_every_combination_once() -> None:
    request = Request("", backbones=("auto", "resnet50"), coreset_ratios=(0.01, 0.1), seeds=(0, 1))
    found = [
        (one.backbone, one.options.coreset_ratio, one.options.seed) for one in request.settings()
    ]

    assert found == list(product(("resnet18", "resnet50"), (0.01, 0.1), (0, 1)))
    assert len(Request("", seeds=(3, 3), backbones=("auto", "resnet18")).settings()) == 1
    assert Request("").settings()[0].automatic
    assert not Request("", backbones=("resnet18",)).settings()[0].automatic


@pytest.mark.parametrize(
    ("engines", "precisions", "found"),
    [
        (("torch", "openvino"), ("float32", "int8"), "torch float32, o float32, o int8"),
        (("openvino", "torch"), ("int8", "float32"), "o int8, o float32, torch float32"),
        (("openvino",), ("int8", "int8", "bfloat16"), "o int8, o bfloat16"),
        (("torch",), ("float32",), "torch float32"),
        (("torch",), ("int8",), "torch int8"),  # refused, see ``check_settings``
    ],
)
def test_a_sweep_over_engines_has_pytorch_in_float32_once(
    engines: tuple[str, ...], precisions: tuple[str, ...], found: str
) -> None:
    settings = Request("", engines=engines, precisions=precisions).settings()

    assert ", ".join(str(one.engine) for one in settings) == found.replace("o ", "openvino ")
    seeds = Request("", engines=engines, precisions=precisions, seeds=(0, 1)).settings()
    assert len(seeds) == 2 * len(settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(engine=Engine("torch", "int8")), "PyTorch computes the backbone in float32"),
        (Settings(FILTER_BANK, engine=OPENVINO_FLOAT32), "runs in PyTorch only"),
        (Settings(engine=OPENVINO_INT8), INSTALL),
    ],
)
def test_an_engine_that_cannot_be_used_is_refused_where_a_backbone_is_read(
    settings: Settings, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_packages(monkeypatch, "nncf")
    check_settings(settings, ["part"], ["ae"])
    for method in ("padim", "patchcore"):
        with pytest.raises(RequestError, match=words):
            check_settings(settings, ["part"], ["ae", method])


def test_the_command_survives_a_shell_and_has_no_defaults(tmp_path: Path) -> None:
    line = command_line(EVERYTHING.arguments(), tmp_path / "my results")

    assert shlex.split(line) == [
        *("python", "evaluate.py", *EVERYTHING.arguments()),
        *("--out", str(tmp_path / "my results")),
    ]
    assert "--out" not in command_line(["--data", "demo"], DEFAULT_OUTPUTS)
    assert Request(DATA, methods=ALL_METHODS).arguments() == ["--data", DATA]


def job(*states: str, arguments: list[str]) -> JobStatus:
    cells = [CellState(f"c{i}", "padim", state) for i, state in enumerate(states)]
    return JobStatus(state="cancelled", cells=cells, arguments=arguments)


def test_only_a_run_that_repeats_finished_cells_goes_on_with_other_arguments() -> None:
    arguments = ["--data", DATA, "--categories", "c0", "c1", "c2", "--force"]
    resumed = parse_request(resume_arguments(job("done", "failed", "waiting", arguments=arguments)))

    assert resumed.categories == ("c1", "c2")
    assert resumed.force
    same = arguments[:-1]
    assert resume_arguments(job("done", "waiting", arguments=same)) == same


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
def test_a_scheduler_has_an_address_of_a_kind_that_dask_knows(
    address: str, right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SCHEDULER_VARIABLE, raising=False)
    assert named_scheduler() == ""
    monkeypatch.setenv(SCHEDULER_VARIABLE, f" {address} ")

    assert is_scheduler(address) == right
    assert named_scheduler() == (address if right else "")
