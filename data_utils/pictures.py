"""The pictures of one category as arrays, decoded and resized once and kept on disk.

Decoding a 1,024 px PNG costs more than passing it through ResNet-18, so the result is kept as
one uint8 array per category and transform in the user's cache folder and read as a memory map.
The key holds path, size and modification time of every file and the transform.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock
from numpy.typing import NDArray

from data_utils.facts import Fact, fact, from_json
from data_utils.images import UnreadableImageError, read_mask, read_picture
from data_utils.listing import Finding, equal_pictures
from data_utils.locations import cache_root, pool_threads
from data_utils.mvtec import Category
from data_utils.transform import Transform

CACHE_VERSION = 4
CACHE_LIMIT_BYTES = 4 * 1024**3
DECODE_THREADS = pool_threads()
DECODE_PIXEL_BYTES = 20  # at most, while one picture of any kind is decoded and converted
DECODE_BYTES = 1024**3

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pictures:
    """The readable pictures of one category after the transform.

    Attributes
    ----------
    records : DataFrame
        The category's records without unreadable pictures and without training pictures that
        repeat an earlier one, index 0..N-1, plus the column
        ``has_mask`` (bool: good pictures, whose mask is empty, and defective ones with a mask
        that marks something).
    images : uint8 [N, H, W, 3]
        In the order of `records`; a read-only memory map when cached.
    masks : bool [T, H, W]
        One per test picture, in order; all False where there is no mask.
    findings : tuple of Finding
        What was found while decoding.
    fingerprint : str
        Hash of names, labels and transformed pixels: equal on every machine for equal data.
    uncached : str
        Why they could not be kept in the cache, or "".
    """

    records: pd.DataFrame
    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    findings: tuple[Finding, ...]
    fingerprint: str
    transform: Transform
    uncached: str = ""

    @property
    def train(self) -> NDArray[np.uint8]:
        """Training pictures, uint8 ``[N_train, H, W, 3]``."""
        return self.images[: self.train_count]

    @property
    def test(self) -> NDArray[np.uint8]:
        """Test pictures, uint8 ``[T, H, W, 3]``."""
        return self.images[self.train_count :]

    @property
    def train_count(self) -> int:
        """Number of training pictures."""
        return int((self.records["split"] == "train").sum())

    @property
    def test_records(self) -> pd.DataFrame:
        """Records of the test pictures, index 0..T-1."""
        return self.records[self.train_count :].reset_index(drop=True)


def load_pictures(
    category: Category, transform: Transform, progress: Progress | None = None
) -> Pictures:
    """Return the category's pictures and masks, from the cache when they are in it.

    A cache folder that cannot be written costs time on the next run, nothing else. Of several
    processes that ask for the same pictures one decodes, and the others wait for it; a dead one
    holds nobody up.

    Parameters
    ----------
    progress : callable (done, total), optional
        Called after each decoded picture; not called on a cache hit.
    """
    entry = _cache_entry(category, transform)
    if cached := _read_entry(entry, category, transform):
        return cached
    locks = entry.parent.with_name("locks")
    lock = FileLock(locks / f"{entry.name[:2]}.lock")
    with suppress(OSError, NotImplementedError):  # no folder, or a file system without locks
        locks.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        if cached := _read_entry(entry, category, transform):
            return cached
        decoded = _decode(category, transform, progress)
        try:
            _write_entry(entry, decoded)
            prune_cache(keep=entry)
        except OSError as error:
            return replace(decoded, uncached=error.strerror or str(error) or type(error).__name__)
        return _read_entry(entry, category, transform, written_now=True) or decoded
    finally:
        lock.release()


def remarks(category: Category, pictures: Pictures) -> Fact | None:
    """Return how many remarks there are on a category's files, with one that matters most."""
    every = (*pictures.findings, *category.findings)
    if not every:
        return None
    return fact(
        "data_remarks",
        category=category.name,
        used=len(pictures.records),
        found=len(category.records),
        count=len(every),
        path=every[0].path,
        problem=every[0].problem,
    )


