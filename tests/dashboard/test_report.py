"""The report: one file that needs nothing else, with the results' own numbers, all escaped."""

from __future__ import annotations

import base64
import html
import io
import json
import math
import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.finished import finished_methods
from dashboard.report.choice import telling_samples
from dashboard.report.command import commands, shared_path
from dashboard.report.document import report_html
from dashboard.report.markup import Markup, element, picture, table
from dashboard.report.source import report_contents
from dashboard.tables import number
from dashboard.texts import wording
from data_utils.locations import PROJECT
from evaluation.cells import read_cell
from evaluation.request import Request
from tests.dashboard.test_overview_page import alarmist, blind, perfect, rescored, timed
from tests.dashboard.test_pages import opened
from tests.make_data import cell_content, write_category

EMPTY = {"meta", "img", "br"}
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href"}
EVIL = "<b>x<b>"
MISSED_ALL = {"en": "6 of 6 (54.1–100.0 %)", "ko": "6개 중 6개 (54.1–100.0 %)"}


@dataclass
class Page(HTMLParser):
    """What a browser would see of an HTML file."""

    words: str = ""
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    open_elements: list[str] = field(default_factory=list)
    styles: str = ""
    cells: list[list[str]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in EMPTY:
            self.open_elements.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag == "caption":
            self.captions.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open_elements.pop() == tag

    def handle_data(self, data: str) -> None:
        where = self.open_elements[-1] if self.open_elements else ""
        if where == "style":
            self.styles += data
        elif where != "script":
            self.words += data
            if where in ("td", "th"):
                self.cells[-1][-1] += data
            if where == "caption":
                self.captions[-1] += data


def seen(text: str) -> Page:
    """Parse a report; every element must be closed in order."""
    page = Page()
    page.feed(text)
    page.close()
    assert page.open_elements == []
    return page


def summary_words(text: str) -> str:
    """Return the paragraph that names the method to take."""
    found = re.search(r'<p class="short">(.*?)</p>', text)
    assert found is not None
    return html.unescape(found[1])


def report(outputs: Path, *categories: str, lang: str = "en", false_alarms: float = 0.05) -> str:
    """Return the report of some categories."""
    contents = report_contents(outputs, categories or ("part",), false_alarms, lang)
    return report_html(contents, lang)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_report_loads_nothing_from_outside(results: Path, lang: str) -> None:
    page = seen(report(results, "part", "bare", lang=lang))
    for tag, name, value in page.attributes:
        if name in LOADING:
            assert (tag, value[:11]) == ("img", "data:image/")
        if name == "href":
            assert tag == "a"
            assert value.startswith(("#category-", "https://arxiv.org/abs/"))
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(page.elements)
    assert "url(" not in page.styles
    assert "@import" not in page.styles
    policy = next(value for _, name, value in page.attributes if "default-src" in value)
    assert "http" not in policy
    assert "default-src 'none'" in policy


def test_the_chart_library_is_in_it_once_and_every_chart_has_a_place(results: Path) -> None:
    text = report(results, "part", "bare")
    assert text.count("Copyright 2012-") == 1
    places = re.findall(r'<div id="([a-z0-9-]+)" class="plotly-graph-div"', text)
    assert sorted(places) == ["roc-image-1", "roc-image-2", "roc-pixel-1", "tradeoff-1"]
    assert all(text.count(f'Plotly.newPlot(                        "{place}"') for place in places)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_results_are_those_of_the_cells(results: Path, lang: str) -> None:
    page = seen(report(results, "part", "bare", lang=lang))
    assert ("html", "lang", lang) in page.attributes
    for category in ("part", "bare"):
        for method, title in (("padim", "PaDiM"), ("patchcore", "PatchCore")):
            cell = read_cell(results / category / method)
            row = next(row for row in page.cells if row[:2] == [category, title])
            metrics = cell["metrics"]
            assert row[2:6] == [
                number(metrics["image_auroc"]),
                f"{metrics['image_auroc_low']:.3f}–{metrics['image_auroc_high']:.3f}",
                number(metrics["pixel_auroc"]),
                number(metrics["aupro"]),
            ]
            assert row[6:] == [
                f"{cell['fit_s']:.1f}",
                f"{cell['score_s']:.1f}",
                f"{cell['ms_per_image']:.0f}",
                f"{cell['latency_ms']:.0f}",
                f"{cell['latency_p95_ms']:.0f}",
                f"{cell['model_mb']:.1f}",
            ]
    padim = [read_cell(results / name / "padim")["metrics"] for name in ("part", "bare")]
    mean = next(row for row in page.cells if row[1:2] == ["PaDiM"] and "2" in row[0])
    assert mean[2] == number(sum(one["image_auroc"] for one in padim) / 2)
    assert mean[4] == number(padim[0]["pixel_auroc"])


def test_every_table_has_a_caption(results: Path) -> None:
    page = seen(report(results))
    assert page.elements.count("table") == len(page.captions)
    assert all(caption.strip() for caption in page.captions)


@pytest.mark.parametrize("false_alarms", [0.05, 0.2])
def test_decisions_are_those_at_the_chosen_rate(results: Path, false_alarms: float) -> None:
    page = seen(report(results, false_alarms=false_alarms))
    cells, _ = finished_methods(results, "part")
    assert f"Decisions at {100 * false_alarms:g} % allowed false alarms" in page.words
    for cell in cells:
        made = cell.decisions(false_alarms)
        title = {"padim": "PaDiM", "patchcore": "PatchCore"}[cell.method]
        row = next(
            row for row in page.cells if row[0] == title and row[1] == f"{made.threshold:.4g}"
        )
        assert row[2] == "24"
        assert row[3].startswith(f"{made.missed} of 6: ")
        assert row[4].startswith(f"{made.false_alarms} of 6: ")
    good = [row[1:] for row in page.cells if row[0] == "good"]
    bad = [row[1:] for row in page.cells if row[0] == "defective"]
    made_all = [cell.decisions(false_alarms) for cell in cells]
    assert good == [[str(6 - made.false_alarms), str(made.false_alarms)] for made in made_all]
    assert bad == [[str(made.missed), str(6 - made.missed)] for made in made_all]


def test_a_rate_that_needs_more_pictures_gives_no_decisions_and_says_how_many(
    results: Path,
) -> None:
    page = seen(report(results, false_alarms=0.005))
    assert "No method is left within the limits on part." in page.words
    assert "PaDiM has 24; PatchCore has 24. It takes at least 199 good pictures" in page.words
    assert [row[3:] for row in page.cells if row[:2] == ["PaDiM", "n/a"]] == [["n/a", "n/a"]]
    assert "among the hardest" in page.words


def test_origins_are_told(results: Path) -> None:
    page = seen(report(results))
    assert "Random backbone weights: part (PaDiM, PatchCore)" in page.words
    assert "Not evaluated: AE." in page.words
    cell = read_cell(results / "part" / "padim")
    for word in (cell["cpu"], cell["versions"]["torch"], cell["transform"], "CC BY-NC-SA 4.0"):
        assert word in page.words
    assert Path(cell["data_root"]).name in page.words


def test_the_command_makes_these_cells_again(results: Path) -> None:
    import evaluate

    cells = [read_cell(results / name / "padim") for name in ("part", "bare")]
    cells += [read_cell(results / name / "patchcore") for name in ("part", "bare")]
    (line,) = commands(cells, results)
    words = line.split()
    assert words[:2] == ["python", "evaluate.py"]
    assert words[words.index("--backbone") + 1] == "resnet18"
    parsed = evaluate.argument_parser().parse_args(words[2:])
    assert parsed.data == f".../{Path(cells[0]['data_root']).name}"
    assert parsed.out == Path(".../own-outputs")
    assert parsed.categories == ["part", "bare"]
    assert parsed.methods == ["padim", "patchcore"]
    assert parsed.weights == "random"
    assert (
        evaluate.requested(parsed).settings.fingerprint("padim", cells[0]["data_fingerprint"])
        == cells[0]["fingerprint"]
    )


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
        ],
        tmp_path,
    )
    assert len(lines) == 3
    assert "--categories a --methods ae padim" in lines[0]
    assert "--weights" not in lines[0]
    for option in ("--seed 3", "--coreset-ratio 0.1", "--crop 64", "--methods patchcore"):
        assert option in lines[1]
    assert "--weights 'my weights.pth'" in lines[2] or '--weights "my weights.pth"' in lines[2]
    assert Request(data="x").arguments() == ["--data", "x"]


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


