"""Damaged data, many faults at once: each is named, and the numbers are those without it."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from data_utils.facts import from_json
from data_utils.images import read_picture
from data_utils.locations import PROJECT
from data_utils.mvtec import DatasetError, category_names, scan_category
from detectors.autoencoder import Autoencoder
from detectors.denoising import AutoencoderSettings
from evaluation.run.plan import Run
from evaluation.store.cells import read_cell
from evaluation.store.places import MODEL_FILE, SCORES_FILE
from evaluation.store.sample_pictures import KINDS, LONGEST_NAME, picture_name
from evaluation.store.summary import SUMMARY_FILE
from tests.make_data import SIDE, defective_picture, good_picture, save, write_category
from tests.runs import BOTH, SMALL, cell, evaluated, scores, scores_text

TRAIN, GOOD, BAD = 8, 4, 8
MARKED = 4
BEHIND_A_PIPE = f"test/blot/{MARKED + 2:03}.png"
NOT_UTF8 = b"\xff\xfe.png"

pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")

Findings = dict[str, str]


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Return a PNG file whose header promises more than its pixels hold."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def faint_picture(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a blot that is hard to tell from noise; return picture and mask."""
    good = good_picture(rng)
    _, mask = defective_picture(rng)
    faint = good + np.where(mask[..., None] > 0, rng.uniform(0, 12), 0)
    return np.clip(faint, 0, 255).astype(np.uint8), mask


def write_part(root: Path) -> Path:
    """Write a category that is hard to judge; its last defective pictures have no mask."""
    return write_category(root, "part", TRAIN, GOOD, BAD, masks=MARKED, draw=faint_picture)


def run_on(data: Path, methods: list[str] = BOTH, name: str = "part") -> Run:
    """Return a quick run on one category below `data`, with outputs beside it."""
    outputs = data.with_name(f"{data.name}-outputs")
    return Run(data, outputs, [name], methods, SMALL, weights="random")


def findings(run: Run, method: str = "padim") -> Findings:
    """Return the findings of a finished cell, by path below the category."""
    named: Findings = {}
    for finding in cell(run, method)["findings"]:
        key = finding["path"].removeprefix(f"{run.categories[0]}/")
        problem = str(from_json(finding["problem"]))
        named[key] = "; ".join(filter(None, [named.get(key, ""), problem]))
    return named


@cache
def huge() -> bytes:
    """Return a whole PNG file of four hundred million pixels; it is small."""
    whole = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(whole, "PNG")
    return whole.getvalue()


def bad_files(folder: Path) -> Findings:
    """Plant files that cannot be used as pictures; return what is to be said of each."""
    picture = good_picture(np.random.default_rng(0))
    whole = io.BytesIO()
    Image.fromarray(picture).save(whole, "PNG")
    contents = {
        "a-truncated.png": (whole.getvalue()[:2000], "cannot be decoded"),
        "a-short-header.png": (whole.getvalue()[:20], "cannot be|is not a picture"),
        "empty.png": (b"", "is an empty file"),
        "text.png": (b"no picture", "is not a picture; left out"),
        "bomb.png": (png(30_000, 30_000), "more than the 178 million pixels"),
        "absurd.png": (png(2**31 - 1, 2**31 - 1), "more than the 178 million pixels"),
        "promise.png": (png(10_000, 10_000), "cannot be decoded"),
        "notes.txt": (b"light was dim", "is no picture"),
    }
    said = {}
    for name, (content, words) in contents.items():
        (folder / name).write_bytes(content)
        said[name] = words
    (folder / "huge.png").write_bytes(huge())
    Image.new("L", (20_000, 1), 90).save(folder / "line.png")
    Image.new("L", (8, 7), 90).save(folder / "small.png")
    save(picture, folder / "000.tif")
    said |= {
        "huge.png": "more than the 178 million pixels",
        "line.png": "is 20000 x 1 px, more than 50 times as long as wide",
        "small.png": "is 8 x 7 px, too small",
        "000.tif": "same name as 000.png",
    }
    return said


def things_that_are_no_files(folder: Path) -> Findings:
    """Plant what only looks like a picture by its name; return what is to be said of each."""
    os.mkfifo(folder / "pipe.png")
    here = Path.cwd()
    os.chdir(folder)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket.png")
    finally:
        os.chdir(here)
    (folder / "zeros.png").symlink_to("/dev/zero")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "lost.png").symlink_to("nowhere.png")
    (folder / "up.png").symlink_to("../..", target_is_directory=True)
    save(good_picture(np.random.default_rng(0)), folder / "album.png" / "000.png")
    return {
        "pipe.png": "is no regular file",
        "socket.png": "is no regular file",
        "zeros.png": "is no regular file",
        "loop.png": "link that leads nowhere",
        "lost.png": "link that leads nowhere",
        "up.png": "is a folder",
        "album.png": "is a folder",
    }


