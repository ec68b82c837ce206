"""The command line: one sentence for a mistake, an exit status for every end."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from PIL import Image

import evaluate
from data_utils.demo import MARKER
from data_utils.locations import readable
from detectors.autoencoder import Autoencoder
from detectors.backbones import openvino_network
from detectors.backbones.engines import Engine, engine_in
from detectors.backbones.features import NetworkBackbone
from detectors.backbones.names import LITE0
from detectors.backbones.networks import load_backbone
from detectors.backbones.openvino_network import converted
from detectors.denoising import AutoencoderSettings
from detectors.padim import Padim
from detectors.registry import METHODS
from evaluation.measure.operating_points import threshold_for
from evaluation.run.job import lock_outputs, log_tail, start
from evaluation.store.cells import read_cell
from evaluation.store.places import CELL_FILE, SCORES_FILE, CellPlace
from evaluation.store.review_lines import ReviewLines, lines_text
from evaluation.store.summary import SUMMARY_FILE
from evaluation.training_set.curve_table import read_curve
from tests.engines import (
    INSTALL,
    OPENVINO_FLOAT32,
    OPENVINO_INT8,
    needs_openvino,
    without_packages,
)
from tests.make_data import save, write_category
from tests.runs import backbones_made_once, told

SMALL_ID = "image_size-64"
STRANGE = "o u t 결과 🔩 '\"` <b>%2e%2e $x$\n#"


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What was said about a mistake, checked to be one line on standard error."""
        assert self.err.startswith("evaluate.py: ")
        assert self.err.count("\n") == 1
        return self.err


Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def process_wide_settings() -> Iterator[None]:
    """Put signal handlers and thread counts back after the program has run in this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    threads = torch.get_num_threads()
    with backbones_made_once():
        yield
    torch.set_num_threads(threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_category(tmp_path_factory.mktemp("data"), train=6, good=2, bad=2).parent


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run_program(*arguments: str) -> Ended:
        try:
            status = evaluate.main(list(arguments))
        except SystemExit as end:
            status = int(str(end.code))
        return Ended(status, *capsys.readouterr())

    return run_program


@pytest.fixture(scope="module")
def quick(data: Path) -> list[str]:
    """Return the arguments of a run that takes a fraction of a second."""
    small = ["--methods", "padim", "--weights", "random", "--image-size", "64"]
    return ["--data", str(data), *small]


@pytest.fixture(scope="module")
def made(quick: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the outputs folder of such a run."""
    base = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch, backbones_made_once():
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        assert evaluate.main([*quick, "--out", str(base / "outputs")]) == 0
    return base / "outputs"


@pytest.fixture
def finished(made: Path, outputs: Path) -> Path:
    """Put finished results into the outputs folder; return the folder of the cell."""
    shutil.copytree(made, outputs)
    return CellPlace(outputs, "part", "padim", SMALL_ID).folder


def cell(outputs: Path, method: str = "padim", settings_id: str = SMALL_ID) -> dict[str, Any]:
    return read_cell(CellPlace(outputs, "part", method, settings_id).folder)


# What is asked for and cannot be.


def test_help_shows_examples_methods_and_exit_statuses(call: Call) -> None:
    ended = call("--help")

    assert ended.status == 0
    assert "examples:\n  python evaluate.py --data demo" in ended.out
    assert "exit status: 0 all cells finished" in ended.out
    assert ", ".join(METHODS) in ended.out.replace("\n", " ").replace("  ", " ")


