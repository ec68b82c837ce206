"""A new user's first visit, in a real browser: demo data, one evaluation, its results."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import ARTEFACTS, click_until, keep, pick, reload_at, wait_for_address

RUN_TIMEOUT_MS = 600_000

pytestmark = pytest.mark.browser


def test_a_new_user_evaluates_a_demo_category_and_sees_the_results(
    page: Page, served_app: tuple[str, Path]
) -> None:
    address, outputs = served_app

    # The very first request goes to a page's own address; the demo data are drawn for it.
    page.goto(f"{address}/samples?category=demo_gear&method=patchcore")
    expect(page.get_by_role("heading", name="Samples: demo_gear · PatchCore")).to_be_visible()
    expect(page.get_by_text("Demo data: generated pictures")).to_be_visible()
    expect(page.get_by_text("has not been evaluated with PatchCore yet")).to_be_visible()

    overview = page.get_by_role("link", name="Overview")
    click_until(overview, page.get_by_role("heading", name="No results yet"))
    keep(page, "1-no-results")

    categories = page.get_by_role("combobox", name="Categories", exact=True)
    click_until(page.get_by_text("What to run"), categories)
    pick(page, "Categories", "demo_gear")
    for quick in ("PaDiM", "PatchCore"):
        pick(page, "Methods", quick)
    start = page.get_by_role("button", name="Run full evaluation")
    click_until(start, page.get_by_role("button", name="Cancel"))
    keep(page, "2-running")
    expect(page.get_by_text("Evaluation finished: 2 new, 0 unchanged.")).to_be_visible(
        timeout=RUN_TIMEOUT_MS
    )

    summary = pd.read_csv(outputs / "summary.csv")
    assert list(summary["method"]) == ["padim", "patchcore"]
    assert summary["demo_data"].all()
    assert summary["image_auroc"].notna().all()
    expect(page.get_by_text("ran on EfficientNet-Lite0")).to_be_visible()
    for method in summary["method"]:
        pictures = list((outputs / "demo_gear" / method).glob("*.png"))
        assert len(pictures) == 4 * 45
    keep(page, "3-overview")

    samples = page.get_by_role("heading", name="Samples: demo_gear · PatchCore")
    click_until(page.get_by_role("link", name="Samples"), samples)
    for caption in ("Image", "Ground truth", "Heatmap", "Overlay"):
        expect(page.get_by_text(caption, exact=True)).to_be_visible()
    expect(page.get_by_text("1 of 45")).to_be_visible()
    click_until(page.get_by_role("button", name="Next"), page.get_by_text("2 of 45"))
    wait_for_address(page, {"sample": "good/001"})
    stain = page.get_by_test_id("stButtonGroup").get_by_text("stain", exact=True)
    click_until(stain, page.get_by_text("1 of 10"))
    pick(page, "Method", "PaDiM")
    expect(page.get_by_role("heading", name="Samples: demo_gear · PaDiM")).to_be_visible()
    page.screenshot(path=ARTEFACTS / "4-samples.png", full_page=True)

    korean = page.get_by_role("heading", name="샘플: demo_gear · PaDiM")
    click_until(page.get_by_text("한국어", exact=True), korean)
    reload_at(page, lang="ko", category="demo_gear", method="padim")
    expect(korean).to_be_visible()