def names_that_are_no_text(folder: Path) -> Findings:
    """Plant good pictures under names that no result file can hold."""
    save(good_picture(np.random.default_rng(0)), folder / "a\rb.png")
    shutil.copy(os.fsencode(folder / "000.png"), os.fsencode(folder) + b"/" + NOT_UTF8)
    return {
        "a\rb.png": "carriage return in its name",
        "\\udcff\\udcfe.png": "no valid text",
    }


def bad_masks(part: Path) -> Findings:
    """Plant masks that cannot be used; return what is to be said of each."""
    masks = part / "ground_truth"
    save(np.full((70, 64), 255, np.uint8), masks / "blot" / f"{MARKED:03}_mask.png")
    save(np.zeros((SIDE, SIDE), np.uint8), masks / "blot" / f"{MARKED + 1:03}_mask.png")
    os.mkfifo(masks / "blot" / f"{MARKED + 2:03}_mask.png")
    (masks / "blot" / f"{MARKED + 3:03}_mask.png").write_bytes(b"")
    white = np.full((SIDE, SIDE), 255, np.uint8)
    save(white, masks / "blot" / "077_mask.png")
    save(white, masks / "blot" / "000.png")
    save(white, masks / "good" / "000_mask.png")
    save(white, masks / "crack" / "000_mask.png")
    (masks / "note").write_text("masks are hand-made")
    return {
        f"ground_truth/blot/{MARKED:03}_mask.png": "64 x 70 px.*64 x 64 px.*no pixel metrics",
        f"ground_truth/blot/{MARKED + 1:03}_mask.png": "marks no pixel",
        f"ground_truth/blot/{MARKED + 2:03}_mask.png": "is no regular file",
        f"ground_truth/blot/{MARKED + 3:03}_mask.png": "is an empty file.*no pixel metrics",
        "ground_truth/blot/077_mask.png": "mask without a picture",
        "ground_truth/blot/000.png": "same picture as 000_mask.png",
        "ground_truth/good/000_mask.png": "mask for a good picture",
        "ground_truth/crack": "no folder test/crack",
        "ground_truth/note": "is no folder",
    }


def bad_folders(part: Path) -> Findings:
    """Plant folders that cannot be read; return what is to be said of each."""
    (part / "test" / "loop").symlink_to("loop")
    (part / "test" / "nothing").mkdir()
    (part / "test" / "note.txt").write_text("no folder")
    os.mkfifo(part / "test" / "pipe")
    save(good_picture(np.random.default_rng(0)), part / "test" / "locked" / "000.png")
    save(good_picture(np.random.default_rng(0)), part / "train" / "blot" / "000.png")
    os.mkdir(os.fsencode(part / "test") + b"/" + NOT_UTF8)  # noqa: PTH102  a name in bytes
    return {
        "test/loop": "is no folder",
        "test/nothing": "holds no picture",
        "test/note.txt": "is no folder",
        "test/pipe": "is no folder",
        "test/locked": r"cannot be read \(Permission denied\)",
        "train/blot": "only train/good is used",
        "test/\\udcff\\udcfe.png": "no valid text",
    }


def refuse_to_list(monkeypatch: pytest.MonkeyPatch, refused: str) -> None:
    """Refuse to list some folders, also to the superuser, whom no mode keeps out."""
    iterdir = Path.iterdir

    def refusing(self: Path) -> Iterator[Path]:
        if self.match(refused):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", refusing)


def plant_everything(part: Path) -> Findings:
    """Plant all faults that leave the rest of a category as it was."""
    said = bad_masks(part) | bad_folders(part)
    for folder in ("train/good", "test/good", "test/blot"):
        for plant in (bad_files, things_that_are_no_files, names_that_are_no_text):
            planted = plant(part / folder)
            said |= {f"{folder}/{name}": words for name, words in planted.items()}
    return said


def test_a_category_full_of_faults_has_the_numbers_of_the_category_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_list(monkeypatch, "locked")
    write_part(tmp_path / "clean")
    said = plant_everything(write_part(tmp_path / "faulty"))
    clean, faulty = run_on(tmp_path / "clean"), run_on(tmp_path / "faulty")

    assert evaluated(clean) == evaluated(faulty) == [("done", "")] * 2
    for method in BOTH:
        cells = [cell(run, method) for run in (clean, faulty)]
        assert cells[0]["metrics"] == cells[1]["metrics"]
        assert cells[0]["counts"] == cells[1]["counts"]
        assert scores_text(clean, method) == scores_text(faulty, method)
        assert 0 < cells[0]["metrics"]["pixel_auroc"] < 1  # or the two could agree by chance
    unmasked = {
        f"test/blot/{n:03}.png": "has no mask; no pixel metrics" for n in range(MARKED, BAD)
    }
    assert findings(clean) == unmasked
    named = findings(faulty)
    told = cell(faulty, "padim")["findings"]
    assert len(told) == len(named) + 2  # the two cut pictures of a blot have no mask either
    for path, words in said.items():
        assert re.search(words, named[path]), path
    assert set(named) == set(said) | {BEHIND_A_PIPE}
    assert "has no mask" in named[BEHIND_A_PIPE]
    assert len(said) > 70


