"""The page of training pictures: what stands out, what is left out, and what that changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from data_utils.mvtec import scan_category
from data_utils.pictures import load_pictures
from evaluation.run.plan import Run
from evaluation.store.cells import read_cell
from evaluation.store.leave_out import LEAVE_OUT_FILE, change_left_out, kept_left_out
from evaluation.store.places import CellPlace
from evaluation.store.settings import Settings
from evaluation.training_set.ratings import Ratings, write_ratings
from tests.dashboard.driver import change_cell, component, marks, opened, send, shown, viewer
from tests.runs import evaluated as evaluate_again

PAGE = "pages/training.py"
METHODS = ["padim", "patchcore"]
SUSPICIOUS = "train/good/004"
TWINS = ("train/good/002", "train/good/009", "train/good/011")


@pytest.fixture
def rated(results: Path) -> Ratings:
    """Give the part's training pictures ratings; picture 4 stands out, 2 and 9 are nearly equal."""
    about = read_cell(CellPlace(results, "part", "padim").folder)
    category = scan_category(Path(about["data_root"]), "part")
    pictures = load_pictures(category, Settings().transform_for(category))
    count, rng = pictures.train_count, np.random.default_rng(0)
    files = [path.relative_to(category.root).as_posix() for path in category.train["image_path"]]
    table = pictures.records[:count][["stem"]].assign(file=files)
    for method in METHODS:
        table[method] = rng.normal(10, 1, count)
        table.loc[4, method] = 30.0
    size = (about["geometry"]["height"], about["geometry"]["width"])
    maps = {method: rng.random((count, *size), np.float32) for method in METHODS}
    kept = ("category", "data_root", "data_fingerprint", "geometry", "weights")
    ratings = Ratings(
        {name: about[name] for name in kept}
        | {
            "scales": {method: {"low": 0.0, "high": 1.0} for method in METHODS},
            "equal": [[2, 9, 0.03], [9, 11, 0.04]],
            "seconds": 7.0,
        },
        table,
        maps,
    )
    write_ratings(results, ratings)
    return ratings


def page() -> AppTest:
    return opened(PAGE, category="part")


def listed(app: AppTest) -> list[str]:
    names: list[str] = component(app, "viewer")["names"]
    return names


def tiles(app: AppTest) -> dict[str, str]:
    """Return the remark on each thumbnail by the picture's name."""
    return {tile["name"]: tile["mark"] for tile in component(app, "gallery")["tiles"]}


def left_out(outputs: Path) -> set[str]:
    return {Path(name).stem for name in kept_left_out(outputs).get("part", ())}


@pytest.mark.usefixtures("results")
def test_without_ratings_the_page_offers_to_make_them(starts: list[list[str]]) -> None:
    app = page()
    assert "have not been rated yet" in shown(app)

    app.button(key="training_rate").click().run()

    (arguments,) = starts
    assert "--training-pictures" in arguments
    assert arguments[arguments.index("--categories") + 1] == "part"


def test_the_picture_that_stands_out_is_opened_first_with_each_methods_map(rated: Ratings) -> None:
    app = page()
    deviation = rated.deviations["padim"].iat[4]

    assert listed(app)[0] == component(app, "viewer")["chosen"] == SUSPICIOUS
    of_test = opened(PAGE, category="part", sample="blot/003")
    assert component(of_test, "viewer")["chosen"] == SUSPICIOUS
    assert not of_test.warning
    assert viewer(app)["under"]["padim"] == f"score 30 · {deviation:.1f} σ above the median picture"
    assert set(viewer(app)["layers"]) == set(METHODS)
    assert "**1 of 24 stand out** by more than 3.5 σ" in shown(app)
    assert "each rated by PaDiM, PatchCore without it in 7 s" in shown(app)


