"""Nothing outside the data and outputs folders is read or written, whatever leads there.

``opened_files`` records every file that Python opens; a safetensors file is opened elsewhere, so
its links have tests of their own.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from dashboard.loaders import results as summary_of
from dashboard.run.control import launch
from dashboard.texts import translate
from data_utils.facts import fact
from data_utils.locations import PROJECT, leads_out
from data_utils.mvtec import left_out_folders, scan_category
from evaluation.new_pictures.opened_cell import fitted_pictures, open_cell
from evaluation.run.job import (
    BusyError,
    job_log,
    lock_outputs,
    log_file,
    start,
)
from evaluation.run.progress import JobStatus, job_folder, write_status
from evaluation.store.cells import (
    failures,
    new_cell,
    read_cell,
    readable_cells,
    record_failure,
    repair,
)
from evaluation.store.places import CellError, CellPlace
from tests.dashboard.driver import change_cell, every_page, opened, scores, shown, write_scores
from tests.make_data import write_category

opened_paths: list[str] | None = None


def note_open(event: str, arguments: tuple[Any, ...]) -> None:
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


ADDRESS = ("category", "method", "settings", "alarms", "sample", "zoom", "show", "defect", "order")
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


def test_the_url_is_read_in_one_place() -> None:
    readers = {}
    for folder in ("dashboard", "pages"):
        for path in (PROJECT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            if names & {"query_params", "experimental_get_query_params"}:
                readers[path.name] = path
    assert list(readers) == ["state.py"]


def test_what_the_url_names_is_one_of_what_exists_and_what_is_not_here_is_said(
    closed: Path, opened_files: list[str]
) -> None:
    pages = ["samples"] * len(WAYS) + ["compare", "inspection", "overview"]
    for page, way in zip(pages, [*WAYS, *WAYS[:3]], strict=True):
        value = way.format(closed=closed)
        url = dict.fromkeys(ADDRESS, value)
        if page == "samples":
            url["method"] = "padim"
        app = opened(f"pages/{page}.py", value, **url)
        assert app.selectbox(key="category").value == "bare", way
        assert app.session_state["method"] == ("padim" if page == "samples" else "ae"), way
        assert translate("not_here", "en", what=value) in [one.value for one in app.warning], way
        assert app.session_state["alarms"] == 5.0 if "alarms" in app.session_state else True
        samples = [box.value for box in app.selectbox if box.key == "sample"]
        first = "blot/000" if value.startswith("\\\\") else "good/000"  # is not even looked at
        assert samples == [first] * (page in ("samples", "compare")), way
    assert inside(closed, opened_files) == []


def test_a_cell_never_stands_outside_the_outputs_folder(results: Path, closed: Path) -> None:
    for way in WAYS:
        try:
            place = CellPlace(results, way.format(closed=closed), "padim")
        except CellError:
            continue
        assert not leads_out(place.folder, results), way


@pytest.mark.parametrize(
    ("key", "page"),
    [("category", "roc"), ("run_categories", "run"), ("form_categories", "run")],
)
@pytest.mark.usefixtures("results")
def test_a_forged_choice_of_the_browser_is_not_taken(key: str, page: str) -> None:
    app = opened(f"pages/{page}.py", category="part")
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

    assert app.session_state[key] in ("part", "bare", [])


CELL = "part/padim"
CELL_LINKS = [
    "part",
    CELL,
    *(f"{CELL}/{name}" for name in ("cell.json", "scores.csv", "curves.npz", "maps.npy")),
    f"{CELL}/model.safetensors",
]
LINKS = [
    *([name] for name in CELL_LINKS[:4]),
    [f"{CELL}/good_000_img.png", f"{CELL}/good_000_gt.png", "part/ae.failed.json", "summary.csv"],
    [".job"],
    [".job/log.txt", ".job/status.json"],
]


def replace_by_links(outputs: Path, closed: Path, *names: str) -> None:
    """Let files or folders of the outputs be links to copies of them outside."""
    for folder, words in ((outputs, "own words"), (closed / "own-outputs", "secret words")):
        reason = fact("plain", message=words)
        write_status(folder, job(last_error=reason))
        log_file(folder).write_text(words)
        (folder / "summary.csv").write_text(words)
        record_failure(CellPlace(folder, "part", "ae"), reason)
    for name in names:
        place = outputs / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        place.symlink_to(closed / "own-outputs" / name)


def job(**changes: Any) -> JobStatus:
    about: dict[str, Any] = {"state": "failed", "pid": 1, "arguments": ["--data", "demo"]}
    return JobStatus(**(about | changes))


@pytest.mark.parametrize("names", LINKS, ids=" ".join)
def test_a_link_in_the_outputs_folder_is_not_followed_out_of_it(
    results: Path, closed: Path, opened_files: list[str], names: list[str]
) -> None:
    replace_by_links(results, closed, *names)
    opened_files.clear()
    for page, app in every_page(category="part", method="padim", sample="good/000"):
        said = shown(app) + "".join(code.value for code in app.code)
        assert "secret words" not in said, page
    assert [path for path in inside(closed, opened_files) if not Path(path).is_dir()] == []


@pytest.mark.parametrize("name", CELL_LINKS)
def test_a_cell_that_leads_out_is_named_and_not_loaded_and_all_others_are_there(
    results: Path, closed: Path, name: str
) -> None:
    replace_by_links(results, closed, name)
    table, problems = summary_of(results)

    assert [problem for problem in problems if str(results / name) in str(problem)]
    assert [*zip(table["category"], table["method"], strict=True)] == [
        ("bare", "padim"),
        ("bare", "patchcore"),
        *([("part", "patchcore")] if name != "part" else []),
    ]
    if name not in ("part", CELL):
        with pytest.raises(CellError, match="leads out"):
            open_cell(CellPlace(results, "part", "padim"), None)


def test_a_name_in_the_scores_opens_no_picture_elsewhere(
    results: Path, closed: Path, opened_files: list[str]
) -> None:
    folder = results / "part" / "padim"
    (folder / "good_..").mkdir()
    shutil.copy(folder / "good_000_img.png", closed / "x_000_img.png")
    table = scores(folder)
    first = (table["split"] == "test") & (table["defect"] == "good") & (table["stem"] == "000")
    for way in (f"{closed}/x", "../../closed/x", ".."):
        for column in ("defect", "stem"):
            write_scores(folder, table.assign(**{column: table[column].mask(first, way)}))
            opened_files.clear()
            for page in ("pages/samples.py", "pages/compare.py", "pages/inspection.py"):
                app = opened(page, category="part", method="padim")
                app.session_state["inspection_source"] = "inspection_from_test"
                app.run()
            assert inside(closed, opened_files) == [], (way, column)


def content(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file below a folder."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def write_cell_there(outputs: Path) -> None:
    with pytest.raises(CellError), new_cell(CellPlace(outputs, "part", "padim")) as folder:
        (folder / "cell.json").write_text("{}")


def refused(call: Callable[..., object], *arguments: object) -> Callable[[Path], None]:
    """Return what expects a call on the outputs to be refused."""

    def attempt(outputs: Path) -> None:
        with pytest.raises(OSError, match="leads out"):
            call(outputs, *arguments)

    return attempt


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("part", write_cell_there),
        ("part", repair),
        (".job", refused(start, [])),
        (".job", refused(lock_outputs)),
    ],
)
def test_nothing_is_written_or_removed_through_a_link_out(
    results: Path, closed: Path, name: str, write: Callable[[Path], None]
) -> None:
    (closed / "own-outputs" / "part" / ".padim-x.cell-new").mkdir()
    replace_by_links(results, closed, name)
    before = content(closed)
    write(results)
    assert content(closed) == before


def test_a_log_that_is_a_link_is_replaced_and_not_overwritten(
    results: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_by_links(results, closed, ".job/log.txt")
    (results.parent / "evaluate.py").write_text("print('a new log')")
    monkeypatch.setattr("evaluation.run.job.PROJECT", results.parent)
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
    ["--category", "part"],
    ["--data", "demo", "{closed}"],
    ["--data"],
    ["--force", "yes"],
    ["--categories", "--out", "{closed}"],
    ["--data", "demo", "--categories", "--force"],
    ["-h"],
    [""],
]


def test_forged_arguments_of_the_last_job_are_not_started_again(
    results: Path, closed: Path, starts: list[list[str]]
) -> None:
    for forged in FORGED:
        arguments = [word.format(closed=closed) for word in forged]
        write_status(results, job(state="cancelled", arguments=arguments))
        app = opened("pages/run.py")
        assert not [button for button in app.button if button.key == "job_resume"], forged
        assert any("does not hand on these arguments" in one.value for one in app.warning), forged
        assert not [code for code in app.code if str(closed) in code.value], forged
        launch(results, arguments)
        assert starts == [], forged


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--data", "{closed}", "is outside the allowed folders"),
        ("--weights", "{closed}", "is outside the allowed folders"),
        ("--scheduler", "tcp://6.6.6.6:8786", "6.6.6.6"),
    ],
)
def test_a_job_on_a_folder_or_a_cluster_that_is_not_open_is_not_started_again(
    results: Path,
    closed: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(results))
    arguments = ["--data", str(results), option, value.format(closed=closed)]
    write_status(results, job(state="cancelled", arguments=arguments))
    app = opened("pages/run.py")

    assert not [button for button in app.button if button.key == "job_resume"]
    assert any(words in one.value for one in app.warning)


def test_weights_that_the_owner_has_set_may_lie_anywhere(
    results: Path, closed: Path, starts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(results))
    monkeypatch.setenv("BACKBONE_WEIGHTS", str(closed / "own.pth"))
    arguments = ["--data", "demo", "--weights", str(closed / "own.pth")]
    launch(results, arguments)
    assert starts == [arguments]


def test_a_category_that_is_called_like_an_option_is_run_only_with_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("--out", "--force", "part"):
        write_category(tmp_path / "data", name, train=2, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened("pages/run.py", category="--out")

    assert app.multiselect(key="form_categories").options == ["part"]
    assert app.session_state["category"] == "--out"


def test_the_data_folder_in_a_cell_is_not_read_where_it_is_not_open(
    results: Path,
    closed: Path,
    evaluated: tuple[Path, Path],
    opened_files: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(evaluated[0]))
    for folder in results.glob("*/p*"):
        change_cell(folder, data_root=str(closed))
    about = read_cell(results / "part" / "padim") | {"category": "secret"}
    opened_files.clear()
    with pytest.raises(CellError, match="is outside the allowed folders"):
        fitted_pictures(about)
    assert [page for page, _ in every_page(category="part", method="patchcore")]
    assert inside(closed, opened_files) == []


@pytest.fixture
def data(closed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a small data folder, and open nothing else."""
    folder = closed.parent / "data"
    write_category(folder, "part", train=3, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(folder))
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(folder))
    return folder


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("link", "secret"),
        ("part/test/link", "secret/test/good"),
        ("part/ground_truth/link", "secret/test/good"),
        ("part/test/good/000.png", "secret/train/good/000.png"),
    ],
)
def test_a_link_out_of_the_data_is_named_and_neither_listed_nor_opened(
    data: Path, closed: Path, opened_files: list[str], name: str, target: str
) -> None:
    (data / name).unlink(missing_ok=True)
    (data / name).symlink_to(closed / target)
    (data / "part" / "test" / "link").mkdir(exist_ok=True)
    opened_files.clear()
    category = scan_category(data, "part")
    findings = [*left_out_folders(data), *category.findings]
    app = opened("pages/overview.py")

    assert app.selectbox(key="category").options == ["part", "bare"]  # here, and in the results
    assert inside(closed, opened_files) == []
    assert data / name not in list(category.records["image_path"])
    assert [finding.path for finding in findings if "outside the allowed" in str(finding)] == [name]


