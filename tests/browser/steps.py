"""What a person does in a page, as steps that wait for what they lead to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Locator, Page, TimeoutError, expect

from dashboard.frame import DEFAULT_PAGE
from data_utils.locations import PROJECT

ARTEFACTS = PROJECT / "tests" / "artefacts"
TRIES = 10
SHORT_WAIT_MS = 5_000
MOST_PRESSES = 100
HEADINGS = {
    "overview": "overview_title",
    "samples": "samples_title",
    "compare": "compare_title",
    "roc": "roc_heading",
    "tradeoff": "tradeoff_heading",
    "defects": "defects_title",
    "inspection": "inspection_title",
    "training": "training_title",
    "run": "runpage_title",
}


def path_of(name: str) -> str:
    """Return the path of a page in the app's address."""
    return "" if name == DEFAULT_PAGE else name


def opened(page: Page, address: str, heading: str) -> None:
    """Go to an address and wait until the page under that heading is drawn."""
    page.goto(address)
    wait_for_heading(page, heading)


def wait_for_heading(page: Page, heading: str) -> None:
    """Wait for a page's heading and until all of the page is drawn."""
    expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()
    settle(page)


def settle(page: Page) -> None:
    """Wait until no script runs: until then a rerun can swallow a click."""
    expect(page.locator('[data-test-script-state="notRunning"]')).to_be_visible()


def retried(act: Callable[[], None], shown: Locator) -> None:
    """Do something until what it leads to is shown and the page is at rest.

    It is done again where nothing came of it: a rerun can swallow a click.
    """
    for _ in range(TRIES):
        settle(shown.page)
        if shown.is_visible():
            break
        act()
        with suppress(AssertionError):
            expect(shown).to_be_visible(timeout=SHORT_WAIT_MS)
    expect(shown).to_be_visible()
    settle(shown.page)


def click_until(clicked: Locator, shown: Locator) -> None:
    """Click until what it leads to is shown."""
    retried(clicked.click, shown)


def pick(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box or multiselect."""
    wanted = page.get_by_role("option", name=option, exact=True)
    box = page.get_by_role("combobox", name=label, exact=True)
    for _ in range(TRIES):
        click_until(box, wanted)
        with suppress(TimeoutError):  # a rerun can close the list
            wanted.click(timeout=SHORT_WAIT_MS)
            break
    page.keyboard.press("Escape")
    settle(page)


def reload_at(page: Page, **chosen: str) -> None:
    """Load the page again once its address says what was chosen."""
    wait_for_address(page, chosen)
    settle(page)
    page.reload()


def wait_for_address(page: Page, chosen: dict[str, str]) -> None:
    """Wait until the address says all of `chosen`: the page writes it after it is drawn."""
    page.wait_for_url(
        lambda url: chosen.items() <= dict(parse_qsl(urlsplit(url).query)).items(),
        wait_until="commit",
    )


def press_on_slider(page: Page, label: str, key: str, value: str) -> None:
    """Press a key on a slider until it stands at `value`; a rerun can swallow a press."""
    slider = page.get_by_role("slider", name=label)
    expect(slider).to_be_visible()
    for _ in range(MOST_PRESSES):
        before = slider.input_value()
        if before == value:
            settle(page)
            return
        settle(page)
        slider.press(key)
        with suppress(AssertionError):
            expect(slider).not_to_have_value(before, timeout=SHORT_WAIT_MS)
    raise AssertionError(f"The slider {label!r} never came to {value}.")


def keep(page: Page, name: str) -> Path:
    """Keep a screenshot as an artefact; return its file."""
    ARTEFACTS.mkdir(exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    page.screenshot(path=path)
    return path
