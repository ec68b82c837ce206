"""Nothing outside the data and outputs folders is read or written, whatever leads there.

``opened_files`` records every file that Python opens; a safetensors file is opened elsewhere, so
its links have tests of their own.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from dashboard import frame
from dashboard.loaders import results as summary_of
from dashboard.run.control import launch
from dashboard.state import URL_KEYS
from data_utils.locations import PROJECT, leads_out
from data_utils.mvtec import left_out_folders, scan_category
from evaluation.cells import CellError, CellPlace, all_cells, failures, new_cell, read_cell, repair
from evaluation.inspection import fitted_pictures, open_cell
from evaluation.job import (
    BusyError,
    JobStatus,
    cancel,
    job_folder,
    job_log,
    lock_outputs,
    log_file,
    read_status,
    start,
    write_status,
)
from tests.dashboard.test_pages import opened, shown
from tests.make_data import write_category

PAGES = [f"pages/{name}.py" for name in frame.PAGES]
opened_paths: list[str] | None = None


def note_open(event: str, arguments: tuple[Any, ...]) -> None:
    """Note every path that is opened while anybody asks for it."""
    if opened_paths is not None and event in ("open", "os.listdir", "os.scandir"):
        opened_paths.append(os.fsdecode(arguments[0]) if is_path(arguments[0]) else "")


def is_path(value: object) -> bool:
    return isinstance(value, (str, bytes, os.PathLike))


sys.addaudithook(note_open)  # stays for good, so it is added once


@pytest.fixture
def opened_files() -> Iterator[list[str]]:
    """Return the list to which every file and folder opened in this test is added."""
    global opened_paths
    opened_paths = []
    yield opened_paths
    opened_paths = None


def inside(folder: Path, opened: list[str]) -> list[str]:
    """Return which of the opened paths lie in `folder`, links followed."""
    return [path for path in opened if path and not leads_out(Path(path), folder)]


@pytest.fixture
def closed(tmp_path: Path, results: Path) -> Path:
    """Return a folder outside, with a copy of all results and of a category."""
    folder = tmp_path / "closed"
    shutil.copytree(results, folder / "own-outputs")
    write_category(folder, "secret", train=3, good=1, bad=1)
    return folder


WAYS = [
    "../closed",
    "../closed/own-outputs/part",
    "{closed}",
    "{closed}/own-outputs/part",
    "part/../../closed",
    "%2e%2e%2fclosed",
    "%252e%252e%252fclosed",
    "．．／closed",
    "..\\closed",
    "C:\\closed",
    "\\\\server\\closed",
    "file://{closed}",
    "~root",
    "part\0.png",
    "--out",
]


def test_the_url_is_read_in_one_place_and_only_these_keys() -> None:
    readers = {}
    for folder in ("dashboard", "pages"):
        for path in (PROJECT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            if names & {"query_params", "experimental_get_query_params"}:
                readers[path.name] = path
    assert list(readers) == ["state.py"]
    assert URL_KEYS == ("lang", "category", "method", "sample", "alarms")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("page", ["samples", "compare", "inspection", "overview"])
def test_what_the_url_names_is_one_of_what_exists(
    closed: Path, opened_files: list[str], page: str, way: str
) -> None:
    value = way.format(closed=closed)
    app = opened(f"pages/{page}.py", value, **dict.fromkeys(URL_KEYS[1:], value))

    assert not app.exception
    assert app.selectbox(key="category").value in ("part", "bare")
    assert app.selectbox(key="method").value in ("ae", "padim", "patchcore")
    assert app.session_state["alarms"] == 5.0 if "alarms" in app.session_state else True
    assert [box.value for box in app.selectbox if box.key == "sample"] in ([], ["good/000"])
    assert inside(closed, opened_files) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("closed")
def test_a_cell_never_stands_outside_the_outputs_folder(results: Path, way: str) -> None:
    value = way.format(closed=results.parent / "closed")
    try:
        place = CellPlace(results, value, "padim")
    except CellError:
        return
    assert not leads_out(place.folder, results)


@pytest.mark.parametrize("key", ["category", "run_categories", "form_categories"])
@pytest.mark.usefixtures("results")
def test_a_forged_choice_of_the_browser_is_not_taken(key: str) -> None:
    app = opened("pages/run.py", category="part")
    widget = app.selectbox(key=key) if key == "category" else app.multiselect(key=key)
    state = widget._widget_state
    if key == "category":
        state.string_value = "../closed"
    else:
        state.string_array_value.data.extend(["--out", "../closed"])
    states = app._tree.get_widget_states()
    for one in states.widgets:
        if one.id == state.id:
            one.CopyFrom(state)
    app._run(states)

    assert not app.exception
    assert app.session_state[key] in ("part", "bare", [])


CELL = "part/padim"
LINKS = [
    "part",
    CELL,
    f"{CELL}/cell.json",
    f"{CELL}/scores.csv",
    f"{CELL}/curves.npz",
    f"{CELL}/maps.npy",
    f"{CELL}/good_000_img.png",
    f"{CELL}/good_000_gt.png",
    f"{CELL}/model.safetensors",
    "part/ae.failed.json",
    "summary.csv",
    ".job",
    ".job/log.txt",
    ".job/status.json",
]


def replaced_by_a_link(outputs: Path, closed: Path, name: str) -> None:
    """Let a file or folder of the outputs be a link to a copy of it outside."""
    for folder, words in ((outputs, "own words"), (closed / "own-outputs", "secret words")):
        write_status(folder, job(last_error=words))
        log_file(folder).write_text(words)
        (folder / "summary.csv").write_text(words)
        note = {"category": "part", "method": "ae", "reason": words}
        (folder / "part" / "ae.failed.json").write_text(json.dumps(note))
    place = outputs / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(closed / "own-outputs" / name)


def job(**changes: Any) -> JobStatus:
    about: dict[str, Any] = {"state": "failed", "pid": 1}
    return JobStatus(**(about | {"arguments": ["--data", "demo"]} | changes))


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_the_outputs_folder_is_not_followed_out_of_it(
    results: Path, closed: Path, opened_files: list[str], name: str
) -> None:
    replaced_by_a_link(results, closed, name)
    opened_files.clear()
    for page in ("overview", "samples", "compare", "inspection", "run"):
        app = opened(f"pages/{page}.py", category="part", method="padim", sample="good/000")
        assert not app.exception
        assert "secret words" not in shown(app) + "".join(code.value for code in app.code)
    assert [path for path in inside(closed, opened_files) if not Path(path).is_dir()] == []


@pytest.mark.parametrize("name", [CELL, f"{CELL}/cell.json", f"{CELL}/model.safetensors", "part"])
def test_a_cell_that_leads_out_is_named_and_all_others_are_there(
    results: Path, closed: Path, name: str
) -> None:
    replaced_by_a_link(results, closed, name)
    table, problems = summary_of(results)

    assert [problem for problem in problems if str(results / name) in problem]
    assert not [
        row for row in table.itertuples() if (row.category, row.method) == ("part", "padim")
    ]
    assert ("bare", "padim") in set(zip(table["category"], table["method"], strict=True))


def test_a_model_that_is_a_link_out_is_not_loaded(results: Path, closed: Path) -> None:
    replaced_by_a_link(results, closed, f"{CELL}/model.safetensors")
    with pytest.raises(CellError, match="leads out"):
        open_cell(CellPlace(results, "part", "padim"), None)


@pytest.mark.parametrize("column", ["defect", "stem"])
@pytest.mark.parametrize("way", ["{closed}/x", "../../closed/x", ".."])
def test_a_name_in_the_scores_opens_no_picture_elsewhere(
    results: Path, closed: Path, opened_files: list[str], column: str, way: str
) -> None:
    (results / "part" / "padim" / "good_..").mkdir()
    shutil.copy(results / "part" / "padim" / "good_000_img.png", closed / "x_000_img.png")
    path = results / "part" / "padim" / "scores.csv"
    value = way.format(closed=closed)
    forged = f"test,{value},000," if column == "defect" else f"test,good,{value},"
    path.write_text(path.read_text().replace("test,good,000,", forged))
    opened_files.clear()
    for page in ("pages/samples.py", "pages/compare.py", "pages/inspection.py"):
        app = opened(page, category="part", method="padim")
        app.session_state["inspection_source"] = "inspection_from_test"
        assert not app.run().exception
    assert inside(closed, opened_files) == []


def content(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file below a folder."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def write_cell_there(outputs: Path) -> None:
    with pytest.raises(CellError), new_cell(CellPlace(outputs, "part", "padim")) as folder:
        (folder / "cell.json").write_text("{}")


def start_there(outputs: Path) -> None:
    with pytest.raises(OSError, match="leads out"):
        start(outputs, [])


def lock_there(outputs: Path) -> None:
    with pytest.raises(OSError, match="leads out"):
        lock_outputs(outputs)


def repair_there(outputs: Path) -> None:
    repair(outputs)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("part", write_cell_there),
        ("part", repair_there),
        (".job", start_there),
        (".job", lock_there),
    ],
)
def test_nothing_is_written_or_removed_through_a_link_out(
    results: Path, closed: Path, name: str, write: Callable[[Path], None]
) -> None:
    (closed / "own-outputs" / "part" / ".padim-x.cell-new").mkdir()
    replaced_by_a_link(results, closed, name)
    before = content(closed)
    write(results)
    assert content(closed) == before


def test_a_log_that_is_a_link_is_replaced_and_not_overwritten(
    results: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced_by_a_link(results, closed, ".job/log.txt")
    (results.parent / "evaluate.py").write_text("print('a new log')")
    monkeypatch.setattr("evaluation.job.PROJECT", results.parent)
    secret = closed / "own-outputs" / ".job" / "log.txt"
    assert job_log(results, job(created=0.0)) == ""
    psutil.Process(start(results, [])).wait(60)

    assert secret.read_text() == "secret words"
    assert log_file(results).read_text() == "a new log\n"
    assert not log_file(results).is_symlink()


def test_a_lock_that_is_a_link_out_is_not_opened(results: Path, closed: Path) -> None:
    job_folder(results).mkdir(exist_ok=True)
    (job_folder(results) / "lock").unlink(missing_ok=True)
    target = closed / "secret.txt"
    target.write_text("secret words")
    (job_folder(results) / "lock").symlink_to(target)
    with pytest.raises((OSError, BusyError)):
        lock_outputs(results)
    assert target.read_text() == "secret words"


FORGED = [
    ["--out", "{closed}"],
    ["--data", "demo", "--out={closed}"],
    ["--score", "{closed}", "--category", "part", "--method", "padim", "--csv", "{closed}/x.csv"],
    ["--csv", "{closed}/x.csv"],
    ["--data", "demo", "{closed}"],
    ["--data={closed}"],
    ["--data"],
    ["--force", "yes"],
    ["--categories", "--out", "{closed}"],
    ["--categories"],
    ["--data", "demo", "--categories", "--force"],
    ["-h"],
    ["--"],
    [""],
]


@pytest.mark.parametrize("forged", FORGED, ids=" ".join)
def test_forged_arguments_of_the_last_job_are_not_started_again(
    results: Path, closed: Path, monkeypatch: pytest.MonkeyPatch, forged: list[str]
) -> None:
    monkeypatch.setattr("dashboard.run.control.start", lambda *_: pytest.fail("it was started"))
    arguments = [word.format(closed=closed) for word in forged]
    write_status(results, job(state="cancelled", arguments=arguments))
    app = opened("pages/run.py")

    assert not app.exception
    assert not [button for button in app.button if button.key == "job_resume"]
    assert any("not an option that the app hands on" in one.value for one in app.warning)
    assert not [code for code in app.code if str(closed) in code.value]
    launch(results, arguments)


@pytest.mark.parametrize("option", ["--data", "--weights"])
def test_a_job_on_a_folder_that_is_not_open_is_not_started_again(
    results: Path, closed: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr("dashboard.run.control.start", lambda *_: pytest.fail("it was started"))
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(results))
    write_status(results, job(state="cancelled", arguments=[option, str(closed)]))
    app = opened("pages/run.py")

    assert not [button for button in app.button if button.key == "job_resume"]
    assert any("is outside the allowed folders" in one.value for one in app.warning)


def test_weights_that_the_owner_has_set_may_lie_anywhere(
    results: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("dashboard.run.control.start", lambda _, given: started.append(given))
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(results))
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(closed / "own.pth"))
    arguments = ["--data", "demo", "--weights", str(closed / "own.pth")]
    launch(results, arguments)
    assert started == [arguments]


def test_a_category_that_is_called_like_an_option_is_run_only_with_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("--out", "--force", "part"):
        write_category(tmp_path / "data", name, train=2, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened("pages/run.py", category="--out")

    assert not app.exception
    assert app.multiselect(key="form_categories").options == ["part"]
    assert app.selectbox(key="category").value == "--out"


WRONG_FIELDS = [
    {"done": "x"},
    {"total": -1},
    {"eta_s": "soon"},
    {"started": 1e300},
    {"pid": 10**30},
    {"pid": True},
    {"arguments": [5]},
    {"arguments": "--out"},
    {"last_error": ["x"]},
    {"state": {}},
    {"cells": [{"category": 5, "method": "padim"}]},
]


@pytest.mark.parametrize("wrong", WRONG_FIELDS, ids=str)
def test_a_status_with_a_wrong_field_takes_no_page_down(
    results: Path, wrong: dict[str, Any]
) -> None:
    write_status(results, job())
    path = job_folder(results) / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))

    assert read_status(results) is None
    assert not opened("pages/run.py").exception


def test_a_status_that_names_the_app_itself_does_not_end_it(results: Path) -> None:
    for process in (psutil.Process(), psutil.Process().parent()):
        assert process is not None
        status = job(state="running", pid=process.pid, created=process.create_time())
        write_status(results, status)
        assert cancel(results) is False
        assert process.is_running()


@pytest.fixture
def restricted(closed: Path, evaluated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Open nothing but the evaluated data; return the folder that is closed."""
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(evaluated[0]))
    return closed