@pytest.mark.usefixtures("rated")
def test_nearly_equal_pictures_are_marked_and_can_come_first() -> None:
    app = page()
    assert {name for name, mark in tiles(app).items() if mark} == set(TWINS)

    app.selectbox(key="training_order").select("equal").run()
    assert listed(app)[:4] == [*TWINS, SUSPICIOUS]
    app = send(app, "viewer", sample=TWINS[0])

    assert marks(app) == [[f"nearly equal to {TWINS[1]}: apart by 3 % of the contrast", "wrong"]]


def test_pictures_are_left_out_one_by_one_or_together_and_taken_back(
    results: Path, rated: Ratings
) -> None:
    app = page()
    app.button(key="training_leave_this").click().run()
    assert left_out(results) == {"004"}
    assert tiles(app)[SUSPICIOUS] == "left out"
    assert app.button(key="training_leave_apart").disabled

    app.button(key="training_leave_second").click().run()
    assert left_out(results) == {"004", "009"}
    app.multiselect(key="left_out").set_value([TWINS[1]]).run()

    assert left_out(results) == {"009"}
    assert not list(Path(rated.about["data_root"]).rglob(LEAVE_OUT_FILE))


@pytest.mark.usefixtures("rated")
def test_names_that_the_ratings_do_not_have_stay_in_the_list(results: Path) -> None:
    change_left_out(results, "part", ["part/train/good/gone.png"])
    app = page()
    app.button(key="training_leave_this").click().run()
    app.multiselect(key="left_out").set_value([]).run()

    assert left_out(results) == {"gone"}


@pytest.mark.usefixtures("rated")
def test_the_evaluation_without_them_is_started_with_the_list(
    results: Path, starts: list[list[str]]
) -> None:
    change_left_out(results, "part", ["part/train/good/004.png"])
    app = page()
    button = app.button(key="training_evaluate")
    assert button.label == "Evaluate without them (1): PaDiM, PatchCore"

    button.click().run()

    (arguments,) = starts
    assert arguments[arguments.index("--leave-out") + 1] == str(results / LEAVE_OUT_FILE)
    assert [one for one in arguments if one in ("ae", *METHODS)] == METHODS


def test_before_and_after_stand_side_by_side(
    results: Path, rated: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_utils.transform.PAPER_CROP", 128)
    change_left_out(results, "part", ["part/train/good/004.png"])
    data = Path(rated.about["data_root"])
    run = Run(
        data, results, ["part"], ["padim"], Settings(), "random", leave_out=kept_left_out(results)
    )
    assert [state for state, _ in evaluate_again(run)] == ["done"]

    app = page()
    table = next(one.value for one in app.dataframe if "pictures" in one.value)
    assert not app.warning

    assert table["pictures"].tolist() == ["24", "23"]
    assert table["method"].tolist() == ["PaDiM", "PaDiM"]
    cells = [run.place_of(key).folder for key in run.cells("part")]
    auroc = read_cell(cells[0])["metrics"]["image_auroc"]
    assert table["image_auroc"].tolist()[1] == f"{auroc:.3f}"
    change_cell(cells[0], weights="of another file")
    assert "of another file" in page().warning[0].value


def test_ratings_of_other_pictures_than_the_folder_has_are_refused_with_a_way_out(
    results: Path, rated: Ratings
) -> None:
    about = dict(rated.about) | {"data_fingerprint": "of other pictures"}
    write_ratings(results, Ratings(about, rated.table, rated.maps))
    app = page()

    assert len(app.error) == 1
    assert not component(app, "viewer")
    assert app.button(key="training_rate").label == "Rate the training pictures"


@pytest.mark.usefixtures("rated")
def test_a_damaged_list_is_said_and_not_overwritten(results: Path) -> None:
    (results / LEAVE_OUT_FILE).write_text("nonsense\n")
    app = page()

    assert "is no list of pictures to leave out" in app.error[0].value
    assert (results / LEAVE_OUT_FILE).read_text() == "nonsense\n"
