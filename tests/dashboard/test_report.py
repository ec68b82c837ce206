"""The report: one file that needs nothing else, with the results' own numbers, all escaped."""

from __future__ import annotations

import base64
import html
import io
import math
import re
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dashboard.finished import finished_methods
from dashboard.report.category_section import telling_samples
from dashboard.report.document import report_html
from dashboard.report.embedded import picture
from dashboard.report.repeat import commands, shared_path
from dashboard.tables import number
from data_utils.facts import fact
from data_utils.locations import PROJECT
from evaluation.run.arguments import parse_request
from evaluation.store.cells import read_cell
from tests.dashboard.driver import change_cell, opened, scores, write_scores
from tests.dashboard.test_overview_page import alarmist, blind, perfect, rescored
from tests.engines import OPENVINO_INT8
from tests.make_data import cell_content

EMPTY = {"meta", "img", "br"}
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href"}
TITLES = {"padim": "PaDiM", "patchcore": "PatchCore"}


@dataclass
class Page(HTMLParser):
    """What a browser would see of an HTML file; every element must be closed in order."""

    text: str
    words: str = ""
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    open_elements: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.text)
        self.close()
        assert self.open_elements == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in EMPTY:
            self.open_elements.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open_elements.pop() == tag

    def handle_data(self, data: str) -> None:
        where = self.open_elements[-1] if self.open_elements else ""
        if where not in ("style", "script"):
            self.words += data
        if where in ("td", "th"):
            self.cells[-1][-1] += data


def report(outputs: Path, *categories: str, lang: str = "en", false_alarms: float = 0.05) -> Page:
    """Return the report of some categories."""
    return Page(report_html(outputs, categories or ("part",), false_alarms, lang))


unchanged = cache(report)


@pytest.fixture
def outputs(evaluated: tuple[Path, Path]) -> Path:
    """Return the results as they were evaluated, for tests that only read them."""
    return evaluated[1]


def test_a_report_loads_nothing_from_outside(outputs: Path) -> None:
    page = unchanged(outputs, "part", "bare")
    for tag, name, value in page.attributes:
        if name in LOADING:
            assert (tag, value[:11]) == ("img", "data:image/")
        if name == "href":
            assert tag == "a"
            assert value.startswith(("#category-", "https://arxiv.org/abs/"))
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(page.elements)
    (style,) = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    assert not re.search(r"url\(|@import", style)
    policy = next(value for _, name, value in page.attributes if "default-src" in value)
    assert "http" not in policy
    assert "default-src 'none'" in policy


def test_the_chart_library_is_in_it_once_and_every_chart_is_named(outputs: Path) -> None:
    page = unchanged(outputs, "part", "bare")
    assert page.text.count("Copyright 2012-") == 1
    places = re.findall(r'<div id="([a-z0-9-]+)" class="plotly-graph-div"', page.text)
    assert sorted(places) == ["roc-image-1", "roc-image-2", "roc-pixel-1", "tradeoff-1"]
    drawn = 'Plotly.newPlot(                        "'
    assert all(page.text.count(f'{drawn}{place}"') for place in places)
    captions = re.findall(r"<caption>\S.*</caption>", page.text)
    assert page.elements.count("table") == len(captions)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_results_are_those_of_the_cells(outputs: Path, lang: str) -> None:
    page = unchanged(outputs, "part", "bare", lang=lang)
    assert ("html", "lang", lang) in page.attributes
    for category in ("part", "bare"):
        for method, title in TITLES.items():
            cell = read_cell(outputs / category / method)
            row = next(row for row in page.cells if row[:2] == [category, title])
            metrics = cell["metrics"]
            assert row[2:6] == [
                number(metrics["image_auroc"]),
                f"{metrics['image_auroc_low']:.3f}–{metrics['image_auroc_high']:.3f}",
                number(metrics["pixel_auroc"]),
                number(metrics["aupro"]),
            ]
            whole = ("ms_per_image", "latency_ms")
            assert row[6:8] + row[10:] == [
                f"{cell[k]:.1f}" for k in ("fit_s", "score_s", "model_mb")
            ]
            assert row[8:10] == [f"{cell[k]:.0f}" for k in whole]
    padim = [read_cell(outputs / name / "padim")["metrics"] for name in ("part", "bare")]
    mean = next(row for row in page.cells if row[1:2] == ["PaDiM"] and "2" in row[0])
    assert mean[2] == number(sum(one["image_auroc"] for one in padim) / 2)
    assert mean[4] == number(padim[0]["pixel_auroc"])


