"""The run page: what is said about cells and jobs is read from disk; what is started is shown."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.texts import TEXTS, translate
from data_utils.locations import PROJECT
from evaluation.cells import CellPlace, record_failure, seal
from evaluation.job import (
    BusyError,
    CellState,
    JobStatus,
    WorkerState,
    log_file,
    read_status,
    write_status,
)
from tests.dashboard.test_pages import opened, shown
from tests.make_data import cell_content, write_category

PAGE = "pages/run.py"
WAIT_FOR_EVER = "import threading; threading.Event().wait()"


@dataclass
class Starts:
    """What the app has asked to be started."""

    arguments: list[list[str]] = field(default_factory=list)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Starts:
    """Keep the app from starting programs; return what it wanted to start."""
    seen = Starts()
    monkeypatch.setattr(
        "dashboard.run.control.start", lambda _, arguments: seen.arguments.append(list(arguments))
    )
    return seen


@pytest.fixture
def process() -> Iterator[psutil.Process]:
    """Return a process that waits, in the place of an evaluation."""
    started = subprocess.Popen([sys.executable, "-c", WAIT_FOR_EVER])
    yield psutil.Process(started.pid)
    started.kill()
    started.wait()


def told(outputs: Path) -> JobStatus:
    """Return what the status file says."""
    status = read_status(outputs)
    assert status is not None
    return status


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
        "phase": "part: fitting PatchCore",
        "eta_s": 240.0,
        "cells": cells,
        "arguments": ["--data", "/some data", "--methods", "padim", "patchcore"],
    }
    return JobStatus(**(about | changes))


def matrix(app: AppTest, lang: str = "en") -> pd.DataFrame:
    """Return the table of states with its words only."""
    table: pd.DataFrame = app.table[0].value
    words = {
        translate(f"matrix_{state}", lang): state
        for state in ("done", "running", "waiting", "failed", "stale", "missing")
    }
    states = table.map(lambda cell: words[cell.rsplit("[", 1)[1].rstrip("]").split(" ", 1)[1]])
    return states.rename({name: name.replace("\\", "") for name in table.index})


def row(app: AppTest, category: str, lang: str = "en") -> list[str]:
    """Return the states of a category's methods: AE, PaDiM, PatchCore."""
    table = matrix(app, lang)
    return [str(table.at[category, method]) for method in ("AE", "PaDiM", "PatchCore")]


def command(app: AppTest) -> list[str]:
    """Return the words of the command that the form shows, the last one on the page."""
    return shlex.split([code.value for code in app.code if code.value.startswith("python ")][-1])


def set_form(app: AppTest, **values: Any) -> AppTest:
    """Fill in the form."""
    for name, value in values.items():
        for kind in (app.number_input, app.multiselect, app.selectbox, app.text_input):
            for widget in kind:
                if widget.key == f"form_{name}":
                    widget.set_value(value)
    return app.run()


def test_the_matrix_notices_a_picture_cut_in_place_and_mended_while_the_page_is_open(
    results: Path,
) -> None:
    seal(results / "part" / "padim")
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
    assert not app.exception
    assert list(matrix(app, lang).columns) == ["AE", "PaDiM", "PatchCore"]
    assert row(app, "part", lang) == ["missing", "done", "done"]
    assert row(app, "bare", lang) == ["missing", "done", "done"]


@pytest.mark.usefixtures("results")
def test_every_state_has_a_sign_and_a_word_of_its_own() -> None:
    cells = set(opened(PAGE).table[0].value.to_numpy().ravel())
    assert cells == {":green[✓ done]", ":gray[– missing]"}
    for lang in (0, 1):
        names = ("done", "running", "waiting", "failed", "stale", "missing")
        assert len({TEXTS[f"matrix_{state}"][lang] for state in names}) == len(names)


