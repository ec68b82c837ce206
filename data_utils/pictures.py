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
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from data_utils.decoding import Pictures, Progress, decode, fingerprint, key_of
from data_utils.facts import from_json
from data_utils.listing import Finding
from data_utils.locations import cache_root
from data_utils.mvtec import Category
from data_utils.transform import Transform

CACHE_VERSION = 5
CACHE_LIMIT_BYTES = 4 * 1024**3


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
    transform = replace(transform, white=None)  # follows from the training pictures
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
        decoded = decode(category, transform, progress)
        try:
            _write_entry(entry, decoded)
            prune_cache(keep=entry)
        except OSError as error:
            return replace(decoded, uncached=error.strerror or str(error) or type(error).__name__)
        return _read_entry(entry, category, transform, written_now=True) or decoded
    finally:
        lock.release()


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


def _pictures_root() -> Path:
    return cache_root() / "pictures"


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _cache_entry(category: Category, transform: Transform) -> Path:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{CACHE_VERSION}|{transform!r}|{category.root.resolve()}".encode())
    pairs = zip(category.records["image_path"], category.records["mask_paths"], strict=True)
    for path in (path for image, masks in pairs for path in (image, *masks)):
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
            "kept": [key_of(row) for row in decoded.records.itertuples()],
            "has_mask": decoded.records["has_mask"].tolist(),
            "findings": [asdict(finding) for finding in decoded.findings],
            "fingerprint": decoded.fingerprint,
            "white": decoded.transform.white,
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
        whole = index.keys() >= {"kept", "has_mask", "findings", "fingerprint", "white"}
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
    readable = [key_of(row) in kept for row in category.records.itertuples()]
    records = category.records[readable].reset_index(drop=True)
    tests = int((records["split"] == "test").sum())
    if not len(records) == len(images) == len(index["has_mask"]) or len(masks) != tests:
        return None
    records = records.assign(has_mask=index["has_mask"])
    if not written_now and fingerprint(records, images, masks) != index["fingerprint"]:
        return None
    findings = tuple(Finding(one["path"], from_json(one["problem"])) for one in index["findings"])
    transform = replace(transform, white=index["white"])
    return Pictures(records, images, masks, findings, index["fingerprint"], transform)
