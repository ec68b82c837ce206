"""A new user's first visit, in a real browser: the app begins by itself, on demo data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import ARTEFACTS, click_until, keep, pick, reload_at, wait_for_address

RUN_TIMEOUT_MS = 600_000

pytestmark = pytest.mark.browser


def test_a_new_user_sees_every_page_at_work_without_a_click(
    page: Page, served_app: tuple[str, Path]
) -> None:
    address, outputs = served_app

    # The very first request goes to a page's own address; the demo data are drawn for it.
    page.goto(f"{address}/samples?category=demo_gear&method=patchcore")
    expect(page.get_by_role("heading", name="Samples: demo_gear · PatchCore")).to_be_visible()
    keep(page, "1-first-look")
    expect(page.locator(".viewer figure")).to_have_count(4, timeout=RUN_TIMEOUT_MS)
    keep(page, "2-first-result")

    overview = page.get_by_role("link", name="Overview", exact=True)
    click_until(overview, page.get_by_role("heading", name="Which method for demo_gear?"))
    expect(page.get_by_text("The app has begun by itself")).to_be_visible()
    # The quick methods first; then the AE begins, and can be cancelled.
    page.wait_for_function(
        "() => /Now: demo_[a-z]+ · AE$/m.test(document.body.innerText)", timeout=RUN_TIMEOUT_MS
    )
    summary = pd.read_csv(outputs / "summary.csv")
    assert list(summary["method"]) == ["padim", "patchcore"] * 3
    assert summary["demo_data"].all()
    assert summary["image_auroc"].notna().all()
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    click_until(cancel, page.get_by_text("Evaluation cancelled; finished cells"))
    for method in ("padim", "patchcore"):
        pictures = list((outputs / "demo_gear" / method).glob("*.png"))
        assert len(pictures) == 4 * 45
    keep(page, "3-overview")

    samples = page.get_by_role("heading", name="Samples: demo_gear · PatchCore")
    click_until(page.get_by_role("link", name="Samples", exact=True), samples)
    for caption in ("Image", "Ground truth", "Heatmap", "Overlay"):
        expect(page.locator("figcaption").get_by_text(caption, exact=True)).to_be_visible()
    pick(page, "Defect type", "good")
    following = page.get_by_role("button", name="Next sample", exact=True)
    click_until(following, page.get_by_text("2 of 15"))
    wait_for_address(page, {"sample": "good/001"})
    pick(page, "Defect type", "stain")
    expect(page.get_by_text("1 of 10")).to_be_visible()
    page.screenshot(path=ARTEFACTS / "4-samples.png", full_page=True)

    korean = page.get_by_role("heading", name="샘플: demo_gear · PatchCore")
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.get_by_text("한국어", exact=True)).to_be_in_viewport()
    click_until(page.get_by_text("한국어", exact=True), korean)
    reload_at(page, lang="ko", category="demo_gear", method="patchcore")
    expect(korean).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
