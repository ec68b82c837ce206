"""The learning curve on a page: the numbers in the file, or how to measure them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.texts import told, translate
from detectors.registry import Options
from evaluation.run.arguments import parse_request
from evaluation.run.plan import Run
from evaluation.run.progress import RunProgress
from evaluation.store.settings import Settings
from evaluation.training_set.curve_table import (
    CURVE_NAME,
    curve_file,
    over_draws,
    read_curve,
)
from evaluation.training_set.learning_curve import measure_learning_curve
from evaluation.training_set.study import carry_out, study_cells
from tests.dashboard.driver import App, figures, shown
from tests.runs import BOTH, backbones_made_once

COUNTS = [10, 24]
CHARTS = ("image_auroc", "pixel_auroc", "missed", "false_alarms")


def page(data: str, outputs: str, category: str) -> None:
    """Draw the panel alone."""
    from pathlib import Path

    from dashboard.state import Selection
    from dashboard.training.learning_panel import draw_learning_curves

    root = Path(data) if data else None
    draw_learning_curves(Selection(root, False, ("part",), category, "padim", Path(outputs)))


def drawn(data: Path | str, outputs: Path, lang: str = "en", category: str = "part") -> AppTest:
    arguments = {"data": str(data), "outputs": str(outputs), "category": category}
    app = App.from_function(page, default_timeout=60, kwargs=arguments)
    app.session_state["lang"] = lang
    return app.run()


@pytest.fixture(scope="module")
def measured(evaluated: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an outputs folder with nothing but a curve."""
    outputs = tmp_path_factory.mktemp("measured")
    settings = Settings(options=Options(), image_size=64)
    run = Run(evaluated[0], outputs, ["part"], BOTH, settings, "random")
    cells = study_cells(run, CURVE_NAME)
    progress = RunProgress(outputs, cells, show_bars=False)
    measure = partial(measure_learning_curve, counts=("10", "all"), seeds=(0, 1))
    with pytest.MonkeyPatch.context() as patch, backbones_made_once():
        patch.setenv("MVTEC_CACHE", str(outputs / "cache"))
        carry_out(measure, cells, run, progress)
    progress.finish()
    return outputs


def curve(outputs: Path) -> dict[str, Any]:
    return read_curve(outputs, "part")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_charts_show_mean_and_spread_of_what_was_measured(
    evaluated: tuple[Path, Path], measured: Path, lang: str
) -> None:
    app = drawn(evaluated[0], measured, lang)
    table = over_draws(curve(measured), 0.05).set_index("method")

    for figure, name in zip(figures(app), CHARTS, strict=True):
        assert [line.name for line in figure.data] == ["PaDiM", "PatchCore"]
        for line, method in zip(figure.data, ("padim", "patchcore"), strict=True):
            own = table.loc[method]
            assert list(line.x) == COUNTS
            for points, kind in ((line.y, "mean"), (line.error_y.array, "std")):
                np.testing.assert_allclose(
                    np.array(points, float), own[f"{name}_{kind}"], rtol=1e-9
                )
        assert list(figure.layout.xaxis.tickvals) == COUNTS
        levels = [shape.y0 for shape in figure.layout.shapes]
        assert levels == ([pytest.approx(0.05)] if name == "false_alarms" else [])
    for sentence in curve(measured)["enough"]:
        assert told(sentence, lang) in shown(app)


def test_the_allowed_false_alarms_move_the_line_and_the_thresholds(
    evaluated: tuple[Path, Path], measured: Path
) -> None:
    app = drawn(evaluated[0], measured)
    app.slider(key="alarms").set_value(20.0).run()
    own = over_draws(curve(measured), 0.2).query("method == 'padim'")

    missed, alarms = figures(app)[2:]
    assert alarms.layout.shapes[0].y0 == pytest.approx(0.2)
    np.testing.assert_allclose(np.array(missed.data[0].y, float), own["missed_mean"])


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_where_nothing_is_measured_the_button_starts_it_with_counts_that_there_are(
    evaluated: tuple[Path, Path], starts: list[list[str]], tmp_path: Path, lang: str
) -> None:
    data, outputs = evaluated
    app = drawn(data, outputs, lang)
    assert not figures(app)
    assert "10, 20, all" in shown(app)
    assert translate("learning_time_unknown", lang) not in shown(app)
    app.button(key="learning_start").click().run()
    [asked] = starts
    request = parse_request(asked)
    assert (request.categories, request.train_counts) == (("part",), ("10", "20", "all"))
    assert request.seeds == (0, 1, 2)
    assert request.data == str(data)

    app = drawn(data, tmp_path / "empty", lang)
    assert translate("learning_time_unknown", lang) in shown(app)
    app.button(key="learning_start").click().run()
    assert parse_request(starts[1]).train_counts == ("10", "20", "50", "100", "all")


def test_without_the_categorys_pictures_nothing_can_be_started(
    evaluated: tuple[Path, Path], measured: Path
) -> None:
    for app in (
        drawn("", measured),
        drawn(evaluated[0], evaluated[1], category="gone"),
    ):
        assert not [button for button in app.button if button.key == "learning_start"]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_damaged_file_is_a_sentence_and_can_be_measured_again(
    evaluated: tuple[Path, Path], measured: Path, tmp_path: Path, lang: str
) -> None:
    path = curve_file(tmp_path, "part")
    path.parent.mkdir()
    path.write_bytes(curve_file(measured, "part").read_bytes()[:-9])
    app = drawn(evaluated[0], tmp_path, lang)

    assert len(app.error) == 1
    assert path.name.replace("_", "\\_") in app.error[0].value
    assert not figures(app)
    assert not app.button(key="learning_start").disabled
