"""Many people at once: each sees what is theirs, and the server's memory stays bounded."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dashboard.frame import PAGES
from dashboard.texts import wording
from tests.browser.conftest import WAIT_MS, ServedResults
from tests.browser.steps import HEADINGS, path_of, retried, settle

METHODS = {"padim": "PaDiM", "patchcore": "PatchCore"}
CATEGORIES = ("part", "bare")
NEW_SESSION_SHARE = 0.2
MOST_GROWTH, ALLOWED_NOISE_BYTES = 0.1, 40 * 2**20


@dataclass
class Visitor:
    """A person at a browser of their own, who looks at one category with one method."""

    results: ServedResults
    page: Page
    choices: random.Random
    category: str = ""
    method: str = ""
    at: str = ""

    def arrive(self) -> None:
        """Open a page by its address, as a new session."""
        self.category = self.choices.choice(CATEGORIES)
        self.method = self.choices.choice(list(METHODS))
        self.at = self.choices.choice(list(PAGES))
        self._go()

    def move(self) -> None:
        """Start going somewhere; what it leads to is looked at later."""
        if self.choices.random() < NEW_SESSION_SHARE:
            self.arrive()
        else:
            self.at = self.choices.choice([name for name in PAGES if name != self.at])
            self._link().click(no_wait_after=True)

    def look(self) -> None:
        """Expect what this person asked for, whole and without an error."""
        retried(self._link().click, self._heading())
        if self.at == "inspection":
            self._inspect()
        assert not self.page.get_by_test_id("stException").count()
        if self.at != "run":
            category = self.page.get_by_role("combobox", name="Category", exact=True)
            expect(category).to_have_value(self.category)

    def _inspect(self) -> None:
        table = pd.read_csv(
            self.results.outputs / self.category / self.method / "scores.csv", dtype={"stem": str}
        )
        row = table[table["split"] == "test"].sample(1, random_state=self.choices.randrange(2**31))
        picture = self.results.data / str(row["file"].iloc[0])
        self.page.locator('input[type="file"]').set_input_files(picture)
        score = f"Score {float(row['score'].iloc[0]):.4g}"
        expect(self.page.get_by_text(score, exact=True).first).to_be_visible()
        settle(self.page)

    def _go(self) -> None:
        chosen = f"category={self.category}&method={self.method}"
        address = f"{self.results.address}/{path_of(self.at)}?{chosen}"
        self.page.goto(address, wait_until="commit")

    def _link(self) -> Locator:
        name = wording(f"page_{self.at}", "en")
        return self.page.get_by_role("link", name=name, exact=True)

    def _heading(self) -> Locator:
        words = wording(
            HEADINGS[self.at], "en", category=self.category, method=METHODS[self.method]
        )
        return self.page.get_by_role("heading", name=words, exact=True, level=1)


def browse(browser: Browser, results: ServedResults, people: int, seconds: float) -> None:
    """Let `people` click for so long; compare the memory after half of the time and at the end."""
    visitors = []
    for seed in range(people):
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(WAIT_MS)
        visitors.append(Visitor(results, page, random.Random(seed)))
    for visitor in visitors:
        visitor.arrive()
    for visitor in visitors:
        visitor.look()
    memory: list[tuple[float, int]] = []
    views, began = 0, time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds or len(memory) < 4:
        for visitor in visitors:
            visitor.move()
        for visitor in visitors:
            visitor.look()
        views += people
        memory.append((elapsed, results.server.memory_info().rss))
    for visitor in visitors:
        visitor.page.context.close()
    half = max(used for at, used in memory if at <= memory[-1][0] / 2)
    print(
        f"{people} sessions, {views} pages in {memory[-1][0]:.0f} s; memory "
        f"{memory[0][1] / 2**20:.0f}, {half / 2**20:.0f}, {memory[-1][1] / 2**20:.0f} MB"
    )
    assert memory[-1][1] <= half * (1 + MOST_GROWTH) + ALLOWED_NOISE_BYTES


@pytest.mark.browser
def test_two_people_at_once_each_see_what_they_asked_for(
    browser: Browser, served_results: ServedResults
) -> None:
    browse(browser, served_results, people=2, seconds=0)


@pytest.mark.soak
def test_twenty_people_clicking_for_five_minutes_leave_the_memory_bounded(
    browser: Browser, served_results: ServedResults
) -> None:
    browse(browser, served_results, people=20, seconds=300)
