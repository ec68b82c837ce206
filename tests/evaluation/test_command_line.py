"""The command line: one sentence for a mistake, an exit status for every end."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import torch

import evaluate
from data_utils.demo import MARKER
from detectors.backbones.weights import random_weights
from detectors.padim import Padim
from detectors.registry import METHODS
from evaluation.cells import CellPlace, read_cell
from evaluation.job import JobStatus, lock_outputs, log_tail, read_status, start
from evaluation.summary import SUMMARY_FILE
from evaluation.thresholds import threshold_for
from tests.detectors.test_weights import Bomb
from tests.make_data import write_category

SMALL_ID = "image_size-64"
STRANGE = "o u t 결과 🔩 '\"` <b>%2e%2e $x$\n#"


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    status: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def process_wide_settings() -> Iterator[None]:
    """Put signal handlers and thread counts back after the program has run in this process."""
    names = ("SIGTERM", "SIGHUP")
    handlers = {
        number: signal.getsignal(number) for number in map(signal.Signals.__getitem__, names)
    }
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Return the outputs folder that ``call`` uses."""
    return tmp_path / "outputs"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with the category ``part``."""
    write_category(tmp_path / "data", train=6, good=2, bad=2)
    return tmp_path / "data"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs the program in this process."""

    def run_program(*arguments: str) -> Ended:
        try:
            status = evaluate.main(list(arguments))
        except SystemExit as end:
            status = int(str(end.code))
        return Ended(status, *capsys.readouterr())

    return run_program


@pytest.fixture
def quick(data: Path) -> list[str]:
    """Return the arguments of a run that takes a fraction of a second."""
    return [
        *("--data", str(data), "--methods", "padim"),
        *("--weights", "random", "--image-size", "64"),
    ]


def told(outputs: Path) -> JobStatus:
    """Return what the status file says."""
    status = read_status(outputs)
    assert status is not None
    return status


def cell(outputs: Path, method: str = "padim", settings_id: str = SMALL_ID) -> dict[str, Any]:
    """Return a finished cell of ``part``."""
    return read_cell(CellPlace(outputs, "part", method, settings_id).folder)


def one_sentence(ended: Ended) -> str:
    """Return what was said about a mistake, checked to be one line on standard error."""
    assert ended.out == ""
    assert ended.err.startswith("evaluate.py: ")
    assert ended.err.endswith(".\n")
    assert ended.err.count("\n") == 1
    return ended.err


@pytest.mark.parametrize("option", ["--data", "--categories"])
def test_a_name_that_is_no_text_is_one_sentence(
    call: Call, data: Path, outputs: Path, option: str
) -> None:
    name = str(data) + "\udcff" if option == "--data" else "\udcff"
    ended = call("--out", str(outputs), "--data", str(data), option, name)

    assert ended.status == 2
    assert "\\udcff" in one_sentence(ended)
    assert told(outputs).state == "failed"


