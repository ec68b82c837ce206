"""From a category's files to arrays: pictures and masks of one size, and what is wrong there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from data_utils.facts import Fact, Fault, fact
from data_utils.images import UnreadableImageError, read_picture, white_level
from data_utils.listing import Finding, below
from data_utils.locations import pool_threads
from data_utils.masks import read_mask
from data_utils.mvtec import Category
from data_utils.transform import Transform

DECODE_THREADS = pool_threads()
DECODE_PIXEL_BYTES = 20  # at most, while one picture of any kind is decoded and converted
DECODE_BYTES = 1024**3
LEAST_CUT = 0.0005
MOST_CUT = 0.75  # the papers' crop of square pictures keeps 77 %
WHOLE_DEPTH = 2**16 - 1  # of 16-bit gray
NEAREST = Image.Resampling.NEAREST

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pictures:
    """The readable pictures of one category after the transform.

    Attributes
    ----------
    records : DataFrame
        The category's records without unreadable pictures and without training pictures that
        repeat an earlier one, index 0..N-1, plus the column ``has_mask`` (bool: good pictures,
        whose mask is empty, and defective ones with a mask that marks something).
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

    def without(self, names: Collection[str], root: Path) -> Pictures:
        """Return them without some training pictures, named by their paths below the data folder.

        A test picture's name counts for nothing. Raises Fault if no training picture is left.
        """
        named = [below(path, root) in names for path in self.records["image_path"]]
        kept = ~(np.array(named, bool) & (self.records["split"] == "train").to_numpy())
        if kept.all():
            return self
        if not kept[: self.train_count].any():
            first = Path(self.records["image_path"].iloc[0])
            raise Fault("all_left_out", path=below(first.parent, root))
        records, images = self.records[kept].reset_index(drop=True), self.images[kept]
        made = fingerprint(records, images, self.masks)
        return replace(self, records=records, images=images, fingerprint=made)


def decode(category: Category, transform: Transform, progress: Progress | None) -> Pictures:
    """Read, transform and check every picture and mask of a category."""
    records = category.records
    tested, good = (records["split"] == "test").tolist(), (records["label"] == 0).tolist()
    images = np.empty((len(records), transform.height, transform.width, 3), np.uint8)
    masks = np.zeros((sum(tested), transform.height, transform.width), np.bool_)
    findings: list[Finding] = []
    kept: list[int] = []
    has_mask: list[bool] = []
    test_count = 0

    def decode_one(
        paths: tuple[Path, tuple[Path, ...], bool],
    ) -> tuple[NDArray[np.uint8] | None, NDArray[np.bool_] | None, list[Finding]]:
        image_path, mask_paths, deep = paths
        try:
            read = read_picture(image_path, transform.white)
        except UnreadableImageError as error:
            left_out = fact("finding_left_out", reason=error.fact)
            return None, None, [Finding.of(image_path, category.root, left_out)]
        image, remarks = transform.picture(read.image), read.remarks
        if deep != (transform.white is not None):
            remarks.append(fact("other_depth"))
        if (image[0] == image[0, 0]).all() and (image == image[0, 0]).all():
            remarks.append(fact("plain_colour"))
        found = [Finding.of(image_path, category.root, remark) for remark in remarks]
        mask: NDArray[np.bool_] | None = None
        for path in mask_paths:
            marked, problems = _decode_mask(path, transform)
            found += [Finding.of(path, category.root, problem) for problem in problems]
            if marked is not None:
                mask = marked if mask is None else mask | marked
        return image, mask, found

    if (kept_share := _kept_share(category, transform)) < MOST_CUT:
        removed = fact("crop_removes", kept=f"{100 * kept_share:.0f} %")
        findings.append(Finding.of(category.root / category.name, category.root, removed))
    threads = decode_bytes(records) // _largest_decoded(records)
    with ThreadPoolExecutor(threads) as pool:
        train = records[records["split"] == "train"]
        deep = train[train["deep"]]["image_path"]
        largest = max(pool.map(_brightest, deep), default=0)
        if largest and len(deep) > len(train) / 2:
            white = white_level(largest)
            transform = replace(transform, white=white)
            if white != WHOLE_DEPTH:
                depth = fact("bit_depth", bits=white.bit_length(), white=white)
                findings.append(Finding.of(deep.iloc[0].parent, category.root, depth))
        paths = list(
            zip(records["image_path"], records["mask_paths"], records["deep"], strict=True)
        )
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
    repeated, equal = _equal_pictures(records, images, category.root)
    images = images[: len(kept)]
    if repeated.any():
        records, images = records[~repeated].reset_index(drop=True), images[~repeated]
    findings += equal
    masks = masks[:test_count]
    made = fingerprint(records, images, masks)
    return Pictures(records, images, masks, tuple(findings), made, transform)


