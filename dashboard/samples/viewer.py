"""What the viewer shows of a sample: its pictures, what is found in it, and in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.assets import data_url
from dashboard.components.picture_viewer import zoom
from dashboard.samples.sample_set import Panels
from dashboard.state import remember, said, t
from dashboard.tables import percent
from evaluation.measure.by_defect import overlap
from evaluation.measure.disagreement import FALSE_ALARM, HIT, MISSED, PASSED
from evaluation.measure.regions import MOST_REGIONS, border, marked_regions_hit, regions
from evaluation.store.heatmap import (
    HEAT_TABLE,
    OUTLINE_COLOUR,
    OUTLINE_EDGE_COLOUR,
    OVERLAY_OPACITY,
    Scale,
    gray,
)
from evaluation.store.originals import Original, detail, original
from evaluation.store.sample_pictures import picture_name, png

VERDICTS = {
    HIT: ("verdict_found", "right"),
    PASSED: ("verdict_passed", "right"),
    MISSED: ("verdict_missed", "wrong"),
    FALSE_ALARM: ("verdict_false_alarm", "wrong"),
}
OPACITY_KEY = "opacity"
SLIDER_STEPS = 100
BAR_PX = (24, 960)
SIDES = ("height", "width")
HITS = {None: "unknown", True: "hit", False: "beside"}
KEYS = ("steps", "methods", "truth", "heat", "outline", "reset", "zoom")


def draw_outline_slider(scale: Scale, threshold: float, key: str, unit: str) -> float:
    """Draw the slider for the outline's score, which starts at the threshold; return the score.

    Without a threshold, or with one outside the colour scale, it starts in the scale's middle or
    at its nearer end. The key must change whenever the threshold does.
    """
    middle = (scale.low + scale.high) / 2
    start = middle if math.isnan(threshold) else min(max(threshold, scale.low), scale.high)
    step = (scale.high - scale.low) / SLIDER_STEPS
    level = st.slider(
        t("samples_outline"),
        scale.low,
        scale.high,
        start,
        step,
        format="%.4g",
        key=key,
        help=t("samples_outline_help", unit=unit),
    )
    moved = abs(level - start) > step / 2
    return float(level) if moved or math.isnan(threshold) else threshold


def draw_opacity_slider() -> float:
    """Draw the slider for how much the overlay hides of the picture; return it, 0 to 1."""
    remember(OPACITY_KEY, round(100 * OVERLAY_OPACITY), 0, 100)
    shown = st.slider(t("samples_opacity"), 0, 100, step=5, format="%d %%", key=OPACITY_KEY)
    return float(shown) / 100


def labels(methods: bool, truth: bool = True) -> dict[str, Any]:
    """Return the texts of the viewer's tools; of methods and ground truth where there are such."""
    tools = ("previous", "next", "help", "reset")
    absent = {"methods": not methods, "truth": not truth}
    return {
        **{name: said(f"viewer_{name}") for name in tools},
        **({"G": said("panel_truth")} if truth else {}),
        **{"H": said("panel_heatmap"), "O": said("viewer_outline")},
        "keys": [said(f"viewer_key_{name}") for name in KEYS if not absent.get(name)],
    }


def label_mark(row: Any) -> tuple[str, str]:
    """Return whether a test picture is good or which defect it has, and the mark's kind."""
    if row["label"]:
        return said("label_defect", defect=row["defect"]), "defect"
    return said("label_good"), "right"