def test_demo_data_that_cannot_be_drawn_are_one_sentence(
    call: Call, outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MVTEC_DEMO", str(tmp_path / "file" / "demo"))
    ended = call("--out", str(outputs), "--data", "demo")

    assert ended.status == 2
    assert "The demo data cannot be written to" in ended.err
    assert ended.err.endswith("name another folder in MVTEC_DEMO.\n")
    assert ended.err.count("\n") == 1


def test_help_shows_examples_methods_and_exit_statuses(call: Call) -> None:
    ended = call("--help")

    assert ended.status == 0
    assert "examples:\n  python evaluate.py --data demo" in ended.out
    assert "exit status: 0 all cells finished" in ended.out
    assert ", ".join(METHODS) in ended.out.replace("\n", " ").replace("  ", " ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--colour", "red"], "--colour"),
        (["--method", "padim"], "--method"),
        (["surplus"], "surplus"),
        (["--methods", "padim", "foo"], "'foo'"),
        (["--methods"], "--methods"),
        (["--backbone", "vgg"], "'vgg'"),
        (["--categories"], "--categories"),
        (["--coreset-ratio", "1.5"], "'1.5' is not a share above 0 and at most 1"),
        (["--coreset-ratio", "0"], "'0' is not a share"),
        (["--coreset-ratio", "-0.1"], "'-0.1' is not a share"),
        (["--coreset-ratio", "nan"], "'nan' is not a share"),
        (["--coreset-ratio", "much"], "'much' is not a share"),
        (["--seed", "-1"], "'-1' is not a whole number from 0"),
        (["--seed", "1.5"], "'1.5' is not a whole number from 0"),
        (["--seed", "99999999999999999999"], "'99999999999999999999' is not a whole number"),
        (["--image-size", "-224"], "'-224' is not a whole number above 0"),
        (["--crop", "0"], "'0' is not a whole number above 0"),
        (["--padim-channels", "-3"], "'-3' is not a whole number above 0"),
        (["--threads", "two"], "'two' is not a number of threads"),
        (["--workers", "0"], "'0' is not a number of processes"),
        (["--workers", "9999"], "'9999' is not a number of processes"),
        (["--scheduler", "somewhere"], "'somewhere' is no scheduler's address"),
        (
            ["--scheduler", "tcp://a:1", "--workers", "2"],
            "--workers counts processes of this machine",
        ),
        (
            ["--score", ".", "--category", "a", "--method", "padim", "--seeds", "1", "2"],
            "--score takes one value of --seeds",
        ),
    ],
)
def test_a_wrong_argument_is_answered_in_one_sentence(
    call: Call, outputs: Path, arguments: list[str], words: str
) -> None:
    ended = call(*arguments)

    assert ended.status == 2
    assert words in one_sentence(ended)
    assert "--help" in ended.err
    assert not outputs.exists()


def test_one_weights_file_for_several_backbones_is_refused(call: Call, quick: list[str]) -> None:
    weights = ["--weights", "mine.pth", "--backbones", "resnet18", "resnet50"]
    ended = call(*quick, *weights)

    assert ended.status == 2
    assert "mine.pth fit one backbone; give one --backbone" in one_sentence(ended)


def test_an_unknown_category_is_answered_with_the_known_ones(
    call: Call, quick: list[str], outputs: Path
) -> None:
    ended = call(*quick, "--categories", "part", "screws")

    assert ended.status == 2
    assert "There is no category screws in" in one_sentence(ended)
    assert "it holds: part." in ended.err
    assert told(outputs).state == "failed"
    assert "screws" in told(outputs).last_error


def test_crop_and_no_crop_are_refused_together(call: Call, quick: list[str]) -> None:
    ended = call(*quick, "--crop", "32", "--no-crop")

    assert ended.status == 2
    assert "--crop and --no-crop exclude each other" in one_sentence(ended)


def test_without_data_the_demo_is_offered(call: Call) -> None:
    ended = call()

    assert ended.status == 2
    assert "--data demo" in one_sentence(ended)


def test_a_category_given_as_data_folder_is_answered_with_its_parent(
    call: Call, data: Path
) -> None:
    ended = call("--data", str(data / "part"))

    assert ended.status == 2
    assert f"give the folder above it: {data}" in ended.err


def test_an_outputs_folder_that_cannot_be_made_is_named(
    call: Call, quick: list[str], outputs: Path
) -> None:
    outputs.write_text("a file")
    ended = call(*quick)

    assert ended.status == 2
    assert f"The outputs folder {outputs} cannot be written" in one_sentence(ended)


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
@pytest.mark.parametrize("scoring", [False, True])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("no text", "no valid text"),
        ("loop", "is a loop of links"),
        ("too long", "cannot be opened (File name too long)"),
    ],
)
def test_an_outputs_folder_that_no_page_could_show_is_refused(
    call: Call, quick: list[str], data: Path, tmp_path: Path, kind: str, reason: str, scoring: bool
) -> None:
    folder = tmp_path / "a"
    if kind == "loop":
        folder.symlink_to(tmp_path / "b")
        (tmp_path / "b").symlink_to(folder)
    else:
        folder = tmp_path / ("x" * 300 if kind == "too long" else os.fsdecode(b"\xff\xfe"))
    before = set(tmp_path.iterdir())
    ended = call(*(score_arguments(data) if scoring else quick), "--out", str(folder))

    assert ended.status == 2
    assert reason in one_sentence(ended)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