def test_failed_and_stale_cells_are_listed_with_their_reasons(results: Path) -> None:
    (results / "part" / "padim" / "cell.json").write_text("{")
    file = results / "bare" / "padim" / "cell.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"method_version": 0}))
    record_failure(CellPlace(results, "bare", "patchcore"), "No *memory* left.")
    app = opened(PAGE)
    assert not app.exception
    assert row(app, "part") == ["missing", "failed", "done"]
    assert row(app, "bare") == ["missing", "stale", "failed"]
    text = shown(app).replace("\\", "")
    assert "missing or damaged; evaluate this cell again." in text
    assert "made by another version of the method" in text
    assert "No *memory* left. The earlier result is kept." in text


def test_results_of_another_data_folder_are_stale(results: Path, tmp_path: Path) -> None:
    write_category(tmp_path / "others", "part", train=2, good=1, bad=1)
    app = opened(PAGE)
    app.text_input(key="data_folder").set_value(str(tmp_path / "others")).run()
    assert row(app, "part") == ["missing", "stale", "stale"]
    assert json.loads((results / "part" / "padim" / "cell.json").read_text())["data_root"] in shown(
        app
    ).replace("\\", "")


def test_without_data_and_results_the_page_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "empty"))
    app = opened(PAGE)
    assert not app.exception
    assert not app.table
    assert translate("matrix_nothing", "en") in shown(app)
    assert translate("runpage_no_data", "en") in shown(app)
    assert app.button(key="form_start").disabled


def test_names_that_look_like_markup_are_shown_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data", "a|*b* [c]", train=2, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened(PAGE)
    assert not app.exception
    assert list(app.table[0].value.index) == [r"a\|\*b\* \[c\]"]


def test_a_job_of_another_process_is_seen_by_every_session(results: Path) -> None:
    shutil.rmtree(results / "bare" / "patchcore")
    write_status(results, job(psutil.Process(os.getpid())))
    for lang in ("en", "ko"):  # a refresh of the browser or a restart of the app is a new session
        app = opened(PAGE, lang)
        assert not app.exception
        assert row(app, "part", lang) == ["missing", "done", "running"]
        assert row(app, "bare", lang) == ["missing", "done", "waiting"]
        phases = [bar.proto.text.replace("\\", "") for bar in app.get("progress")]
        assert translate("phase_fitting", lang, category="part", method="PatchCore") in phases
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
def test_every_worker_at_work_is_shown_with_what_it_does(
    results: Path, process: psutil.Process, lang: str
) -> None:
    workers = [
        WorkerState("1", "part: fitting PatchCore", 3, 9),
        WorkerState("tcp://10.0.0.2:40001", "part: reading pictures"),
    ]
    write_status(results, job(process, phase="", workers=workers))
    app = opened(PAGE, lang)
    text = " ".join(bar.proto.text for bar in app.get("progress")).replace("\\", "")

    assert translate("run_worker", lang, name="1") in text
    assert "tcp://10.0.0.2:40001" in text
    assert translate("phase_reading", lang, category="part") in text


