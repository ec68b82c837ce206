"""Rate pictures of parts with the exported model beside this file.

It needs NumPy, Pillow and OpenVINO: pip install -r requirements.txt. A score is the maximum of the
picture's anomaly map, raw; higher is more anomalous. Exit status: 0 if all pictures were rated, 1
if one could not be read, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp")
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I")  # gray values of more than 8 bits
WHITE_LEVELS = [2**bits - 1 for bits in (8, 10, 12, 14, 16, 24, 31)]
OTHER_SHAPE = 1.32
COLUMNS = ("file", "score", "verdict", "remark")


class Model:
    """The exported method with its threshold; ``about`` is the content of ``about.json``."""

    def __init__(self, folder: Path) -> None:
        self.about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        core, self.stages = openvino.Core(), []
        for name, precision in self.about["stages"].items():
            hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
            self.stages.append(core.compile_model(folder / name, "CPU", hints))

    def anomaly_map(self, pixels: Any) -> Any:
        """Return the map, float32 [H, W], of what ``read`` gives."""
        values = {"images": pixels[None]}
        for stage in self.stages:
            found = stage({one.any_name: values[one.any_name] for one in stage.inputs})
            values = {one.any_name: found[one] for one in stage.outputs}
        return values["map"][0]

    def verdict(self, score: float) -> str:
        """Return defective, good, or review between two thresholds; n/a without any."""
        if self.about["threshold"] is None:
            return "n/a"
        if score > self.about["threshold"]:
            return "defective"
        review_above = self.about["review_above"]
        return "review" if review_above is not None and score > review_above else "good"

    def read(self, path: Path) -> tuple[Any, str]:
        """Return a picture as the method sees it, uint8 [H, W, 3], and what is unusual about it."""
        place = self.about["geometry"]
        height, width, shorter = place["height"], place["width"], place["shorter_side"]
        with Image.open(path, formats=FORMATS) as opened:
            remark, deep = "", opened.mode in DEEP_MODES
            refuse_odd_tiff(opened)
            picture = as_rgb(ImageOps.exif_transpose(opened), place["white"])
        if deep != (place["white"] is not None):
            remark = "not of the training pictures' depth"
        size = (width, height)
        if shorter is None:
            ratio = (picture.width / picture.height) / (width / height)
            if max(ratio, 1 / ratio) > OTHER_SHAPE:
                remark = "not of the training pictures' shape: squeezed"
        elif picture.width <= picture.height:
            size = (shorter, int(shorter * picture.height / picture.width))
        else:
            size = (int(shorter * picture.width / picture.height), shorter)
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
        return np.asarray(picture.crop((left, top, left + width, top + height))), remark

    def overlay(self, pixels: Any, scores: Any) -> Image.Image:
        """Return the picture, red where its map is high."""
        low, high = self.about["scale"]
        heat = np.clip((scores - low) / (high - low), 0, 1)[..., None] * 0.8
        return Image.fromarray(np.uint8(pixels * (1 - heat) + np.array([255, 30, 0]) * heat))


def refuse_odd_tiff(picture: Image.Image) -> None:
    """Raise ValueError for TIFFs of which Pillow gives wrong values (tags 258, 262, 277, 284)."""
    tags = getattr(picture, "tag_v2", {})
    inverted = tags.get(262) == 0
    planes = tags.get(284) == 2 and tags.get(277, 1) > 1
    if max(tags.get(258, (8,))) > 8 and (inverted or planes):
        raise ValueError("a TIFF with separate planes, or in which 0 is white")


def as_rgb(picture: Image.Image, white: int | None) -> Image.Image:
    """Return it in 8-bit RGB, transparency on white; `white` is the gray value that becomes 255."""
    if picture.mode in DEEP_MODES:
        values = np.asarray(picture)
        largest = int(values.max())
        level = white or next(one for one in WHITE_LEVELS if largest <= one)
        gray = np.clip(np.rint(values * (255 / level)), 0, 255).astype(np.uint8)
        return Image.fromarray(gray).convert("RGB")
    if picture.mode == "F":
        raise ValueError("pixels are decimal numbers")
    if "A" in picture.getbands() or "transparency" in picture.info:
        page = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(page, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def main() -> int:
    """Rate what the command line names."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("target", type=Path, help="a picture, or a folder with pictures")
    parser.add_argument("--csv", type=Path, default=Path("scores.csv"), help="default: scores.csv")
    parser.add_argument("--maps", type=Path, help="folder for pictures with their maps over them")
    given = parser.parse_args()
    root = given.target if given.target.is_dir() else given.target.parent
    found = sorted(given.target.rglob("*")) if given.target.is_dir() else [given.target]
    paths = [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not paths:
        parser.error(f"there is no picture in {given.target}")
    model, failed = Model(Path(__file__).resolve().parent), 0
    with given.csv.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for path in paths:
            name = path.relative_to(root).as_posix()
            score, verdict, scores = math.nan, "n/a", None
            try:
                pixels, remark = model.read(path)
                scores = model.anomaly_map(pixels)
                score = float(scores.max())
                verdict = model.verdict(score)
            except Exception as error:  # Pillow's decoders raise many types
                failed, remark = failed + 1, f"not read: {error}"
            table.writerow(["'" * (name[0] in "=+-@") + name, f"{score:.9g}", verdict, remark])
            print(f"{score:10.5g}  {verdict:<10}{name}  {remark}")
            if given.maps and scores is not None:
                target = given.maps / path.relative_to(root).with_suffix(".png")
                target.parent.mkdir(parents=True, exist_ok=True)
                model.overlay(pixels, scores).save(target)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