def test_an_outputs_folder_may_be_called_anything_that_is_text(
    call: Call, quick: list[str], data: Path, tmp_path: Path
) -> None:
    outputs = tmp_path / STRANGE
    first, second = (call(*quick, "--out", str(outputs)) for _ in range(2))
    table = tmp_path / "scores.csv"
    scored = call(*score_arguments(data), "--out", str(outputs), "--csv", str(table))

    assert (first.status, second.status, scored.status) == (0, 0, 0)
    assert (first.err, second.err, scored.err) == ("", "", "")
    assert "skipped - finished earlier" in second.out
    assert len(pd.read_csv(outputs / SUMMARY_FILE)) == 1
    assert cell(outputs)["category"] == "part"


def test_a_busy_outputs_folder_is_left_alone(call: Call, quick: list[str], outputs: Path) -> None:
    with lock_outputs(outputs):
        ended = call(*quick)

    assert ended.status == 3
    assert "Another evaluation is using" in one_sentence(ended)
    assert not (outputs / SUMMARY_FILE).exists()


def test_a_run_from_pictures_to_the_summary_ends_with_status_0(
    call: Call, quick: list[str], outputs: Path
) -> None:
    ended = call(*quick)
    row = pd.read_csv(outputs / SUMMARY_FILE).iloc[0]

    assert ended.status == 0
    assert ended.err == ""
    assert "part / padim (image_size-64): done" in ended.out
    assert f"Written to {outputs / SUMMARY_FILE}" in ended.out
    assert f"{row['image_auroc']:.3f}" in ended.out
    assert cell(outputs)["category"] == "part"
    assert told(outputs).state == "done"


def test_the_same_command_skips_what_is_finished(
    call: Call, quick: list[str], outputs: Path
) -> None:
    call(*quick)
    before = cell(outputs)
    again = call(*quick)

    assert again.status == 0
    assert "part / padim (image_size-64): skipped - finished earlier" in again.out
    assert cell(outputs) == before


def test_a_cell_that_is_skipped_says_when_it_was_found_up_to_date(
    call: Call, quick: list[str], outputs: Path
) -> None:
    call(*quick)
    file = CellPlace(outputs, "part", "padim", SMALL_ID).folder / "cell.json"
    os.utime(file, (1.0, 1.0))
    call(*quick)

    assert file.stat().st_mtime > 1.0


def test_force_makes_cells_again(call: Call, quick: list[str]) -> None:
    call(*quick)

    assert "part / padim (image_size-64): done" in call(*quick, "--force").out


def test_the_outputs_folder_is_free_after_every_end(
    call: Call, quick: list[str], outputs: Path
) -> None:
    for arguments in (quick, [*quick, "--categories", "none"]):
        call(*arguments)
        with lock_outputs(outputs) as lock:
            assert lock.is_locked


def test_a_run_goes_on_after_an_interrupted_exchange(
    call: Call, quick: list[str], outputs: Path
) -> None:
    call(*quick)
    folder = CellPlace(outputs, "part", "padim", SMALL_ID).folder
    folder.rename(folder.with_name(".padim.cell-old"))
    ended = call(*quick)

    assert "part / padim (image_size-64): skipped - finished earlier" in ended.out
    assert [path.name for path in folder.parent.iterdir()] == ["padim"]


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