def test_the_report_does_not_tell_where_folders_lie_on_this_machine(results: Path) -> None:
    page = seen(report(results, "part", "bare"))
    assert (
        f"--data .../{Path(read_cell(results / 'part' / 'padim')['data_root']).name}" in page.words
    )
    assert str(results.parent) not in page.words
    assert str(PROJECT) not in page.words


def test_two_data_folders_of_one_name_are_not_one_command(tmp_path: Path) -> None:
    cells = [cell_content("a", data_root="/x/parts"), cell_content("b", data_root="/y/parts")]
    lines = commands(cells, tmp_path)
    assert [line.count("--data .../parts") for line in lines] == [1, 1]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_method_that_breaks_its_promise_is_not_named_as_the_best(
    results: Path, lang: str
) -> None:
    rescored(results / "part" / "padim", alarmist)
    rescored(results / "part" / "patchcore", blind)
    words = summary_words(report(results, lang=lang))
    best = wording(
        "overview_only", lang, category="part", method="PatchCore", missed=MISSED_ALL[lang]
    ).replace("**", "")
    assert words.startswith(best)
    reported = wording("overview_alarms_of", lang, method="PaDiM", alarms=MISSED_ALL[lang])
    assert wording("overview_over_limit", lang, methods=reported, rate="5 %") in words


