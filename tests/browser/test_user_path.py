"""The path through all pages in a real browser, on finished results; pages from their URLs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dashboard.frame import PAGES
from dashboard.texts import wording
from evaluation.run.job import read_status
from evaluation.run.progress import CANCELLED
from tests.browser.conftest import WAIT_MS, ServedResults
from tests.browser.steps import (
    HEADINGS,
    click_until,
    keep,
    opened,
    path_of,
    pick,
    press_on_slider,
    reload_at,
    retried,
    settle,
    wait_for_address,
    wait_for_heading,
)

METHODS = ("padim", "patchcore")
WITH_SLIDER = ("overview", "samples", "compare", "roc", "defects")
WITH_SAMPLE = ("samples", "compare")
CHOSEN = {
    "lang": "ko",
    "category": "bare",
    "method": "patchcore",
    "sample": "blot/003",
    "alarms": "12.5",
}
ADDRESS_OF_CHOSEN = "lang=ko&category=bare&method=patchcore&sample=blot%2F003&alarms=12.5"

pytestmark = pytest.mark.browser


def scores(results: ServedResults, method: str) -> pd.DataFrame:
    path = results.outputs / "part" / method / "scores.csv"
    return pd.read_csv(path, dtype={"stem": str})


def expected_missed(results: ServedResults, method: str, allowed: float) -> list[str]:
    """Return the missed defects by the definition: at or below the conformal threshold."""
    table = scores(results, method)
    test = table[table["split"] == "test"]
    held_out = np.sort(table.loc[table["split"] != "test", "score"].to_numpy())
    threshold = held_out[math.ceil((len(held_out) + 1) * (1 - allowed)) - 1]
    missed = test[(test["label"] > 0) & (test["score"] <= threshold)]
    return sorted(missed["defect"] + "/" + missed["stem"])


def score_of(results: ServedResults, method: str, defect: str, stem: str) -> float:
    table = scores(results, method)
    row = table[(table["defect"] == defect) & (table["stem"] == stem) & (table["split"] == "test")]
    return float(row["score"].iloc[0])


def main_area(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def follow(page: Page, name: str, heading: str, lang: str = "en") -> None:
    """Go to another page by its link in the navigation."""
    link = page.get_by_role("link", name=wording(f"page_{name}", lang), exact=True)
    click_until(link, page.get_by_role("heading", name=heading, exact=True, level=1))


def test_the_user_path_from_the_first_look_to_an_own_picture(
    page: Page, served_results: ServedResults
) -> None:
    results = served_results
    opened(page, results.address, "AE, PaDiM and PatchCore side by side")
    pick(page, "Category", "part")
    wait_for_address(page, {"category": "part"})
    keep(page, "path-1-overview")

    # Click through defects: a tile of the gallery, the filter, the next one.
    follow(page, "samples", "Samples: part · PaDiM")
    chosen = page.get_by_role("radio", name="PatchCore", exact=True)
    heading = page.get_by_role("heading", name="Samples: part · PatchCore", exact=True)
    click_until(chosen, heading)
    picked = page.get_by_role("button", name=re.compile("blot.002: blot, score"))
    retried(picked.click, page.locator('[aria-current="true"][data-name="blot/002"]'))
    wait_for_address(page, {"sample": "blot/002"})
    expect(
        page.get_by_text(f"score {score_of(results, 'patchcore', 'blot', '002'):.4g}", exact=True)
    ).to_be_visible()
    pick(page, "Defect type", "faint")
    expect(page.get_by_text("1 of 10", exact=True)).to_be_visible()
    following = page.get_by_role("button", name="Next sample", exact=True)
    click_until(following, page.get_by_text("2 of 10", exact=True))
    wait_for_address(page, {"sample": "faint/001"})
    keep(page, "path-2-samples")

    # Compare: the faintest defect is missed, a bright one found by both.
    follow(page, "compare", "Compare: part")
    under = page.locator("figure .under")
    pick(page, "Defect type", "all")
    pick(page, "Sample", "blot/002")
    expect(under.filter(has_text="✓ found")).to_have_count(2)
    missed = expected_missed(results, "patchcore", 0.05)
    assert missed
    pick(page, "Sample", missed[0])
    expect(under.filter(has_text="✗ missed").first).to_be_visible()
    keep(page, "path-3-compare")

    # More false alarms allowed: fewer missed defects, exactly those of the definition.
    follow(page, "roc", "ROC and operating point: part")
    numbers = main_area(page).get_by_text(re.compile(r"^Missed defects: \d+ of 16"))
    before, after = (
        [len(expected_missed(results, method, allowed)) for method in METHODS]
        for allowed in (0.05, 0.3)
    )
    assert before != after
    for at, count in enumerate(before):
        expect(numbers.nth(at)).to_contain_text(f": {count} of 16")
    press_on_slider(page, "Allow false alarms", "ArrowRight", "7.5")
    press_on_slider(page, "Allow false alarms", "End", "30")
    for at, count in enumerate(after):
        expect(numbers.nth(at)).to_contain_text(f": {count} of 16")
    wait_for_address(page, {"alarms": "30.0"})
    keep(page, "path-4-roc")

    follow(page, "tradeoff", "Time against accuracy")
    expect(main_area(page).locator(".js-plotly-plot").first).to_be_visible()
    expect(page.get_by_text("Up and to the left is better.")).to_be_visible()
    keep(page, "path-5-tradeoff")

    # An evaluation of AE takes a minute; cancelled, it leaves the finished results alone.
    follow(page, "run", "Run evaluations")
    summary = (results.outputs / "summary.csv").read_text()
    start = page.get_by_role("button", name="Start this run")
    cancel = main_area(page).get_by_role("button", name="Cancel", exact=True)
    click_until(start, cancel)
    keep(page, "path-6-running")
    click_until(cancel, main_area(page).get_by_text("Evaluation cancelled; finished cells"))
    expect(start).to_be_enabled()
    status = read_status(results.outputs)
    assert status is not None
    assert status.state == CANCELLED
    assert (results.outputs / "summary.csv").read_text() == summary

    follow(page, "inspection", "Inspect: part")
    picture = results.data / "part" / "test" / "faint" / "009.png"
    page.locator('input[type="file"]').set_input_files(picture)
    for method in METHODS:
        score = score_of(results, method, "faint", "009")
        expect(main_area(page).get_by_text(f"Score {score:.4g}", exact=True)).to_be_visible()
    expect(
        main_area(page).locator(".stMarkdownBadge", has_text="reported defective")
    ).to_have_count(2)
    expect(page.get_by_role("heading", name="Why this score")).to_be_visible()
    settle(page)
    keep(page, "path-7-inspection")
    assert not page.get_by_test_id("stException").count()


def shows_what_was_chosen(page: Page, name: str) -> None:
    """Expect the page in Korean with the selection of ``CHOSEN``."""
    wait_for_heading(page, korean_heading(name))
    if name != "run":
        category = main_area(page).get_by_role("combobox", name="카테고리", exact=True)
        expect(category).to_have_value("bare")
    if name == "inspection":
        damaged = main_area(page).get_by_text(wording("inspection_from_test", "ko"), exact=True)
        sample = page.get_by_role("combobox", name=wording("inspection_test_picture", "ko"))
        click_until(damaged, sample)
        expect(sample).to_have_value("blot/003")
    if name in (*WITH_SLIDER, "inspection"):
        slider = page.get_by_role("slider", name=wording("allow_alarms", "ko"))
        expect(slider).to_have_value("12.5")
    if name in WITH_SAMPLE:
        sample = page.get_by_role("combobox", name=wording("sample", "ko"), exact=True)
        expect(sample).to_have_value(re.compile("^blot/003"))
    wait_for_address(page, CHOSEN)
    written = {key: one for key, [one] in parse_qs(urlsplit(page.url).query).items()}
    assert written.items() >= CHOSEN.items()
    assert written.keys() <= {*CHOSEN, "inspection_source"}
    assert not page.get_by_test_id("stException").count()


def korean_heading(name: str) -> str:
    return wording(HEADINGS[name], "ko", category="bare", method="PatchCore")


def test_every_page_shows_and_keeps_the_selection_of_its_url(
    page: Page, served_results: ServedResults
) -> None:
    first, *others = PAGES
    page.goto(f"{served_results.address}/{path_of(first)}?{ADDRESS_OF_CHOSEN}")
    shows_what_was_chosen(page, first)
    for name in (*others, first):
        follow(page, name, korean_heading(name), "ko")
        assert urlsplit(page.url).path == f"/{path_of(name)}"
        shows_what_was_chosen(page, name)
        reload_at(page, **CHOSEN)
        shows_what_was_chosen(page, name)


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    """Open a tab as wide as a phone."""
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.set_default_timeout(WAIT_MS)
    yield tab
    tab.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_on_a_phone(phone: Page, served_results: ServedResults, name: str) -> None:
    chosen = "category=part&method=patchcore&sample=blot%2F003"
    heading = wording(HEADINGS[name], "en", category="part", method="PatchCore")
    opened(phone, f"{served_results.address}/{path_of(name)}?{chosen}", heading)
    if name == "inspection":
        damaged = phone.get_by_text(wording("inspection_from_test", "en"), exact=True)
        click_until(damaged, phone.get_by_role("heading", name="Why this score"))
    expect(phone.get_by_test_id("stSkeleton")).to_have_count(0)
    settle(phone)
    keep(phone, f"phone-{name}")
    widths = phone.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid="stMain"]')]
        .map((part) => part.scrollWidth)"""
    )
    assert max(widths) <= 390 + 1
    too_wide = phone.evaluate(
        """() => [...document.querySelector('[data-testid="stMain"]').querySelectorAll('h1, p')]
        .filter((part) => part.getBoundingClientRect().right > window.innerWidth + 1)
        .map((part) => part.textContent)"""
    )
    assert not too_wide
