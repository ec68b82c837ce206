"""How soon the viewer on Samples shows the next sample after a key, in a headless Chromium.

From the key press to the second animation frame after the next sample stands in the page, by the
browser's own clock. *paced*: a press every half second; *held*: as fast as a key that is held
down repeats (30 a second), where samples that have not been sent ahead must be waited for; there
the time per sample is given.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.page_times import fresh_server

PACE_MS, REPEAT_MS, PATIENCE_MS = 500, 33, 60_000
WATCH = """() => {
  const shown = () => window.viewerRoot.querySelector('.line strong').textContent;
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.classList?.contains('viewer')) return node;
      const found = node.shadowRoot && walk(node.shadowRoot);
      if (found) return found;
    }
  };
  window.viewerRoot = walk(document);
  window.taken = [];
  if (window.watched) return;
  window.watched = true;
  window.addEventListener('keydown', () => {  // before the viewer hears of it
    const began = performance.now(), before = shown();
    const look = () => shown() === before ? requestAnimationFrame(look)
      : requestAnimationFrame(() => window.taken.push(performance.now() - began));
    requestAnimationFrame(look);
  }, true);
}"""


def main() -> None:
    """Print the milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", type=Path, required=True, help="folder of results")
    parser.add_argument("--data", type=Path, required=True, help="their data folder")
    parser.add_argument("--category", required=True)
    parser.add_argument("--method", default="patchcore")
    parser.add_argument("--presses", type=int, default=30)
    given = parser.parse_args()
    for variable, folder in (("MVTEC_OUTPUTS", given.outputs), ("MVTEC_ROOT", given.data)):
        os.environ[variable] = str(folder.resolve())
    with fresh_server() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        chosen = f"category={given.category}&method={given.method}"
        for zoom in ("", "&zoom=4,0.5,0.5"):
            page.goto(f"http://127.0.0.1:{port}/samples?{chosen}{zoom}")
            page.locator(".viewer .line strong").wait_for(timeout=PATIENCE_MS)
            page.wait_for_timeout(4 * PACE_MS)
            kind = "zoomed in" if zoom else "whole picture"
            paced = _presses(page, given.presses, PACE_MS)
            print(f"{kind}, paced: median {statistics.median(paced):.0f}, most {max(paced):.0f} ms")
            held = _presses(page, given.presses, REPEAT_MS)
            print(f"{kind}, held: median {statistics.median(held):.0f}, most {max(held):.0f} ms")
        browser.close()


def _presses(page: Page, count: int, pause_ms: int) -> list[float]:
    page.evaluate(WATCH)
    for _ in range(count):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause_ms)
    page.wait_for_timeout(4 * PACE_MS)
    return [float(one) for one in page.evaluate("() => window.taken")]


if __name__ == "__main__":
    main()
