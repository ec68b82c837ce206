"""The app, run by Streamlit's own test driver, and stored cells that a test changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.io
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from dashboard import frame
from dashboard.components import picture_viewer
from data_utils.locations import PROJECT
from evaluation.store.cells import read_cell, write_cell_file
from evaluation.store.places import CELL_FILE, SCORES_FILE
from evaluation.store.scores import read_scores

LINK = ":primary[{}]"  # how a count looks that opens its pictures
PAGES = [f"pages/{name}.py" for name in frame.PAGES]
# The driver would look through all installed packages before every run.
SCAN = "scan_component_manifests"
pytest.MonkeyPatch().setattr(manifest_scanner, SCAN, cache(getattr(manifest_scanner, SCAN)))


class App(AppTest):
    """The app; a run of it must end without an exception."""

    def _run(
        self, widget_state: WidgetStates | None = None, timeout: float | None = None
    ) -> AppTest:
        super()._run(widget_state, timeout)
        assert not self.exception
        return self


def forget_samples() -> None:
    """Forget what the viewer has made of samples, which it keeps while their cells are the same."""
    picture_viewer._kept.clear()


def opened(page: str, lang: str = "en", **url: str) -> AppTest:
    """Run the app and go to `page` with the given URL parameters."""
    forget_samples()
    app = App(PROJECT / "app.py", default_timeout=60)
    app.query_params["lang"] = lang
    for key, value in url.items():
        app.query_params[key] = value
    if page != PAGES[0]:
        app.switch_page(page)
    return app.run()


def every_page(lang: str = "en", **url: str) -> Iterator[tuple[str, AppTest]]:
    """Yield every page, each opened in a session of its own."""
    for page in PAGES:
        yield page, opened(page, lang, **url)


def shown(app: AppTest) -> str:
    groups = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info)
    alerts = (app.warning, app.error, app.success)
    return "\n".join(str(element.value) for group in (*groups, *alerts) for element in group)


def table_with(app: AppTest, *columns: str) -> pd.DataFrame:
    """Return the first table on the page that has these columns."""
    found: pd.DataFrame = next(
        element.value for element in app.dataframe if set(columns) <= set(element.value.columns)
    )
    return found


def figures(app: AppTest) -> list[Any]:
    return [plotly.io.from_json(chart.proto.spec) for chart in app.get("plotly_chart")]


def notices(app: AppTest) -> list[str]:
    """Return the notices on what the page shows."""
    lists = [
        text.value
        for one in app.expander
        if one.proto.icon == ":material/info:"
        for text in one.markdown
    ]
    return [notice.removeprefix("- ") for text in lists for notice in text.split("\n")]


def component(app: AppTest, key: str) -> dict[str, Any]:
    """Return what the page sends to the component with this key; nothing where there is none."""
    for node in app:
        if getattr(node, "type", "") == "bidi_component" and node.proto.id.endswith(f"-{key}"):
            content: dict[str, Any] = json.loads(node.proto.mixed.json or node.proto.json)
            return content
    return {}


def viewer(app: AppTest) -> dict[str, Any]:
    """Return what the viewer shows of the chosen sample."""
    content = component(app, "viewer")
    sample: dict[str, Any] = content["samples"][content["chosen"]]
    return sample


def marks(app: AppTest) -> list[list[str]]:
    """Return what stands beside the name of the chosen sample, each with its kind."""
    return [list(mark) for mark in viewer(app)["marks"]]


def send(app: AppTest, key: str, **state: Any) -> AppTest:
    """Let a component send its whole state, as it does in the browser."""
    states = app._tree.get_widget_states()
    sent = states.widgets.add()
    sent.id = next(
        node.proto.id
        for node in app
        if getattr(node, "type", "") == "bidi_component" and node.proto.id.endswith(f"-{key}")
    )
    sent.json_value = json.dumps(state)
    return app._run(states)


def tick(app: AppTest, key: str, **selection: Any) -> AppTest:
    """Tick rows or cells of a table, or click points of a chart, as one does in the browser."""
    states = app._tree.get_widget_states()
    ticked = states.widgets.add()
    elements = (*app.dataframe, *app.get("plotly_chart"))
    ticked.id = next(one.proto.id for one in elements if one.proto.id.endswith(f"-{key}"))
    ticked.string_value = json.dumps({"selection": selection})
    return app._run(states)


def change_cell(folder: Path, **changes: Any) -> None:
    """Change what a cell says of itself; in metrics, counts and the like only what is named."""
    cell = json.loads((folder / CELL_FILE).read_text())
    for name, value in changes.items():
        cell[name] = cell[name] | value if isinstance(value, dict) else value
    write_cell_file(folder, cell)


def scores(folder: Path) -> pd.DataFrame:
    return read_scores(folder, read_cell(folder))


def write_scores(folder: Path, table: pd.DataFrame, **changes: Any) -> None:
    """Let a cell have other scores, and change what it says of itself."""
    table.to_csv(folder / SCORES_FILE, index=False)
    change_cell(folder, **changes)


def rescore(folder: Path, change: dict[str, float]) -> None:
    """Change scores of test pictures, each named by ``<defect>/<stem>``."""
    table = scores(folder)
    names = table["defect"] + "/" + table["stem"]
    tests = names.where(table["split"] == "test")
    assert set(change) <= set(tests)
    write_scores(folder, table.assign(score=tests.map(change).fillna(table["score"])))