def test_decisions_are_those_at_the_chosen_rate(outputs: Path) -> None:
    page = report(outputs, false_alarms=0.2)
    assert "Decisions at 20 % allowed false alarms" in page.words
    cells, _ = finished_methods(outputs, "part")
    made_all = [cell.decisions(0.2) for cell in cells]
    for cell, made in zip(cells, made_all, strict=True):
        start = [TITLES[cell.method], f"{made.threshold:.4g}", "24"]
        row = next(row for row in page.cells if row[:3] == start)
        assert row[3].startswith(f"{made.missed} of 6: ")
        assert row[4].startswith(f"{made.false_alarms} of 6: ")
    good = [row[1:] for row in page.cells if row[0] == "good parts"]
    bad = [row[1:] for row in page.cells if row[0] == "defective parts"]
    assert good == [[str(6 - made.false_alarms), str(made.false_alarms)] for made in made_all]
    assert bad == [[str(made.missed), str(6 - made.missed)] for made in made_all]


def test_a_rate_that_needs_more_pictures_is_said(outputs: Path) -> None:
    page = report(outputs, false_alarms=0.005)
    assert "No method is left within the limits on part." in page.words
    assert (
        "PaDiM has 24 such pictures; PatchCore has 24 such pictures. It takes at least"
        in page.words
    )
    assert [row[3:] for row in page.cells if row[:2] == ["PaDiM", "n/a"]] == [["n/a", "n/a"]]
    assert "among the hardest" in page.words


def test_origins_and_gaps_are_told_but_not_where_folders_lie_on_this_machine(outputs: Path) -> None:
    page = unchanged(outputs, "part", "bare")
    cell = read_cell(outputs / "part" / "padim")
    for words in (
        "Random backbone weights: part, bare (PaDiM, PatchCore)",
        "Not evaluated: AE.",
        "Pixel metrics are n/a: bare has no usable masks",
        "no mask",
        "CC BY-NC-SA 4.0",
        cell["cpu"],
        cell["versions"]["torch"],
        cell["transform"],
        f"--data .../{Path(cell['data_root']).name}",
    ):
        assert words in page.words
    row = next(row for row in page.cells if row[:2] == ["bare", "PaDiM"])
    assert row[4:6] == ["n/a", "n/a"]
    assert str(outputs.parent) not in page.words
    assert str(PROJECT) not in page.words


def test_the_command_makes_these_cells_again(outputs: Path) -> None:
    cells = [read_cell(outputs / name / key) for key in TITLES for name in ("part", "bare")]
    (line,) = commands(cells, outputs)
    words = line.split()
    assert words[:2] == ["python", "evaluate.py"]
    assert words[-2:] == ["--out", f".../{outputs.name}"]
    asked = parse_request(words[2:-2])
    assert Path(asked.data).parts[-2:] == ("...", Path(cells[0]["data_root"]).name)
    assert asked.categories == ("part", "bare")
    assert asked.methods == ("padim", "patchcore")
    assert (asked.backbones, asked.weights) == (("resnet18",), "random")
    (settings,) = asked.settings()
    made = settings.fingerprint("padim", cells[0]["data_fingerprint"])
    assert made == cells[0]["fingerprint"]


def test_cells_with_other_settings_or_weights_have_commands_of_their_own(tmp_path: Path) -> None:
    imagenet = {"weights": "ImageNet (torchvision IMAGENET1K_V1)"}
    no_backbone = {"weights": "none (trained on these pictures)", "backbone_identity": ""}
    changed = {"seed": 3, "backbone": "resnet18", "coreset_ratio": 0.1, "crop": 64}
    lines = commands(
        [
            cell_content("a", "ae", **no_backbone),
            cell_content("a", "padim", **imagenet),
            cell_content("a", "patchcore", **imagenet, settings=changed),
            cell_content("b", "padim", weights="file my weights.pth (sha256 0123abcd)"),
            cell_content("c", "padim", **imagenet, data_root="/x/parts"),
            cell_content("d", "padim", **imagenet, data_root="/y/parts"),
        ],
        tmp_path,
    )
    assert len(lines) == 5
    assert "--categories a --methods ae padim" in lines[0]
    assert "--weights" not in lines[0]
    for option in ("--seeds 3", "--coreset-ratios 0.1", "--crop 64", "--methods patchcore"):
        assert option in lines[1]
    assert re.search(r"""--weights ['"]my weights\.pth['"]""", lines[2])
    assert ["--data .../parts" in line for line in lines[3:]] == [True, True]