def viewed(
    about: Mapping[str, Any],
    row: Any,
    seen: Mapping[str, Panels],
    levels: Mapping[str, float],
    marks: Iterable[tuple[str, str]],
    absent: Mapping[str, str] | None = None,
    under: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the viewer shows of one sample, for the browser.

    Parameters
    ----------
    about : mapping
        The content of the ``cell.json`` that the sample is from.
    row : Series
        Of its table of test pictures.
    seen : mapping of method to Panels
        At least one.
    levels : mapping of method to float
        The raw score at which each method's map is outlined, NaN for none.
    marks : iterable of (text, kind)
        What stands beside the name.
    absent, under : mapping of method to str, optional
        Why there is no map of a method; what stands below it.
    """
    name = f"{row['defect']}/{row['stem']}"
    image = next((one.image for one in seen.values() if one.image is not None), None)
    truth = next((one.truth for one in seen.values() if one.truth is not None), None)
    marked = None if truth is None or not row["has_mask"] else truth > 0
    shapes = [one.anomaly_map.shape for one in seen.values()]
    height, width = shapes[0] if shapes else (about["geometry"][side] for side in SIDES)
    own = original(about, row)
    near = zoom()[0] > 1
    whole = _detail(own, image) if near and own is not None and image is not None else None
    across, down, left, top = (
        (own.across, own.down, own.left, own.top) if own else (1.0, 1.0, 0.0, 0.0)
    )

    def layer(panels: Panels, level: float) -> dict[str, Any]:
        marked = panels.truth > 0 if panels.truth is not None and row["has_mask"] else None
        found = regions(panels.anomaly_map, level, marked)
        heat, strength = panels.heatmap, gray(panels.anomaly_map, panels.scale)
        right, lower = width / heat.shape[1], height / heat.shape[0]
        # A method may have seen another part of the file, or at another size.
        picture = panels.image
        apart = picture is not None and image is not None and not np.array_equal(picture, image)
        return {
            "heat": data_url(png(heat), "png"),
            "overlay": data_url(png(np.dstack([heat, strength])), "png"),
            "image": data_url(png(picture), "png") if picture is not None and apart else "",
            "truthBorder": "" if marked is None else border(marked),
            "border": border(panels.anomaly_map > level),
            "scale": f"scale({right} {lower})",
            "summary": found_text(panels, marked, level, bool(row["label"])),
            "regions": [
                {
                    "number": str(number),
                    "box": [
                        *(one.left * right, one.top * lower),
                        *(one.right * right, one.bottom * lower),
                    ],
                    "hit": HITS[one.hit],
                    "text": said(
                        f"region_{HITS[one.hit]}",
                        number=number,
                        x=round(left + (one.left + one.right) / 2 * across),
                        y=round(top + (one.top + one.bottom) / 2 * down),
                        area=round(one.area * across * down),
                        highest=one.maximum,
                    ),
                }
                for number, one in enumerate(found[:MOST_REGIONS], start=1)
            ],
        }

    missing = {} if image is not None else dict.fromkeys(("image", "overlay"), no_file(row, "img"))
    if truth is None:
        no_truth = said("no_mask" if row["label"] else "no_defect_marked")
        missing["truth"] = no_file(row, "gt") if row["has_mask"] else no_truth
    return {
        "title": name,
        "about": f"{name}, {label_mark(row)[0]}",
        "marks": list(marks),
        "width": width,
        "height": height,
        "image": "" if image is None else data_url(png(image), "png"),
        "truth": "" if truth is None else data_url(png(truth), "png"),
        "truthBorder": "" if marked is None else border(marked),
        "detail": whole,
        "layers": {method: layer(panels, levels[method]) for method, panels in seen.items()},
        "absent": missing | dict(absent or {}),
        "under": dict(under or {}),
    }


@st.cache_data(
    show_spinner=False, max_entries=12, hash_funcs={np.ndarray: lambda image: image.tobytes()}
)
def _detail(own: Original, image: NDArray[np.uint8]) -> dict[str, Any] | None:
    found = detail(own, image)
    if found is None:
        return None
    place = {"x": found.x, "y": found.y, "width": found.width, "height": found.height}
    return {"url": data_url(found.jpeg, "jpeg"), **place}


def no_file(row: Any, kind: str) -> str:
    """Say that a sample's file of a kind is missing or damaged."""
    return said("missing_picture", name=picture_name(row["defect"], row["stem"], kind))


def found_text(
    panels: Panels, marked: NDArray[np.bool_] | None, level: float, defective: bool
) -> str:
    """Say how much of the marked defect lies inside the outline, in pixels and per cent."""
    area = panels.anomaly_map.size
    nothing = np.zeros(panels.anomaly_map.shape, bool)
    counts = overlap(panels.anomaly_map, nothing if marked is None else marked, level)
    if marked is not None and counts.marked:
        hit, count = marked_regions_hit(marked, panels.anomaly_map, level)
        return said(
            "samples_overlap",
            hit=hit,
            regions=count,
            covered=percent(counts.covered),
            marked=counts.marked,
            outside=counts.outside,
            iou=counts.iou,
        )
    key = "samples_overlap_cropped" if defective else "samples_overlap_good"
    key = "samples_overlap_no_mask" if marked is None and defective else key
    return said(key, inside=counts.predicted, area=area, share=percent(counts.predicted / area))


def colour_bar(scale: Scale, threshold: float) -> NDArray[np.uint8]:
    """Draw the scale, coldest colour first, uint8 ``[24, 960, 3]``.

    A threshold within the scale gets a tick in the outline's colours.
    """
    picture = np.repeat(HEAT_TABLE[np.linspace(0, 255, BAR_PX[1]).astype(int)][None], BAR_PX[0], 0)
    if scale.low <= threshold <= scale.high:
        at = round((threshold - scale.low) / (scale.high - scale.low) * (BAR_PX[1] - 1))
        for half, colour in ((6, OUTLINE_EDGE_COLOUR), (3, OUTLINE_COLOUR)):
            picture[:, max(at - half, 0) : at + half] = colour
    return picture