def test_the_data_folder_in_a_cell_is_not_read_where_it_is_not_open(
    results: Path, restricted: Path, opened_files: list[str]
) -> None:
    for file in results.glob("*/*/cell.json"):
        cell = json.loads(file.read_text()) | {"data_root": str(restricted)}
        file.write_text(json.dumps(cell))
    about = read_cell(results / "part" / "padim") | {"category": "secret"}
    opened_files.clear()
    with pytest.raises(CellError, match="is outside the allowed folders"):
        fitted_pictures(about)
    for page in PAGES:
        assert not opened(page, category="part", method="patchcore").exception
    assert inside(restricted, opened_files) == []


@pytest.mark.parametrize("name", ["link", "part/test/link", "part/ground_truth/link"])
def test_a_folder_of_the_data_that_is_a_link_out_is_not_even_listed(
    tmp_path: Path,
    closed: Path,
    monkeypatch: pytest.MonkeyPatch,
    opened_files: list[str],
    name: str,
) -> None:
    data = tmp_path / "data"
    write_category(data, "part", train=3, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(data))
    target = closed / "secret" if name == "link" else closed / "secret" / "test" / "good"
    (data / name).symlink_to(target)
    (data / "part" / "test" / "link").mkdir(exist_ok=True)
    opened_files.clear()
    findings = [*left_out_folders(data), *scan_category(data, "part").findings]
    app = opened("pages/overview.py")

    assert not app.exception
    assert "link" not in app.selectbox(key="category").options
    assert inside(closed, opened_files) == []
    assert [finding.path for finding in findings if "outside the allowed" in finding.problem] == [
        name
    ]