SCORE = ["--score", "x", "--category", "part", "--method", "padim"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "padim"], "--method"),
        (["--methods", "padim", "foo"], "'foo'"),
        (["--backbone", "vgg"], "'vgg'"),
        (["--engine", "onnx"], "'onnx'"),
        (["--precision", "int4"], "'int4'"),
        (["--coreset-ratio", "1.5"], "'1.5' is not a share above 0 and at most 1"),
        (["--coreset-ratio", "nan"], "'nan' is not a share"),
        (["--coreset-ratio", "much"], "'much' is not a share"),
        (["--seed", "-1"], "'-1' is not a whole number from 0"),
        (["--seed", "99999999999999999999"], "'99999999999999999999' is not a whole number"),
        (["--image-size", "-224"], "'-224' is not a whole number above 0"),
        (["--crop", "0"], "'0' is not a whole number above 0"),
        (["--padim-channels", "-3"], "'-3' is not a whole number above 0"),
        (["--threads", "two"], "'two' is not a whole number from 1 to 1024"),
        (["--workers", "9999"], "'9999' is not a whole number from 1 to 256"),
        (["--train-counts", "1"], "'1' is not a whole number above 1"),
        (["--train-counts", "10", "-5"], "'-5' is not a whole number"),
        (["--train-counts", "every"], "'every' is not a whole number"),
        (["--scheduler", "somewhere"], "'somewhere' is no scheduler's address"),
        (["--scheduler", "tcp://a:1", "--workers", "2"], "--workers counts processes of this"),
        (["--score", "x"], "--score needs --category NAME"),
        (["--score", "x", "--category", "part"], "--score needs --method NAME"),
        (["--score", ""], "an empty name is no path"),
        (
            ["--category", "part"],
            "--category goes with --score or --export only (did you mean --categories?)",
        ),
        (["--csv", "a.csv"], "--csv goes with --score only"),
        (["--false-alarms", "0.1"], "--false-alarms goes with --score or --export only"),
        (["--score", "x", "--false-alarms", "0"], "'0' is not a share above 0 and below 1"),
        (
            [*SCORE, "--thresholds", "t.json", "--false-alarms", "0.1"],
            "--thresholds and --false-alarms both say where the threshold is; give one",
        ),
        (["--thresholds", "t.json"], "--thresholds goes with --score or --export only"),
        ([*SCORE, "--force"], "--force does not go with --score"),
        ([*SCORE, "--train-counts", "10"], "--train-counts does not go with --score"),
        ([*SCORE, "--methods", "ae"], "--methods does not go with --score"),
        ([*SCORE, "--seeds", "1", "2"], "--score takes one value of --seeds"),
        ([*SCORE, "--engines", "torch", "openvino"], "--score takes one value of --engines"),
    ],
)
def test_a_wrong_argument_is_answered_in_one_sentence(
    call: Call, outputs: Path, arguments: list[str], words: str
) -> None:
    ended = call(*arguments)

    assert ended.status == 2
    assert words in ended.sentence
    assert "--help" in ended.err
    assert not outputs.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--weights", "mine.pth", "--backbones", "resnet18", "resnet50"], "fit one backbone"),
        (["--categories", "part", "screws"], "There is no category screws in"),
        (["--crop", "128"], "raise --image-size or lower --crop"),
        (["--image-size", "4096"], "An image size of 4096 px is outside 32 to 2048 px"),
        (["--padim-channels", "449"], "resnet18 has 448"),
        (["--precision", "int8"], "PyTorch computes the backbone in float32, not in int8"),
        (["--engine", "openvino", "--backbone", "filterbank"], "runs in PyTorch only"),
        (["--train-counts", "all", "--workers", "2"], "in one process and one study at a time"),
        (["--train-counts", "all", "--training-pictures"], "only one of --training-pictures"),
        (["--train-counts", "all", "--methods", "ae"], "studied with PaDiM and PatchCore"),
        (["--data", "\udcff"], "\\udcff"),
        (["--categories", "\udcff"], "\\udcff"),
        (["--data", "nowhere"], "try --data demo"),
        (["--data", "PART"], "give the folder above it: "),
        (["--data", "demo"], "The demo data cannot be written to"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence_also_for_the_app_and_no_failed_cell(
    call: Call,
    quick: list[str],
    data: Path,
    outputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    arguments = [str(data / "part") if word == "PART" else word for word in arguments]
    monkeypatch.setenv("MVTEC_DEMO", "/dev/null/demo")
    ended = call(*quick, *arguments)
    status = told(outputs)

    assert ended.status == 2
    assert words in ended.err
    assert ended.sentence if ended.out == "" else "Preparing" in ended.out
    assert status.state == "failed"
    assert readable(str(status.last_error)) in ended.err
    assert status.arguments[0] == "--data"
    assert not list(outputs.rglob("*.failed.json"))


def test_without_data_the_demo_is_offered_and_a_file_in_its_way_is_named(
    call: Call, tmp_path: Path
) -> None:
    assert "--data demo" in call().sentence
    (tmp_path / "demo").write_text("a file in the way")
    ended = call("--data", "demo")

    assert ended.status == 2
    assert "no demo pictures can be put there" in ended.err


def test_official_categories_are_cropped_unless_told_otherwise(
    call: Call, tmp_path: Path, outputs: Path
) -> None:
    write_category(tmp_path / "data", "screw", train=6, good=2, bad=2)
    arguments = ["--data", str(tmp_path / "data"), "--weights", "random", "--methods", "padim"]
    refused = call(*arguments, "--image-size", "64")
    ended = [call(*arguments, "--padim-channels", "5", *words) for words in ((), ("--no-crop",))]

    assert "A centre crop of 224 px does not fit" in refused.sentence
    assert [one.status for one in (refused, *ended)] == [2, 0, 0]
    assert pd.read_csv(outputs / SUMMARY_FILE)["transform"].tolist() == [
        "shorter side 256 px, centre crop 224 x 224 px",
        "whole picture 224 x 224 px",
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("no text", "no valid text"),
        ("loop", "is a loop of links"),
        ("too long", "cannot be opened (File name too long)"),
        ("a file", "cannot be written"),
    ],
)
def test_an_outputs_folder_that_cannot_be_is_named_and_nothing_is_made(
    call: Call, quick: list[str], data: Path, tmp_path: Path, kind: str, reason: str
) -> None:
    folder = tmp_path / "a"
    if kind == "loop":
        folder.symlink_to(tmp_path / "b")
        (tmp_path / "b").symlink_to(folder)
    elif kind == "a file":
        folder.write_text("a file")
    else:
        folder = tmp_path / ("x" * 300 if kind == "too long" else os.fsdecode(b"\xff\xfe"))
    before = set(tmp_path.iterdir())
    ended = [call(*words, "--out", str(folder)) for words in (quick, score_arguments(data))]

    assert [one.status for one in ended] == [2, 2]
    assert reason in ended[0].sentence
    assert kind == "a file" or reason in ended[1].sentence
    assert set(tmp_path.iterdir()) == before


# Runs.


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
def test_a_run_ends_with_a_summary_and_the_same_command_skips_what_is_finished(
    call: Call, quick: list[str], data: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / STRANGE
    first = call(*quick, "--out", str(outputs))
    row = pd.read_csv(outputs / SUMMARY_FILE).iloc[0]
    before = cell(outputs)
    file = CellPlace(outputs, "part", "padim", SMALL_ID).folder / CELL_FILE
    os.utime(file, (1.0, 1.0))
    second = call(*quick, "--out", str(outputs))
    touched = file.stat().st_mtime
    table = tmp_path / "scores.csv"
    scored = call(*score_arguments(data), "--out", str(outputs), "--csv", str(table))
    third = call(*quick, "--out", str(outputs), "--force")

    assert [one.status for one in (first, second, scored, third)] == [0] * 4
    assert [one.err for one in (first, second, scored, third)] == [""] * 4
    assert "part / padim (image_size-64): done" in first.out
    assert f"Written to {outputs / SUMMARY_FILE}".replace("\n", " ") in first.out.replace("\n", " ")
    assert f"{row['image_auroc']:.3f}" in first.out
    assert "part / padim (image_size-64): skipped - finished earlier" in second.out
    assert touched > 1.0  # says when it was found up to date
    assert before["category"] == "part"
    assert "part / padim (image_size-64): done" in third.out
    assert told(outputs).state == "done"


def test_a_learning_curve_is_told_and_kept_and_makes_no_cell(
    call: Call, quick: list[str], outputs: Path
) -> None:
    counts = ("--train-counts", "3", "100", "all", "--seeds", "0", "1")
    ended = call(*quick, *counts, "--out", str(outputs))
    curve = read_curve(outputs, "part")

    assert ended.status == 0
    found = [(fit["method"], fit["count"], fit["seed"]) for fit in curve["fits"]]
    assert found == [("padim", count, seed) for seed in (0, 1) for count in (3, 6)]
    assert "so 100 stands for all of them" in ended.out
    assert str(curve["enough"][0]) in ended.out
    assert f"Written to {outputs / 'part' / 'train_counts.json'}" in ended.out
    assert told(outputs).state == "done"
    assert not list(outputs.rglob(CELL_FILE))


def test_a_busy_outputs_folder_is_left_alone_and_free_after_every_end(
    call: Call, quick: list[str], outputs: Path
) -> None:
    with lock_outputs(outputs):
        ended = call(*quick)
    assert ended.status == 3
    assert "Another evaluation is using" in ended.sentence
    assert not (outputs / SUMMARY_FILE).exists()
    for arguments in (quick, [*quick, "--categories", "none"]):
        call(*arguments)
        with lock_outputs(outputs) as lock:
            assert lock.is_locked


def test_a_run_goes_on_after_an_interrupted_exchange(
    call: Call, quick: list[str], finished: Path, outputs: Path
) -> None:
    finished.rename(finished.with_name(".padim.cell-old"))
    of_a_killed_worker = outputs / ".job" / "workers" / "cell.part"
    of_a_killed_worker.mkdir(parents=True)
    ended = call(*quick)

    assert "part / padim (image_size-64): skipped - finished earlier" in ended.out
    assert [path.name for path in finished.parent.iterdir()] == ["padim"]
    assert not of_a_killed_worker.parent.exists()


def test_options_reach_the_cells_and_their_folder(call: Call, data: Path, outputs: Path) -> None:
    arguments = ["--data", str(data), "--weights", "random", "--methods", "patchcore", "padim"]
    sizes = ["--image-size", "64", "--crop", "32", "--seed", "3", "--threads", "1"]
    ended = call(*arguments, *sizes, "--coreset-ratio", "0.2", "--padim-channels", "7")
    padim = cell(outputs, "padim", "crop-32_image_size-64_padim_channels-7_seed-3")
    patchcore = cell(outputs, "patchcore", "coreset_ratio-0.2_crop-32_image_size-64_seed-3")

    assert ended.status == 0
    assert padim["settings"]["padim_channels"] == 7
    assert padim["weights"] == "random (seed 3)"
    assert padim["threads"] == 1
    assert patchcore["settings"]["coreset_ratio"] == 0.2
    assert patchcore["transform"] == "shorter side 64 px, centre crop 32 x 32 px"


def test_a_failed_cell_is_named_ends_with_status_1_and_is_not_told_again(
    call: Call, quick: list[str], data: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    words = ["--methods", "padim", "--image-size", "64", "--weights", "mine.pth"]
    ended = call("--data", data.name, *words)
    status = told(outputs)
    [failed] = status.cells
    again = call(*quick, "--categories", "part")

    assert (ended.status, again.status) == (1, 0)
    assert "Failed: part / padim (image_size-64): There is no weights file" in ended.out
    assert "Failed" not in again.out
    assert (status.state, failed.settings_id) == ("failed", SMALL_ID)
    assert str(failed.reason) in str(status.last_error)
    assert status.arguments == [  # what starts it again, from any folder
        *("--data", str(data), "--methods", "padim"),
        *("--weights", str(data.parent / "mine.pth"), "--image-size", "64"),
    ]


def test_a_cluster_that_cannot_be_reached_is_one_sentence_and_a_status_of_its_own(
    call: Call, data: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("evaluation.cluster.clients.CONNECT_S", 0.2)
    ended = call("--data", str(data), "--scheduler", "tcp://127.0.0.1:9")
    status = told(outputs)

    assert ended.status == 4
    assert "The scheduler at tcp://127.0.0.1:9 cannot be reached" in ended.err
    assert "Traceback" not in ended.err
    assert status.state == "failed"
    assert str(status.last_error) in ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_told_to_end_keeps_finished_cells_and_says_so(
    call: Call,
    quick: list[str],
    data: Path,
    outputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    for name in ("part", "zpart"):
        shutil.copytree(data / "part", tmp_path / "data" / name)
    finish = Padim.finish_fit
    seen: list[int] = []

    def ended_in_the_second(self: Padim, *arguments: Any) -> Padim:
        seen.append(1)
        if len(seen) == 2:
            os.kill(os.getpid(), number)
        return finish(self, *arguments)

    monkeypatch.setattr(Padim, "finish_fit", ended_in_the_second)
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)  # nohup or a background job would have it ignored
    try:
        ended = call(*quick, "--data", str(tmp_path / "data"))
    finally:
        signal.signal(number, before)

    assert ended.status == 130
    assert ended.err == "evaluate.py: Cancelled; finished cells are kept.\n"
    assert told(outputs).state == "cancelled"
    assert [state.state for state in told(outputs).cells] == ["done", "cancelled"]
    assert pd.read_csv(outputs / SUMMARY_FILE)["category"].tolist() == ["part"]


def test_an_unforeseen_error_is_told_to_the_app_and_not_hidden(
    call: Call, quick: list[str], outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = LookupError("never thought of")
    monkeypatch.setattr(evaluate, "evaluate", mock.Mock(side_effect=error))
    with pytest.raises(LookupError):
        call(*quick)

    assert told(outputs).state == "failed"
    assert str(told(outputs).last_error) == "LookupError: never thought of"


def test_demo_data_are_made_where_they_belong_and_named(
    call: Call, tmp_path: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_demo(root: Path) -> Path:
        write_category(root, train=6, good=2, bad=2)
        (root / MARKER).write_text('{"version": 1, "counts": {}}')
        return root

    monkeypatch.setattr(evaluate, "ensure_demo", small_demo)
    ended = call("--data", "demo", "--methods", "padim", "--image-size", "64")

    assert ended.status == 0
    assert f"Preparing the demo data in {tmp_path / 'demo'}" in ended.out
    assert "Demo data: generated pictures, not MVTec AD." in ended.out
    assert cell(outputs)["demo_data"] is True


def test_the_app_starts_this_very_program(quick: list[str], tmp_path: Path) -> None:
    outputs = tmp_path / ("outputs" if os.name == "nt" else STRANGE)
    pid = start(outputs, quick)
    psutil.Process(pid).wait(120)

    assert told(outputs).state == "done"
    assert told(outputs).pid == pid
    assert "part / padim (image_size-64): done" in log_tail(outputs)
    assert cell(outputs)["category"] == "part"


# Engines.

INT8 = ["--engine", "openvino", "--precision", "int8"]
ENGINES = [Engine(), OPENVINO_FLOAT32, OPENVINO_INT8]
LITE0_ID = f"backbone-{LITE0}_{{}}image_size-64{{}}"
IDS = {
    engine: LITE0_ID.format(f"engine-{engine.library}_", f"_precision-{engine.precision}")
    for engine in (OPENVINO_FLOAT32, OPENVINO_INT8)
} | {Engine(): LITE0_ID.format("", "")}


@dataclass(frozen=True)
class Swept:
    """A run of PaDiM and PatchCore on every engine, with the cache of its networks."""

    arguments: list[str]
    outputs: Path
    cache: Path
    out: str

    def scores(self, method: str, engine: Engine) -> pd.DataFrame:
        return pd.read_csv(self.place(method, engine).folder / SCORES_FILE)

    def place(self, method: str, engine: Engine) -> CellPlace:
        return CellPlace(self.outputs, "part", method, IDS[engine])


@pytest.fixture(scope="module")
def made_by_engines(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    base, out = tmp_path_factory.mktemp("engines"), io.StringIO()
    arguments = [
        *("--data", str(data), "--methods", "padim", "patchcore", "--image-size", "64"),
        *("--backbone", LITE0, "--out", str(base / "outputs")),
        *("--engines", "torch", "openvino", "--precisions", "float32", "int8"),
    ]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setattr(openvino_network, "PREPARED_ON", 1)
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        assert evaluate.main(arguments) == 0
    return Swept(arguments, base / "outputs", base / "cache", out.getvalue())


@pytest.fixture
def swept(made_by_engines: Swept, monkeypatch: pytest.MonkeyPatch) -> Swept:
    """Return that run, whose networks are read and not converted again."""
    monkeypatch.setattr(openvino_network, "PREPARED_ON", 1)
    monkeypatch.setattr(openvino_network, "converted", None)
    monkeypatch.setenv("MVTEC_CACHE", str(made_by_engines.cache))
    return made_by_engines


@needs_openvino
def test_every_engine_has_cells_of_its_own_and_the_same_command_skips_them(
    call: Call, swept: Swept
) -> None:
    rows = pd.read_csv(swept.outputs / SUMMARY_FILE)
    noted = dict(zip(rows["settings_id"], rows["settings"].map(json.loads), strict=True))
    with mock.patch("evaluation.run.backbone_source.load_backbone", load_backbone):
        again = call(*swept.arguments)

    assert rows["settings_id"].value_counts().to_dict() == dict.fromkeys(IDS.values(), 2)
    assert {engine_in(noted[name]): name for name in noted} == IDS
    for engine in (OPENVINO_FLOAT32, OPENVINO_INT8):
        assert swept.out.count(f"The backbone was made ready for {engine} in ") == 1
        assert (
            f"-{engine.library}-{engine.precision}"
            in (read_cell(swept.place("padim", engine).folder)["backbone_identity"])
        )
    assert again.status == 0
    assert again.out.count("skipped - finished earlier") == 6
    assert "made ready" not in again.out


@needs_openvino
@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_scores_of_float32_are_those_of_pytorch_and_of_int8_near_them(
    made_by_engines: Swept, method: str
) -> None:
    right, same, near = (made_by_engines.scores(method, engine)["score"] for engine in ENGINES)

    np.testing.assert_allclose(same, right, rtol=1e-3)
    assert (near != right).all()
    assert np.corrcoef(near, right)[0, 1] > 0.9


@needs_openvino
@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_new_pictures_are_scored_with_the_engine_of_the_cell(
    call: Call, swept: Swept, data: Path, tmp_path: Path, engine: Engine
) -> None:
    table = tmp_path / "scores.csv"
    ended = call(
        *("--score", str(data / "part" / "test"), "--category", "part", "--method", "patchcore"),
        *("--image-size", "64", "--backbone", LITE0, "--out", str(swept.outputs)),
        *("--engine", engine.library, "--precision", engine.precision, "--csv", str(table)),
    )
    stored = swept.scores("patchcore", engine)
    stored = stored[stored["split"] == "test"].sort_values(["defect", "stem"])

    assert (ended.status, ended.err) == (0, "")
    np.testing.assert_allclose(pd.read_csv(table)["score"][:-1], stored["score"], rtol=1e-5)


@needs_openvino
def test_a_network_that_was_quantised_otherwise_is_refused_by_name(
    call: Call, swept: Swept, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_quantised(network: NetworkBackbone, _: bool) -> Any:
        return converted(network, False)

    monkeypatch.setattr(openvino_network, "PREPARED_ON", 2)
    monkeypatch.setattr(openvino_network, "converted", not_quantised)
    ended = call(
        *("--score", str(data / "part" / "test"), "--category", "part", "--method", "padim"),
        *("--image-size", "64", "--backbone", LITE0, "--out", str(swept.outputs)),
        *(*INT8, "--csv", str(tmp_path / "a.csv")),
    )
    made = str(read_cell(swept.place("padim", OPENVINO_INT8).folder)["backbone_identity"])

    assert ended.status == 2
    assert f"({made})" in ended.sentence
    assert ended.err.count("-openvino-int8-") == 2
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("missing", ["openvino", "nncf"])
def test_without_the_packages_of_an_engine_no_picture_is_read(
    call: Call,
    quick: list[str],
    finished: Path,
    data: Path,
    outputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
) -> None:
    without_packages(monkeypatch, missing)
    for reader in ("evaluation.run.reading", "evaluation.cluster.worker"):
        monkeypatch.setattr(f"{reader}.load_pictures", None)
    named = finished.parents[2] / f"engine-openvino_{SMALL_ID}_precision-int8"
    shutil.copytree(finished.parents[1], named)
    ended = [call(*words, *INT8) for words in (quick, [*quick, "--workers", "2"])]
    ended.append(call(*score_arguments(data), *INT8))

    for one in ended:
        assert one.status == 2
        assert "openvino int8 needs packages that are not installed" in one.sentence
        assert INSTALL in one.err
        assert one.out == ""
    assert not list(outputs.rglob("*.failed.json"))


def test_an_autoencoder_needs_no_engine(
    call: Call, data: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_packages(monkeypatch, "openvino", "nncf")
    short = AutoencoderSettings(sides=(32, 16), epochs=2, pictures_per_epoch=16)
    monkeypatch.setattr(Autoencoder, "from_options", lambda *_: Autoencoder(short))
    ended = call("--data", str(data), "--methods", "ae", "--image-size", "64", *INT8)

    assert (ended.status, ended.err) == (0, "")
    assert cell(outputs, "ae")["settings_id"] == SMALL_ID
    assert not {"engine", "precision"} & cell(outputs, "ae")["settings"].keys()


@needs_openvino
def test_a_run_that_is_ended_while_a_network_is_converted_keeps_nothing_of_it_and_goes_on(
    call: Call, quick: list[str], outputs: Path, tmp_path: Path
) -> None:
    words = [*quick, "--engine", "openvino"]
    with mock.patch.object(openvino_network, "converted", side_effect=KeyboardInterrupt):
        ended = call(*words)
    kept = list((tmp_path / "cache").rglob("network*"))
    again = call(*words)

    assert ended.status == 130
    assert kept == []
    assert again.status == 0
    made = cell(outputs, settings_id=f"engine-openvino_{SMALL_ID}_precision-float32")
    assert made["backbone_identity"].endswith("-openvino-float32-v1")


# Scoring new pictures.


def score_arguments(folder: Path) -> list[str]:
    """Return the arguments that score a folder with the cell that ``quick`` makes."""
    return [
        *("--score", str(folder), "--category", "part", "--method", "padim"),
        *("--weights", "random", "--image-size", "64"),
    ]


def test_new_pictures_are_judged_and_an_unreadable_one_is_named_with_status_1(
    call: Call, data: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "새 부품 😀"
    shutil.copytree(data / "part" / "test", folder)
    table = tmp_path / "scores.csv"
    ended = call(*score_arguments(folder), "--csv", str(table), "--false-alarms", "0.2")

    assert ended.status == 0
    assert "PaDiM on part: 4 pictures scored." in ended.out
    assert f"Written to {table}" in ended.out
    written, scores = pd.read_csv(table), pd.read_csv(finished / SCORES_FILE)
    threshold = threshold_for(scores.loc[scores["split"] == "calibration", "score"], 0.2)
    judged = ["defective" if score > threshold else "good" for score in written["score"][:4]]
    assert written["verdict"][:4].tolist() == judged
    assert f"{judged.count('defective')} of them are above the threshold" in ended.out
    assert set(written["false_alarms"]) == {0.2}
    assert written["verdict"].isna().tolist() == [False] * 4 + [True]

    (folder / "zz.png").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    ended = call(*score_arguments(folder))

    assert ended.status == 1
    assert "Not read: zz.png is not a picture." in ended.err
    assert "No verdicts: 6 held-out good pictures are too few for 5.0%" in ended.out
    assert "at least 19 are needed" in ended.out
    written = pd.read_csv(tmp_path / "새 부품 😀_scores.csv", keep_default_na=False)
    assert written["verdict"].tolist() == ["n/a"] * 5 + [""]
    assert written["file"][written["score"] == ""].tolist() == ["zz.png", "(all pictures)"]


def test_chosen_thresholds_pass_review_or_reject_and_only_those_of_this_very_result(
    call: Call, data: Path, finished: Path, outputs: Path, tmp_path: Path
) -> None:
    scores = pd.read_csv(finished / SCORES_FILE)
    first, second, third, last = sorted(scores.loc[scores["split"] == "test", "score"])
    low, high = (first + second) / 2, (third + last) / 2
    chosen = ReviewLines("part", "padim", SMALL_ID, low, high, str(cell(outputs)["finished"]))
    file, table = tmp_path / "thresholds.json", tmp_path / "scores.csv"
    file.write_text(lines_text([chosen]))
    command = [*score_arguments(data / "part" / "test"), "--thresholds", str(file)]
    ended = call(*command, "--csv", str(table))
    written = pd.read_csv(table, keep_default_na=False)

    assert ended.status == 0
    assert sorted(written["verdict"][:-1]) == ["defective", "good", "review", "review"]
    assert set(written["false_alarms"]) == {"n/a"}
    assert "1 of them are above" in ended.out
    assert "2 are above" in ended.out

    table.unlink()
    for content, words in (
        (lines_text([replace(chosen, finished="2020")]), "an earlier result"),
        (lines_text([replace(chosen, settings_id="")]), "has no thresholds for"),
        ("{", "cannot be read as thresholds"),
    ):
        file.write_text(content)
        ended = call(*command, "--csv", str(table))
        assert ended.status == 2
        assert words in ended.sentence
        assert not table.exists()


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(
    ("folder", "table", "words"),
    [
        ("empty", "a.csv", "There is no picture"),
        ("part/test/good", "a.png", "end in .csv"),
        ("part/test/good", "a.csv", "results of PaDiM on 'part' with the settings 'image_size-64_"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(
    call: Call, data: Path, tmp_path: Path, folder: str, table: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    pictures = tmp_path / folder if folder == "empty" else data / folder
    other = ["--seed", "7"] if "results" in words else []
    ended = call(*score_arguments(pictures), *other, "--csv", str(tmp_path / table))

    assert ended.status == 2
    assert words in ended.sentence
    assert not (tmp_path / table).exists()


@pytest.mark.usefixtures("finished")
def test_pictures_that_differ_from_held_out_ones_are_scored_with_status_5(
    call: Call, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for least in ("FEWEST", "FEWEST_HELD_OUT"):
        monkeypatch.setattr(f"evaluation.measure.drift.{least}", 6)
    folder, table = tmp_path / "dark", tmp_path / "scores.csv"
    for path in (data / "part" / "train" / "good").iterdir():
        with Image.open(path) as picture:
            save((np.asarray(picture) * 0.7).astype(np.uint8), folder / path.name)
    ended = call(*score_arguments(folder), "--csv", str(table))

    assert (ended.status, ended.err) == (5, "")
    assert "These 6 pictures differ from the held-out good ones" in ended.out
    assert "they are darker (AUROC of brightness 1.00, p = " in ended.out
    last = pd.read_csv(table, keep_default_na=False).iloc[-1]
    assert (last["file"], last["score"], last["verdict"]) == ("(all pictures)", "", "")
    said = " ".join(ended.out.splitlines()[:2])
    assert last["remark"] == said.removeprefix("PaDiM on part: ")
    (folder / "zz.png").write_bytes(b"nothing")
    assert call(*score_arguments(folder), "--csv", str(table)).status == 1
