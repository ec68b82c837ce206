"""The address says what is shown: read on every way to it, checked, and written by the page."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.state import address, remember
from dashboard.texts import translate
from tests.dashboard.driver import component, opened, rescore, shown

pytestmark = pytest.mark.usefixtures("results")
SAMPLES = "pages/samples.py"


def warned(app: AppTest, what: str) -> bool:
    return translate("not_here", "en", what=what) in [one.value for one in app.warning]


def go_back(app: AppTest, **url: str) -> AppTest:
    """Let the browser go to another address of the page, as Back does."""
    app.query_params.clear()
    app.query_params.update({"lang": "en", **url})
    return app.run()


def test_back_shows_what_the_address_says_and_then_the_page_can_be_changed_again() -> None:
    before = {"category": "part", "method": "padim", "sample": "blot/003"}
    app = opened(SAMPLES, **before)
    app.selectbox(key="sample").set_value("blot/005").run()
    app.selectbox(key="show_en").set_value("hit").run()
    app.segmented_control(key="method").set_value("patchcore").run()
    go_back(app, **before, alarms="10.0", zoom="2,0.5,0.5")
    assert app.selectbox(key="sample").value == "blot/003"
    assert app.selectbox(key="show_en").value == ""
    assert app.segmented_control(key="method").value == "padim"
    assert app.slider(key="alarms").value == 10
    assert component(app, "viewer")["view"] == [2, 0.5, 0.5]
    app.selectbox(key="sample").set_value("blot/001").run()
    assert app.query_params["sample"] == "blot/001"


@pytest.mark.parametrize(
    ("key", "page"),
    [
        ("category", "overview"),
        ("method", "samples"),
        ("settings", "samples"),
        ("settings", "roc"),
        ("sample", "samples"),
        ("sample", "compare"),
        ("show", "samples"),
        ("together", "compare"),
        ("defect", "samples"),
        ("order", "samples"),
        ("roc_view", "roc"),
        ("tradeoff_cost", "tradeoff"),
        ("defects_types_metric", "defects"),
    ],
)
def test_what_is_not_here_is_said_once(key: str, page: str) -> None:
    app = opened(f"pages/{page}.py", **{"category": "part", "method": "padim", key: "no*where"})
    assert warned(app, "no*where")
    assert not warned(app.run(), "no*where")
    assert app.query_params.get(key) != "no*where"


@pytest.mark.parametrize(
    ("given", "start", "expected"),
    [
        ("25", 65, 25),
        ("101", 65, 65),
        ("-1", 65, 65),
        ("nan", 65, 65),
        ("1e400", 65, 65),
        ("true", 65, 65),
        ("x", 65, 65),
        ("[" * 100_000, 65, 65),
        ("9", None, 9.0),
        ("1e9", None, None),
        ("null", None, None),
        ("true", False, True),
        ("1", False, False),
        ('["a"]', [], ["a"]),
        ("[1]", ["b"], ["b"]),
        ('"a"', ["b"], ["b"]),
        ("any text", "", "any text"),
    ],
)
def test_a_value_in_the_address_is_of_the_widget_s_kind_and_range_or_as_if_there_were_none(
    given: str, start: object, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, object] = {"_adopted": {"key": given}}
    monkeypatch.setattr(st, "session_state", state)
    remember("key", start, 0, 100)
    assert state["key"] == expected
    assert type(state["key"]) is type(expected)
    remember("own", start, shared=False)
    assert state["own"] == start


def test_numbers_out_of_range_in_the_address_take_no_page_down() -> None:
    app = opened(SAMPLES, category="part", method="padim", opacity="500", alarms="99", zoom="1e9,2")
    assert app.slider(key="opacity").value == 65
    assert app.slider(key="alarms").value == 30
    assert component(app, "viewer")["view"] == [1, 0.5, 0.5]
    source = {"inspection_source": "inspection_from_test", "inspection_damage": "inspection_stain"}
    app = opened("pages/inspection.py", **source, inspection_size="-5", inspection_seed="1e300")
    assert app.number_input(key="inspection_seed").value == 0
    app = opened("pages/overview.py", category="part", overview_ms="-1")
    assert app.number_input(key="overview_ms").value is None


def test_a_typed_data_folder_stands_in_the_address(tmp_path: Path) -> None:
    app = opened("pages/overview.py", category="part")
    folder = str(tmp_path / "typed")
    app.text_input(key="data_folder").set_value(folder).run()
    assert app.query_params["data_folder"] == folder
    again = opened("pages/overview.py", **app.query_params)
    assert again.text_input(key="data_folder").value == folder


def test_an_address_leaves_out_what_is_as_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"lang": "en", "category": "part", "settings": "", "alarms": 5.0, "sample": "a/1"}
    monkeypatch.setattr(st, "session_state", state)
    assert address() == {"lang": "en", "category": "part"}
    assert address(show="missed", category="") == {"lang": "en", "show": "missed"}
    state["alarms"] = 7.5
    assert address()["alarms"] == "7.5"


def test_a_linked_number_opens_just_its_pictures_whatever_was_chosen_before(
    results: Path,
) -> None:
    rescore(results / "part" / "padim", {"blot/001": -1e6, "blot/004": -1e6})
    app = opened(SAMPLES, category="part", method="patchcore", sample="good/004", zoom="2,0.5,0.5")
    app.selectbox(key="defect_en").set_value("good").run()
    app.switch_page("pages/roc.py").run()
    link = next(one.proto for one in app.get("page_link") if "Missed" in one.proto.label)
    assert "2 of 6" in link.label
    app.switch_page(SAMPLES)
    go_back(app, **dict(parse_qsl(link.query_string)))
    assert app.segmented_control(key="method").value == "padim"
    assert component(app, "viewer")["names"] == ["blot/001", "blot/004"]
    assert "2 missed" in shown(app)
    assert component(app, "viewer")["view"] == [1, 0.5, 0.5]


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("folder", ["//evil/share", " //evil/share", "\\\\evil\\share", "\\/evil"])
def test_an_address_leads_to_no_other_computer(folder: str) -> None:
    app = opened("pages/overview.py", data_folder=folder)
    assert app.text_input(key="data_folder").value == ""
    assert "evil" not in shown(app)


@pytest.mark.usefixtures("results")
def test_another_category_begins_with_its_own_sample_and_without_a_choice_by_scores() -> None:
    app = opened(
        "pages/samples.py", category="part", method="padim", sample="good/001", show="above:0.0"
    )
    assert app.selectbox(key="sample").value == "good/001"
    app.selectbox(key="category").set_value("bare").run()
    assert str(app.selectbox(key="sample").value).startswith("blot/")  # a telling one
    assert app.selectbox(key="show_en").value == ""
    assert "is not here" not in shown(app)
