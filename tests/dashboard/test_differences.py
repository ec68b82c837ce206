"""Seeds become error bars, and every result is compared with a baseline in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from evaluation.measure.averages import by_setting
from evaluation.measure.significance import image_auroc_difference
from evaluation.store.cells import read_cell, readable_cells
from evaluation.store.summary import table_of
from tests.dashboard.driver import change_cell, opened, scores, write_scores
from tests.dashboard.test_tradeoff_page import page, series

RATIO, NAMED = "coreset_ratio-0.05", "coreset ratio 0.05"
SETTINGS = {
    "padim": ["", "seed-1", "seed-2"],
    "patchcore": ["", "seed-1", "seed-2", RATIO, f"{RATIO}_seed-1", f"{RATIO}_seed-2"],
}


@pytest.fixture
def swept(results: Path) -> Path:
    """Return outputs of PaDiM with three seeds and of PatchCore with three seeds and two ratios.

    They are copies of one cell of either method with other scores and another AUROC.
    """
    shutil.rmtree(results / "bare")
    rng = np.random.default_rng(0)
    for method, settings in SETTINGS.items():
        about = read_cell(results / "part" / method)
        for name in settings[1:]:
            copy = results / "settings" / name / "part" / method
            shutil.copytree(results / "part" / method, copy)
            table = scores(copy)
            table["score"] *= rng.uniform(0.8, 1.2, len(table))
            seed = int(name[-1]) if "seed" in name else 0
            write_scores(
                copy,
                table,
                settings={"seed": seed} | ({"coreset_ratio": 0.05} if RATIO in name else {}),
                metrics={"image_auroc": about["metrics"]["image_auroc"] - 0.01 * seed},
                settings_id=name,
                weights=f"random (seed {seed})",
            )
    return results


def judged(folder: Path) -> pd.DataFrame:
    """Return the scores of the test pictures of one cell."""
    table = scores(folder)
    return table[table["split"] == "test"]


def sentences(app: AppTest) -> list[str]:
    """Return the sentences about differences."""
    return [one.value for one in app.markdown if one.value.startswith("- **")]


def test_seeds_are_one_point_with_their_spread_or_one_point_each(swept: Path) -> None:
    app = page()
    table = table_of(readable_cells(swept))
    spread = table[table["method"] == "padim"]["image_auroc"].std()
    bars = series(app)["PaDiM"].error_y
    assert bars.visible
    assert list(bars.array) == list(bars.arrayminus) == pytest.approx([spread])
    app.segmented_control(key="tradeoff_view").set_value("cells").run()
    app.pills[0].set_value(["", RATIO]).run()
    assert list(series(app)) == ["PaDiM", "PatchCore", f"PatchCore ({NAMED})"]
    app.toggle(key="tradeoff_over_seeds").set_value(False).run()
    assert len(app.pills[0].options) == 6


def test_every_other_result_gets_a_sentence_with_its_difference_from_the_baseline(
    swept: Path,
) -> None:
    app = page()
    folders = ["", "settings/seed-1", "settings/seed-2"]
    ours, baseline = (
        [judged(swept / folder / "part" / method)["score"] for folder in folders]
        for method in ("patchcore", "padim")
    )
    labels = judged(swept / "part" / "padim")["label"]
    expected = image_auroc_difference(ours, baseline, labels)
    texts = sentences(app)

    assert len(texts) == 2
    assert all("PatchCore" in text and "PaDiM" in text for text in texts)
    assert f"{abs(expected.mean):.3f}" in texts[0]
    assert ("cannot be told apart" in texts[0]) is not expected.real
    assert "seeds: 3 and 3" in texts[0]
    assert "With one seed" not in texts[0]

    box = app.selectbox(key="difference_baseline")
    assert box.options == ["PaDiM", "PatchCore", f"PatchCore ({NAMED})"]
    box.select_index(1).run()
    texts = sentences(app)
    assert any("PaDiM" in text and "PatchCore" in text for text in texts)
    assert all(not text.startswith("- **PatchCore is") for text in texts)


def test_results_that_would_read_the_same_are_told_apart_by_their_weights(swept: Path) -> None:
    cell = swept / "settings" / "seed-1" / "part" / "padim"
    change_cell(cell, weights="random from elsewhere")
    app = page()
    names = app.selectbox(key="difference_baseline").options
    assert len(set(names)) == len(names) == 4
    assert any("PaDiM, random from elsewhere" in text for text in sentences(app))


def test_one_seed_is_said_to_be_one_and_other_pictures_are_not_compared(results: Path) -> None:
    app = page()
    assert any("With one seed the spread over seeds is not known" in one for one in sentences(app))
    path = results / "part" / "padim"
    renamed = scores(path)
    renamed.loc[renamed["split"] == "test", "stem"] += "x"
    write_scores(path, renamed)
    app.run()
    assert any("were not evaluated on the same pictures" in one.value for one in app.markdown)


def over_seeds_on(app: AppTest) -> list[pd.DataFrame]:
    """Return the overview's table of means over seeds, if it has one."""
    return [frame.value for frame in app.dataframe if "seeds" in frame.value]


def test_the_overview_has_means_over_seeds_of_the_settings_that_are_chosen(swept: Path) -> None:
    app = opened("pages/overview.py", category="part")
    assert app.multiselect(key="overview_settings").value == [""]
    [default] = over_seeds_on(app)
    app.multiselect(key="overview_settings").set_value([]).run()
    [rows] = over_seeds_on(app)
    app.multiselect(key="overview_settings").set_value([RATIO]).run()
    [filtered] = over_seeds_on(app)
    expected = by_setting(table_of(readable_cells(swept)))
    numbers = ["image_auroc_mean", "image_auroc_std"]

    assert list(default["settings"]) == ["default", "default"]
    assert list(rows["seeds"]) == [3, 3, 3]
    pd.testing.assert_frame_equal(rows[numbers], expected[numbers])
    assert list(filtered["settings"]) == [NAMED]
    cells = [frame.value for frame in app.dataframe if "settings" in frame.value]
    assert all(NAMED in name for table in cells for name in table["settings"])
    shutil.rmtree(swept / "settings")
    app.run()
    assert not over_seeds_on(app)
    assert not [one for one in app.multiselect if one.key == "overview_settings"]