@pytest.mark.parametrize(
    ("address", "linked"),
    [
        ("http://10.0.0.1:8787/status", True),
        ("https://head/status", True),
        ("javascript:alert(1)", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_only_a_web_address_of_the_cluster_is_linked(
    results: Path, process: psutil.Process, address: str, linked: bool
) -> None:
    write_status(results, job(process, cluster=address))
    app = opened(PAGE)
    links = {link.proto.url for link in app.get("link_button")}

    assert not app.exception
    assert (address in links) == linked


def test_cancel_on_the_page_ends_the_job(results: Path, process: psutil.Process) -> None:
    write_status(results, job(process))
    app = opened(PAGE)
    app.button(key="job_cancel").click().run()
    assert not app.exception
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
    assert not app.exception
    assert row(app, "part") == ["missing", "done", "failed"]
    assert any("the process ended without saying why" in error.value for error in app.error)
    [log] = {code.value for code in app.code if "Killed" in code.value}
    assert log.splitlines() == [*(f"line {i}" for i in range(81, 100)), "Killed"]


def test_the_log_of_an_earlier_job_is_not_shown_for_one_started_in_a_shell(
    results: Path, process: psutil.Process
) -> None:
    write_status(results, job(process))
    log_file(results).write_text("of an earlier job")
    os.utime(log_file(results), (process.create_time() - 100,) * 2)
    app = opened(PAGE)
    assert translate("runpage_no_log", "en") in shown(app)
    assert not any("of an earlier job" in code.value for code in app.code)


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_job_that_did_not_finish_is_resumed_with_its_own_arguments(
    results: Path, starts: Starts, state: str
) -> None:
    status = job(psutil.Process(os.getpid()), state=state)
    write_status(results, status)
    app = opened(PAGE)
    lines = [code.value for code in app.code]
    assert any("evaluate.py --data '/some data' --methods padim patchcore" in x for x in lines)
    app.button(key="job_resume").click().run()
    assert starts.arguments == [status.arguments]


def test_a_finished_job_and_one_without_arguments_cannot_be_resumed(results: Path) -> None:
    me = psutil.Process(os.getpid())
    for changes in ({"state": "done"}, {"state": "cancelled", "arguments": []}):
        write_status(results, job(me, **changes))
        app = opened(PAGE)
        assert not app.exception
        assert not [button for button in app.button if button.key == "job_resume"]


def test_a_failed_cell_of_the_last_job_is_named_with_its_reason(results: Path) -> None:
    cells = [CellState("part", "ae", "failed", "no [memory]", settings_id="seed-3")]
    write_status(results, job(psutil.Process(os.getpid()), state="failed", cells=cells))
    text = shown(opened(PAGE)).replace("\\", "")
    assert "part / AE**: no [memory]" in text
    assert "(seed-3)" in text


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"ratios": "0"}, "runpage_ratios_wrong"),
        ({"ratios": "0.1 1.01"}, "runpage_ratios_wrong"),
        ({"ratios": "-1"}, "runpage_ratios_wrong"),
        ({"ratios": "nan"}, "runpage_ratios_wrong"),
        ({"ratios": "much"}, "runpage_ratios_wrong"),
        ({"ratios": ""}, "runpage_ratios_wrong"),
        ({"size": 31}, "runpage_size_wrong"),
        ({"size": 2049}, "runpage_size_wrong"),
        ({"seeds": "0 -1"}, "runpage_seeds_wrong"),
        ({"seeds": str(2**32)}, "runpage_seeds_wrong"),
        ({"seeds": "0.5"}, "runpage_seeds_wrong"),
        ({"seeds": " "}, "runpage_seeds_wrong"),
        (
            {"weights": "mine.pth", "backbones": ["resnet18", "resnet50"]},
            "runpage_weights_one",
        ),
        ({"weights": "/no/such/file.pth"}, "runpage_weights_wrong"),
    ],
)
@pytest.mark.usefixtures("results")
def test_a_wrong_value_is_one_sentence_and_nothing_can_be_started(
    values: dict[str, object], sentence: str, lang: str
) -> None:
    app = set_form(opened(PAGE, lang), **values)
    known = {"low": 32, "high": 2048, "most": 2**32 - 1, "path": "/no/such/file.pth"}
    assert not app.exception
    assert [error.value for error in app.error] == [translate(sentence, lang, **known)]
    assert app.button(key="form_start").disabled


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


def test_the_form_asks_for_everything_by_default(
    results: Path, evaluated: tuple[Path, Path], starts: Starts
) -> None:
    app = opened(PAGE)
    expected = ["--data", str(evaluated[0])]
    assert command(app) == ["python", "evaluate.py", *expected, "--out", str(results)]
    app.button(key="form_start").click().run()
    assert starts.arguments == [expected]