def test_a_tie_is_told_as_a_tie(results: Path) -> None:
    for method, ms in (("padim", 40.0), ("patchcore", 7.0)):
        rescored(results / "part" / method, perfect)
        timed(results / "part" / method, ms)
    words = summary_words(report(results))
    assert "the intervals overlap and nothing can be told apart" in words
    assert "The quickest of them: PatchCore, 7 ms (95th percentile 9 ms) per part." in words
    assert "misses the fewest" not in words


def test_the_report_answers_as_the_overview_does(results: Path) -> None:
    rescored(results / "part" / "padim", blind)
    rescored(results / "part" / "patchcore", perfect)
    said = opened("pages/overview.py", category="part").success[0].value
    words = summary_words(report(results))
    assert "PatchCore misses the fewest defects on part: 0 of 6" in words
    assert words.startswith(re.sub(r"\\(.)", r"\1", said).replace("**", ""))


def test_names_from_disk_are_never_markup(results: Path) -> None:
    shutil.copytree(results / "part", results / EVIL)
    for method in ("padim", "patchcore"):
        file = results / EVIL / method / "cell.json"
        cell = json.loads(file.read_text(encoding="utf-8"))
        cell |= {
            "category": EVIL,
            "data_root": "/data/<script>alert(1)<",
            "findings": ["<img src=http://evil.example/x>.png: not a picture"],
            "cpu": "<i>cpu</i>",
        }
        file.write_text(json.dumps(cell), encoding="utf-8")
    (results / EVIL / "ae.failed.json").write_text(
        json.dumps({"category": EVIL, "method": "<u>", "reason": "</body><script>x</script>"})
    )
    text = report(results, EVIL, "part")
    page = seen(text)
    assert f"Defect detection report: {EVIL}" not in page.words
    assert EVIL in page.words
    assert "<i>cpu</i>" in page.words
    assert "<img src=http://evil.example/x>.png" in page.words
    assert "</body><script>x</script>" in page.words
    assert not {"b", "i", "u"} & set(page.elements)
    charts = "".join(re.findall(r"Plotly\.newPlot\(.*?</script>", text, re.DOTALL))
    assert "<b>x" not in charts.replace("\\u003cb\\u003ePa", "")


