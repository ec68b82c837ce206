"""The Defect types page on full, partial, empty and broken results."""

from __future__ import annotations

import inspect
import math
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.defects.published_panel import VERDICTS, signed
from dashboard.texts import TEXTS, translate
from detectors.backbones.names import FILTER_BANK_LABEL, LITE0, LITE0_LABEL, RANDOM, UNTRAINED
from evaluation.measure import published
from evaluation.measure.operating_points import decide, share_interval
from evaluation.measure.published import OFFICIAL_COUNTS, comparisons, differences
from evaluation.store.cells import read_cell
from tests.dashboard.driver import (
    change_cell,
    component,
    figures,
    opened,
    scores,
    shown,
    table_with,
    tick,
    write_scores,
)
from tests.evaluation.measure.test_published import official_cell, value

PAGE = "pages/defects.py"
METHODS = {"padim": "PaDiM", "patchcore": "PatchCore"}


def change_defective(results: Path, *methods: str, **columns: Any) -> None:
    """Overwrite columns of the defective test pictures in ``scores.csv``."""
    for method in methods:
        folder = results / "part" / method
        table = scores(folder).astype({"defect_pixels": "Int64"})
        for name, values in columns.items():
            table.loc[(table["split"] == "test") & (table["label"] == 1), name] = values
        write_scores(folder, table)


def areas(*values: int | None) -> Any:
    return pd.array(list(values), "Int64")


def recalls(app: AppTest, method: str) -> list[str]:
    return [text.split(" (")[0] for text in table_with(app, method)[method]]


def renamed(results: Path, new: str, **changes: Any) -> None:
    """Let copies of the results be those of an official category."""
    shutil.copytree(results / "part", results / new)
    for folder in (results / new).iterdir():
        change_cell(folder, category=new, **changes)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_heatmap_shows_the_stored_values_and_the_switch_changes_the_metric(
    results: Path, lang: str
) -> None:
    app = opened(PAGE, lang, category="part")
    assert not app.error
    assert len(figures(app)) == 2
    assert translate("defects_published_header", lang) in shown(app)
    for metric in ("image_auroc", "pixel_auroc"):
        app.segmented_control(key="defects_types_metric").set_value(metric).run()
        figure = figures(app)[0]
        numbers = dict(zip(figure.data[1].x, figure.data[1].text, strict=True))
        for method, title in METHODS.items():
            expected = read_cell(results / "part" / method)["metrics"][metric]
            assert numbers[title] == f"{expected:.3f}"
        assert translate(f"metric_{metric}", lang) in figure.layout.title.text


def test_a_missing_method_is_named_and_the_others_are_shown(results: Path) -> None:
    shutil.rmtree(results / "part" / "padim")
    app = opened(PAGE, category="part")
    assert app.button(key="evaluate_missing").label == "Evaluate AE, PaDiM on part now"
    assert list(figures(app)[0].data[0].x) == ["PatchCore"]


@pytest.mark.usefixtures("results")
def test_pixel_auroc_without_masks_is_not_available_and_the_page_says_why() -> None:
    app = opened(PAGE, category="bare")
    app.segmented_control(key="defects_types_metric").set_value("pixel_auroc").run()
    assert set(figures(app)[0].data[1].text) == {"n/a"}
    assert translate("defects_types_na", "en") in shown(app)
    assert "none of the 6 defective test pictures has a mask" in shown(app)
    assert len(figures(app)) == 1


def test_recall_by_size_is_counted_from_the_scores(results: Path) -> None:
    change_defective(results, *METHODS, defect_pixels=[10, 20, 30, 40, 50, 60])
    change_defective(results, "padim", score=[0.0, 1e9, 0.0, 0.0, 1e9, 1e9])
    app = opened(PAGE, category="part", alarms="10")
    chart = figures(app)[1]
    padim = next(trace for trace in chart.data if trace.name == "PaDiM")
    for group, (count, data) in enumerate(zip((1, 0, 2), padim.customdata, strict=True)):
        assert list(data[:3]) == ["padim", group, f"{count} / 2"]
        assert list(data[3:]) == pytest.approx([100 * end for end in share_interval(count, 2)])
    assert chart.layout.xaxis.ticktext[0].startswith("small<br>10–20 px<br>")
    assert recalls(app, "PaDiM") == ["50 %", "0 %", "100 %"]
    assert "6 of 6 defective pictures" in shown(app)
    assert "up to 20 px, up to 40 px" in shown(app)


def test_a_click_on_a_type_or_a_size_opens_its_pictures(results: Path) -> None:
    change_defective(results, *METHODS, defect_pixels=[10, 60, 30, 40, 50, 20])
    everything = [f"{kind}/00{number}" for kind in ("good", "blot") for number in range(6)]
    for chart, data, names in (
        ("types", ["padim", "blot"], everything[6:]),
        ("types", ["padim"], everything),
        ("size", ["padim", 2, "1 / 2", 1, 99], ["blot/001", "blot/004"]),
    ):
        app = opened(PAGE, category="part", method="patchcore")
        tick(app, f"defects_{chart}_chart", points=[{"customdata": data}])
        assert app.title[0].value == "Samples: part · PaDiM"
        assert component(app, "viewer")["names"] == names


