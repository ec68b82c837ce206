"""What may be compared, the means, and what a click means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from dashboard.recorded import machine
from dashboard.tradeoff.groups import (
    Group,
    clicked_cell,
    groups,
    mean_points,
    shared_categories,
    with_front,
)
from detectors.backbones.names import RANDOM, TRAINED, UNTRAINED
from evaluation.summary import MACHINE_COLUMNS, phase_column, phase_seconds, table_of
from tests.make_data import cell_content


def costs_table(cells: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the summary of one's own cells."""
    return table_of(cells).assign(origin="")


def cell(category: str, method: str, auroc: float = 0.9, **changes: Any) -> dict[str, Any]:
    """Return a cell with real weights unless told otherwise."""
    backbone = "none" if method == "ae" else "resnet18"
    weights = "none (trained on these pictures)" if method == "ae" else "ImageNet"
    content = cell_content(category, method, backbone=backbone, weights=weights)
    content["metrics"] = content["metrics"] | {"image_auroc": auroc}
    return content | changes


def test_demo_and_real_data_and_trained_untrained_and_random_backbones_are_groups_apart() -> None:
    table = costs_table(
        [
            cell("a", "padim"),
            cell("b", "patchcore", weights="random (seed 0)"),
            cell("c", "ae"),
            cell("d", "padim", demo_data=True),
            cell("e", "padim", weights="filter bank (no training)"),
        ]
    )
    held = {group: set(group.cells(table)["category"]) for group in groups(table)}
    assert held == {
        Group(False, TRAINED): {"a", "c"},
        Group(False, UNTRAINED): {"e", "c"},
        Group(False, RANDOM): {"b", "c"},
        Group(True, TRAINED): {"d"},
    }


def test_methods_without_a_backbone_alone_are_one_group() -> None:
    table = costs_table([cell("a", "ae"), cell("b", "ae")])
    assert groups(table) == [Group(False, TRAINED)]
    assert len(Group(False, TRAINED).cells(table)) == 2


def test_no_cells_form_no_group() -> None:
    assert groups(costs_table([])) == []


def test_means_are_over_the_categories_that_every_method_has() -> None:
    table = costs_table(
        [
            cell("a", "padim", 0.8),
            cell("b", "padim", 0.6),
            cell("c", "padim", 0.1),
            cell("a", "ae", 0.7),
            cell("b", "ae", 0.5),
            cell("c", "ae", math.nan),
        ]
    )
    names = shared_categories(table, "image_auroc")
    assert names == ["a", "b"]
    means = mean_points(table, names).set_index("method")
    assert means.loc["padim", "image_auroc"] == pytest.approx(0.7)
    assert means.loc["ae", "image_auroc"] == pytest.approx(0.6)
    assert set(means["categories"]) == {2}
    assert means["image_auroc_low"].isna().all()
    assert list(means.index) == ["ae", "padim"]


def test_a_method_that_never_has_the_metric_leaves_no_shared_category() -> None:
    table = costs_table([cell("a", "padim"), cell("a", "ae", math.nan)])
    assert shared_categories(table, "image_auroc") == []
    assert mean_points(table, []).empty


def test_other_settings_and_other_weights_have_means_of_their_own() -> None:
    table = costs_table(
        [cell("a", "padim"), cell("a", "padim", settings_id="s"), cell("a", "padim", weights="W")]
    )
    assert len(mean_points(table, ["a"])) == 3


def test_points_without_the_number_are_left_out_and_never_on_the_front() -> None:
    table = costs_table(
        [cell("a", "ae", math.nan, runtime_s=0.1), cell("a", "padim", 0.9), cell("b", "padim", 0.2)]
    )
    points = with_front(table, "runtime_s", "image_auroc")
    assert list(points["category"]) == ["a", "b"]
    assert list(points["on_front"]) == [True, True]


def test_the_backbones_two_passes_are_one_phase_and_unknown_phases_are_other() -> None:
    seconds = phase_seconds({"backbone_fit": 3.0, "backbone_score": 1.0, "fit": 2.0, "new": 0.5})
    assert seconds[phase_column("backbone")] == 4
    assert seconds[phase_column("fit")] == 2
    assert seconds[phase_column("decode")] == 0
    assert seconds[phase_column("other")] == 0.5
    assert sum(seconds.values()) == 6.5


def test_what_is_no_number_is_not_counted() -> None:
    assert sum(phase_seconds({"fit": "fast", "score": None, "x": math.nan}).values()) == 0
    table = costs_table([cell("a", "padim", runtime_s=None)])
    assert math.isnan(table["runtime_s"].iloc[0])


def test_a_machine_is_named_with_its_threads_or_not_at_all() -> None:
    assert machine({"cpu": "X", "threads": 2, "system": "Linux"}) == "X, 2 threads, Linux"
    assert machine({"cpu": "X"}) == "X, n/a threads"
    assert machine({}) == "a machine that is not recorded"


def test_what_the_table_holds_of_a_machine_names_it() -> None:
    about = {"cpu": "X", "threads": 2, "system": "Linux"}
    for noted in (about, dict.fromkeys(MACHINE_COLUMNS)):
        [row] = costs_table([cell("a", "padim", **noted)]).to_dict("records")
        assert machine(row) == machine(noted)


@pytest.mark.parametrize(
    "data", [["a", "padim", "", "M"], ("a", "padim", "", "M"), {0: "a", 1: "padim", 2: "", 3: "M"}]
)
def test_a_clicked_point_names_its_cell(data: object) -> None:
    assert clicked_cell([data]) == ("a", "padim", "", "M")


@pytest.mark.parametrize("clicked", [[], [None], ["a"], [["a", "b"]]])
def test_a_click_on_what_is_no_point_means_nothing(clicked: list[object]) -> None:
    assert clicked_cell(clicked) is None