def full_size_masks(pictures: Pictures) -> Iterator[NDArray[np.bool_]]:
    """Yield each test picture's mask at the size of its file, cut as the picture is, ``[H, W]``."""
    for row in pictures.test_records.to_dict("records"):
        left, top, right, bottom = box = pictures.transform.kept((row["width"], row["height"]))
        if row["label"] and row["has_mask"]:
            yield np.asarray(read_mask(row["mask_path"]).crop(box)) > 0
        else:
            yield np.zeros((bottom - top, right - left), np.bool_)


def cached_fingerprint(category: Category, transform: Transform) -> str | None:
    """Return the data's fingerprint if the pictures are in the cache, else None."""
    index = _read_index(_cache_entry(category, transform))
    return None if index is None else str(index["fingerprint"])


def prune_cache(keep: Path | None = None, limit_bytes: int = CACHE_LIMIT_BYTES) -> None:
    """Remove the cached categories used longest ago until the rest fits the limit."""
    folder = _pictures_root()
    if not folder.is_dir():
        return
    entries = [entry for entry in folder.iterdir() if entry.is_dir() and entry != keep]
    entries.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    used = _folder_bytes(keep) if keep else 0
    for entry in entries:
        used += _folder_bytes(entry)
        if used > limit_bytes:
            shutil.rmtree(entry, ignore_errors=True)


def decode_bytes(records: pd.DataFrame) -> int:
    """Return how many bytes the files take, at most, that are decoded at the same time."""
    largest = _largest_decoded(records)
    return max(largest, min(DECODE_THREADS * largest, DECODE_BYTES))


def _largest_decoded(records: pd.DataFrame) -> int:
    return int((records["height"] * records["width"]).max()) * DECODE_PIXEL_BYTES


def _decode(category: Category, transform: Transform, progress: Progress | None) -> Pictures:
    records = category.records
    tested, good = (records["split"] == "test").tolist(), (records["label"] == 0).tolist()
    images = np.empty((len(records), transform.height, transform.width, 3), np.uint8)
    masks = np.zeros((sum(tested), transform.height, transform.width), np.bool_)
    findings: list[Finding] = []
    kept: list[int] = []
    has_mask: list[bool] = []
    test_count = 0

    def decode_one(
        paths: tuple[Path, Path | None],
    ) -> tuple[NDArray[np.uint8] | None, NDArray[np.bool_] | None, list[Finding]]:
        image_path, mask_path = paths
        try:
            image = transform.picture(read_picture(image_path))
        except UnreadableImageError as error:
            left_out = fact("finding_left_out", reason=error.fact)
            return None, None, [Finding.of(image_path, category.root, left_out)]
        plain = (image[0] == image[0, 0]).all() and (image == image[0, 0]).all()
        found = []
        if plain:
            found.append(Finding.of(image_path, category.root, fact("plain_colour")))
        mask, problem = _decode_mask(mask_path, transform) if mask_path else (None, None)
        if mask_path and problem:
            found.append(Finding.of(mask_path, category.root, problem))
        return image, mask, found

    paths = list(zip(records["image_path"], records["mask_path"], strict=True))
    threads = decode_bytes(records) // _largest_decoded(records)
    with ThreadPoolExecutor(threads) as pool:
        for position, (image, mask, found) in enumerate(pool.map(decode_one, paths)):
            findings += found
            if image is not None:
                images[len(kept)] = image
                if tested[position]:
                    if mask is not None:
                        masks[test_count] = mask
                    test_count += 1
                has_mask.append(mask is not None or good[position])
                kept.append(position)
            if progress is not None:
                progress(position + 1, len(paths))
    records = records.iloc[kept].reset_index(drop=True).assign(has_mask=has_mask)
    repeated, equal = equal_pictures(records, images, category.root)
    records, images = records[~repeated].reset_index(drop=True), images[: len(kept)][~repeated]
    findings += equal
    masks = masks[:test_count]
    fingerprint = _fingerprint(records, images, masks)
    return Pictures(records, images, masks, tuple(findings), fingerprint, transform)