def test_the_samples_are_pictures_of_the_cell_inside_the_file(results: Path) -> None:
    page = seen(report(results))
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    words = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert len(pictures) == len(words) > 0
    assert all(words)
    for value in pictures:
        kind, data = value.split(";base64,")
        drawn = Image.open(io.BytesIO(base64.b64decode(data)))
        assert kind == f"data:image/{(drawn.format or '').lower()}"
        assert max(drawn.size) <= 192
    truth = {
        value.removeprefix("Ground truth of ")
        for value in words
        if value.startswith("Ground truth of ")
    }
    assert any(name.startswith("blot/") for name in truth)


def test_a_category_without_masks_has_no_pixel_numbers(results: Path) -> None:
    page = seen(report(results, "bare"))
    assert "Pixel metrics are n/a: bare has no usable masks" in page.words
    row = next(row for row in page.cells if row[:2] == ["bare", "PaDiM"])
    assert row[4:6] == ["n/a", "n/a"]
    assert "no mask" in page.words


@pytest.mark.parametrize("name", ["cell.json", "scores.csv", "curves.npz", "maps.npy"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_damaged_file_is_said_and_the_rest_is_reported(
    results: Path, name: str, content: bytes | None
) -> None:
    path = results / "part" / "padim" / name
    path.unlink() if content is None else path.write_bytes(content)
    page = seen(report(results))
    assert any(row[:2] == ["part", "PatchCore"] for row in page.cells)
    if (name, content) == ("cell.json", None):
        assert "Not evaluated: AE, PaDiM." in page.words
    else:
        assert "evaluate this cell again" in page.words


def test_a_missing_picture_of_a_sample_is_said(results: Path) -> None:
    for file in (results / "part" / "padim").glob("*_img.png"):
        file.unlink()
    assert "picture missing" in seen(report(results)).words


def test_brightness_that_tells_good_from_bad_is_a_warning(results: Path) -> None:
    file = results / "part" / "padim" / "cell.json"
    cell = json.loads(file.read_text())
    for value, said in ((0.97, True), (0.6, False), (None, False)):
        cell["metrics"]["brightness_auroc"] = value
        file.write_text(json.dumps(cell))
        assert ("Brightness alone tells" in seen(report(results)).words) is said


def test_methods_evaluated_on_different_pictures_are_said_not_to_compare(results: Path) -> None:
    words = "their numbers do not compare"
    assert words not in seen(report(results)).words
    file = results / "part" / "padim" / "cell.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"data_fingerprint": "other"}))
    assert words in seen(report(results)).words


def test_results_of_another_version_of_a_method_are_said(results: Path) -> None:
    words = "Made by another version of the method: PaDiM."
    assert words not in seen(report(results)).words
    file = results / "part" / "padim" / "cell.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"method_version": 0}))
    assert words in seen(report(results)).words


def test_demo_data_are_said(results: Path) -> None:
    file = results / "part" / "padim" / "cell.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"demo_data": True}))
    assert "Demo data: part are generated pictures" in seen(report(results)).words


def test_many_findings_are_counted(results: Path) -> None:
    file = results / "part" / "padim" / "cell.json"
    many = {"findings": [f"{at}.png: odd" for at in range(60)]}
    file.write_text(json.dumps(json.loads(file.read_text()) | many))
    words = seen(report(results)).words
    assert "49.png: odd" in words
    assert "50.png: odd" not in words
    assert "and 10 more" in words


def test_the_report_of_nothing_is_still_a_page(tmp_path: Path) -> None:
    page = seen(report(tmp_path, "part"))
    assert "Not evaluated: AE, PaDiM, PatchCore." in page.words


def scored(*pairs: tuple[int, float]) -> pd.DataFrame:
    """Return test pictures from (label, score)."""
    return pd.DataFrame(pairs, columns=["label", "score"])


def test_worst_mistakes_come_first_and_surest_are_farthest_from_the_threshold() -> None:
    test = scored((0, 1), (0, 9), (0, 6), (1, 2), (1, 4), (1, 8), (1, 20), (1, 30), (0, 0.5))
    chosen = telling_samples(test, 5.0)
    assert chosen.mistakes == (1, 3, 2)
    assert telling_samples(test, 5.0, 4).mistakes == (1, 3, 2, 4)
    assert chosen.surest == (7, 6, 8)
    assert chosen.closest == ()
    assert chosen.hardest == ()


def test_without_mistakes_the_closest_calls_are_shown() -> None:
    chosen = telling_samples(scored((0, 1), (0, 4.5), (1, 5.1), (1, 9)), 5.0)
    assert chosen.mistakes == ()
    assert chosen.closest == (2, 1, 0)
    assert chosen.surest == (3,)


def test_without_a_threshold_the_hardest_pictures_are_shown() -> None:
    chosen = telling_samples(scored((0, 1), (0, 6), (1, 5), (1, 2), (1, 9)), math.nan)
    assert chosen.hardest == (1, 3, 0)
    assert telling_samples(scored((1, 5), (1, 2)), math.nan).hardest == (1, 0)
    assert telling_samples(scored(), math.nan).hardest == ()


def test_no_sample_is_shown_twice_on_small_test_sets() -> None:
    chosen = telling_samples(scored((0, 1), (1, 9)), 5.0)
    assert chosen.closest == (0, 1)
    assert chosen.surest == ()


def test_markup_escapes_words_and_attributes_once() -> None:
    inner = element("b", "<&>")
    assert inner == "<b>&lt;&amp;&gt;</b>"
    assert element("p", inner, "a<b", title='"x"') == (
        '<p title="&quot;x&quot;"><b>&lt;&amp;&gt;</b>a&lt;b</p>'
    )
    assert element("img", src="x", alt="") == '<img src="x" alt="">'
    assert isinstance(inner, Markup)


def test_a_table_names_rows_and_columns_and_aligns_numbers() -> None:
    drawn = table("c", ["name", "n"], [["a", "1"]])
    assert '<th scope="col">name</th><th scope="col" class="number">n</th>' in drawn
    assert '<th scope="row">a</th><td class="number">1</td>' in drawn


def test_a_mask_is_kept_without_loss_and_a_large_picture_is_reduced() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 30:31] = 255
    data = re.search(r"base64,([^\"]+)", picture(mask, "m"))
    assert data is not None
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1])))), mask
    )
    assert 'width="192" height="96"' in picture(np.zeros((500, 1000, 3), np.uint8), "p")