def test_failures_and_cells_behind_a_loop_of_links_are_left_out(results: Path) -> None:
    (results / "loop").symlink_to(results / "loop")
    (results / "part" / "ae").symlink_to(results / "part" / "ae")
    (results / "part" / "ae.failed.json").symlink_to(results / "part" / "ae.failed.json")
    os.mkfifo(results / "bare" / "ae.failed.json")
    (results / "summary.csv").unlink()
    os.mkfifo(results / "summary.csv")

    assert len(readable_cells(results)) == 4
    assert failures(results) == []
    opened("pages/overview.py")


def test_an_impossible_data_folder_is_one_sentence(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (results / "loop").symlink_to(results / "loop")
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", str(results))
    app = opened("pages/run.py")
    for given in ("\0", "~nobody-here/x", f"{results}/loop", quote("/"), "//", "/" * 5000):
        app.sidebar.text_input(key="data_folder").set_value(given).run()
        assert len(app.sidebar.error) == 1, given
        app.text_input(key="form_weights").set_value(given).run()


def told_in_the_sidebar(folder: str) -> str:
    app = opened("pages/overview.py")
    app.sidebar.text_input(key="data_folder").set_value(folder).run()
    return shown(app)


def test_another_folder_is_refused_however_it_is_written(data: Path, closed: Path) -> None:
    (data / "link").symlink_to(closed)
    for way in (closed, f"{data}/../closed", data / "link", "~root", "/"):
        told = told_in_the_sidebar(str(way))
        assert "is outside the allowed folders" in told
        assert "secret" not in told
    assert "secret" not in told_in_the_sidebar(f"{data}/{quote('../closed', safe='')}")


@pytest.mark.usefixtures("data")
def test_another_folder_in_the_address_is_refused_like_a_typed_one(
    closed: Path, opened_files: list[str]
) -> None:
    app = opened("pages/overview.py", data_folder=str(closed))

    assert any("is outside the allowed folders" in one.value for one in app.sidebar.error)
    assert inside(closed, opened_files) == []


def test_the_allowed_folder_and_those_in_it_are_open(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(data / "inner", "plate", train=3, good=1, bad=1)
    allowed = os.pathsep.join(["", str(data / "no-such"), str(data)])
    monkeypatch.setenv("MVTEC_ALLOWED_ROOTS", allowed)

    assert "outside the allowed" not in told_in_the_sidebar(str(data))
    assert "outside the allowed" not in told_in_the_sidebar(str(data / "inner"))


@pytest.mark.usefixtures("data")
def test_a_weights_file_elsewhere_is_refused(closed: Path) -> None:
    (closed / "weights.pth").write_bytes(b"x")
    app = opened("pages/run.py")
    app.text_input(key="form_weights").set_value(str(closed / "weights.pth")).run()

    assert "There is no weights file" in shown(app)
