"""What people put into their folders: it gives the right numbers, or is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from data_utils.decoding import decode
from data_utils.images import white_level
from data_utils.locations import PROJECT
from data_utils.mvtec import scan_category
from data_utils.transform import Transform
from evaluation.new_pictures.opened_cell import OpenCell, open_cell
from evaluation.new_pictures.scoring import pictures_below, score_pictures
from evaluation.run.plan import Run
from evaluation.store.cells import read_cell
from evaluation.store.places import SCORES_FILE
from evaluation.store.settings import Settings
from tests.make_data import good_picture, save, write_category
from tests.runs import BOTH, SMALL, evaluated, load_once, states

BITS = (10, 12, 14, 16)
ORIENTATION_TAG = 0x0112


def deepened(picture: NDArray[np.uint8], bits: int) -> NDArray[np.uint16]:
    """Return a gray picture in the values of a camera with so many bits, a little below white."""
    gray = picture.reshape(*picture.shape[:2], -1).mean(axis=2) / 255
    return np.rint(gray * 0.97 * (2**bits - 1)).astype(np.uint16)


def write_deep(root: Path, bits: int) -> Path:
    """Write the category of ``write_category`` in gray, with so many bits in 16-bit files."""
    part = write_category(root, train=8, good=3, bad=4)
    for file in [*(part / "train").rglob("*.png"), *(part / "test").rglob("*.png")]:
        save(deepened(np.asarray(Image.open(file)), bits), file)
    return part


@pytest.mark.parametrize("bits", BITS)
def test_pictures_of_a_camera_keep_their_gray_levels_whatever_their_bits(
    tmp_path: Path, bits: int
) -> None:
    made, whole = (
        decode(scan_category(write_deep(root, depth).parent, "part"), Transform(64, 64), None)
        for root, depth in ((tmp_path / "own", bits), (tmp_path / "whole", 16))
    )

    assert made.transform.white == 2**bits - 1
    np.testing.assert_allclose(made.images.astype(int), whole.images.astype(int), atol=1)
    assert len(np.unique(made.images)) > 100
    level = f"holds {bits}-bit gray values in larger ones; {2**bits - 1} is taken for white"
    told = [str(finding) for finding in made.findings]
    assert told == ([f"part/train/good: {level}"] if bits < 16 else [])


def test_white_is_what_the_fewest_bits_hold() -> None:
    levels = [white_level(value) for value in (0, 255, 256, 1023, 1024, 4095, 16384)]
    assert levels == [255, 255, 1023, 1023, 4095, 4095, 65535]


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OpenCell]:
    """Return the data of a 12-bit category, and its finished cell."""
    base = tmp_path_factory.mktemp("deep")
    write_deep(base / "data", 12)
    run = Run(base / "data", base / "outputs", ["part"], ["padim"], SMALL, weights="random")
    assert states(run) == ["done"]
    return base / "data", open_cell(run.place("part", "padim"), load_once("resnet18", "random"))


def test_new_pictures_are_read_with_the_white_of_their_cell(
    deep: tuple[Path, OpenCell], tmp_path: Path
) -> None:
    data, cell = deep
    assert read_cell(cell.place.folder)["geometry"]["white"] == 4095
    table = pd.read_csv(cell.place.folder / SCORES_FILE).set_index("file")["score"]
    for one in score_pictures([cell], pictures_below(data / "part" / "test")):
        score = table[f"part/test/{one.name}"]
        assert one.score("padim") == pytest.approx(score, rel=1e-5)
        assert one.remark is None
    picture = good_picture(np.random.default_rng(7))
    save(picture, tmp_path / "a.png")
    save(deepened(picture, 16), tmp_path / "b.png")
    eight, sixteen = score_pictures([cell], pictures_below(tmp_path))

    assert str(eight.remark) == "has other bits per gray value than most training pictures"
    assert str(sixteen.remark).startswith("has gray values above 4095, which the training")


def test_deep_pictures_of_an_eight_bit_cell_are_seen_at_their_own_white(tmp_path: Path) -> None:
    write_category(tmp_path / "data", train=8, good=3, bad=4)
    run = Run(tmp_path / "data", tmp_path / "outputs", ["part"], ["padim"], SMALL, weights="random")
    assert states(run) == ["done"]
    cell = open_cell(run.place("part", "padim"), load_once("resnet18", "random"))
    gray = np.asarray(Image.open(tmp_path / "data/part/test/good/000.png").convert("L"))
    save(gray, tmp_path / "new" / "a.png")
    save((gray.astype(np.uint32) * 4095 // 255).astype(np.uint16), tmp_path / "new" / "b.png")
    eight, twelve = score_pictures([cell], pictures_below(tmp_path / "new"))

    assert str(twelve.remark) == "has other bits per gray value than most training pictures"
    assert twelve.score("padim") == pytest.approx(eight.score("padim"), rel=0.05)


def test_every_file_that_may_be_a_picture_has_a_line(
    deep: tuple[Path, OpenCell], tmp_path: Path
) -> None:
    _, cell = deep
    picture = deepened(good_picture(np.random.default_rng(7)), 12)
    for name in ("a.png", "b.tif"):
        save(picture, tmp_path / name)
    Image.fromarray(good_picture(np.random.default_rng(7))).save(tmp_path / "c.webp")
    shutil.copy(tmp_path / "a.png", tmp_path / "no suffix")
    for name in ("d.HEIC", "e.dng", "Thumbs.db", ".DS_Store", "desktop.ini", "list.csv"):
        (tmp_path / name).write_bytes(b"?")
    scored = {one.name: one for one in score_pictures([cell], pictures_below(tmp_path))}

    assert list(scored) == ["a.png", "b.tif", "c.webp", "d.HEIC", "e.dng", "no suffix"]
    assert [name for name, one in scored.items() if one.readable] == ["a.png", "b.tif", "c.webp"]
    assert str(scored["d.HEIC"].remark).startswith("is of a kind that is not read")


def test_pages_of_a_new_picture_are_remarked(deep: tuple[Path, OpenCell], tmp_path: Path) -> None:
    _, cell = deep
    pages = [Image.fromarray(deepened(good_picture(np.random.default_rng(n)), 12)) for n in (1, 2)]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    (scored,) = score_pictures([cell], pictures_below(tmp_path))

    assert str(scored.remark) == "holds 2 pictures, of which only the first is looked at"


@pytest.mark.parametrize(
    ("shape", "transform"),
    [
        ((64, 64), "shorter side 256 px, centre crop 224 x 224 px"),
        ((72, 128), "whole picture 160 x 288 px"),
    ],
)
def test_only_nearly_square_pictures_of_an_official_name_are_cropped(
    tmp_path: Path, shape: tuple[int, int], transform: str
) -> None:
    rng = np.random.default_rng(0)
    for place in ("train/good/000", "train/good/001", "test/good/000", "test/cut/000"):
        noise = rng.integers(0, 255, (*shape, 3), dtype=np.uint8)
        save(noise, tmp_path / "screw" / f"{place}.png")
    category = scan_category(tmp_path, "screw")

    assert str(Settings().transform_for(category)) == transform


def test_a_crop_that_removes_something_is_named(tmp_path: Path) -> None:
    part = write_category(tmp_path, train=2, good=1, bad=2)
    marked = np.zeros((64, 64), np.uint8)
    marked[:8, :32] = 255
    save(marked, part / "ground_truth" / "blot" / "000_mask.png")
    made = decode(scan_category(tmp_path, "part"), Transform(48, 48, shorter_side=64), None)

    assert [str(one) for one in made.findings] == [
        "part: has pictures that are cropped to their centre, 56 % of them; --no-crop keeps them "
        "whole",
        "part/ground_truth/blot/000_mask.png: marks only pixels that the transform (shorter side "
        "64 px, centre crop 48 x 48 px) removes",
    ]
    marked[:16] = 255
    save(marked, part / "ground_truth" / "blot" / "000_mask.png")
    made = decode(scan_category(tmp_path, "part"), Transform(48, 48, shorter_side=64), None)
    assert "marks 62.5 % of its defect outside" in str(made.findings[1])


@pytest.mark.parametrize(("tag", "named"), [(1, False), (3, True), (6, True)])
def test_a_mask_without_the_rotation_of_its_square_picture_is_named(
    tmp_path: Path, tag: int, named: bool
) -> None:
    part = write_category(tmp_path, train=2, good=1, bad=1)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = tag
    file = part / "test" / "blot" / "000.png"
    Image.open(file).save(file, exif=exif)
    told = [str(finding) for finding in scan_category(tmp_path, "part").findings]

    assert any("has no note of a rotation, but its picture has one" in one for one in told) == named


def test_samples_that_would_share_a_file_are_refused_before_anything_is_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = write_category(tmp_path / "data", train=8, good=3, bad=2)
    rng = np.random.default_rng(0)
    save(good_picture(rng), part / "test" / "scratch" / "large_001.png")
    save(good_picture(rng), part / "test" / "scratch_large" / "001.png")
    monkeypatch.setattr("evaluation.run.category.run_together", lambda *_: pytest.fail("fitted"))
    run = Run(tmp_path / "data", tmp_path / "outputs", ["part"], BOTH, SMALL, weights="random")

    for state, reason in evaluated(run):
        assert state == "failed"
        assert "both be written as scratch_large_001_img.png" in reason


def test_the_command_line_says_what_was_left_out_and_why_numbers_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = write_category(tmp_path / "data", train=24, good=3, bad=2, masks=0)
    for number in range(10):
        file = part / "train" / "good" / f"{number:03}.png"
        file.write_bytes(file.read_bytes()[:200])
    run = Run(tmp_path / "data", tmp_path / "outputs", ["part"], ["padim"], SMALL, "random")

    assert states(run) == ["done"]
    said = capsys.readouterr().out
    assert "part: 10 files left out, 14 training and 5 test pictures used" in said
    assert "part/train/good/000.png cannot be decoded" in said


def test_redirected_output_of_another_code_page_fails_nothing(tmp_path: Path) -> None:
    write_category(tmp_path / "data", "부품", train=8, good=3, bad=2, masks=0)
    command = [
        *(sys.executable, "evaluate.py", "--data", str(tmp_path / "data"), "--methods", "padim"),
        *("--weights", "random", "--image-size", "64", "--out", str(tmp_path / "outputs")),
    ]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=False)

    assert ended.returncode == 0, ended.stderr.decode("cp1252")
    out = ended.stdout.decode("cp1252")
    assert "\\ubd80\\ud488: 0 files left out" in out
    assert "has no usable masks, so pixel metrics are n/a" in out
