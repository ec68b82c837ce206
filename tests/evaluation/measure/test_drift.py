"""Pictures are said to differ from held-out good ones where they do, and for no defect."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from data_utils.facts import Fact
from evaluation.measure.drift import (
    FEWEST,
    LEAST_EFFECT,
    QUANTITIES,
    appearance,
    background,
    brightness_tells,
    differences,
    joined,
    mean_brightness,
    sharpness,
)
from tests.make_data import defective_picture, good_picture


def table(count: int, seed: int = 0, **shift: float) -> pd.DataFrame:
    """Return normal numbers in every quantity, some of them shifted."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.normal(shift.get(name, 0), 1, count) for name in QUANTITIES})


def codes(told: list[Fact]) -> list[str]:
    return [one.code for one in told]


def plain_auroc(held_out: NDArray[Any], pictures: NDArray[Any]) -> float:
    wins = 0.0
    for ours in pictures:
        for theirs in held_out:
            wins += 1.0 if ours > theirs else 0.5 if ours == theirs else 0.0
    return wins / (len(pictures) * len(held_out))


@pytest.mark.parametrize("seed", range(5))
def test_the_effect_is_the_share_of_pairs_won_in_the_direction_that_is_told(seed: int) -> None:
    held_out, pictures = table(40, seed), table(25, 100 + seed, brightness=1.6, sharpness=-1.8)
    held_out, pictures = held_out.round(1), pictures.round(1)  # with ties
    darker, less_sharp = sorted(differences(held_out, pictures, "PaDiM"), key=lambda one: one.code)
    assert (darker.code, less_sharp.code) == ("brighter", "less_sharp")
    area = plain_auroc(held_out["brightness"].to_numpy(), pictures["brightness"].to_numpy())
    assert darker.values["effect"] == f"{area:.2f}"
    area = plain_auroc(held_out["sharpness"].to_numpy(), pictures["sharpness"].to_numpy())
    assert less_sharp.values["effect"] == f"{1 - area:.2f}"


def test_p_values_are_corrected_for_all_quantities_that_were_tested() -> None:
    seen = set()
    for seed in range(100):
        held_out = table(20, seed)
        pictures = table(10, 1000 + seed, background=1.1, brightness=1.1, sharpness=1.1)
        tested = {
            name: mannwhitneyu(pictures[name], held_out[name], method="asymptotic")
            for name in QUANTITIES
        }
        alone = {name: one.pvalue for name, one in tested.items()}
        corrected: dict[str, float] = {}
        for name, p in alone.items():  # the plain definition
            ranked = sorted(alone.values())
            steps = [(3 - at) * one for at, one in enumerate(ranked) if one <= p]
            corrected[name] = max(steps)
        expected = {
            QUANTITIES[name][1]: f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
            for name, p in corrected.items()
            if p < 0.05 and tested[name].statistic / 200 >= LEAST_EFFECT
        }
        told = differences(held_out, pictures, "PaDiM")
        assert {one.code: one.values["p"] for one in told} == expected
        seen.add((sum(p < 0.05 for p in alone.values()), len(told)))
    assert {(3, 3), (2, 1), (1, 0)} < seen


def test_a_shift_is_told_with_the_method_only_where_it_is_one_of_maps() -> None:
    (one,) = differences(table(50), table(30, 1, background=-2), "PaDiM")
    assert (one.code, one.values["method"]) == ("background_lower", "PaDiM")
    (one,) = differences(table(50), table(30, 1, sharpness=2), "PaDiM")
    assert one.code == "sharper"
    assert "method" not in one.values


def test_pictures_of_the_same_kind_are_hardly_ever_said_to_differ() -> None:
    told = [differences(table(60, seed), table(30, 5000 + seed), "PaDiM") for seed in range(400)]
    assert sum(map(bool, told)) <= 0.05 * len(told)
    assert differences(table(60), table(60), "PaDiM") == []
    same = pd.DataFrame({name: [7.0] * 20 for name in QUANTITIES})
    assert differences(same, same, "PaDiM") == []


def test_few_pictures_tell_nothing_and_a_clear_small_shift_is_no_matter() -> None:
    far = table(50, 1, brightness=-100)
    assert differences(table(50), far.head(3), "PaDiM") == []
    assert differences(table(FEWEST - 1), far, "PaDiM") == []
    assert codes(differences(table(50), far.head(FEWEST), "PaDiM")) == ["darker"]
    held_out, pictures = table(3000), table(3000, 1, brightness=0.4)
    assert mannwhitneyu(held_out["brightness"], pictures["brightness"]).pvalue < 1e-9
    assert differences(held_out, pictures, "PaDiM") == []


