"""From raw maps to the files of one finished cell."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from data_utils.demo import is_demo
from detectors.base import AnomalyResult
from detectors.maps import image_scores
from detectors.registry import METHODS
from evaluation.brightness import brightness_auroc
from evaluation.cell_work import CategoryWork, CellWork
from evaluation.cells import (
    CELL_FORMAT,
    CURVES_FILE,
    MAPS_FILE,
    MODEL_FILE,
    SCORES_FILE,
    new_cell,
    seal,
    write_cell_file,
)
from evaluation.heatmap import colour_scale
from evaluation.machine import PeakMemory, describe_machine
from evaluation.measure import curve_arrays, measure
from evaluation.pictures import write_pictures
from evaluation.scores import scores_table
from evaluation.thresholds import DEFAULT_FALSE_ALARMS, threshold_for


def write_cell(work: CellWork, shared: CategoryWork, started: float) -> None:
    """Measure a scored cell and put it on disk, whole or not at all.

    Parameters
    ----------
    started : float
        ``time.perf_counter()`` when the work on this cell began, for its wall time; work
        shared with other cells counts in full.
    """
    assert work.maps is not None
    assert work.calibration is not None
    assert work.latency is not None
    pictures, settings, progress = shared.pictures, work.settings, shared.progress
    name = shared.category.name
    result = AnomalyResult(image_scores(work.maps), work.maps)
    records = pictures.test_records
    progress.phase(f"{name}: measuring {work.title}")
    with PeakMemory() as memory, work.clock.phase("metrics"):
        measures = measure(result, records, shared.regions, settings.options.seed)
        brightness = shared.brightness
        measures.metrics["brightness_auroc"] = brightness_auroc(
            brightness[pictures.train_count :], records["label"]
        )
        scale, scale_origin = colour_scale(work.detector, work.calibration, pictures.train)
    work.peak_memory_mb = max(work.peak_memory_mb, memory.peak_mb)
    report = progress.phase(f"{name}: writing files of {work.title}")
    samples = shared.sample_files
    with new_cell(work.place) as folder:
        with work.clock.phase("write"):
            write_pictures(folder, records, samples, pictures.test, work.maps, scale, report)
            np.save(folder / MAPS_FILE, work.maps.astype(np.float16))
            np.savez(folder / CURVES_FILE, allow_pickle=False, **curve_arrays(measures))
            table = scores_table(
                shared.category.root,
                pictures.records,
                result.scores,
                work.calibration,
                brightness,
                pictures.masks,
            )
            table.to_csv(folder / SCORES_FILE, index=False, float_format="%.9g")
            work.detector.save(folder / MODEL_FILE)
        work.clock.seconds["write"] += samples.seconds
        cell = _description(work, shared)
        cell |= {
            "metrics": measures.metrics,
            "scale": asdict(scale) | {"origin": scale_origin},
            "latency_ms": work.latency.median_ms,
            "latency_p95_ms": work.latency.p95_ms,
            "model_mb": (folder / MODEL_FILE).stat().st_size / 1e6,
            "timings": {"decode": shared.decode_s, **work.clock.seconds},
            "wall_s": time.perf_counter() - started,
        }
        write_cell_file(folder, cell)
        seal(folder)


def _description(work: CellWork, shared: CategoryWork) -> dict[str, Any]:
    assert work.calibration is not None
    method = work.place.method
    category, pictures, settings = shared.category, shared.pictures, work.settings
    backbone = work.backbone
    records = pictures.test_records
    defective = records[records["label"] == 1]
    fit_s = work.clock["backbone_fit"] + work.clock["fit"]
    score_s = work.clock["backbone_score"] + work.clock["score"]
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
            "calibration_images": len(work.calibration.positions),
        },
        "fit_s": fit_s,
        "score_s": score_s,
        "runtime_s": fit_s + score_s,
        "ms_per_image": score_s / len(records) * 1000,
        "peak_memory_mb": work.peak_memory_mb,
        "backbone": backbone.name if backbone else "none",
        "weights": backbone.weights_label if backbone else "none (trained on these pictures)",
        "backbone_identity": backbone.identity if backbone else "",
        "settings": settings.for_method(method),
        "settings_id": work.place.settings_id,
        "method_version": METHODS[method].version,
        "fingerprint": settings.fingerprint(method, pictures.fingerprint),
        "data_fingerprint": pictures.fingerprint,
        "data_root": str(category.root.resolve()),
        "transform": str(pictures.transform),
        "geometry": asdict(pictures.transform),
        "threshold": {
            "false_alarms": DEFAULT_FALSE_ALARMS,
            "value": threshold_for(work.calibration.result.scores, DEFAULT_FALSE_ALARMS),
        },
        "findings": [str(finding) for finding in (*category.findings, *pictures.findings)],
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **describe_machine(),
    }