def _decode_mask(path: Path, transform: Transform) -> tuple[NDArray[np.bool_] | None, Fact | None]:
    """Return the mask, if it is one, and what is wrong with it."""
    try:
        original = read_mask(path)
    except UnreadableImageError as error:
        return None, fact("mask_useless", reason=error.fact)
    if original.getbbox() is None:
        return None, fact("mask_useless", reason=fact("mask_empty"))
    mask = transform.mask(original)
    return mask, None if mask.any() else fact("mask_cropped", transform=transform)


def _fingerprint(records: pd.DataFrame, images: NDArray[np.uint8], masks: NDArray[np.bool_]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for row in records.itertuples():
        digest.update(f"{_key(row)}/{row.has_mask}|".encode())
    digest.update(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(np.packbits(masks).data)
    return digest.hexdigest()


def _key(row: Any) -> str:
    return f"{row.split}/{row.defect}/{row.stem}"


def _pictures_root() -> Path:
    return cache_root() / "pictures"


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _cache_entry(category: Category, transform: Transform) -> Path:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{CACHE_VERSION}|{transform!r}|{category.root.resolve()}".encode())
    pairs = zip(category.records["image_path"], category.records["mask_path"], strict=True)
    for path in (path for pair in pairs for path in pair if path is not None):
        status = path.stat()
        digest.update(f"|{path}|{status.st_size}|{status.st_mtime_ns}".encode())
    return _pictures_root() / digest.hexdigest()


def _write_entry(entry: Path, decoded: Pictures) -> None:
    """Write the entry into a temporary folder and move it into place in one step."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=entry.parent))
    try:
        np.save(temporary / "images.npy", decoded.images)
        np.save(temporary / "masks.npy", decoded.masks)
        index = {
            "kept": [_key(row) for row in decoded.records.itertuples()],
            "has_mask": decoded.records["has_mask"].tolist(),
            "findings": [asdict(finding) for finding in decoded.findings],
            "fingerprint": decoded.fingerprint,
        }
        (temporary / "index.json").write_text(json.dumps(index), encoding="utf-8")
        if entry.exists():
            shutil.rmtree(entry, ignore_errors=True)
        temporary.rename(entry)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read_index(entry: Path) -> dict[str, Any] | None:
    """Return the entry's index, or None unless it is whole."""
    try:
        index = json.loads((entry / "index.json").read_text(encoding="utf-8"))
        whole = index.keys() >= {"kept", "has_mask", "findings", "fingerprint"}
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return index if whole else None


def _read_entry(
    entry: Path, category: Category, transform: Transform, written_now: bool = False
) -> Pictures | None:
    """Return the pictures of an entry, or None if it is not whole or not as it was written."""
    index = _read_index(entry)
    if index is None:
        return None
    try:
        images = np.load(entry / "images.npy", mmap_mode="r")
        masks = np.load(entry / "masks.npy")
        entry.touch()
    except (OSError, ValueError, EOFError):
        return None
    kept = set(index["kept"])
    readable = [_key(row) in kept for row in category.records.itertuples()]
    records = category.records[readable].reset_index(drop=True)
    tests = int((records["split"] == "test").sum())
    if not len(records) == len(images) == len(index["has_mask"]) or len(masks) != tests:
        return None
    records = records.assign(has_mask=index["has_mask"])
    if not written_now and _fingerprint(records, images, masks) != index["fingerprint"]:
        return None
    findings = tuple(Finding(one["path"], from_json(one["problem"])) for one in index["findings"])
    return Pictures(records, images, masks, findings, index["fingerprint"], transform)
