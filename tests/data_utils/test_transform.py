"""Picture, mask and what is shown stay aligned, at the sizes of the papers' protocol."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from data_utils.transform import MAX_SIDE, Transform, choose_transform

PAPER = Transform(224, 224, shorter_side=256)
SIZES = [(300, 300), (1024, 1024), (256, 256), (200, 500), (500, 200), (700, 840), (257, 311)]


def whole(*sizes: tuple[int, int]) -> Transform:
    """Return the transform of a user's own category whose pictures have these sizes."""
    return choose_transform(sizes, official=False)


def with_bright_block(height: int, width: int) -> tuple[Image.Image, Image.Image]:
    block = np.zeros((height, width), np.uint8)
    top, left = int(0.35 * height), int(0.45 * width)
    block[top : top + height // 5, left : left + width // 8] = 255
    return Image.fromarray(np.stack([block] * 3, axis=-1)), Image.fromarray(block)


def border(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return the pixels within `pixels` of the mask's outline, on either side."""
    square = np.ones((3, 3), dtype=bool)
    grown = binary_dilation(mask, square, iterations=pixels)
    shrunk = binary_erosion(mask, square, iterations=pixels, border_value=1)
    edge: NDArray[np.bool_] = grown & ~shrunk
    return edge


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cropped", [True, False], ids=["cropped", "whole"])
def test_the_mask_covers_the_bright_block_up_to_its_border(
    size: tuple[int, int], cropped: bool
) -> None:
    transform = PAPER if cropped else whole(size)
    picture, mask = with_bright_block(*size)

    shown = transform.picture(picture)
    marked = transform.mask(mask)

    assert shown.shape == (transform.height, transform.width, 3)
    assert marked.shape == (transform.height, transform.width)
    assert marked.sum() > 100
    assert not ((shown[..., 0] > 127) != marked)[~border(marked, 1)].any()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cropped", [True, False], ids=["cropped", "whole"])
def test_what_is_kept_of_a_picture_is_what_is_shown_of_it(
    size: tuple[int, int], cropped: bool
) -> None:
    transform = PAPER if cropped else whole(size)
    _, mask = with_bright_block(*size)
    left, top, right, bottom = box = transform.kept(mask.size)
    kept = mask.crop(box).resize((transform.width, transform.height), Image.Resampling.NEAREST)

    assert 0 <= left < right <= mask.width
    assert 0 <= top < bottom <= mask.height
    marked = transform.mask(mask)
    assert not ((np.asarray(kept) > 0) != marked)[~border(marked, 1)].any()


@pytest.mark.parametrize("size", SIZES)
def test_the_crop_follows_the_protocol_of_torchvision(size: tuple[int, int]) -> None:
    """``Resize(256)`` then ``CenterCrop(224)``: long side cut to int, offsets rounded."""
    height, width = size
    picture = Image.fromarray(
        np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    )
    long_side = int(256 * max(size) / min(size))
    resized_width, resized_height = (256, long_side) if width <= height else (long_side, 256)
    left = round((resized_width - 224) / 2.0)
    top = round((resized_height - 224) / 2.0)
    resized = np.asarray(picture.resize((resized_width, resized_height), Image.Resampling.BILINEAR))

    shown = PAPER.picture(picture)

    assert shown.shape == (224, 224, 3)
    assert (shown == resized[top : top + 224, left : left + 224]).all()
    if size == (256, 256):  # is only cropped
        assert (shown == np.asarray(picture)[16:240, 16:240]).all()


def test_shrinking_a_picture_averages_instead_of_picking_pixels() -> None:
    checks = np.indices((1024, 1024)).sum(axis=0) % 2 * 255
    picture = Image.fromarray(checks.astype(np.uint8)).convert("RGB")

    shown = whole((1024, 1024)).picture(picture)

    assert np.abs(shown.astype(int) - 127.5).max() < 16


def test_masks_are_never_blurred_into_new_values_or_grown() -> None:
    mask = np.zeros((1024, 1024), np.uint8)
    mask[512:, :] = 255

    marked = whole((1024, 1024)).mask(Image.fromarray(mask))

    assert (marked == (np.arange(224) >= 112)[:, None]).all()


@pytest.mark.parametrize(
    "size", [(480, 640), (1080, 1920), (1920, 1080), (1024, 1024), (300, 400), (768, 1024)]
)
def test_whole_pictures_keep_aspect_and_area_on_sides_of_32(size: tuple[int, int]) -> None:
    transform = whole(size)
    sides = (transform.height, transform.width)

    assert transform.shorter_side is None
    assert all(side % 32 == 0 for side in sides)
    assert 0.8 < sides[0] * sides[1] / 224**2 < 1.25
    assert abs(math.log((sides[1] / sides[0]) / (size[1] / size[0]))) < math.log(1.2)


def test_the_median_aspect_decides_and_one_odd_picture_does_not() -> None:
    assert whole(*[(480, 640)] * 5, (640, 100)) == whole((480, 640))


def test_whole_pictures_show_every_edge_of_the_picture() -> None:
    frame = np.zeros((300, 600, 3), np.uint8)
    frame[:20], frame[-20:], frame[:, :20], frame[:, -20:] = 255, 255, 255, 255

    shown = whole((300, 600)).picture(Image.fromarray(frame))

    assert min(shown[0].min(), shown[-1].min(), shown[:, 0].min(), shown[:, -1].min()) > 200


@pytest.mark.parametrize(
    ("official", "options", "expected"),
    [
        (True, {"sizes": [(700, 700)]}, Transform(224, 224, 256)),
        (True, {"sizes": [(700, 750)], "image_size": 320}, Transform(224, 224, 320)),
        (True, {}, Transform(160, 320)),
        (True, {"image_size": 320, "crop": 288}, Transform(288, 288, 320)),
        (True, {"crop": 256}, Transform(256, 256, 256)),
        (True, {"whole": True}, Transform(160, 320)),
        (True, {"whole": True, "image_size": 128}, Transform(96, 192)),
        (False, {}, Transform(160, 320)),
        (False, {"image_size": 128}, Transform(96, 192)),
        (False, {"crop": 224}, Transform(224, 224, 256)),
        (False, {"crop": 200, "image_size": 240}, Transform(200, 200, 240)),
        (False, {"sizes": []}, Transform(224, 224)),
        (False, {"sizes": [(700, 700)]}, Transform(224, 224)),
    ],
)
def test_options_change_the_default_of_the_category(
    official: bool, options: dict[str, Any], expected: Transform
) -> None:
    given: dict[str, Any] = {"sizes": [(100, 200)], "official": official} | options

    assert choose_transform(**given) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crop": 224, "whole": True}, "exclude each other"),
        (
            {"image_size": 128},
            r"crop of 224 px does not fit .* resized to 128 px; raise --image-size",
        ),
        ({"crop": 300}, r"crop of 300 px does not fit .* resized to 256 px"),
        ({"crop": 31}, r"31 x 31 px is outside 32 to 2048 px"),
        ({"image_size": 4096, "crop": 2049}, r"2049 x 2049 px is outside"),
        ({"image_size": MAX_SIDE + 1}, r"image size of 2049 px is outside"),
    ],
)
def test_sizes_that_cannot_be_are_answered_with_the_option_to_change(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        choose_transform([(100, 100)], official=True, **options)


def test_a_transform_says_in_words_what_it_does() -> None:
    assert str(Transform(224, 224, 256)) == "shorter side 256 px, centre crop 224 x 224 px"
    assert str(Transform(160, 320)) == "whole picture 160 x 320 px"
