"""Is a difference between two results real, or chance? One sentence for each, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.loaders import scores
from dashboard.notices import draw_no_results
from dashboard.recorded import weights_text
from dashboard.state import Selection, keep_choice, said, t
from dashboard.tables import method_title, told_apart
from dashboard.texts import plain
from evaluation.cells import CellError, CellPlace
from evaluation.difference import Difference, image_auroc_difference
from evaluation.seeds import weights_without_seed, without_seed

PICTURE = ["defect", "stem"]


@dataclass(frozen=True, order=True)
class Side:
    """The cells of one category that differ in nothing but the seed."""

    method: str
    setting: str
    weights: str

    @property
    def name(self) -> str:
        """What it is called on the page, as plain text."""
        parts = [method_title(self.method)]
        if self.setting:
            parts.append(f"({self.setting})")
        return " ".join(parts)


def sides(cells: pd.DataFrame) -> dict[Side, list[str]]:
    """Return the sides that can be compared, each with the ``settings_id`` of its cells."""
    found: dict[Side, list[str]] = {}
    for row in cells.itertuples():
        name = str(row.settings_id)
        side = Side(str(row.method), without_seed(name), weights_without_seed(str(row.weights)))
        found.setdefault(side, []).append(name)
    return found


def names_of(found: Sequence[Side]) -> dict[Side, str]:
    """Return what each side is called; with the weights where two would read the same."""
    weights = [weights_text(side.weights) for side in found]
    return dict(zip(found, told_apart([side.name for side in found], weights), strict=True))


def draw_differences(selection: Selection, cells: pd.DataFrame) -> None:
    """Draw the comparison of all results of the selected category with a chosen one."""
    found = sides(cells[cells["category"] == selection.category])
    if len(found) < 2:
        return
    st.header(t("difference_title", category=selection.category))
    places = [
        CellPlace(selection.outputs, selection.category, side.method, name)
        for side, names in found.items()
        for name in names
    ]
    if not any(place.finished for place in places):
        draw_no_results(selection)
        return
    names = names_of(list(found))
    keep_choice("difference_baseline", list(names))
    baseline = st.selectbox(
        t("difference_baseline"),
        list(names),
        format_func=lambda side: names[side],
        key="difference_baseline",
        help=t("difference_help"),
    )
    rows = []
    for side in names:
        if side == baseline:
            continue
        try:
            difference = _difference(selection, side, baseline, found)
        except CellError as error:
            st.warning(plain(str(error)))
            continue
        if difference is None:
            st.markdown(t("difference_other_pictures", ours=names[side], baseline=names[baseline]))
            continue
        st.markdown(_sentence(names[side], names[baseline], difference))
        rows.append(_row(side, difference))
    if rows:
        with st.expander(t("difference_numbers", baseline=names[baseline])):
            _draw_table(rows)
    st.caption(t("difference_explained"))


def _difference(
    selection: Selection, ours: Side, baseline: Side, found: Mapping[Side, list[str]]
) -> Difference | None:
    """Compare two sides; None if they were not evaluated on the same pictures."""
    outputs, category = selection.outputs, selection.category
    our_cells, baseline_cells = (
        [_test_scores(CellPlace(outputs, category, side.method, name)) for name in found[side]]
        for side in (ours, baseline)
    )
    labels = our_cells[0]["label"]
    for cell in (*our_cells, *baseline_cells):
        if not cell["label"].equals(labels):
            return None
    return image_auroc_difference(
        [cell["score"] for cell in our_cells],
        [cell["score"] for cell in baseline_cells],
        labels,
    )


def _test_scores(place: CellPlace) -> pd.DataFrame:
    """Return label and score of a cell's test pictures by defect and stem."""
    table = scores(place)
    return table[table["split"] == "test"].set_index(PICTURE)[["label", "score"]].sort_index()


def _sentence(ours: str, baseline: str, difference: Difference) -> str:
    key = "difference_none"
    if np.isnan(difference.mean):
        key = "difference_undefined"
    elif difference.real:
        key = "difference_better" if difference.mean > 0 else "difference_worse"
    text = t(
        key,
        ours=ours,
        baseline=baseline,
        size=abs(difference.mean),
        signed=difference.mean,
        low=difference.low,
        high=difference.high,
        pictures=difference.pictures,
        seeds=difference.seeds,
        baseline_seeds=difference.baseline_seeds,
    )
    if min(difference.seeds, difference.baseline_seeds) == 1:
        text = f"{text} {t('difference_one_seed')}"
    return f"- {text}"


def _row(side: Side, difference: Difference) -> dict[str, object]:
    return {
        said("column_method"): method_title(side.method),
        said("column_settings"): side.setting or said("default_settings"),
        said("column_weights"): weights_text(side.weights),
        said("difference_column"): difference.mean,
        said("difference_column_low"): difference.low,
        said("difference_column_high"): difference.high,
        said("difference_column_seeds"): difference.seeds,
    }


def _draw_table(rows: list[dict[str, object]]) -> None:
    table = pd.DataFrame(rows)
    numbers = [said(f"difference_column{end}") for end in ("", "_low", "_high")]
    st.dataframe(
        table.style.format(dict.fromkeys(numbers, "{:+.4f}"), na_rep="n/a"),
        hide_index=True,
        width="stretch",
    )