def test_the_false_alarm_rate_moves_the_threshold_until_too_few_held_out_pictures_are_left(
    results: Path,
) -> None:
    table = scores(results / "part" / "padim")
    held_out = table.loc[table["split"] == "calibration", "score"].sort_values().to_list()
    between = (held_out[-2] + held_out[-1]) / 2
    change_defective(results, *METHODS, defect_pixels=range(1, 7))
    change_defective(results, "padim", score=between)
    expected = [decide([between], [1], held_out, rate).missed for rate in (0.045, 0.3)]
    assert expected == [1, 0]
    app = opened(PAGE, category="part", alarms="4.5")
    for rate, recall in ((4.5, "0 %"), (30.0, "100 %")):
        app.slider(key="alarms").set_value(rate).run()
        assert set(recalls(app, "PaDiM")) == {recall}
    app.slider(key="alarms").set_value(1.0).run()
    assert sum("no threshold" in warning.value for warning in app.warning) == 2
    assert any("at least 99" in warning.value for warning in app.warning)
    assert len(figures(app)) == 1


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        (areas(5, 6, *[None] * 4), ["only 2 of 6 defective test pictures have a marked area"]),
        (
            areas(0, None, 7, 8, 9, 10),
            [
                "4 of 6 defective pictures",
                "1 defective pictures have no usable mask",
                "1 defective pictures are left out: their defect lies outside",
            ],
        ),
        (areas(*[50] * 6), [translate("defects_size_ties", "en")]),
    ],
)
def test_what_the_marked_areas_do_not_allow_is_said(
    results: Path, marked: Any, said: list[str]
) -> None:
    change_defective(results, *METHODS, defect_pixels=marked)
    app = opened(PAGE, category="part")
    assert not [words for words in said if words not in shown(app)]


def test_a_method_that_saw_other_pictures_is_left_out_of_the_sizes(results: Path) -> None:
    change_defective(results, "padim", stem=[f"90{number}" for number in range(6)])
    change_cell(results / "part" / "padim", finished="2024")
    change_cell(results / "part" / "patchcore", finished="2025")
    app = opened(PAGE, category="part")
    assert any("Left out here: PaDiM" in warning.value for warning in app.warning)
    assert [trace.name for trace in figures(app)[1].data] == ["PatchCore"]


def test_the_hardest_types_of_all_categories_are_sorted(results: Path) -> None:
    folder = results / "bare" / "padim"
    dent = {"count": 3, "image_auroc": 0.1, "pixel_auroc": math.nan}
    types = read_cell(folder)["metrics"]["by_defect"] | {"<b>dent": dent}
    change_cell(folder, metrics={"by_defect": types})
    table = table_with(opened(PAGE, category="part"), "defect")
    assert list(table.iloc[0][["category", "defect", "method"]]) == ["bare", "<b>dent", "PaDiM"]
    assert table["image_auroc"].is_monotonic_increasing
    assert len(table) == 5


def test_published_values_stand_beside_ours_with_the_reasons(results: Path) -> None:
    app = opened(PAGE, category="part")
    assert any("only the fifteen categories" in info.value for info in app.info)
    app.segmented_control(key="defects_scope").set_value("defects_scope_all").run()
    assert translate("defects_none_compared", "en") in shown(app)
    for category in ("carpet", "zipper"):
        renamed(results, category)
    assert list(table_with(app.run(), "published")["category"].unique()) == ["carpet", "zipper"]

    app = opened(PAGE, category="carpet")
    table = table_with(app, "published")
    cells = [read_cell(folder) for folder in results.glob("carpet/*")]
    assert len(table) == len(comparisons(cells)) > 10
    assert set(table["comparable"]) == {"no"}
    assert table["reason"].str.contains("random weights").all()
    data = "carpet has 24 / 6 / 6 training / good / defective pictures here, officially 280 / 28"
    assert table["reason"].str.contains(data).all()
    ours = table["ours"] - table["published"]
    assert table["difference"].to_list() == pytest.approx(ours.to_list())
    assert "on carpet (image AUROC) differ among themselves: 0.945 to 0.996" in shown(app)
    assert len(figures(app)) == 3


def test_a_complete_category_with_weights_leaves_only_what_is_not_stated(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OFFICIAL_COUNTS, "carpet", (24, 6, 6))
    paper = {"height": 224, "width": 224, "shorter_side": 256}
    renamed(results, "carpet", weights="ImageNet", geometry=paper)
    app = opened(PAGE, category="carpet")
    table = table_with(app, "published")
    for backbone, verdict in (("resnet18", "unclear"), ("wide_resnet50_2", "no")):
        alike = table[table["variant"].str.contains(backbone)]
        image = alike["variant"].str.contains("PatchCore")
        image &= alike["metric"] == translate("metric_image_auroc", "en")
        assert set(alike["comparable"][~image]) == {verdict}
        assert set(alike["comparable"][image]) == {"no"}
    padim = next(trace for trace in figures(app)[2].data if trace.name == "ours: PaDiM")
    assert set(padim.marker.symbol) == {"square-open"}


@pytest.mark.parametrize(
    ("backbone", "weights", "reason"),
    [("filterbank", FILTER_BANK_LABEL, "untrained"), (LITE0, LITE0_LABEL, "backbone")],
)
def test_a_published_value_of_a_resnet_is_never_compared_with_another_backbone(
    backbone: str, weights: str, reason: str
) -> None:
    cell = official_cell(weights=weights, backbone=backbone)

    assert reason in [one.code for one in differences(cell, value()) if one.certain]


def test_every_verdict_and_reason_has_a_text() -> None:
    reasons = re.findall(r'Reason\("(\w+)"', inspect.getsource(published))
    assert len(reasons) > 10
    assert {f"defects_reason_{code}" for code in (*reasons, RANDOM, UNTRAINED)} <= TEXTS[
        "en"
    ].keys()
    assert {f"defects_comparable_{verdict}" for verdict in VERDICTS} <= TEXTS["en"].keys()


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.0104, "+0.010"), (-0.0126, "-0.013"), (-0.0004, "0.000"), (0.0, "0.000")],
)
def test_differences_are_signed_with_three_decimals(difference: float, text: str) -> None:
    assert signed(difference) == text