def test_defects_among_the_pictures_are_no_drift_whatever_they_look_like() -> None:
    share = 2 * (LEAST_EFFECT - 0.5) - 0.1
    pictures = table(100, 1)
    pictures.iloc[: round(100 * share)] = 1e6
    assert differences(table(100), pictures, "PaDiM") == []


def test_what_a_table_lacks_is_not_compared() -> None:
    held_out, pictures = table(50), table(30, 1, background=3, brightness=3, sharpness=3)
    old = held_out[["brightness"]]
    assert codes(differences(old, pictures, "PaDiM")) == ["brighter"]
    assert codes(differences(held_out, pictures[["sharpness"]], "PaDiM")) == ["sharper"]
    assert differences(held_out[[]], pictures, "PaDiM") == []
    pictures.loc[0, "brightness"] = math.nan
    assert len(differences(held_out, pictures, "PaDiM")) == 3
    unknown = pictures.assign(background=math.nan)
    assert set(codes(differences(held_out, unknown, "PaDiM"))) == {"brighter", "sharper"}


def test_sizes_that_no_held_out_picture_has_are_counted_where_all_others_are_shared() -> None:
    held_out = table(20).assign(size=["900x900"] * 10 + ["800x600"] * 10)
    pictures = table(12, 1).assign(size=["800x600"] * 5 + ["64x64"] * 4 + ["32x32"] * 3)
    (one,) = differences(held_out, pictures, "PaDiM")
    assert (one.code, one.values) == ("other_size", {"count": 7, "size": "64x64"})
    assert differences(held_out, pictures.assign(size=["1x1"] * 6 + ["800x600"] * 6), "PaDiM") == []
    assert differences(held_out, pictures.head(9).assign(size="900x900"), "PaDiM") == []
    of_all_kinds = held_out.assign(size=["900x900"] * 19 + ["1x1"])
    assert differences(of_all_kinds, pictures, "PaDiM") == []


def test_what_methods_find_alike_is_told_once_and_what_maps_show_by_method() -> None:
    padim, patchcore = (
        differences(table(50), table(30, 1, background=2, brightness=2), method)
        for method in ("PaDiM", "PatchCore")
    )
    words = str(joined([*padim, *patchcore]))
    assert words.count("brighter") == 1
    assert words.count("PaDiM") == words.count("PatchCore") == 1
    assert joined([]) is None


def test_brightness_is_the_mean_over_pixels_and_channels() -> None:
    images = np.zeros((2, 2, 2, 3), np.uint8)
    images[1, 0, 0] = (255, 0, 45)

    assert mean_brightness(images).tolist() == [0, 25]


def test_sharpness_is_the_mean_logarithm_of_what_tiles_have_of_edges() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 34, 3), dtype=np.uint8)
    gray = image.mean(axis=2)
    edges = np.zeros((48, 32))
    for row in range(48):
        for column in range(32):
            y, x = row + 1, column + 1
            around = gray[y - 1, x] + gray[y + 1, x] + gray[y, x - 1] + gray[y, x + 1]
            edges[row, column] = around - 4 * gray[y, x]
    tiles = [edges[y : y + 16, x : x + 16] for y in (0, 16, 32) for x in (0, 16)]
    expected = np.mean([math.log(1 + tile.var()) for tile in tiles])
    assert sharpness(image[None]) == pytest.approx([expected], rel=1e-5)
    assert sharpness(np.full((1, 5, 3, 3), 9, np.uint8)).tolist() == [0]


def test_a_blot_leaves_the_lower_part_of_a_map_and_hardly_moves_sharpness() -> None:
    rng = np.random.default_rng(1)
    good = [good_picture(rng, 224) for _ in range(4)]
    defective, masks = zip(*(defective_picture(rng, 224) for _ in range(4)), strict=True)
    maps = rng.random((4, 224, 224)).astype(np.float32)
    spotted = np.where(np.array(masks) > 0, np.float32(1e3), maps)
    assert background(spotted) == pytest.approx(background(maps), abs=0.01)
    assert background(maps) == pytest.approx([np.sort(one.ravel())[5018] for one in maps], abs=1e-4)
    looks, others = appearance(np.array(good)), appearance(np.array(defective))
    halved = appearance(np.array(good) // 2)
    shifts = (other["sharpness"].mean() - looks["sharpness"].mean() for other in (others, halved))
    of_blot, of_contrast = map(abs, shifts)
    assert of_blot < 0.1 * of_contrast
    assert list(looks) == ["brightness", "sharpness"]


def test_brightness_that_gives_the_defects_away_is_told() -> None:
    assert codes(brightness_tells("part", 0.95)) == ["brightness_tells"]
    for value in (0.6, math.nan, None):
        assert brightness_tells("part", value) == []
