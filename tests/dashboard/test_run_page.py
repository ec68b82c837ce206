"""The run page: what is said about cells and jobs is read from disk; what is started is shown."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import psutil
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.texts import TEXTS, translate
from dashboard.texts import told as worded
from data_utils.facts import fact
from evaluation.run.job import BusyError, log_file
from evaluation.run.progress import CellState, JobStatus, WorkerState, write_status
from evaluation.store.cells import record_failure, write_cell_file
from evaluation.store.places import CellPlace
from tests.dashboard.driver import change_cell, opened, shown
from tests.engines import without_packages
from tests.make_data import cell_content, write_category
from tests.runs import told

PAGE = "pages/run.py"
WAIT_FOR_EVER = "import threading; threading.Event().wait()"
STATES = ("done", "running", "waiting", "failed", "stale", "missing")


@pytest.fixture
def process() -> Iterator[psutil.Process]:
    """Return a process that waits, in the place of an evaluation."""
    started = subprocess.Popen([sys.executable, "-c", WAIT_FOR_EVER])
    yield psutil.Process(started.pid)
    started.kill()
    started.wait()


def job(process: psutil.Process, **changes: Any) -> JobStatus:
    """Return the status of a job that runs as `process` on both methods of both categories."""
    cells = [
        CellState("part", "padim", "done"),
        CellState("part", "patchcore", "running"),
        CellState("bare", "padim", "waiting"),
        CellState("bare", "patchcore", "waiting"),
    ]
    about: dict[str, Any] = {
        "pid": process.pid,
        "created": process.create_time(),
        "started": process.create_time(),
        "updated": process.create_time() + 30,
        "phase": fact("fitting", category="part", method="PatchCore"),
        "eta_s": 240.0,
        "cells": cells,
        "arguments": ["--data", "/some data", "--methods", "padim", "patchcore"],
    }
    return JobStatus(**(about | changes))


def matrix(app: AppTest, lang: str = "en") -> pd.DataFrame:
    """Return the table of states with its words only."""
    table: pd.DataFrame = app.table[0].value
    words = {translate(f"matrix_{state}", lang): state for state in STATES}
    states = table.map(lambda cell: words[cell.rpartition("[")[2].rstrip("]").split(" ", 1)[1]])
    return states.rename({name: name.replace("\\", "") for name in table.index})


def row(app: AppTest, category: str, lang: str = "en") -> list[str]:
    """Return the states of a category's methods: AE, PaDiM, PatchCore."""
    table = matrix(app, lang)
    return [str(table.at[category, method]) for method in ("AE", "PaDiM", "PatchCore")]


def command(app: AppTest) -> list[str]:
    """Return the words of the command that the form shows, the last one on the page."""
    return shlex.split([code.value for code in app.code if code.value.startswith("python ")][-1])


def set_form(app: AppTest, **values: Any) -> AppTest:
    for name, value in values.items():
        for kind in (app.number_input, app.multiselect, app.selectbox, app.text_input):
            for widget in kind:
                if widget.key == f"form_{name}":
                    widget.set_value(value)
    return app.run()


def test_the_matrix_notices_a_picture_cut_in_place_and_mended_while_the_page_is_open(
    results: Path,
) -> None:
    picture = next((results / "part" / "padim").glob("*_map.png"))
    whole = picture.read_bytes()
    app = opened(PAGE)
    states = [row(app, "part")]
    for content in (whole[:10], whole):
        picture.write_bytes(content)
        states.append(row(app.run(), "part"))

    assert states == [["missing", one, "done"] for one in ("done", "failed", "done")]