def test_official_categories_are_cropped_unless_told_otherwise(
    call: Call, tmp_path: Path, outputs: Path
) -> None:
    write_category(tmp_path / "data", "screw", train=6, good=2, bad=2)
    arguments = ["--data", str(tmp_path / "data"), "--weights", "random", "--methods", "padim"]
    cropped = call(*arguments, "--padim-channels", "5")
    whole = call(*arguments, "--padim-channels", "5", "--no-crop")
    table = pd.read_csv(outputs / SUMMARY_FILE)

    assert (cropped.status, whole.status) == (0, 0)
    assert table["transform"].tolist() == [
        "shorter side 256 px, centre crop 224 x 224 px",
        "whole picture 224 x 224 px",
    ]


def test_a_failed_cell_is_named_and_ends_with_status_1(
    call: Call, quick: list[str], outputs: Path
) -> None:
    ended = call(*quick, "--weights", "nowhere.pth")

    assert ended.status == 1
    assert "Failed: part / padim (image_size-64): There is no weights file" in ended.out
    assert "nowhere.pth" in ended.out
    assert told(outputs).state == "failed"
    assert told(outputs).cells[0].reason in told(outputs).last_error


def test_a_cluster_that_cannot_be_reached_is_one_sentence_and_a_status_of_its_own(
    call: Call, data: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("evaluation.cluster.CONNECT_S", 0.2)
    ended = call("--data", str(data), "--scheduler", "tcp://127.0.0.1:9")
    status = read_status(outputs)

    assert ended.status == 4
    assert "The scheduler at tcp://127.0.0.1:9 cannot be reached" in ended.err
    assert "Traceback" not in ended.err
    assert status is not None
    assert status.state == "failed"
    assert status.last_error in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--crop", "128"], "raise --image-size or lower --crop"),
        (["--crop", "16"], "is outside 32 to 2048 px"),
        (["--image-size", "4096"], "An image size of 4096 px is outside 32 to 2048 px"),
        (["--image-size", "31"], "An image size of 31 px is outside 32 to 2048 px"),
        (["--padim-channels", "449"], "resnet18 has 448"),
    ],
)
def test_an_impossible_setting_is_a_wrong_argument_not_a_failed_cell(
    call: Call, quick: list[str], outputs: Path, arguments: list[str], words: str
) -> None:
    ended = call(*quick, *arguments)

    assert ended.status == 2
    assert words in one_sentence(ended)
    assert told(outputs).state == "failed"
    assert not list(outputs.rglob("*.failed.json"))


def test_an_image_too_small_for_the_crop_of_an_official_category_is_a_wrong_argument(
    call: Call, quick: list[str], data: Path
) -> None:
    write_category(data, "screw", train=6, good=2, bad=2)
    refused = call(*quick)
    taken = call(*quick, "--categories", "part")

    assert refused.status == 2
    assert "A centre crop of 224 px does not fit" in one_sentence(refused)
    assert taken.status == 0


