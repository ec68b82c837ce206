"""Seeds become error bars, and every result is compared with a baseline in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.io
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.tradeoff.seeds import over_seeds
from evaluation.cells import SCORES_FILE, all_cells
from evaluation.difference import image_auroc_difference
from evaluation.progress import RunProgress
from evaluation.request import Sweep
from evaluation.runner import Run, evaluate
from evaluation.seeds import BY_SETTING_FILE
from evaluation.summary import table_of
from tests.dashboard.test_pages import opened
from tests.make_data import write_category

PAGE = "pages/tradeoff.py"
RATIO = "coreset_ratio-0.05"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data folder and outputs of PaDiM and PatchCore with three seeds, two ratios."""
    base = tmp_path_factory.mktemp("swept")
    data, outputs = base / "data", base / "outputs"
    write_category(data, "part", train=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MVTEC_CACHE", str(base / "cache"))
        run = Run(data, outputs, ["part"], ["padim", "patchcore"], weights="random")
        variants = Sweep(coreset_ratios=(0.05,), seeds=(1, 2)).variants(run.settings)
        progress = RunProgress(outputs, [], show_bars=False)
        evaluate(replace(run, variants=variants), progress)
        progress.finish()
    return data, outputs


@pytest.fixture
def page(swept: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Open the page on the results of the sweep."""
    data, outputs = swept
    monkeypatch.setenv("MVTEC_ROOT", str(data))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(outputs))
    return opened(PAGE, category="part", method="padim")


def table(outputs: Path) -> pd.DataFrame:
    """Return the costs of all cells."""
    return table_of([cell for _, cell in all_cells(outputs)[0]])


def markers(app: AppTest) -> list[Any]:
    """Return the traces with points of the first chart."""
    [chart, *_] = app.get("plotly_chart")
    figure = plotly.io.from_json(chart.proto.spec)
    return [trace for trace in figure.data if trace.mode == "markers"]


def scores(outputs: Path, folder: str) -> pd.DataFrame:
    """Return the test scores of one cell."""
    found = pd.read_csv(outputs / folder / SCORES_FILE, dtype={"stem": str})
    return found[found["split"] == "test"]


def test_seeds_are_one_point_with_their_spread(swept: tuple[Path, Path]) -> None:
    cells = table(swept[1])
    rows = over_seeds(cells).set_index(["method", "settings_id"])
    padim = cells[cells["method"] == "padim"]["image_auroc"]
    row = rows.iloc[0]

    assert len(cells) == 9
    assert list(rows.index) == [("padim", ""), ("patchcore", ""), ("patchcore", RATIO)]
    assert list(rows["seeds"]) == [3, 3, 3]
    assert row["image_auroc"] == pytest.approx(padim.mean())
    assert row["image_auroc_high"] == pytest.approx(padim.mean() + padim.std())
    assert row["image_auroc_low"] == pytest.approx(padim.mean() - padim.std())


def test_the_chart_shows_a_point_per_setting_or_one_per_seed(page: AppTest) -> None:
    page.segmented_control(key="tradeoff_view").set_value("cells").run()
    page.pills[0].set_value(["", RATIO]).run()
    together = [trace.name for trace in markers(page)]
    page.toggle(key="tradeoff_over_seeds").set_value(False).run()
    options = page.pills[0].options

    assert not page.exception
    assert together == ["PaDiM", "PatchCore", f"PatchCore ({RATIO})"]
    assert len(options) == 6


def test_a_mean_over_categories_has_the_spread_of_that_mean(
    page: AppTest, swept: tuple[Path, Path]
) -> None:
    cells = table(swept[1])
    spread = cells[cells["method"] == "padim"]["image_auroc"].std()
    bars = markers(page)[0].error_y

    assert bars.visible
    assert list(bars.array) == pytest.approx([spread])
    assert list(bars.arrayminus) == pytest.approx([spread])


def test_every_other_result_gets_a_sentence_with_its_difference(
    page: AppTest, swept: tuple[Path, Path]
) -> None:
    texts = [
        one.value for one in page.markdown if "PatchCore" in one.value and "PaDiM" in one.value
    ]
    outputs = swept[1]
    folders = ["{}", "settings/seed-1/{}", "settings/seed-2/{}"]
    ours, baseline = (
        [scores(outputs, folder.format(f"part/{method}"))["score"] for folder in folders]
        for method in ("patchcore", "padim")
    )
    labels = scores(outputs, "part/padim")["label"]
    expected = image_auroc_difference(ours, baseline, labels)

    assert not page.exception
    assert len(texts) == 2
    assert f"{abs(expected.mean):.3f}" in texts[0]
    assert ("cannot be told apart" in texts[0]) is not expected.real
    assert "seeds: 3 and 3" in texts[0]
    assert "With one seed" not in texts[0]


def test_another_baseline_turns_the_difference_round(page: AppTest) -> None:
    box = page.selectbox(key="difference_baseline")
    assert box.options == ["PaDiM", "PatchCore", f"PatchCore ({RATIO})"]
    box.select_index(1).run()
    texts = [one.value for one in page.markdown if one.value.startswith("- **")]

    assert not page.exception
    assert any("PaDiM" in text and "PatchCore" in text for text in texts)
    assert all(not text.startswith("- **PatchCore is") for text in texts)


def test_results_that_would_read_the_same_are_told_apart_by_their_weights(
    swept: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    shutil.copytree(swept[1], own)
    file = own / "settings" / "seed-1" / "part" / "padim" / "cell.json"
    cell = json.loads(file.read_text())
    cell["weights"] = "random from elsewhere"
    del cell["files"], cell["checksum"]
    file.write_text(json.dumps(cell))
    monkeypatch.setenv("MVTEC_ROOT", str(swept[0]))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(own))
    app = opened(PAGE, category="part", method="padim")
    names = app.selectbox(key="difference_baseline").options

    assert not app.exception
    assert len(set(names)) == len(names) == 4
    assert "PaDiM, random from elsewhere" in names
    assert any("PaDiM, random from elsewhere" in one.value for one in app.markdown)


def test_one_seed_is_said_to_be_one(results: Path) -> None:
    app = opened(PAGE, category="part", method="padim")
    texts = " ".join(one.value for one in app.markdown)

    assert results.is_dir()
    assert not app.exception
    assert "With one seed the spread over seeds is not known" in texts


def test_results_on_other_pictures_are_not_compared(results: Path) -> None:
    path = results / "part" / "padim" / SCORES_FILE
    renamed = pd.read_csv(path, dtype={"stem": str})
    renamed.loc[renamed["split"] == "test", "stem"] += "x"
    renamed.to_csv(path, index=False)
    app = opened(PAGE, category="part", method="padim")
    texts = " ".join(one.value for one in app.markdown)

    assert not app.exception
    assert "were not evaluated on the same pictures" in texts


def test_the_overview_has_means_over_seeds_of_the_settings_that_are_chosen(
    swept: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MVTEC_ROOT", str(swept[0]))
    monkeypatch.setenv("MVTEC_OUTPUTS", str(swept[1]))
    app = opened("pages/overview.py", category="part")
    rows = over_seeds_on(app)
    app.multiselect(key="overview_settings").set_value([RATIO]).run()
    filtered = over_seeds_on(app)
    expected = pd.read_csv(swept[1] / BY_SETTING_FILE)

    assert not app.exception
    assert list(rows["seeds"]) == [3, 3, 3]
    assert list(rows["image_auroc_mean"]) == pytest.approx(list(expected["image_auroc_mean"]))
    assert list(rows["image_auroc_std"]) == pytest.approx(list(expected["image_auroc_std"]))
    assert list(filtered["settings"]) == [RATIO]
    cells = [frame.value for frame in app.dataframe if "settings" in frame.value]
    assert all(RATIO in name for table in cells for name in table["settings"])


def over_seeds_on(app: AppTest) -> pd.DataFrame:
    """Return the overview's table of means over seeds."""
    [table] = [frame.value for frame in app.dataframe if "seeds" in frame.value]
    return table


def test_one_seed_alone_has_no_table_of_means_over_seeds(results: Path) -> None:
    app = opened("pages/overview.py", category="part")

    assert results.is_dir()
    assert not [frame for frame in app.dataframe if "seeds" in frame.value]
    assert not [one for one in app.multiselect if one.key == "overview_settings"]