def downloads(app: AppTest) -> list[str]:
    """Return the labels of the download buttons of reports."""
    labels = [str(getattr(one, "label", "")) for one in app.get("download_button")]
    return [label for label in labels if "eport" in label or "보고서" in label]


@pytest.mark.parametrize(("lang", "word"), [("en", "Download report"), ("ko", "보고서 내려받기")])
@pytest.mark.usefixtures("results")
def test_the_button_prepares_a_report_to_download(lang: str, word: str) -> None:
    app = opened("pages/overview.py", lang, category="part", method="padim")
    assert downloads(app) == []
    app.button(key="report_prepare").click().run()
    assert not app.exception
    assert not list(app.error)
    (label,) = downloads(app)
    assert label.startswith(word)
    assert b"</html>" in app.session_state["_report"][1]


def test_another_choice_forgets_the_prepared_report(results: Path) -> None:
    app = opened("pages/overview.py", category="part", method="padim")
    app.button(key="report_prepare").click().run()
    assert len(downloads(app)) == 1
    app.radio(key="report_scope").set_value("all").run()
    assert downloads(app) == []
    app.button(key="report_prepare").click().run()
    content = app.session_state["_report"][1].decode()
    assert "2 categories" in content
    (results / "part" / "padim" / "cell.json").touch()
    app.run()
    assert downloads(app) == []


def test_without_results_there_is_no_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_category(tmp_path / "data", train=4, good=1, bad=1)
    monkeypatch.setenv("MVTEC_ROOT", str(tmp_path / "data"))
    app = opened("pages/overview.py")
    assert not app.exception
    assert not [one for one in app.button if one.key == "report_prepare"]