def test_a_job_says_how_to_start_it_again_from_any_folder(
    call: Call, data: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    call("--data", "data", "--methods", "padim", "--image-size", "64", "--weights", "mine.pth")

    assert told(outputs).state == "failed"
    assert told(outputs).arguments == [
        *("--data", str(data), "--methods", "padim"),
        *("--weights", str(data.parent / "mine.pth"), "--image-size", "64"),
    ]
    assert [state.settings_id for state in told(outputs).cells] == [SMALL_ID]


def test_a_job_that_cannot_be_planned_can_be_started_again_too(
    call: Call, quick: list[str], data: Path, outputs: Path
) -> None:
    call(*quick, "--categories", "none")

    assert told(outputs).arguments[:4] == ["--data", str(data), "--categories", "none"]


def test_failures_of_earlier_runs_are_not_told_again(
    call: Call, quick: list[str], data: Path
) -> None:
    shutil.copytree(data / "part", data / "other")
    first = call(*quick, "--categories", "other", "--weights", "nowhere.pth")
    second = call(*quick, "--categories", "part")

    assert (first.status, second.status) == (1, 0)
    assert "Failed: other / padim" in first.out
    assert "Failed" not in second.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_told_to_end_keeps_finished_cells_and_says_so(
    call: Call,
    quick: list[str],
    data: Path,
    outputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    shutil.copytree(data / "part", data / "zpart")
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
        ended = call(*quick)
    finally:
        signal.signal(number, before)

    assert ended.status == 130
    assert ended.err == "evaluate.py: Cancelled; finished cells are kept.\n"
    assert told(outputs).state == "cancelled"
    assert [state.state for state in told(outputs).cells] == ["done", "cancelled"]
    assert cell(outputs)["category"] == "part"


def test_an_unforeseen_error_is_told_to_the_app_and_not_hidden(
    call: Call, quick: list[str], outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("never thought of")

    monkeypatch.setattr(evaluate, "evaluate", broken)
    with pytest.raises(LookupError):
        call(*quick)

    assert told(outputs).state == "failed"
    assert told(outputs).last_error == "never thought of"


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


def test_demo_data_that_cannot_be_made_are_a_sentence(call: Call, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file in the way")
    ended = call("--data", "demo")

    assert ended.status == 2
    assert "no demo pictures can be put there" in ended.err


@pytest.mark.parametrize("given", ["option", "environment"])
def test_weights_that_would_run_a_program_are_refused_in_a_sentence(
    call: Call,
    quick: list[str],
    tmp_path: Path,
    outputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
) -> None:
    target, path = tmp_path / "was-run", tmp_path / "evil.pth"
    torch.save({"conv1.weight": Bomb(target)}, path)
    words = [word for word in quick if word not in ("--weights", "random")]
    if given == "option":
        words += ["--weights", str(path)]
    else:
        monkeypatch.setenv("BACKBONE_WEIGHTS", str(path))
    ended = call(*words)

    assert ended.status == 1
    assert ended.err == ""
    assert f"The weights file {path} is refused: it is damaged or holds more" in ended.out
    assert not target.exists()
    assert not list(outputs.rglob("cell.json"))


def test_weights_may_be_named_by_the_environment(
    call: Call, data: Path, tmp_path: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(random_weights("resnet18", 4).state, tmp_path / "mine.pth")
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(tmp_path / "mine.pth"))
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    ended = call("--methods", "padim", "--image-size", "64")

    assert ended.status == 0
    assert cell(outputs)["weights"].startswith("file mine.pth")


def test_the_app_starts_this_very_program(quick: list[str], tmp_path: Path) -> None:
    outputs = tmp_path / ("outputs" if os.name == "nt" else STRANGE)
    pid = start(outputs, quick)
    psutil.Process(pid).wait(120)

    assert told(outputs).state == "done"
    assert told(outputs).pid == pid
    assert "part / padim (image_size-64): done" in log_tail(outputs)
    assert cell(outputs)["category"] == "part"


def score_arguments(folder: Path) -> list[str]:
    """Return the arguments that score a folder with the cell that ``quick`` makes."""
    return [
        *("--score", str(folder), "--category", "part", "--method", "padim"),
        *("--weights", "random", "--image-size", "64"),
    ]


def test_new_pictures_get_the_scores_of_the_evaluation(
    call: Call, quick: list[str], data: Path, outputs: Path, tmp_path: Path
) -> None:
    assert call(*quick).status == 0
    folder = tmp_path / "새 부품 😀"
    shutil.copytree(data / "part" / "test", folder)
    table = tmp_path / "scores.csv"
    ended = call(*score_arguments(folder), "--csv", str(table), "--false-alarms", "0.2")

    assert ended.status == 0
    assert "PaDiM on part: 4 pictures scored." in ended.out
    assert f"Written to {table}" in ended.out
    written = pd.read_csv(table, dtype={"file": str})
    scores = pd.read_csv(CellPlace(outputs, "part", "padim", SMALL_ID).folder / "scores.csv")
    test = scores[scores["split"] == "test"]
    expected = dict(zip(test["file"], test["score"], strict=True))
    for file, score in zip(written["file"], written["score"], strict=True):
        assert score == pytest.approx(expected[f"part/test/{file}"], rel=1e-6)
    held_out = scores.loc[scores["split"] == "calibration", "score"]
    threshold = threshold_for(held_out, 0.2)
    assert written["threshold"].tolist() == pytest.approx([threshold] * 4, rel=1e-6)
    judged = ["defective" if score > threshold else "good" for score in written["score"]]
    assert written["verdict"].tolist() == judged
    assert set(written["false_alarms"]) == {0.2}


def test_too_few_held_out_pictures_give_scores_without_verdicts(
    call: Call, quick: list[str], data: Path, tmp_path: Path
) -> None:
    assert call(*quick).status == 0
    table = tmp_path / "scores.csv"
    ended = call(*score_arguments(data / "part" / "test" / "good"), "--csv", str(table))

    assert ended.status == 0
    assert "No verdicts: 6 held-out good pictures are too few for 5.0%" in ended.out
    assert "at least 19 are needed" in ended.out
    written = pd.read_csv(table, keep_default_na=False)
    assert set(written["verdict"]) == {"n/a"}
    assert all(float(score) > 0 for score in written["score"])


def test_an_unreadable_new_picture_is_named_and_ends_with_status_1(
    call: Call, quick: list[str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(*quick).status == 0
    folder = tmp_path / "new"
    shutil.copytree(data / "part" / "test" / "good", folder)
    (folder / "zz.png").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    ended = call(*score_arguments(folder))

    assert ended.status == 1
    assert "Not read: zz.png is not a picture." in ended.err
    written = pd.read_csv(tmp_path / "new_scores.csv")
    assert list(written["file"]) == ["000.png", "001.png", "zz.png"]
    assert list(written["score"].isna()) == [False, False, True]


def test_scoring_without_results_says_what_to_run(call: Call, data: Path) -> None:
    folder = data / "part" / "test" / "good"
    ended = call("--score", str(folder), "--category", "part", "--method", "padim")

    assert ended.status == 2
    assert "There are no results of PaDiM on 'part'" in one_sentence(ended)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--score", "x"], "--score needs --category NAME"),
        (["--score", "x", "--category", "part"], "--score needs --method NAME"),
        (["--score", ""], "an empty name is no path"),
        (["--score", "x", "--category", "part", "--method", "foo"], "'foo'"),
        (["--category", "part"], "--category goes with --score only (did you mean --categories?)"),
        (["--csv", "a.csv"], "--csv goes with --score only"),
        (["--false-alarms", "0.1"], "--false-alarms goes with --score only"),
        (["--score", "x", "--false-alarms", "0"], "'0' is not a share above 0 and below 1"),
        (["--score", "x", "--false-alarms", "5 %"], "'5 %' is not a share"),
        (
            ["--score", "x", "--category", "part", "--method", "padim", "--force"],
            "--force does not go with --score",
        ),
        (
            ["--score", "x", "--category", "part", "--method", "padim", "--methods", "ae"],
            "--methods does not go with --score",
        ),
    ],
)
def test_wrong_arguments_for_scoring_are_answered_in_one_sentence(
    call: Call, outputs: Path, arguments: list[str], words: str
) -> None:
    ended = call(*arguments)

    assert ended.status == 2
    assert words in one_sentence(ended)
    assert not outputs.exists()


@pytest.mark.parametrize(
    ("folder", "table", "words"),
    [
        ("missing", "a.csv", "There is no folder"),
        ("empty", "a.csv", "There is no picture"),
        ("data/part/test/good", "a.png", "end in .csv"),
    ],
)
def test_a_folder_or_a_table_that_cannot_be_used_is_one_sentence(
    call: Call, data: Path, tmp_path: Path, folder: str, table: str, words: str
) -> None:
    assert data.is_dir()
    (tmp_path / "empty").mkdir()
    ended = call(*score_arguments(tmp_path / folder), "--csv", str(tmp_path / table))

    assert ended.status == 2
    assert words in one_sentence(ended)
    assert not (tmp_path / table).exists()
