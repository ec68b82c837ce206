"""Make the README's pictures again: ``python docs/screenshot.py [http://localhost:8501]``.

Start the app first, without a data set (demo data) and with ImageNet weights, and run the full
evaluation. Needs Chromium and ``requirements-dev.txt``.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

SIZE: ViewportSize = {"width": 1280, "height": 1150}
CHOICE = "category=demo_gear&method=padim&sample=stain%2F004"
PAGES = {
    "overview": "/",
    "samples": "/samples",
    "compare": "/compare",
    "roc": "/roc",
    "tradeoff": "/tradeoff",
    "defects": "/defects",
    "inspection": "/inspection",
    "training": "/training",
    "run": "/run",
}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SETTLE_MS = 4000
COMMAND_HIDDEN = "[data-testid=stCode] { visibility: hidden; }"  # it has this machine's folders
COLOURS, GAP_PX = 256, 12


def main(address: str = "http://localhost:8501") -> None:
    """Open every page; write two of them, and all of them smaller as ``pages.png``."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    shots = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path in PAGES.items():
            page = browser.new_page(viewport=SIZE)
            page.goto(f"{address}{path}?{CHOICE}")
            page.locator("h1").wait_for(timeout=60_000)
            page.wait_for_timeout(SETTLE_MS)
            if name == "inspection":
                damage_a_picture(page)
            page.add_style_tag(content=COMMAND_HIDDEN)
            shots[name] = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            page.close()
        browser.close()
    for name in ("samples", "training"):
        _save(shots[name], name)
    _save(side_by_side(list(shots.values())), "pages")


def side_by_side(shots: list[Image.Image]) -> Image.Image:
    """Return the pictures at half their size, in two columns."""
    width, height = SIZE["width"] // 2, SIZE["height"] // 2
    sheet = Image.new("RGB", (2 * width + GAP_PX, -(-len(shots) // 2) * (height + GAP_PX)), "white")
    for at, shot in enumerate(shots):
        column, row = at % 2, at // 2
        sheet.paste(
            shot.resize((width, height)), (column * (width + GAP_PX), row * (height + GAP_PX))
        )
    return sheet


def damage_a_picture(page: Page) -> None:
    """Choose a test picture and put a stain on it."""
    page.get_by_role("radio", name="damage a test picture").click(force=True)
    page.get_by_role("button", name="stain", exact=True).or_(
        page.get_by_role("radio", name="stain", exact=True)
    ).first.click(force=True, timeout=60_000)
    page.get_by_text("Why this score").wait_for(timeout=60_000)
    page.wait_for_timeout(SETTLE_MS)


def _save(shot: Image.Image, name: str) -> None:
    """Write a picture in 256 colours, which takes a third of the space."""
    path = Path(__file__).with_name(f"{name}.png")
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