def test_the_contact_sheet_shows_no_picture_from_outside(
    tmp_path: Path, closed: Path, monkeypatch: pytest.MonkeyPatch, opened_files: list[str]
) -> None:
    data = tmp_path / "data"
    write_category(data, "part", train=3, good=1, bad=1)
    link = data / "part" / "test" / "good" / "000.png"
    link.unlink()
    link.symlink_to(closed / "secret" / "train" / "good" / "000.png")
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(data))
    opened_files.clear()
    assert not opened("pages/overview.py").exception
    assert inside(closed, opened_files) == []


def test_failures_and_cells_behind_a_loop_of_links_are_left_out(results: Path) -> None:
    (results / "loop").symlink_to(results / "loop")
    (results / "part" / "ae").symlink_to(results / "part" / "ae")
    (results / "part" / "ae.failed.json").symlink_to(results / "part" / "ae.failed.json")
    os.mkfifo(results / "bare" / "ae.failed.json")
    (results / "summary.csv").unlink()
    os.mkfifo(results / "summary.csv")

    cells, _ = all_cells(results)
    assert len(cells) == 4
    assert failures(results) == []
    assert not opened("pages/overview.py").exception


@pytest.mark.parametrize("given", ["\0", "~nobody-here/x", "loop", quote("/"), "//", "/" * 5000])
def test_an_impossible_data_folder_is_one_sentence(
    results: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    (results / "loop").symlink_to(results / "loop")
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(results))
    app = opened("pages/run.py")
    value = str(results / "loop") if given == "loop" else given
    app.sidebar.text_input(key="data_folder").set_value(value).run()
    assert not app.exception
    assert len(app.sidebar.error) == 1
    app.text_input(key="form_weights").set_value(value).run()
    assert not app.exception
