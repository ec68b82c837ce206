"""Make the README's picture again: ``python docs/screenshot.py [http://localhost:8501]``.

Start the app first, without a data set (demo data) and with ImageNet weights, and run the full
evaluation. Needs Chromium and ``requirements-dev.txt``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

VIEW = "/samples?category=demo_gear&method=padim&sample=stain%2F004"
SIZE = {"width": 1280, "height": 900}


def main(address: str = "http://localhost:8501") -> None:
    """Open the samples page and write ``docs/samples.png``."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(address + VIEW)
        page.get_by_text("Overlay", exact=True).wait_for(timeout=60_000)
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(__file__).parent / "samples.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
