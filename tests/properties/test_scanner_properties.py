"""Whatever files are called and wherever they lie: each is used or named, once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_utils.mvtec import scan_category
from tests.make_data import good_picture, save

SIDE = 8
NAMES = st.text("ab 가나🙂'\"<>&\n%_-", min_size=1, max_size=6).filter(
    lambda name: name.strip() == name
)
SUFFIXES = st.sampled_from([".png", ".PNG", ".bmp", ".webp", ".heic", ".txt", ""])
FOLDERS = st.sampled_from(
    [
        *("train/good", "test/good", "test/<b>긁힘", "ground_truth/<b>긁힘"),
        *(
            "train/ok",
            "validation/good",
            "validation/ok",
            "test/Good",
            "test/OK",
            "test_public/bad",
        ),
        *(
            "test/<b>긁힘/cam1",
            "ground_truth/<b>긁힘/a",
            "ground_truth/good",
            "masks",
            "extra/deep",
        ),
    ]
)


@given(st.lists(st.tuples(FOLDERS, NAMES, SUFFIXES), max_size=25, unique=True))
def test_every_file_is_used_or_named(files: list[tuple[str, str, str]]) -> None:
    picture = good_picture(np.random.default_rng(0), SIDE)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folder = root / "부품 'x'"
        written = [save(picture, folder / "train" / "good" / "first.png")]
        for place, stem, suffix in files:
            path = folder / place / f"{stem}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if suffix.lower() in (".png", ".bmp", ".webp"):
                save(picture, path)
            else:
                path.write_bytes(b"no picture")
            written.append(path)
        category = scan_category(root, folder.name)
        records = category.records
        found = [finding.path for finding in category.findings]
        used = [
            *records["image_path"],
            *(path for paths in records["mask_paths"] for path in paths),
        ]

        assert len(used) == len(set(used))
        for path in written:
            above = (one for one in (path, *path.parents) if folder in one.parents)
            named = {one.relative_to(root).as_posix() for one in above} & set(found)
            assert path in used or named, path
        assert set(used) <= set(written)
        assert records["label"].tolist() == [int(d != "good") for d in records["defect"]]
        again = scan_category(root, folder.name)
        assert again.findings == category.findings
        assert again.records.equals(records)