def test_the_command_names_the_engine_of_the_cells(tmp_path: Path) -> None:
    noted = {"seed": 0, "backbone": "resnet18"}
    int8 = noted | {"engine": "openvino", "precision": "int8"}
    by_torch, by_openvino = commands(
        [
            cell_content("a", "padim", settings=noted),
            cell_content("a", "patchcore", settings=int8),
            cell_content("b", "patchcore", settings=int8),
        ],
        tmp_path,
    )
    assert "--engine" not in by_torch
    assert "--precision" not in by_torch
    asked = parse_request(shlex.split(by_openvino)[2:-2])
    assert asked.categories == ("a", "b")
    assert [one.engine for one in asked.settings()] == [OPENVINO_INT8]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (Path("/home/kim/mvtec_ad"), ".../mvtec_ad"),
        (Path("C:\\Users\\kim\\mvtec_ad"), ".../mvtec_ad"),
        (PROJECT / "data" / "mvtec_ad", "data/mvtec_ad"),
        (Path(f"{PROJECT}_other") / "parts", ".../parts"),
    ],
)
def test_a_folder_outside_the_project_is_named_without_its_place(path: Path, shown: str) -> None:
    assert shared_path(path) == shown


@pytest.mark.parametrize(
    ("scores", "lang", "words"),
    [
        ((blind, perfect), "en", "PatchCore misses the fewest defects on part: 0 of 6"),
        ((alarmist, blind), "ko", "PatchCore, 놓친 결함 6장 중 6장 (54.1–100.0 %)"),
        ((perfect, perfect), "en", "test pictures are too few to name one"),
    ],
    ids=["best", "the other one reports too many", "tie"],
)
def test_the_report_answers_as_the_overview_does(
    results: Path, scores: tuple[Callable[[pd.Series], float], ...], lang: str, words: str
) -> None:
    for method, score, ms in zip(TITLES, scores, (40.0, 7.0), strict=True):
        rescored(results / "part" / method, score, ms)
    app = opened("pages/overview.py", lang, category="part")
    said = [re.sub(r"\*\*|\\(?=.)", "", one.value) for one in (*app.success, *app.info)]
    (answer,) = [" ".join(one.split()) for one in said if words in one]
    (short,) = re.findall('<p class="short">(.*?)</p>', report(results, lang=lang).text)
    assert html.unescape(short).startswith(answer)


def test_the_samples_are_pictures_of_the_cell_inside_the_file(outputs: Path) -> None:
    page = unchanged(outputs, "part", "bare")
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    words = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert len(pictures) == len(words) > 0
    assert all(words)
    for value in pictures:
        kind, data = value.split(";base64,")
        drawn = Image.open(io.BytesIO(base64.b64decode(data)))
        assert kind == f"data:image/{(drawn.format or '').lower()}"
        assert max(drawn.size) <= 192
    assert any(value.startswith("Ground truth of blot/") for value in words)


def test_what_is_damaged_or_missing_is_said_and_the_rest_is_reported(results: Path) -> None:
    padim = results / "part" / "padim"
    for file in padim.glob("*_img.png"):
        file.unlink()
    assert "picture missing" in report(results).words
    for name in ("maps.npy", "curves.npz", "scores.csv", "cell.json"):
        (padim / name).write_bytes(b"nonsense")
        page = report(results, "part", "gone")
        assert any(row[:2] == ["part", "PatchCore"] for row in page.cells), name
        assert name in page.words
        assert "evaluate this cell again" in page.words, name
        assert "Not evaluated: AE, PaDiM, PatchCore." in page.words
    (results / "bare" / "patchcore" / "cell.json").unlink()
    assert "Not evaluated: AE, PatchCore." in report(results, "bare").words