def test_what_kept_a_cell_from_being_read_once_is_not_shown_again_when_it_is_over(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a share that stalls, or too many open files."""
    asked = results / "part" / "padim" / "cell.json"
    read_text = Path.read_text

    def failing(path: Path, *arguments: Any, **options: Any) -> str:
        if path == asked:
            raise OSError(errno.EMFILE, "Too many open files", str(path))
        return read_text(path, *arguments, **options)

    with monkeypatch.context() as stalled:
        stalled.setattr(Path, "read_text", failing)
        app = opened("pages/overview.py")
        before = row(app, "part")

    assert [before, row(app.run(), "part")] == [
        ["missing", one, "done"] for one in ("failed", "done")
    ]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_the_matrix_says_what_is_on_disk(lang: str) -> None:
    app = opened(PAGE, lang)
    assert list(matrix(app, lang).columns) == ["AE", "PaDiM", "PatchCore"]
    assert [row(app, name, lang) for name in ("part", "bare")] == [["missing", "done", "done"]] * 2
    assert len({TEXTS[lang][f"matrix_{state}"] for state in STATES}) == len(STATES)
    if lang == "en":
        cells = set(app.table[0].value.to_numpy().ravel())
        assert cells == {":green[✓ done]", "– missing"}


def test_failed_and_stale_cells_are_listed_with_their_reasons(results: Path) -> None:
    (results / "part" / "padim" / "cell.json").write_text("{")
    change_cell(results / "bare" / "padim", method_version=0)
    change_cell(results / "part" / "patchcore", method_version=0)
    reason = fact("plain", message="No *memory* left.")
    record_failure(CellPlace(results, "bare", "patchcore"), reason)
    app = opened(PAGE)
    assert row(app, "part") == ["missing", "failed", "stale"]
    assert row(app, "bare") == ["missing", "stale", "failed"]
    text = shown(app).replace("\\", "")
    assert "missing or damaged; evaluate this cell again." in text
    assert "↻ stale **bare (PaDiM); part (PatchCore)**: " in text
    assert text.count("made by another version of the method") == 1
    assert "No *memory* left. The earlier result is kept." in text


@pytest.mark.usefixtures("results")
def test_results_of_another_data_folder_are_stale_and_its_lacking_categories_not_chosen_any_more(
    evaluated: tuple[Path, Path], tmp_path: Path
) -> None:
    write_category(tmp_path / "others", "part", train=2, good=1, bad=1)
    app = set_form(opened(PAGE), categories=["bare"])
    app.multiselect(key="run_categories").set_value(["part", "bare"]).run()
    app.text_input(key="data_folder").set_value(str(tmp_path / "others")).run()
    assert row(app, "part") == ["missing", "stale", "stale"]
    assert str(evaluated[0].resolve()) in shown(app).replace("\\", "")
    assert "--categories" not in command(app)
    assert app.multiselect(key="run_categories").value == ["part"]


def test_without_data_and_results_the_page_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "empty"))
    app = opened(PAGE)
    assert not app.table
    assert translate("matrix_nothing", "en") in shown(app)
    for text in ("runpage_no_data", "runpage_no_job"):
        assert translate(text, "en") in shown(app)
    assert app.button(key="form_start").disabled


def test_a_job_of_another_process_is_seen_by_every_session(results: Path) -> None:
    shutil.rmtree(results / "bare" / "patchcore")
    write_status(results, job(psutil.Process(os.getpid())))
    for lang in ("en", "ko"):  # a refresh of the browser or a restart of the app is a new session
        app = opened(PAGE, lang)
        assert row(app, "part", lang) == ["missing", "done", "running"]
        assert row(app, "bare", lang) == ["missing", "done", "waiting"]
        phases = [bar.proto.text for bar in app.get("progress")]
        assert worded(fact("fitting", category="part", method="PatchCore"), lang) in phases
        text = shown(app)
        assert translate("run_eta", lang, minutes=translate("minutes_value", lang, minutes=4)) in (
            text
        )
        assert f"{os.getpid()}" in text
        assert [app.button(key=key).disabled for key in ("run_full", "form_start")] == [True, True]
        assert [app.button(key=key).label for key in ("run_cancel", "job_cancel")] == [
            translate("run_cancel", lang)
        ] * 2


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_worker_at_work_is_shown_with_what_it_does_and_only_a_web_address_is_linked(
    results: Path, process: psutil.Process, lang: str
) -> None:
    workers = [
        WorkerState("1", fact("fitting", category="part", method="PatchCore"), 3, 9),
        WorkerState("tcp://10.0.0.2:40001", fact("reading", category="part")),
    ]
    good = ("http://10.0.0.1:8787/status", "https://head/status")
    for address in (*good, "javascript:alert(1)", "http://[", ""):
        write_status(results, job(process, phase=None, workers=workers, cluster=address))
        app = opened(PAGE, lang)
        linked = {link.proto.url for link in app.get("link_button")}
        assert (address in linked) == (address in good)
    text = " ".join(bar.proto.text for bar in app.get("progress")).replace("\\", "")
    assert translate("run_worker", lang, name="1") in text
    assert "tcp://10.0.0.2:40001" in text
    assert worded(fact("reading", category="part"), lang).replace("\\", "") in text


def test_cancel_on_the_page_ends_the_job(results: Path, process: psutil.Process) -> None:
    write_status(results, job(process))
    app = opened(PAGE)
    app.button(key="job_cancel").click().run()
    assert told(results).state == "cancelled"
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert translate("run_cancelled", "en") in shown(app)
    assert not app.button(key="form_start").disabled


def test_a_job_whose_process_died_has_failed_and_shows_the_end_of_its_log(
    results: Path, process: psutil.Process
) -> None:
    write_status(results, job(process))
    log_file(results).write_text("".join(f"line {i}\n" for i in range(100)) + "Killed\n")
    process.kill()
    process.wait()
    app = opened(PAGE)
    assert row(app, "part") == ["missing", "done", "failed"]
    assert any("the process ended without saying why" in error.value for error in app.error)
    [log] = {code.value for code in app.code if "Killed" in code.value}
    assert log.splitlines() == [*(f"line {i}" for i in range(81, 100)), "Killed"]


def test_a_failed_cell_of_the_last_job_is_named_but_no_log_of_an_earlier_one(
    results: Path, process: psutil.Process
) -> None:
    cells = [CellState("part", "ae", "failed", fact("plain", message="no [memory]"), "seed-3")]
    write_status(results, job(process, state="failed", cells=cells))
    log_file(results).write_text("of an earlier job")
    os.utime(log_file(results), (process.create_time() - 100,) * 2)
    app = opened(PAGE)
    text = shown(app).replace("\\", "")
    assert "part / AE**: no [memory]" in text
    assert "(seed-3)" in text
    assert translate("runpage_no_log", "en") in text
    assert not any("of an earlier job" in code.value for code in app.code)


@pytest.mark.parametrize(
    ("changes", "resumed"),
    [
        ({"state": "cancelled"}, True),
        ({"state": "failed"}, True),
        ({"state": "done"}, False),
        ({"state": "cancelled", "arguments": []}, False),
    ],
)
def test_only_a_job_that_did_not_finish_is_resumed_with_its_own_arguments(
    results: Path, starts: list[list[str]], changes: dict[str, Any], resumed: bool
) -> None:
    status = job(psutil.Process(os.getpid()), **changes)
    write_status(results, status)
    app = opened(PAGE)
    buttons = [button for button in app.button if button.key == "job_resume"]
    assert len(buttons) == resumed
    if resumed:
        again = "evaluate.py --data '/some data' --methods padim patchcore"
        assert any(again in code.value for code in app.code)
        buttons[0].click().run()
        assert starts == [status.arguments]


WRONG: dict[str, list[Any]] = {
    "runpage_ratios_wrong": ["0", "0.1 1.01", "-1", "nan", "much", ""],
    "runpage_size_wrong": [31, 2049],
    "runpage_seeds_wrong": ["0 -1", str(2**32), "0.5", " "],
    "runpage_counts_wrong": ["1", "10 many", "-5 all", "10.5"],
    "runpage_weights_wrong": ["/no/such/file.pth"],
}


@pytest.mark.parametrize("sentence", WRONG)
@pytest.mark.usefixtures("results")
def test_a_wrong_value_is_one_sentence_and_nothing_can_be_started(sentence: str) -> None:
    known = {"low": 32, "high": 2048, "most": 2**32 - 1, "path": "/no/such/file.pth"}
    app = opened(PAGE)
    for value in WRONG[sentence]:
        set_form(app, **{sentence.split("_")[1]: value})
        assert [one.value for one in app.error] == [translate(sentence, "en", **known)], value
        assert app.button(key="form_start").disabled
    app.session_state["lang"] = "ko"
    assert [one.value for one in app.run().error] == [translate(sentence, "ko", **known)]


@pytest.mark.usefixtures("results")
def test_a_weights_file_fits_one_backbone() -> None:
    app = set_form(opened(PAGE), weights="mine.pth", backbones=["resnet18", "resnet50"])
    assert [one.value for one in app.error] == [translate("runpage_weights_one", "en")]
    assert app.button(key="form_start").disabled


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.usefixtures("results")
def test_numbers_of_training_pictures_are_handed_on_and_refused_with_several_processes(
    starts: list[list[str]], lang: str
) -> None:
    app = set_form(opened(PAGE, lang), counts="10, 20 all", seeds="0 1 2")
    assert not app.error
    assert translate("runpage_sweep", lang, count=7, folder="settings") not in shown(app)
    assert command(app)[4:11] == ["--seeds", "0", "1", "2", "--train-counts", "10", "20"]
    app.button(key="form_start").click().run()
    assert starts[0][-4:] == ["--train-counts", "10", "20", "all"]

    for wrong, code in (
        ({"methods": ["ae"]}, "study_without_methods"),
        ({"workers": 2}, "study_alone"),
    ):
        app = set_form(opened(PAGE, lang), counts="10", **wrong)
        assert [one.value for one in app.error] == [worded(fact(code), lang)]
    assert app.button(key="form_start").disabled


@pytest.mark.usefixtures("results")
def test_engines_and_precisions_are_handed_on_and_one_that_cannot_be_used_is_a_sentence(
    starts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_packages(monkeypatch)
    given = {"engines": ["torch", "openvino"], "precisions": ["float32", "int8"]}
    app = set_form(opened(PAGE), **given)
    if find_spec("nncf") and find_spec("openvino"):
        assert not app.error
        app.button(key="form_start").click().run()
        words = ["--engines", *given["engines"], "--precisions", *given["precisions"]]
        assert starts[0][2:] == words
        assert "7 cells per category" in shown(app)  # one of the AE

    without_packages(monkeypatch, "nncf")
    for lang in ("en", "ko"):
        app.session_state["lang"] = lang
        missing = fact("engine_missing", engine="openvino int8", file="requirements-openvino.txt")
        assert [one.value for one in app.run().error] == [worded(missing, lang)]
        assert app.button(key="form_start").disabled
    app = set_form(app, methods=["ae"])
    assert not app.error
    app = set_form(app, methods=["padim"], engines=["torch"], precisions=["bfloat16"])
    unknown = fact("engine_torch_precision", precision="bfloat16")
    assert [one.value for one in app.error] == [worded(unknown, "ko")]


def test_official_categories_need_room_for_their_crop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("screw", "part"):
        write_category(tmp_path / "data", name, train=2, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = set_form(opened(PAGE), size=128)
    assert "from 224 to 2048 px" in app.error[0].value
    app = set_form(app, categories=["part"])
    assert not app.error


def test_what_is_started_is_what_the_command_says(
    results: Path, evaluated: tuple[Path, Path], starts: list[list[str]], tmp_path: Path
) -> None:
    app = opened(PAGE)
    everything = ["--data", str(evaluated[0])]
    assert command(app) == ["python", "evaluate.py", *everything, "--out", str(results)]
    app.button(key="form_start").click().run()
    weights = tmp_path / "my weights.pth"
    weights.touch()
    app = set_form(
        opened(PAGE),
        categories=["part"],
        methods=["patchcore", "ae"],
        backbones=["wide_resnet50_2"],
        ratios="0.1",
        size=320,
        seeds="7",
        weights=str(weights),
    )
    app.checkbox(key="form_force").check().run()
    expected = [
        *("--data", str(evaluated[0]), "--categories", "part", "--methods", "ae", "patchcore"),
        *("--backbones", "wide_resnet50_2", "--weights", str(weights), "--image-size", "320"),
        *("--coreset-ratios", "0.1", "--seeds", "7", "--force"),
    ]
    assert command(app) == ["python", "evaluate.py", *expected, "--out", str(results)]
    text = shown(app).replace("\\", "")
    assert "settings/image_size-320_seed-7" in text
    assert "settings/backbone-wide_resnet50_2_coreset_ratio-0.1_image_size-320_seed-7" in text
    app.button(key="form_start").click().run()
    app = set_form(
        opened(PAGE), backbones=["resnet18", "resnet34"], ratios="0.01, 0.1", seeds="0 1 2"
    )
    assert "21 cells per category" in shown(app)
    app.button(key="form_start").click().run()
    sweep = [
        *("--data", str(evaluated[0]), "--backbones", "resnet18", "resnet34"),
        *("--coreset-ratios", "0.01", "0.1", "--seeds", "0", "1", "2"),
    ]
    assert starts == [everything, expected, sweep]


@pytest.mark.usefixtures("results")
def test_several_processes_or_the_cluster_of_the_environment_can_be_chosen(
    starts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = set_form(opened(PAGE), workers=3)
    assert "--workers 3" in " ".join(command(app))
    app.button(key="form_start").click().run()
    monkeypatch.setenv("MVTEC_SCHEDULER", "tcp://10.0.0.1:8786")
    app = set_form(opened(PAGE), workers=3)
    app.checkbox(key="form_cluster").check().run()
    app.button(key="form_start").click().run()

    assert [words[-2:] for words in starts] == [
        ["--workers", "3"],
        ["--scheduler", "tcp://10.0.0.1:8786"],
    ]
    assert "--workers" not in starts[1]


@pytest.mark.usefixtures("results")
def test_a_filled_in_form_and_the_environments_weights_stay_after_a_look_at_another_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKBONE_WEIGHTS", "/weights/mine.pth")
    app = set_form(opened(PAGE), categories=["bare"], ratios="0.1", seeds="7")
    app.switch_page("pages/overview.py").run()
    app.switch_page(PAGE).run()
    words = command(app)
    assert words[words.index("--weights") + 1] == "/weights/mine.pth"
    assert words[words.index("--categories") + 1 :][:1] == ["bare"]
    assert words[words.index("--seeds") + 1] == "7"
    assert words[words.index("--coreset-ratios") + 1] == "0.1"


@pytest.mark.usefixtures("results")
def test_what_prevents_a_start_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = BusyError("outputs_locked", outputs="/out")
    monkeypatch.setattr("dashboard.run.control.start", mock.Mock(side_effect=busy))
    app = opened(PAGE)
    app.button(key="form_start").click().run()
    said = [error.value for error in app.error]
    assert said == ["Another evaluation is using /out; wait for it or cancel it."]


def history(app: AppTest) -> list[list[object]]:
    [table] = [frame.value for frame in app.dataframe if "wall_s" in frame.value]
    rows: list[list[object]] = table[["category", "method", "settings_id"]].to_numpy().tolist()
    return rows


def tick(app: AppTest) -> AppTest:
    """Run with the first row of the history ticked, which AppTest cannot do by itself."""
    selection = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.session_state["history_table_0"] = selection
    return app.run()


def test_ticked_cells_are_removed_only_after_a_question_and_none_that_is_finished_after_it(
    results: Path,
) -> None:
    app = opened(PAGE)
    before = history(app)
    assert sorted(map(str, before)) == sorted(
        str([category, method, "default"])
        for category in ("bare", "part")
        for method in ("PaDiM", "PatchCore")
    )
    category, method = str(before[0][0]), str(before[0][1]).lower()
    cell = results / category / method / "cell.json"
    app = tick(app)
    for answer in ("history_no", "history_yes"):
        app.button(key="history_remove").click()
        app = tick(app)
        assert any(f"{category} / {method}" in one.value for one in app.warning)
        assert cell.is_file()
        if answer == "history_yes":
            later = CellPlace(results, "part", "padim", "seed-3").folder
            later.mkdir(parents=True)
            newest = {"settings_id": "seed-3", "finished": "2999-01-01T00:00:00+00:00"}
            write_cell_file(later, cell_content(**newest))
        app.button(key=answer).click()
        app = tick(app)

    assert not cell.parent.exists()
    assert (later / "cell.json").is_file()
    assert history(app) == [["part", "PaDiM", "seed 3"], *before[1:]]
    assert not [button for button in app.button if button.key == "history_remove"]
    assert len(pd.read_csv(results / "summary.csv")) == len(before)
