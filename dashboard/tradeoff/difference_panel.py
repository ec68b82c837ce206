"""Is a difference between two results real, or chance? One sentence for each, and the numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.figures.tradeoff_charts import series_names
from dashboard.loaders import scores
from dashboard.opening import draw_no_results
from dashboard.state import Selection, keep_choice, t, told
from dashboard.tables import draw_table, method_title, settings_title, weights_text
from data_utils.facts import fact_of
from evaluation.measure.averages import weights_without_seed, without_seed
from evaluation.measure.significance import Difference, image_auroc_difference
from evaluation.store.places import CellError, CellPlace


def draw_differences(selection: Selection, cells: pd.DataFrame) -> None:
    """Draw the comparison of all results of the selected category with a chosen one.

    Cells that differ in nothing but the seed are one side of a comparison.
    """
    cells = cells[cells["category"] == selection.category]
    places = [
        CellPlace(selection.outputs, selection.category, method, settings_id)
        for method, settings_id in zip(cells["method"], cells["settings_id"], strict=True)
    ]
    alike = cells.assign(
        place=pd.Series(places, cells.index, object),
        settings_id=cells["settings_id"].map(without_seed),
        weights=[weights_text(weights_without_seed(label)) for label in cells["weights"]],
    )
    keys = ["method", "settings_id", "weights", "origin"]
    sides = alike.groupby(keys, sort=False)["place"].agg(list).reset_index()
    if len(sides) < 2:
        return
    st.header(t("difference_title", category=selection.category))
    if not any(place.finished for place in places):
        draw_no_results(selection)
        return
    sides.index = pd.Index(series_names(sides))
    names = list(sides.index)
    keep_choice("difference_baseline", names)
    baseline = st.selectbox(
        t("difference_baseline"), names, key="difference_baseline", help=t("difference_help")
    )
    rows = []
    for name, side in sides.drop(baseline).iterrows():
        ours = str(name)
        try:
            difference = _difference(side["place"], sides.loc[baseline, "place"])
        except CellError as error:
            st.warning(told(fact_of(error)))
            continue
        if difference is None:
            st.markdown(t("difference_other_pictures", ours=ours, baseline=baseline))
            continue
        st.markdown(_sentence(ours, baseline, difference))
        rows.append(
            {
                "method": method_title(side["method"]),
                "settings": settings_title(side["settings_id"]),
                "weights": side["weights"],
                "difference_image_auroc": difference.mean,
                "low": difference.low,
                "high": difference.high,
                "seeds": difference.seeds,
            }
        )
    if rows:
        with st.expander(t("difference_numbers", baseline=baseline)):
            formats = dict.fromkeys(("difference_image_auroc", "low", "high"), "{:+.4f}")
            draw_table(pd.DataFrame(rows), {}, formats)
    st.caption(t("difference_explained"))


def _difference(ours: list[CellPlace], baseline: list[CellPlace]) -> Difference | None:
    """Compare two sides; None if they were not evaluated on the same pictures."""
    cells = [_test_scores(place) for place in (*ours, *baseline)]
    labels = cells[0]["label"]
    if not all(cell["label"].equals(labels) for cell in cells):
        return None
    scores_of = [cell["score"] for cell in cells]
    return image_auroc_difference(scores_of[: len(ours)], scores_of[len(ours) :], labels)


def _test_scores(place: CellPlace) -> pd.DataFrame:
    """Return label and score of a cell's test pictures by defect and stem."""
    table = scores(place)
    test = table[table["split"] == "test"].set_index(["defect", "stem"])
    return test[["label", "score"]].sort_index()


def _sentence(ours: str, baseline: str, difference: Difference) -> str:
    key = "difference_none"
    if np.isnan(difference.mean):
        key = "difference_undefined"
    elif difference.real:
        key = "difference_better" if difference.mean > 0 else "difference_worse"
    low, high = difference.low, difference.high
    if key == "difference_worse":
        low, high = -high, -low  # how much lower
    text = t(
        key,
        ours=ours,
        baseline=baseline,
        size=abs(difference.mean),
        signed=difference.mean,
        low=low,
        high=high,
        pictures=difference.pictures,
        seeds=difference.seeds,
        baseline_seeds=difference.baseline_seeds,
    )
    if min(difference.seeds, difference.baseline_seeds) == 1:
        text = f"{text} {t('difference_one_seed')}"
    return f"- {text}"
