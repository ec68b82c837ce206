"""Rate pictures of parts with the exported model beside this file.

A score is the maximum of the picture's anomaly map, raw; higher is more anomalous. Exit status: 0
if all pictures were rated, 1 if one could not be read, 2 for wrong arguments.
"""

import argparse
import csv
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from PIL import Image, ImageOps, features

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", *["AVIF"] * bool(features.check("avif")))
OTHER_FILES = (".txt", ".md", ".csv", ".json", ".xml", ".pdf", ".zip", ".py", ".db", ".ini")
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I")  # gray values of more than 8 bits
CAPABILITIES = "OPTIMIZATION_CAPABILITIES"
WHITE_BITS, OTHER_SHAPE, LONGEST, MOST_PIXELS = (8, 10, 12, 14, 16, 24, 31), 1.32, 50, 64_000_000


class Model:
    """The exported method."""

    def __init__(self, folder: Path) -> None:
        self.about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        core, self.stages = openvino.Core(), []
        for name, precision in self.about["stages"].items():
            if precision == "bf16" and "BF16" not in core.get_property("CPU", CAPABILITIES):
                raise OSError("this processor does not compute in bfloat16; export float32 or int8")
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
        reject, review = self.about["threshold"], self.about["review_above"]
        if reject is None or score > reject:
            return "n/a" if reject is None else "defective"
        return "review" if score > review else "good"

    def read(self, path: Path) -> tuple[Any, str]:
        """Return a picture as the method sees it, uint8 [H, W, 3], and what is unusual about it."""
        height, width, shorter, white = self.about["geometry"].values()
        with Image.open(path, formats=FORMATS) as opened:
            check(opened)
            other_depth = (opened.mode in DEEP_MODES) != (white is not None)
            remark = "not of the training pictures' depth" * other_depth
            turned: Any = opened
            with suppress(SyntaxError, ValueError, KeyError, TypeError):  # a damaged note
                turned = ImageOps.exif_transpose(opened)
            picture = as_rgb(turned, white)
        wide, high, low = width, height, min(picture.size)
        if shorter is not None:
            wide, high = (shorter if n == low else int(shorter * n / low) for n in picture.size)
        elif (
            not 1 / OTHER_SHAPE <= picture.width * height / (picture.height * width) <= OTHER_SHAPE
        ):
            remark = "not of the training pictures' shape: squeezed"
        picture = picture.resize((wide, high), Image.Resampling.BILINEAR)
        left, top = round((wide - width) / 2), round((high - height) / 2)
        return np.asarray(picture.crop((left, top, left + width, top + height))), remark


def check(picture: Any) -> None:
    """Raise ValueError for a picture that is too large, or of which Pillow gives wrong values."""
    long, short = max(picture.size), min(picture.size)
    if long * short > MOST_PIXELS or long > LONGEST * short:
        raise ValueError("more than 64 million pixels, or 50 times as long as wide")
    if picture.mode == "F":
        raise ValueError("pixels are decimal numbers")
    if picture.format == "TIFF":
        picture.filename = ""  # or Pillow maps the file and mixes up the rows of a turned picture
        tags = getattr(picture, "tag_v2", {})  # 258 bits, 262 black, 277 channels, 284 planes
        odd = tags.get(262) == 0 or (tags.get(284) == 2 and tags.get(277, 1) > 1)
        if odd and max(tags.get(258, (8,))) > 8:
            raise ValueError("a TIFF with separate planes, or in which 0 is white")


def as_rgb(picture: Image.Image, white: int | None) -> Image.Image:
    """Return it in 8-bit RGB, transparency on white; `white` is the gray value that becomes 255."""
    if picture.mode in DEEP_MODES:
        values = np.asarray(picture)
        if values.min() < 0:
            raise ValueError("pixels below zero")
        level = white or 2 ** next(bits for bits in WHITE_BITS if values.max() < 2**bits) - 1
        gray = np.clip(np.rint(values * np.float64(255 / level)), 0, 255).astype(np.uint8)
        return Image.fromarray(gray).convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        page = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(page, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def pictures_in(target: Path) -> list[Path]:
    """Return what may be pictures in a folder; raises OSError if one in it cannot be read."""
    unread: list[OSError] = []
    walk = os.walk(target, onerror=unread.append)
    found = [Path(place, name).relative_to(target) for place, _, names in walk for name in names]
    if unread:
        raise unread[0]
    hidden = {one for one in found if any(part.startswith((".", "~$")) for part in one.parts)}
    return [target / p for p in sorted(set(found) - hidden) if p.suffix.lower() not in OTHER_FILES]


def main() -> int:
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("target", type=Path, help="a picture, or a folder with pictures")
    parser.add_argument("--csv", type=Path, default=Path("scores.csv"), help="default: scores.csv")
    given = parser.parse_args()
    table: list[tuple[str, str, str, str]] = [("file", "score", "verdict", "remark")]
    try:
        root = given.target if given.target.is_dir() else given.target.parent
        paths = pictures_in(root) if given.target.is_dir() else [given.target]
        if not paths or given.csv.suffix.lower() != ".csv":
            parser.error("--csv must end in .csv" if paths else f"no picture in {given.target}")
        model = Model(Path(__file__).resolve().parent)
        for path in paths:
            try:
                pixels, remark = model.read(path)
                value = float(model.anomaly_map(pixels).max())
                score, verdict = f"{value:.9g}", model.verdict(value)
            except Exception as error:  # Pillow's decoders raise many types
                score, verdict, remark = "", "n/a", f"not read: {error}"
            name = path.relative_to(root).as_posix()
            print(f"{score:>12}  {verdict:<10}{name}  {remark}")
            guard = "'" * name.lstrip("'").startswith(tuple("=+-@\t\r\n＝＋－＠"))
            table.append((guard + name, score, verdict, remark))
        with given.csv.open("w", newline="", encoding="utf-8-sig", errors="replace") as file:
            csv.writer(file).writerows(table)
    except OSError as error:
        parser.error(str(error))
    return 0 if all(row[1] for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())
