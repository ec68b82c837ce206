"""The demo data set: what it contains, that its masks are true, and that it harms no files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_utils import demo
from data_utils.demo_scenes import draw_picture
from data_utils.locations import PROJECT

TEST_PICTURES = [item for item in demo.planned_pictures() if item.split == "test"]
DEFECTIVE = [item for item in TEST_PICTURES if item.kind != "good"]


@pytest.fixture
def root(demo_data: Path) -> Path:
    return demo_data


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan one category with one picture per folder, to try the handling of files quickly."""
    monkeypatch.setattr(demo, "DEMO_CATEGORIES", ("demo_label",))
    for name in ("TRAIN_GOOD", "TEST_GOOD", "TEST_PER_DEFECT"):
        monkeypatch.setattr(demo, name, 1)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_category_has_the_promised_counts() -> None:
    counts = Counter(item.picture_path.parent.as_posix() for item in demo.planned_pictures())
    assert {name.split("/")[0] for name in counts} == set(demo.DEMO_CATEGORIES)
    for category in demo.DEMO_CATEGORIES:
        assert len(set(demo.DEFECTS[category])) == 3
        assert counts.pop(f"{category}/train/good") == 60
        assert counts.pop(f"{category}/test/good") == 15
        assert [counts.pop(f"{category}/test/{kind}") for kind in demo.DEFECTS[category]] == [
            10
        ] * 3
    assert not counts


def test_the_folders_hold_what_is_planned_and_a_marker(root: Path) -> None:
    planned = {item.picture_path for item in TEST_PICTURES}
    planned |= {item.mask_path for item in DEFECTIVE if item.mask_path}
    written = {path.relative_to(root) for path in root.rglob("*.png") if "train" not in path.parts}
    marker = json.loads((root / demo.MARKER).read_text(encoding="utf-8"))

    assert {path.name for path in root.iterdir()} == {*demo.DEMO_CATEGORIES, demo.MARKER}
    assert written == planned
    assert (marker["version"], marker["seed"]) == (demo.DEMO_VERSION, demo.DEMO_SEED)
    assert "generated" in marker["note"]
    assert marker["counts"]["demo_gear/test/good"] == 15
    assert sum(marker["counts"].values()) == len(list(root.rglob("*.png")))


def test_pictures_are_rgb_of_one_size_and_all_different(root: Path) -> None:
    paths = [path for path in root.rglob("*.png") if "ground_truth" not in path.parts]
    for path in paths:
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (256, 256))
    assert len({path.read_bytes() for path in paths}) == len(paths)


def test_masks_mark_a_sensible_part_in_the_middle_and_exactly_what_is_changed(root: Path) -> None:
    for number, item in enumerate(DEFECTIVE):
        assert item.mask_path is not None
        stored = read(root / item.mask_path)
        assert stored.dtype == np.uint8
        assert stored.shape == (256, 256)
        assert set(np.unique(stored)) == {0, 255}
        mask = stored > 0
        assert 0.001 <= mask.mean() <= 0.12, item
        assert mask[16:240, 16:240].sum() > 0.8 * mask.sum(), item  # a central crop shows it
        if number % 3 == 0:
            whole, empty = draw_picture(item.category, None, demo.DEMO_SEED, item.key)
            change = np.abs(read(root / item.picture_path).astype(int) - whole).max(axis=2)
            assert np.array_equal(change > 0, mask), item
            assert change[mask].min() >= 6, item
            assert not empty.any()


@pytest.mark.parametrize("category", demo.DEMO_CATEGORIES)
def test_neither_brightness_nor_noise_gives_the_defects_away(root: Path, category: str) -> None:
    def brightness(kinds: tuple[str, ...]) -> np.ndarray:
        items = [one for one in TEST_PICTURES if one.category == category and one.kind in kinds]
        return np.array([read(root / one.picture_path).mean() for one in items])

    good, bad = brightness(("good",)), brightness(demo.DEFECTS[category])
    assert (good.size, bad.size) == (15, 30)
    auroc = (bad[:, None] > good).mean() + 0.5 * (bad[:, None] == good).mean()
    assert 0.3 < auroc < 0.7

    folder = root / category / "train" / "good"
    stack = np.stack([read(path).mean(axis=2) for path in folder.iterdir()])
    assert np.median(stack.std(axis=0)) > 4  # the sensor noise alone gives about 1.3


