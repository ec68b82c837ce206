"""What was chosen on a page is still chosen when one comes back, or opens its address."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.inspection.picture_choice import TEST
from tests.dashboard.driver import component, opened

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
        ("compare", [("selectbox", "defect_en", "blot"), ("selectbox", "together_en", "disputed")]),
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
                ("selectbox", "defect_en", "blot"),
                ("selectbox", "show_en", "hit"),
                ("selectbox", "order_en", "score"),
                ("slider", "opacity", 25),
            ],
        ),
    ],
)
def test_a_choice_outlives_a_look_at_another_page_and_stands_in_the_address(
    page: str, choices: list[tuple[str, str, Any]]
) -> None:
    app = opened(f"pages/{page}.py", category="part", method="padim", sample="blot/003")
    for kind, key, value in choices:
        getattr(app, kind)(key=key).set_value(value).run()
    shared = app.query_params
    app.switch_page("pages/run.py").run()
    app.switch_page(f"pages/{page}.py").run()
    for one in (app, opened(f"pages/{page}.py", **shared)):
        values = [getattr(one, kind)(key=key).value for kind, key, _ in choices]
        assert values == [value for _, _, value in choices]


@pytest.mark.parametrize("page", ["samples", "compare"])
def test_a_new_filter_starts_at_its_first_sample_unless_it_holds_the_current_one(
    page: str,
) -> None:
    app = opened(f"pages/{page}.py", category="part", method="padim", sample="blot/003")
    for defect, sample in (("blot", "blot/003"), ("good", "good/000"), ("", "good/000")):
        app.selectbox(key="defect_en").set_value(defect).run()
        assert app.selectbox(key="defect_en").value == defect
        assert app.selectbox(key="sample").value == sample


def test_a_condition_of_one_method_hides_nothing_on_compare() -> None:
    app = opened("pages/samples.py", category="part", method="padim", show="hit")
    app.switch_page("pages/compare.py").run()
    assert len(component(app, "viewer")["names"]) == 12


def test_the_filter_of_samples_is_that_of_compare() -> None:
    app = opened("pages/samples.py", category="part", method="padim", defect="blot")
    app.switch_page("pages/compare.py").run()
    assert app.selectbox(key="defect_en").value == "blot"
    assert len(app.selectbox(key="sample").options) == 6