def _equal_pictures(
    records: pd.DataFrame, images: NDArray[np.uint8], root: Path
) -> tuple[NDArray[np.bool_], list[Finding]]:
    """Mark training pictures that equal an earlier one, ``[N]``, and tell of all that are equal.

    Counted twice they would be held out of a model that has seen them.
    """
    repeated = np.zeros(len(records), np.bool_)
    found = []
    first: dict[bytes, Any] = {}
    for position, row in enumerate(records.to_dict("records")):
        earlier = first.setdefault(hashlib.blake2b(images[position].data).digest(), row)
        if earlier is row:
            continue
        equal = fact("same_pixels", other=below(earlier["image_path"], root))
        if row["split"] == "train":
            repeated[position] = True
            equal = fact("finding_left_out", reason=equal)
        elif earlier["label"] != row["label"]:
            equal = fact("same_pixels_twice_labelled", other=below(earlier["image_path"], root))
        found.append(Finding.of(row["image_path"], root, equal))
    return repeated, found


def _brightest(path: Path) -> int:
    try:
        return read_picture(path).brightest
    except UnreadableImageError:
        return 0


def _kept_share(category: Category, transform: Transform) -> float:
    """Return the share of the median training picture that the transform keeps."""
    height, width = np.median(category.train_sizes or [(1, 1)], axis=0).astype(int).tolist()
    left, top, right, bottom = transform.kept((width, height))
    return (right - left) * (bottom - top) / (width * height)


def _decode_mask(path: Path, transform: Transform) -> tuple[NDArray[np.bool_] | None, list[Fact]]:
    """Return the mask, if it is one, and what is wrong with it."""
    try:
        original, remark = read_mask(path)
    except UnreadableImageError as error:
        return None, [fact("mask_useless", reason=error.fact)]
    if original.getbbox() is None:
        return None, [fact("mask_useless", reason=fact("mask_empty"))]
    mask = transform.mask(original)
    problems = [remark] if remark else []
    kept = original.crop(transform.kept(original.size))
    cut = 1 - kept.histogram()[255] / original.histogram()[255]
    if not mask.any():
        problems.append(fact("mask_cropped", transform=transform))
    elif cut >= LEAST_CUT:
        problems.append(fact("mask_cut", transform=transform, share=f"{100 * cut:.1f} %"))
    return mask, problems


def fingerprint(records: pd.DataFrame, images: NDArray[np.uint8], masks: NDArray[np.bool_]) -> str:
    """Return a hash of names, labels and pixels."""
    digest = hashlib.blake2b(digest_size=16)
    for row in records.itertuples():
        digest.update(f"{key_of(row)}/{row.has_mask}|".encode())
    digest.update(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(np.packbits(masks).data)
    return digest.hexdigest()


def key_of(row: Any) -> str:
    """Return what names a picture of a category: split, defect and stem."""
    return f"{row.split}/{row.defect}/{row.stem}"


def full_size_masks(pictures: Pictures) -> Iterator[NDArray[np.bool_]]:
    """Yield each test picture's mask at the size of its file, cut as the picture is, ``[H, W]``."""
    for row in pictures.test_records.to_dict("records"):
        size = row["width"], row["height"]
        left, top, right, bottom = box = pictures.transform.kept(size)
        marked = np.zeros((bottom - top, right - left), np.bool_)
        for path in row["mask_paths"] if row["has_mask"] else ():
            with suppress(UnreadableImageError):  # another mask of the picture can be read
                marked |= np.asarray(read_mask(path).image.resize(size, NEAREST).crop(box)) > 0
        yield marked


def remarks(category: Category, pictures: Pictures) -> Fact | None:
    """Return how many remarks there are on a category's files, with one of the gravest."""
    every = [*pictures.findings, *category.findings]
    if not every:
        return None
    left_out = [one for one in every if one.problem.code == "finding_left_out"]
    wrong = [one for one in every if one.problem.code == "same_pixels_twice_labelled"]
    shown = (*wrong, *left_out, *every)[0]
    return fact(
        "data_remarks",
        category=category.name,
        count=len(every),
        left_out=len(left_out),
        train=pictures.train_count,
        test=len(pictures.masks),
        path=shown.path,
        problem=shown.problem,
    )


def decode_bytes(records: pd.DataFrame) -> int:
    """Return how many bytes the files take, at most, that are decoded at the same time."""
    largest = _largest_decoded(records)
    return max(largest, min(DECODE_THREADS * largest, DECODE_BYTES))


def _largest_decoded(records: pd.DataFrame) -> int:
    return int((records["height"] * records["width"]).max()) * DECODE_PIXEL_BYTES