def test_pictures_do_not_depend_on_the_order_of_drawing(root: Path) -> None:
    for item in TEST_PICTURES[::-17]:
        defect = None if item.kind == "good" else item.kind
        picture, _ = draw_picture(item.category, defect, demo.DEMO_SEED, item.key)
        assert np.array_equal(picture, read(root / item.picture_path)), item


@pytest.mark.usefixtures("small")
def test_the_seed_decides_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "second").mkdir()  # an empty folder is filled, and missing parents are made
    first, second = (contents(demo.ensure_demo(tmp_path / name)) for name in ("a/first", "second"))
    monkeypatch.setattr(demo, "DEMO_SEED", 1)
    third = contents(demo.ensure_demo(tmp_path / "third"))

    assert len(first) == 9
    assert first == second
    assert first.keys() == third.keys()
    assert all(first[name] != third[name] for name in first)


@pytest.mark.usefixtures("small")
def test_progress_counts_every_picture_and_a_finished_demo_is_not_drawn_again(
    tmp_path: Path,
) -> None:
    root = tmp_path / "demo"
    steps: list[tuple[int, int]] = []
    assert not demo.is_demo(root)
    for _ in range(2):
        assert demo.ensure_demo(root, lambda done, total: steps.append((done, total))) == root
        assert demo.is_demo(root)
        assert steps == [(done, 5) for done in range(1, 6)]


def test_a_folder_of_the_user_is_never_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        demo.ensure_demo(folder)
    (folder / demo.MARKER).write_text("{not json")
    with pytest.raises(FileExistsError, match="not empty"):
        demo.ensure_demo(folder)
    assert contents(tmp_path) == {"demo/notes.txt": b"mine", f"demo/{demo.MARKER}": b"{not json"}
    with pytest.raises(FileExistsError, match="is a file"):
        demo.ensure_demo(folder / "notes.txt")


@pytest.mark.usefixtures("small")
def test_an_interrupted_generation_is_not_taken_for_complete(tmp_path: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    root = tmp_path / "demo"
    with pytest.raises(KeyboardInterrupt):
        demo.ensure_demo(root, stop)
    assert not demo.is_demo(root)
    assert list(tmp_path.iterdir()) == []
    assert demo.is_demo(demo.ensure_demo(root))


@pytest.mark.usefixtures("small")
def test_a_killed_process_leaves_no_folder_of_the_wanted_name(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    script = (
        "import os, sys, pathlib; from data_utils import demo;"
        "demo.ensure_demo(pathlib.Path(sys.argv[1]), lambda done, total: os._exit(9))"
    )
    assert subprocess.run([sys.executable, "-c", script, root], cwd=PROJECT).returncode == 9
    leftovers = list(tmp_path.iterdir())
    assert [path.name.startswith(".demo-") for path in leftovers] == [True]
    assert not demo.is_demo(leftovers[0])
    assert demo.is_demo(demo.ensure_demo(root))


@pytest.mark.usefixtures("small")
def test_only_old_leftovers_of_this_folder_are_removed(tmp_path: Path) -> None:
    old = time.time() - 2 * demo.LEFTOVER_AGE_S
    kept = [".demo-12-0badcafe", ".demo-backup", ".demo-12-0badcafe-x", ".other-12-0badcafe"]
    for name in (".demo-7-0123abcd", *kept):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(name)
        if name != kept[0]:
            os.utime(tmp_path / name, (old, old))
    demo.ensure_demo(tmp_path / "demo")
    assert {path.name for path in tmp_path.iterdir()} == {"demo", *kept}


@pytest.mark.usefixtures("small")
def test_the_result_of_a_faster_process_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    winner: list[int] = []

    def other_process(done: int, total: int) -> None:
        if done == total:
            winner.append(demo.ensure_demo(root).stat().st_ino)

    demo.ensure_demo(root, other_process)
    assert [root.stat().st_ino] == winner
    assert list(tmp_path.iterdir()) == [root]


@pytest.mark.usefixtures("small")
def test_a_link_to_a_folder_is_filled_behind_the_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "demo"
    try:
        link.symlink_to(tmp_path / "disk", target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    assert demo.ensure_demo(link) == link
    assert link.is_symlink()
    assert demo.is_demo(tmp_path / "disk")