def test_files_of_another_kind_than_their_names_are_read_and_named(tmp_path: Path) -> None:
    true, false = write_part(tmp_path / "true"), write_part(tmp_path / "false")
    rng = np.random.default_rng(9)
    for split, suffix, kind in [
        ("train/good", ".png", "JPEG"),
        ("test/good", ".jpg", "BMP"),
        ("test/blot", ".tif", "PNG"),
    ]:
        picture = Image.fromarray(good_picture(rng))
        picture.save(false / split / f"odd{suffix}", kind)
        shutil.copy(false / split / f"odd{suffix}", true / split / f"odd.{kind.lower()}")
    Image.fromarray(good_picture(rng)).convert("CMYK").save(false / "test" / "good" / "print.jpg")
    as_rgb = read_picture(false / "test" / "good" / "print.jpg").image
    as_rgb.save(true / "test" / "good" / "print.png")
    as_told, by_content = (run_on(tmp_path / name, ["padim"]) for name in ("true", "false"))

    assert evaluated(as_told) == evaluated(by_content) == [("done", "")]
    tables = [scores(run, "padim").drop(columns="file") for run in (as_told, by_content)]
    assert tables[0].equals(tables[1])
    said, untold = findings(by_content), findings(as_told)
    assert said["train/good/odd.png"] == "is a JPEG file in spite of its name"
    assert said["test/good/odd.jpg"] == "is a BMP file in spite of its name"
    assert said["test/blot/odd.tif"].startswith("is a PNG file in spite of its name")
    assert "CMYK" in said["test/good/print.jpg"]
    assert not any("name" in problem or "CMYK" in problem for problem in untold.values())


def test_a_picture_twenty_thousand_pixels_wide_is_evaluated(tmp_path: Path) -> None:
    part = write_part(tmp_path / "data")
    Image.new("L", (20_000, 1_000), 120).save(part / "test" / "good" / "wide.png")
    run = run_on(tmp_path / "data", ["padim"])

    assert evaluated(run) == [("done", "")]
    assert "20000 x 1000 px, a shape clearly different" in findings(run)["test/good/wide"]
    assert (run.place("part", "padim").folder / "good_wide_img.png").is_file()


# Few pictures, plain pictures.


@pytest.mark.parametrize("train", [1, 3])
def test_fewer_training_pictures_than_channels_give_finite_scores(
    tmp_path: Path, train: int
) -> None:
    write_category(tmp_path / "data", "part", train, GOOD, BAD, draw=faint_picture)
    run = run_on(tmp_path / "data")

    assert evaluated(run) == [("done", "")] * 2
    for method in BOTH:
        assert np.isfinite(scores(run, method)["score"]).all()
        assert np.isfinite(np.load(run.place("part", method).folder / "maps.npy")).all()
        assert 0 <= cell(run, method)["metrics"]["image_auroc"] <= 1
        named = findings(run, method)
        assert ("only one training picture" in named.get("part", "")) == (train == 1)


def test_training_pictures_behind_a_lock_are_a_reason_with_the_folders_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_part(tmp_path / "data")
    refuse_to_list(monkeypatch, "part/train/good")
    run = run_on(tmp_path / "data", ["padim"])
    words = "part/train/good: cannot be read (Permission denied)"

    [(state, reason)] = evaluated(run)
    assert state == "failed"
    assert words in reason


@pytest.mark.parametrize("constant", ["train/good", "."])
def test_plain_pictures_are_named_and_give_finite_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant: str
) -> None:
    short = AutoencoderSettings(sides=(32, 16), epochs=2, pictures_per_epoch=16)
    monkeypatch.setattr(Autoencoder, "from_options", lambda *_: Autoencoder(short))
    part = write_part(tmp_path / "data")
    plain = [path for path in (part / constant).rglob("*.png") if "mask" not in path.name]
    for path in plain:
        save(np.full((SIDE, SIDE, 3), 77, np.uint8), path)
    run = run_on(tmp_path / "data", ["ae", *BOTH])

    assert evaluated(run) == [("done", "")] * 3
    for method in run.methods:
        assert np.isfinite(scores(run, method)["score"]).all()
        named = findings(run, method)
        for path in plain:
            assert "one plain colour" in named[path.relative_to(part).as_posix()]
    if constant != "train/good":  # all test pictures are the same
        assert cell(run, method)["metrics"]["image_auroc"] == 0.5