def test_what_is_started_is_what_the_command_says(
    results: Path, evaluated: tuple[Path, Path], starts: Starts, tmp_path: Path
) -> None:
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
        *("--backbone", "wide_resnet50_2", "--weights", str(weights), "--image-size", "320"),
        *("--coreset-ratio", "0.1", "--seed", "7", "--force"),
    ]
    assert command(app) == ["python", "evaluate.py", *expected, "--out", str(results)]
    text = shown(app).replace("\\", "")
    assert "settings/image_size-320_seed-7" in text
    assert "settings/backbone-wide_resnet50_2_coreset_ratio-0.1_image_size-320_seed-7" in text
    app.button(key="form_start").click().run()
    assert starts.arguments == [expected]


@pytest.mark.usefixtures("results")
def test_a_sweep_is_started_with_all_its_values(
    evaluated: tuple[Path, Path], starts: Starts
) -> None:
    app = set_form(
        opened(PAGE),
        backbones=["resnet18", "resnet34"],
        ratios="0.01, 0.1",
        seeds="0 1 2",
    )
    assert "21 cells per category" in shown(app)
    app.button(key="form_start").click().run()
    assert starts.arguments == [
        [
            *("--data", str(evaluated[0]), "--backbones", "resnet18", "resnet34"),
            *("--coreset-ratios", "0.01", "0.1", "--seeds", "0", "1", "2"),
        ]
    ]


@pytest.mark.usefixtures("results")
def test_several_processes_are_started_with_their_number(starts: Starts) -> None:
    app = set_form(opened(PAGE), workers=3)
    app.button(key="form_start").click().run()

    assert "--workers 3" in " ".join(command(app))
    assert starts.arguments[0][-2:] == ["--workers", "3"]


