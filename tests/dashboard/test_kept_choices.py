"""What was chosen on a page is still chosen when one comes back from another page."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.inspection.picture_choice import TEST
from tests.dashboard.driver import opened

pytestmark = pytest.mark.usefixtures("results")


@pytest.mark.parametrize(
    ("page", "choices"),
    [
        (
            "inspection",
            [
                ("segmented_control", "inspection_source", TEST),
                ("button_group", "inspection_damage", "inspection_stain"),
                ("slider", "inspection_across", 20),
                ("slider", "inspection_size", 30),
                ("slider", "inspection_angle", 90),
                ("number_input", "inspection_seed", 4),
                ("segmented_control", "inspection_view", "inspection_heatmap"),
            ],
        ),
        ("roc", [("segmented_control", "roc_view", "pr")]),
        ("roc", [("checkbox", "roc_log", True)]),
        (
            "tradeoff",
            [
                ("segmented_control", "tradeoff_view", "cells"),
                ("segmented_control", "tradeoff_gain", "pixel_auroc"),
                ("selectbox", "tradeoff_cost", "fit_s"),
            ],
        ),
        ("compare", [("button_group", "compare_defect", "blot")]),
        (
            "defects",
            [
                ("segmented_control", "defects_scope", "defects_scope_all"),
                ("segmented_control", "defects_types_metric", "pixel_auroc"),
            ],
        ),
        (
            "samples",
            [
                ("button_group", "defect_filter", "blot"),
                ("selectbox", "order_en", "score"),
                ("slider", "opacity", 25),
            ],
        ),
    ],
)
def test_a_choice_outlives_a_look_at_another_page(
    page: str, choices: list[tuple[str, str, Any]]
) -> None:
    app = opened(f"pages/{page}.py", category="part", method="padim", sample="blot/003")
    for kind, key, value in choices:
        getattr(app, kind)(key=key).set_value(value).run()
    app.switch_page("pages/run.py").run()
    app.switch_page(f"pages/{page}.py").run()
    assert [getattr(app, kind)(key=key).value for kind, key, _ in choices] == [
        value for _, _, value in choices
    ]


@pytest.mark.parametrize("method", ["padim", "patchcore"])
def test_open_in_samples_opens_that_picture_although_the_filter_there_hid_it(method: str) -> None:
    app = opened("pages/samples.py", category="part", method="padim")
    app.button_group(key="defect_filter").set_value("good").run()
    assert app.selectbox(key="sample").value == "good/000"
    app.switch_page("pages/compare.py").run()
    app.selectbox(key="sample").set_value("blot/003").run()
    app.button(key=f"compare_open_{method}").click().run()
    assert app.title[0].value.startswith("Samples")
    assert app.selectbox(key="method").value == method
    assert app.button_group(key="defect_filter").value == ""
    assert app.selectbox(key="sample").value == "blot/003"
    assert app.query_params["sample"] == "blot/003"


@pytest.mark.parametrize(
    ("page", "key"), [("samples", "defect_filter"), ("compare", "compare_defect")]
)
def test_a_new_filter_starts_at_its_first_sample_unless_it_holds_the_current_one(
    page: str, key: str
) -> None:
    app = opened(f"pages/{page}.py", category="part", method="padim", sample="blot/003")
    for defect, sample in (("blot", "blot/003"), ("good", "good/000"), ("", "good/000")):
        app.button_group(key=key).set_value(defect).run()
        assert app.button_group(key=key).value == defect
        assert app.selectbox(key="sample").value == sample
