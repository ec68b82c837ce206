"""The demo data set: what it contains, that its masks are true, and that it harms no files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_utils import demo
from data_utils.demo_scenes import draw_picture

PROJECT = Path(__file__).resolve().parents[2]
PICTURES = demo.planned_pictures()
DEFECTIVE = [item for item in PICTURES if item.kind != "good"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole demo, generated once."""
    return demo.ensure_demo(tmp_path_factory.mktemp("demo") / "demo")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan one category with one picture per folder, to try the handling of files quickly."""
    monkeypatch.setattr(demo, "DEMO_CATEGORIES", ("demo_label",))
    for name in ("TRAIN_GOOD", "TEST_GOOD", "TEST_PER_DEFECT"):
        monkeypatch.setattr(demo, name, 1)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def mask_of(root: Path, item: demo.PlannedPicture) -> np.ndarray:
    assert item.mask_path is not None
    return read(root / item.mask_path)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- what the data set contains --------------------------------------------------------------


def test_every_category_has_the_promised_counts(root: Path) -> None:
    assert {path.name for path in root.iterdir()} == {*demo.DEMO_CATEGORIES, demo.MARKER}
    for category in demo.DEMO_CATEGORIES:
        defects = set(demo.DEFECTS[category])
        assert len(defects) == 3
        folder = root / category
        assert {path.name for path in folder.iterdir()} == {"train", "test", "ground_truth"}
        assert {path.name for path in (folder / "train").iterdir()} == {"good"}
        assert {path.name for path in (folder / "test").iterdir()} == {"good", *defects}
        assert {path.name for path in (folder / "ground_truth").iterdir()} == defects
        for inner, count, ending in (
            ("train/good", 60, ""),
            ("test/good", 15, ""),
            *((f"test/{defect}", 10, "") for defect in defects),
            *((f"ground_truth/{defect}", 10, "_mask") for defect in defects),
        ):
            names = sorted(path.name for path in (folder / inner).iterdir())
            assert names == [f"{index:03d}{ending}.png" for index in range(count)]


def test_pictures_are_rgb_and_masks_are_black_and_white_of_the_same_size(root: Path) -> None:
    for item in PICTURES:
        with Image.open(root / item.picture_path) as picture:
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (256, 256))
    for item in DEFECTIVE:
        mask = mask_of(root, item)
        assert mask.dtype == np.uint8
        assert mask.shape == (256, 256)
        assert set(np.unique(mask)) == {0, 255}


def test_the_marker_says_that_the_pictures_are_generated(root: Path) -> None:
    marker = json.loads((root / demo.MARKER).read_text(encoding="utf-8"))
    assert marker["version"] == demo.DEMO_VERSION
    assert marker["seed"] == demo.DEMO_SEED
    assert "generated" in marker["note"]
    assert marker["counts"]["demo_gear/train/good"] == 60
    assert sum(marker["counts"].values()) == len(PICTURES) + len(DEFECTIVE)


def test_no_two_pictures_are_equal(root: Path) -> None:
    drawn = {(root / item.picture_path).read_bytes() for item in PICTURES}
    assert len(drawn) == len(PICTURES)


# --- what the pictures show ------------------------------------------------------------------


def test_masks_mark_exactly_the_changed_pixels(root: Path) -> None:
    for item in DEFECTIVE:
        whole, empty = draw_picture(item.category, None, demo.DEMO_SEED, item.key)
        change = np.abs(read(root / item.picture_path).astype(int) - whole).max(axis=2)
        mask = mask_of(root, item) > 0
        assert np.array_equal(change > 0, mask), item
        assert change[mask].min() >= 6, item
        assert not empty.any()


def test_every_mask_covers_a_sensible_part_of_the_picture(root: Path) -> None:
    for item in DEFECTIVE:
        assert 0.001 <= (mask_of(root, item) > 0).mean() <= 0.12, item


def test_defects_lie_where_a_central_crop_still_shows_them(root: Path) -> None:
    for item in DEFECTIVE:
        mask = mask_of(root, item) > 0
        assert mask[16:240, 16:240].sum() > 0.8 * mask.sum(), item


@pytest.mark.parametrize("category", demo.DEMO_CATEGORIES)
def test_brightness_does_not_give_the_defects_away(root: Path, category: str) -> None:
    def brightness(kinds: tuple[str, ...]) -> np.ndarray:
        paths = [
            root / item.picture_path
            for item in PICTURES
            if (item.category, item.split) == (category, "test") and item.kind in kinds
        ]
        return np.array([read(path).mean() for path in paths])

    good, bad = brightness(("good",)), brightness(demo.DEFECTS[category])
    assert (good.size, bad.size) == (15, 30)
    auroc = (bad[:, None] > good).mean() + 0.5 * (bad[:, None] == good).mean()
    assert 0.3 < auroc < 0.7


@pytest.mark.parametrize("category", demo.DEMO_CATEGORIES)
def test_good_pictures_vary_by_more_than_noise(root: Path, category: str) -> None:
    folder = root / category / "train" / "good"
    stack = np.stack([read(path).mean(axis=2) for path in sorted(folder.iterdir())])
    assert np.median(stack.std(axis=0)) > 4  # the sensor noise alone gives about 1.3


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError):
        draw_picture("demo_cheese", None, 0, (1,))
    with pytest.raises(ValueError, match="hole"):
        draw_picture("demo_weave", "hole", 0, (1,))


# --- the same bytes every time ---------------------------------------------------------------


def test_pictures_do_not_depend_on_the_order_of_drawing(root: Path) -> None:
    for item in PICTURES[::-17]:
        defect = None if item.kind == "good" else item.kind
        picture, _ = draw_picture(item.category, defect, demo.DEMO_SEED, item.key)
        assert np.array_equal(picture, read(root / item.picture_path)), item


@pytest.mark.usefixtures("small")
def test_same_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    first = contents(demo.ensure_demo(tmp_path / "first"))
    assert len(first) == 9
    assert contents(demo.ensure_demo(tmp_path / "second")) == first


@pytest.mark.usefixtures("small")
def test_another_seed_draws_other_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = contents(demo.ensure_demo(tmp_path / "first"))
    monkeypatch.setattr(demo, "DEMO_SEED", 1)
    second = contents(demo.ensure_demo(tmp_path / "second"))
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


# --- safety ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_a_finished_demo_is_not_drawn_again(tmp_path: Path) -> None:
    root = demo.ensure_demo(tmp_path / "demo")
    steps: list[tuple[int, int]] = []
    assert demo.ensure_demo(root, lambda done, total: steps.append((done, total))) == root
    assert steps == []


@pytest.mark.usefixtures("small")
def test_progress_counts_every_picture_once(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    demo.ensure_demo(tmp_path / "demo", lambda done, total: steps.append((done, total)))
    assert steps == [(done, 5) for done in range(1, 6)]


@pytest.mark.usefixtures("small")
def test_missing_parents_are_made_and_an_empty_folder_is_filled(tmp_path: Path) -> None:
    root = tmp_path / "data" / "demo"
    assert not demo.is_demo(root)
    assert demo.is_demo(demo.ensure_demo(root))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert demo.is_demo(demo.ensure_demo(empty))


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


def test_two_processes_at_once_make_one_complete_demo(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from data_utils import demo;"
        "demo.DEMO_CATEGORIES = ('demo_weave',); demo.TRAIN_GOOD = demo.TEST_PER_DEFECT = 4;"
        "demo.ensure_demo(pathlib.Path(sys.argv[1]))"
    )
    root = tmp_path / "demo"
    command = [sys.executable, "-c", script, str(root)]
    processes = [subprocess.Popen(command, cwd=PROJECT) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert list(tmp_path.iterdir()) == [root]
    assert demo.is_demo(root)
    assert len(contents(root)) == 4 + 15 + 2 * 3 * 4 + 1


@pytest.mark.usefixtures("small")
def test_an_older_version_is_replaced_and_a_newer_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = demo.ensure_demo(tmp_path / "demo")
    (root / "demo_label" / ".DS_Store").touch()
    monkeypatch.setattr(demo, "DEMO_VERSION", demo.DEMO_VERSION + 1)
    monkeypatch.setattr(demo, "TEST_GOOD", 2)
    demo.ensure_demo(root)
    assert (root / "demo_label/test/good/001.png").exists()
    assert list(tmp_path.iterdir()) == [root]
    newer = contents(root)
    monkeypatch.undo()
    assert contents(demo.ensure_demo(root)) == newer


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["notes.txt", "mine/train/good/000.png", "demo_label/test/a.png"])
def test_an_older_demo_with_files_of_the_user_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = demo.ensure_demo(tmp_path / "demo")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("mine")
    before = contents(tmp_path)
    monkeypatch.setattr(demo, "DEMO_VERSION", demo.DEMO_VERSION + 1)
    with pytest.raises(FileExistsError, match="move it elsewhere"):
        demo.ensure_demo(root)
    assert contents(tmp_path) == before


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