# Names.

CATEGORY = "<b>부품 🙂 'x' \"y\" & \nz"
DEFECTS = ['<i>긁힘 "a"', "it's; a, b\nc", "=1+1 🙂"]
STEMS = [
    "<script>alert(1)<_script>",
    "사진 1",
    "🙂 'a' \"b\"",
    "a,b;c\td",
    "two\nlines",
    "=cmd()",
    "NA",
    "007",
    "가" * 83,
    "가" * 82 + "나",
    " edge ",
]


def write_odd_names(root: Path) -> None:
    """Write a category whose category, defect and file names are all odd but allowed."""
    rng = np.random.default_rng(3)
    part = root / CATEGORY
    for stem in STEMS:
        save(good_picture(rng), part / "train" / "good" / f"{stem}.png")
        save(good_picture(rng), part / "test" / "good" / f"{stem}.png")
    for number, defect in enumerate(DEFECTS):
        for stem in STEMS[number::2]:
            picture, mask = defective_picture(rng)
            save(picture, part / "test" / defect / f"{stem}.png")
            name = f"{stem}_mask" if len(stem.encode()) < 200 else stem
            save(mask, part / "ground_truth" / defect / f"{name}.png")


def test_odd_names_go_through_the_whole_evaluation_unchanged(tmp_path: Path) -> None:
    write_odd_names(tmp_path / "data")
    odd = run_on(tmp_path / "data", BOTH, CATEGORY)
    assert evaluated(odd) == [("done", "")] * 2
    folder = odd.place(CATEGORY, "padim").folder
    samples = {("good", stem) for stem in STEMS}
    samples |= {(defect, stem) for n, defect in enumerate(DEFECTS) for stem in STEMS[n::2]}
    with (folder / SCORES_FILE).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    written = {path.name for path in folder.iterdir() if path.suffix == ".png"}

    assert scan_category(odd.data, CATEGORY).findings == ()
    assert {(row["defect"], row["stem"]) for row in rows} == samples
    assert written == {picture_name(d, s, kind) for d, s in samples for kind in KINDS}
    assert len(written) == len(KINDS) * len(samples)
    assert max(len(name.encode()) for name in written) <= LONGEST_NAME
    assert (folder / MODEL_FILE).is_file()
    with (odd.outputs / SUMMARY_FILE).open(encoding="utf-8", newline="") as file:
        assert [row["category"] for row in csv.DictReader(file)] == [CATEGORY] * 2
    metrics = read_cell(folder)["metrics"]
    assert metrics["image_auroc"] == 1.0
    assert set(metrics["by_defect"]) == set(DEFECTS)
    assert evaluated(odd) == [("skipped", "finished earlier")] * 2


def test_a_data_folder_whose_name_is_no_text_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    write_part(folder)
    with pytest.raises(DatasetError, match="no valid text") as caught:
        category_names(folder)
    assert str(caught.value).encode()


def test_a_category_whose_name_is_no_text_is_named_and_the_others_are_evaluated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = write_part(tmp_path / "data")
    os.rename(os.fsencode(part), os.fsencode(part.parent) + b"/\xff\xfe")  # noqa: PTH104
    write_part(tmp_path / "data")
    run = run_on(tmp_path / "data", ["padim"])

    assert category_names(run.data) == ["part"]
    assert evaluated(run) == [("done", "")]
    assert "\\udcff\\udcfe: has a name that is no valid text" in capsys.readouterr().out


# What Pillow says beside it.


def test_pillow_says_nothing_about_files_that_are_named(tmp_path: Path) -> None:
    part = write_part(tmp_path / "data")
    bad_files(part / "train" / "good")
    picture = Image.fromarray(good_picture(np.random.default_rng(0)))
    exif = Image.Exif()
    exif[0x0112] = 6
    for number, (suffix, kind) in enumerate([(".jpg", "JPEG"), (".tif", "TIFF"), (".png", "PNG")]):
        whole = io.BytesIO()
        picture.save(whole, kind, exif=exif)
        for cut in range(8, 400, 7):
            damaged = part / "test" / "good" / f"{number}-{cut}{suffix}"
            content = bytearray(whole.getvalue())
            content[cut % len(content)] ^= 0xFF
            damaged.write_bytes(bytes(content[: len(content) - cut]))
    program = (
        "import sys; from pathlib import Path; from data_utils.mvtec import scan_category; "
        "from data_utils.pictures import load_pictures; "
        "from evaluation.store.settings import Settings; "
        "category = scan_category(Path(sys.argv[1]), 'part'); "
        "pictures = load_pictures(category, Settings().transform_for(category)); "
        "print(len(category.findings) + len(pictures.findings))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program, str(tmp_path / "data")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) > 100
    assert done.stderr == ""
