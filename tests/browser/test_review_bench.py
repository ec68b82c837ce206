"""Looking closely, in a real browser: zoom, keys, numbers that open pictures, lines to drag."""

from __future__ import annotations

import json
import re
from urllib.parse import quote_plus

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ServedResults
from tests.browser.steps import TRIES, keep, opened, settle, wait_for_address

pytestmark = pytest.mark.browser
POINTER_ROUNDING = 1.0  # of a pixel of the screen, in pixels of the map
HEADING = "Samples: part · PatchCore"


def samples(page: Page, results: ServedResults, more: str = "", name: str = "blot/002") -> Locator:
    """Open a defect in Samples; return its overlay."""
    chosen = f"category=part&method=patchcore&sample={quote_plus(name)}{more}"
    opened(page, f"{results.address}/samples?{chosen}", HEADING)
    overlay = page.locator(".viewer figure svg[role=img]").nth(3)
    expect(overlay).to_be_visible()
    return overlay


def view_box(svg: Locator) -> list[float]:
    return [float(part) for part in str(svg.get_attribute("viewBox")).split()]


def test_zoomed_in_the_original_and_the_mask_lie_in_register_in_every_panel(
    page: Page, served_results: ServedResults
) -> None:
    overlay = samples(page, served_results)
    whole = view_box(overlay)
    box = overlay.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    for _ in range(4):
        page.mouse.wheel(0, -200)
    wait_for_address(page, {})
    expect(page.locator(".viewer image[href^='data:image/jpeg']")).to_have_count(2)
    keep(page, "zoomed")

    boxes = [view_box(svg) for svg in page.locator(".viewer figure svg[role=img]").all()]
    assert boxes == [boxes[0]] * 4
    left, top, width, height = boxes[0]
    assert width == pytest.approx(height)
    assert width < whole[2] / 3
    # What was under the pointer is still there: a quarter from the left, a quarter from the top.
    assert left + width / 4 == pytest.approx(whole[2] / 4, abs=POINTER_ROUNDING)
    assert top + height / 4 == pytest.approx(whole[3] / 4, abs=POINTER_ROUNDING)

    # The original covers the frame of the maps, and the mask's border is where the file has it.
    detail = page.locator(".viewer image[href^='data:image/jpeg']").first
    placed = [float(detail.get_attribute(name) or "nan") for name in ("x", "y", "width", "height")]
    assert placed == pytest.approx(whole)
    file = served_results.data / "part" / "ground_truth" / "blot" / "002_mask.png"
    marked = np.asarray(Image.open(file)) > 0
    rows, columns = np.nonzero(marked)
    scale = whole[2] / marked.shape[1]
    page.keyboard.press("g")
    border = page.locator(".viewer path.line.truth").first
    seen = border.evaluate("(path) => { const b = path.getBBox(); return [b.x, b.y, b.width]; }")
    expected = [columns.min(), rows.min(), columns.max() + 1 - columns.min()]
    assert seen == pytest.approx([scale * float(value) for value in expected], abs=scale)

    page.keyboard.press("0")
    expect(overlay).to_have_attribute("viewBox", " ".join(f"{value:g}" for value in whole))


def test_zoom_and_place_stand_in_the_address_and_stay_from_sample_to_sample(
    page: Page, served_results: ServedResults
) -> None:
    overlay = samples(page, served_results, "&zoom=4,0.25,0.5")
    before = view_box(overlay)
    page.keyboard.press("ArrowRight")
    wait_for_address(page, {"sample": "blot/003", "zoom": "4,0.25,0.5"})
    assert view_box(overlay) == before
    page.go_back()
    wait_for_address(page, {"sample": "blot/002"})
    expect(page.locator(".viewer .line strong")).to_have_text("blot/002")


def test_keys_change_sample_method_and_layers_but_not_while_typing(
    page: Page, served_results: ServedResults
) -> None:
    samples(page, served_results)
    name = page.locator(".viewer .line strong")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("blot/003")
    page.keyboard.press("ArrowLeft")
    expect(name).to_have_text("blot/002")
    settle(page)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("heading", name="Samples: part · PaDiM", exact=True)).to_be_visible()
    settle(page)
    outline = page.get_by_role("button", name="Outline", exact=True)
    expect(outline).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("o")
    expect(outline).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".viewer path.found")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_text("wheel or two fingers", exact=False)).to_be_visible()

    page.get_by_role("combobox", name="Sample", exact=True).focus()
    page.keyboard.press("o")
    page.keyboard.press("Escape")
    expect(outline).to_have_attribute("aria-pressed", "false")


def test_a_region_of_the_list_is_zoomed_to(page: Page, served_results: ServedResults) -> None:
    overlay = samples(page, served_results, name="faint/005")  # with a small region
    whole = view_box(overlay)
    page.locator(".viewer .regions button").first.click()
    expect(page).to_have_url(re.compile("zoom="))
    left, top, width, height = view_box(overlay)
    assert width < whole[2]
    number = page.locator(".viewer text.number").first
    x, y = (float(number.get_attribute(name) or "nan") for name in ("x", "y"))
    assert left <= x <= left + width
    assert top <= y <= top + height


def test_a_count_opens_its_pictures_and_the_choice_can_be_taken_away(
    page: Page, served_results: ServedResults
) -> None:
    opened(page, f"{served_results.address}/roc?category=part", "ROC and operating point: part")
    link = page.get_by_role("link", name=re.compile(r"^Missed defects: \d+ of 16")).last
    count = re.findall(r"(\d+) of 16", link.inner_text())[0]
    link.click()
    expect(page.get_by_text(f"allowed false alarms: {count} missed")).to_be_visible()
    expect(page.get_by_text(re.compile(rf"^\d+ of {count}$"))).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Show all again").click()
    expect(page.get_by_text(re.compile(r"of 2\d$|of 3\d$")).first).to_be_visible()


def test_a_line_is_dragged_counts_follow_and_the_choice_is_kept(
    page: Page, served_results: ServedResults
) -> None:
    opened(page, f"{served_results.address}/roc?category=part", "ROC and operating point: part")
    chart = page.locator(".score-lines").last
    chart.scroll_into_view_if_needed()
    zone = chart.get_by_role("button", name="Review zone")
    zone.click()
    settle(page)
    kept = served_results.outputs / "thresholds.json"
    line = chart.get_by_role("slider", name="review above")
    before = float(line.get_attribute("aria-valuenow") or "nan")
    box = line.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] - 30, box["y"] + 80, steps=5)
    words = chart.locator(".said").inner_text()
    assert "To be reviewed" in words  # before the server is told
    page.mouse.up()
    settle(page)
    after = float(line.get_attribute("aria-valuenow") or "nan")
    assert after < before
    for _ in range(TRIES):  # the server writes it a moment later
        stored = json.loads(kept.read_text())["thresholds"][0]
        if stored["review_above"] == pytest.approx(after):
            break
        page.wait_for_timeout(500)
    assert stored["review_above"] == pytest.approx(after)
    assert stored["method"] == "patchcore"

    page.reload()
    settle(page)
    line = page.locator(".score-lines").last.get_by_role("slider", name="review above")
    assert float(line.get_attribute("aria-valuenow") or "nan") == pytest.approx(after)
    forget = page.get_by_role("button", name="Forget this choice")
    forget.click()
    expect(forget).to_have_count(0)
    assert json.loads(kept.read_text())["thresholds"] == []
