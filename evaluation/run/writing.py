"""From raw maps to the files of one finished cell."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_utils.decoding import Pictures, full_size_masks
from data_utils.demo import is_demo
from data_utils.mvtec import Category
from detectors.backbones.names import NO_WEIGHTS_LABEL
from detectors.base import AnomalyResult, Calibration, Detector
from detectors.maps import image_scores
from detectors.registry import METHODS
from evaluation.measure.drift import appearance
from evaluation.measure.measures import brightness_auroc, curve_arrays, measure
from evaluation.measure.metrics import mask_regions, numbered_masks
from evaluation.measure.operating_points import DEFAULT_FALSE_ALARMS, threshold_for
from evaluation.run.fitting import PendingCell, StartPhase
from evaluation.run.timing import PeakMemory, describe_machine
from evaluation.store.cells import CELL_FORMAT, new_cell, write_cell_file
from evaluation.store.heatmap import Scale
from evaluation.store.places import CURVES_FILE, MAPS_FILE, MODEL_FILE, SCORES_FILE
from evaluation.store.sample_pictures import SampleFiles, encode_samples, write_pictures
from evaluation.store.scores import scores_table

SEEN_PICTURES = 20
MEDIAN_STEP = 2


@dataclass
class CategoryInput:
    """The pictures of a category, and what all its cells write of them.

    Attributes
    ----------
    decode_s : float
        Seconds spent on reading the pictures.
    """

    category: Category
    pictures: Pictures
    decode_s: float

    @cached_property
    def sample_files(self) -> SampleFiles:
        """The test pictures and their ground truth as PNG files."""
        pictures = self.pictures
        return encode_samples(pictures.test_records, pictures.test, pictures.masks)

    @cached_property
    def regions(self) -> NDArray[np.uint32]:
        """The numbered defects of the test pictures, ``[T, H, W]``."""
        return mask_regions(self.pictures.masks)

    @cached_property
    def full_size_regions(self) -> list[NDArray[np.uint32]]:
        """The same at the size of each mask's file, ``[H, W]`` of every test picture."""
        return list(numbered_masks(full_size_masks(self.pictures)))

    @cached_property
    def looks(self) -> pd.DataFrame:
        """Brightness and sharpness of every picture."""
        return appearance(self.pictures.images)


def write_cell(cell: PendingCell, given: CategoryInput, started: float, phase: StartPhase) -> None:
    """Measure a scored cell and put it on disk, whole or not at all.

    Parameters
    ----------
    started : float
        ``time.perf_counter()`` when the work on this cell began, for its wall time; work
        shared with other cells counts in full.
    """
    assert cell.maps is not None
    assert cell.calibration is not None
    assert cell.latency_ms is not None
    pictures = given.pictures
    result = AnomalyResult(image_scores(cell.maps), cell.maps)
    records = pictures.test_records
    phase("measuring", **cell.told)
    with PeakMemory() as memory, cell.clock.phase("metrics"):
        full_size = cell.settings.full_size_masks
        regions = given.full_size_regions if full_size else given.regions
        measures = measure(result, records, regions)
        measures.metrics["brightness_auroc"] = brightness_auroc(
            given.looks["brightness"][pictures.train_count :], records["label"]
        )
        scale, scale_origin = colour_scale(cell.detector, cell.calibration, pictures.train)
    cell.peak_memory_mb = max(cell.peak_memory_mb, memory.peak_mb)
    report = phase("writing", **cell.told)
    samples = given.sample_files
    with new_cell(cell.place) as folder:
        with cell.clock.phase("write"):
            write_pictures(folder, records, samples, pictures.test, cell.maps, scale, report)
            np.save(folder / MAPS_FILE, cell.maps.astype(np.float16))
            np.savez(folder / CURVES_FILE, allow_pickle=False, **curve_arrays(measures))
            table = scores_table(
                given.category.root,
                pictures.records,
                result.scores,
                cell.calibration,
                given.looks,
                cell.maps,
                pictures.masks,
            )
            table.to_csv(folder / SCORES_FILE, index=False, float_format="%.9g")
            cell.detector.save(folder / MODEL_FILE)
        cell.clock.seconds["write"] += samples.seconds
        about = _description(cell, given)
        about |= {
            "metrics": measures.metrics,
            "scale": asdict(scale) | {"origin": scale_origin},
            "latency_ms": cell.latency_ms,
            "model_mb": (folder / MODEL_FILE).stat().st_size / 1e6,
            "timings": {"decode": given.decode_s, **cell.clock.seconds},
            "wall_s": time.perf_counter() - started,
        }
        write_cell_file(folder, about)