@pytest.mark.usefixtures("results")
def test_the_cluster_of_the_environment_can_be_chosen_in_place_of_processes(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_SCHEDULER", "tcp://10.0.0.1:8786")
    app = set_form(opened(PAGE), workers=3)
    app.checkbox(key="form_cluster").check().run()
    app.button(key="form_start").click().run()

    assert starts.arguments[0][-2:] == ["--scheduler", "tcp://10.0.0.1:8786"]
    assert "--workers" not in starts.arguments[0]


def test_a_job_of_a_cluster_that_nobody_named_is_not_resumed_from_the_page(
    results: Path, process: psutil.Process
) -> None:
    arguments = ["--data", "demo", "--scheduler", "tcp://6.6.6.6:8786"]
    write_status(results, job(process, state="failed", arguments=arguments))
    app = opened(PAGE)

    assert "6.6.6.6" in " ".join(warning.value for warning in app.warning)
    assert not [button for button in app.button if button.key == "job_resume"]


@pytest.mark.usefixtures("results")
def test_weights_of_the_environment_are_named_in_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKBONE_WEIGHTS", "/weights/mine.pth")
    words = command(opened(PAGE))
    assert words[words.index("--weights") + 1] == "/weights/mine.pth"


@pytest.mark.usefixtures("results")
def test_a_filled_in_form_is_still_filled_in_after_a_look_at_another_page() -> None:
    app = set_form(opened(PAGE), categories=["bare"], ratios="0.1", seeds="7")
    app.switch_page("pages/overview.py").run()
    app.switch_page(PAGE).run()
    words = command(app)
    assert words[words.index("--categories") + 1 :][:1] == ["bare"]
    assert words[words.index("--seed") + 1] == "7"
    assert words[words.index("--coreset-ratio") + 1] == "0.1"


@pytest.mark.usefixtures("results")
def test_categories_that_a_new_data_folder_does_not_have_are_dropped(tmp_path: Path) -> None:
    write_category(tmp_path / "others", "other", train=2, good=1, bad=1)
    app = set_form(opened(PAGE), categories=["bare"])
    app.multiselect(key="run_categories").set_value(["part"]).run()
    app.text_input(key="data_folder").set_value(str(tmp_path / "others")).run()
    assert not app.exception
    assert "--categories" not in command(app)
    assert app.multiselect(key="run_categories").value == []


@pytest.mark.usefixtures("results")
def test_what_prevents_a_start_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:

    def busy(*_: object) -> None:
        raise BusyError("Another evaluation is using this folder.")

    monkeypatch.setattr("dashboard.run.control.start", busy)
    app = opened(PAGE)
    app.button(key="form_start").click().run()
    assert not app.exception
    assert [error.value for error in app.error] == ["Another evaluation is using this folder."]


def history(app: AppTest) -> list[list[object]]:
    """Return the rows of the history."""
    [table] = [frame.value for frame in app.dataframe if "wall_s" in frame.value]
    rows: list[list[object]] = table[["category", "method", "settings_id"]].to_numpy().tolist()
    return rows


def tick(app: AppTest, *rows: int) -> AppTest:
    """Tick rows of the history, which AppTest cannot do by itself."""
    selection = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    app.session_state["history_table"] = selection
    return app.run()


def test_every_finished_cell_is_listed_the_latest_first(results: Path) -> None:
    folder = CellPlace(results, "part", "padim", "seed-3").folder
    folder.mkdir(parents=True)
    content = cell_content(settings_id="seed-3", finished="2999-01-01T00:00:00+00:00")
    (folder / "cell.json").write_text(json.dumps(content))
    rows = history(opened(PAGE))

    assert rows[0] == ["part", "PaDiM", "seed-3"]
    assert sorted(map(str, rows[1:])) == sorted(
        str([category, method, "default"])
        for category in ("bare", "part")
        for method in ("PaDiM", "PatchCore")
    )


def test_ticked_cells_are_removed_only_after_a_question(results: Path) -> None:
    app = opened(PAGE)
    before = history(app)
    category, method = str(before[0][0]), str(before[0][1]).lower()
    app = tick(app, 0)
    app = tick_again(app.button(key="history_remove").click())
    kept = (results / category / method / "cell.json").is_file()
    question = [one.value for one in app.warning if f"{category} / {method}" in one.value]
    app = tick_again(app.button(key="history_no").click())
    refused = (results / category / method / "cell.json").is_file()
    app = tick_again(app.button(key="history_remove").click())
    app.session_state["history_table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.button(key="history_yes").click().run()

    assert not app.exception
    assert kept
    assert question
    assert refused
    assert not (results / category / method).exists()
    assert history(app) == before[1:]
    assert len(pd.read_csv(results / "summary.csv")) == len(before) - 1


def test_a_cell_that_is_finished_after_the_question_is_not_removed(results: Path) -> None:
    app = tick(opened(PAGE), 0)
    category, method = history(app)[0][:2]
    app = tick_again(app.button(key="history_remove").click())
    later = CellPlace(results, "part", "padim", "seed-3").folder
    later.mkdir(parents=True)
    content = cell_content(settings_id="seed-3", finished="2999-01-01T00:00:00+00:00")
    (later / "cell.json").write_text(json.dumps(content))
    app = tick_again(app.button(key="history_yes").click())

    assert not app.exception
    assert (later / "cell.json").is_file()
    assert not (results / str(category) / str(method).lower()).exists()


def tick_again(button: Any) -> AppTest:
    """Run with the first row still ticked."""
    app: AppTest = button.root
    app.session_state["history_table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    return app.run()


def test_the_page_is_drawn_without_an_outputs_folder(results: Path) -> None:
    shutil.rmtree(results)
    app = opened(PAGE)
    assert not app.exception
    assert translate("runpage_no_job", "en") in shown(app)
    assert set(matrix(app).to_numpy().ravel()) == {"missing"}


def test_the_page_does_not_load_torch() -> None:
    code = (
        "import sys\n"
        "import dashboard.run.job_panel, dashboard.run.matrix\n"
        "import dashboard.run.control, dashboard.run.form\n"
        "print('torch' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"