def test_what_speaks_against_the_numbers_is_said(outputs: Path, results: Path) -> None:
    padim = results / "part" / "padim"
    odd = asdict(fact("plain", message="odd"))
    change_cell(
        padim,
        data_fingerprint="other",
        method_version=0,
        demo_data=True,
        findings=[{"path": f"{at}.png", "problem": odd} for at in range(60)],
        metrics={"brightness_auroc": 0.97},
    )
    told = report(results).words
    for words in (
        "their numbers do not compare",
        "Made by another version of the method: PaDiM.",
        "Demo data: part are generated pictures",
        "49.png: odd",
        "and 10 more",
    ):
        assert words in told
        assert words not in unchanged(outputs, "part", "bare").words
    assert "the mean brightness of a picture alone reaches image AUROC 0.970" in told
    assert "50.png: odd" not in told
    for brightness in (None, 0.6):
        change_cell(padim, metrics={"brightness_auroc": brightness})
        assert "mean brightness" not in report(results).words


def test_good_test_pictures_that_differ_from_held_out_ones_are_said(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.measure.drift.FEWEST", 6)
    assert "part: good test pictures differ" not in report(results).words
    folder = results / "part" / "padim"
    table = scores(folder)
    table["brightness"] += 99.0 * (table["split"] == "test")
    write_scores(folder, table)
    words = report(results).words
    assert words.count("part: good test pictures differ from held-out good training ones") == 1
    assert "they are brighter (AUROC of brightness 1.00, p < 0.001)" in words


MISSED, ALARM = "verdict_missed", "verdict_false_alarm"
CLOSE, SUREST, HARDEST = "report_closest", "report_surest", "report_hardest"
MIXED = [(0, 1), (0, 9), (0, 6), (1, 2), (1, 4), (1, 8), (1, 20), (1, 30), (0, 0.5)]
RIGHT = [(0, 1), (0, 4.5), (1, 5.1), (1, 9)]


@pytest.mark.parametrize(
    ("pictures", "threshold", "chosen"),
    [
        (MIXED, 5.0, [(ALARM, 1), (MISSED, 3), (ALARM, 2), (SUREST, 7), (SUREST, 6), (SUREST, 8)]),
        (RIGHT, 5.0, [(CLOSE, 2), (CLOSE, 1), (CLOSE, 0), (SUREST, 3)]),
        ([(0, 1), (1, 9)], 5.0, [(CLOSE, 0), (CLOSE, 1)]),
        (MIXED, math.nan, [(HARDEST, 1), (HARDEST, 3), (HARDEST, 2)]),
        ([(1, 5), (1, 2)], math.nan, [(HARDEST, 1), (HARDEST, 0)]),
        ([], math.nan, []),
    ],
)
def test_mistakes_or_close_calls_come_first_and_without_a_threshold_the_hardest(
    pictures: list[tuple[int, float]], threshold: float, chosen: list[tuple[str, int]]
) -> None:
    test = pd.DataFrame(pictures, columns=["label", "score"])
    assert telling_samples(test, threshold) == chosen


def test_a_mask_is_kept_without_loss_and_a_large_picture_is_reduced() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 30:31] = 255
    kept = picture(mask)
    reduced = picture(np.zeros((500, 1000, 3), np.uint8))
    assert kept is not None
    assert reduced is not None
    data = base64.b64decode(kept.address.removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), mask)
    assert (reduced.width, reduced.height) == (192, 96)


def test_the_button_prepares_a_report_that_another_choice_or_result_forgets(results: Path) -> None:
    def downloads() -> list[str]:
        labels = [str(getattr(one, "label", "")) for one in app.get("download_button")]
        return [label for label in labels if "보고서" in label]

    app = opened("pages/overview.py", "ko", category="part", method="padim")
    assert downloads() == []
    app.button(key="report_prepare").click().run()
    assert not list(app.error)
    assert [label.startswith("보고서 내려받기") for label in downloads()] == [True]
    assert b'<html lang="ko">' in app.session_state["_report"][1]
    app.radio(key="report_scope").set_value("all").run()
    assert downloads() == []
    app.button(key="report_prepare").click().run()
    assert "카테고리 2개" in app.session_state["_report"][1].decode()
    assert len(downloads()) == 1
    (results / "part" / "padim" / "cell.json").touch()
    app.run()
    assert downloads() == []