def _description(cell: PendingCell, given: CategoryInput) -> dict[str, Any]:
    assert cell.calibration is not None
    method = cell.place.method
    category, pictures, settings = given.category, given.pictures, cell.settings
    backbone = cell.backbone
    records = pictures.test_records
    defective = records[records["label"] == 1]
    fit_s = cell.clock["backbone_fit"] + cell.clock["fit"]
    score_s = cell.clock["backbone_score"] + cell.clock["score"]
    return {
        "format": CELL_FORMAT,
        "category": category.name,
        "method": method,
        "demo_data": is_demo(category.root),
        "counts": {
            "train_images": pictures.train_count,
            "test_good": int((records["label"] == 0).sum()),
            "test_defective": len(defective),
            "test_with_mask": int(defective["has_mask"].sum()),
            "calibration_images": len(cell.calibration.positions),
        },
        "fit_s": fit_s,
        "score_s": score_s,
        "runtime_s": fit_s + score_s,
        "ms_per_image": score_s / len(records) * 1000,
        "peak_memory_mb": cell.peak_memory_mb,
        "backbone": backbone.name if backbone else "none",
        "weights": backbone.weights_label if backbone else NO_WEIGHTS_LABEL,
        "backbone_identity": backbone.identity if backbone else "",
        "settings": settings.for_method(method),
        "settings_id": cell.place.settings_id,
        "method_version": METHODS[method].version,
        "fingerprint": settings.fingerprint(method, pictures.fingerprint),
        "data_fingerprint": pictures.fingerprint,
        "data_root": str(category.root.resolve()),
        "transform": str(pictures.transform),
        "geometry": asdict(pictures.transform),
        "left_out": settings.leave_out,
        "threshold": {
            "false_alarms": DEFAULT_FALSE_ALARMS,
            "value": threshold_for(cell.calibration.result.scores, DEFAULT_FALSE_ALARMS),
        },
        "findings": [asdict(one) for one in (*category.findings, *pictures.findings)],
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **describe_machine(),
    }


def scale_from(good: AnomalyResult) -> Scale:
    """Return the scale from the median pixel of good pictures to twice their 5 % threshold.

    The median is over every second row and column: for smoothed maps nearly the same, in a quarter
    of the time.

    Where the pictures are too few for that threshold, their largest score stands in.
    """
    threshold = threshold_for(good.scores, DEFAULT_FALSE_ALARMS)
    if math.isnan(threshold):
        threshold = float(good.scores.max())
    low = float(np.median(good.maps[:, ::MEDIAN_STEP, ::MEDIAN_STEP]))
    return Scale(low, max(2 * threshold, low + 1e-3 * abs(low), 1e-6))


def colour_scale(
    detector: Detector, calibration: Calibration, train: NDArray[np.uint8]
) -> tuple[Scale, str]:
    """Return the scale of a fitted detector and what it was made from.

    Held-out good pictures, or some of the training pictures where none could be held out.

    Parameters
    ----------
    train : uint8 [N, H, W, 3]
        The training pictures.
    """
    if len(calibration.positions):
        return scale_from(calibration.result), "held-out good pictures"
    seen = detector.score(np.asarray(train[:SEEN_PICTURES]))
    return scale_from(seen), "training pictures that the detector has seen"
