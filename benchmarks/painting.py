"""What a browser makes of the pages: when it first paints, and how smoothly the largest grid scrolls."""

from __future__ import annotations

import shutil
import statistics

from playwright.sync_api import Page, sync_playwright

_LOADS = 7
_PAINTED = """() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"""
_SCROLL = """async () => {
  const box = [...document.querySelectorAll('*')].filter((each) => each.scrollHeight > each.clientHeight + 400)
    .sort((one, other) => other.scrollHeight - one.scrollHeight)[0] || document.scrollingElement;
  const frames = [];
  let before = await new Promise(requestAnimationFrame);
  for (let frame = 0; frame < 120; frame++) {
    box.scrollTop += 40;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
  }
  return frames;
}"""


def painted(url: str, pages: tuple[tuple[str, str], ...], grid: str | None = None) -> list[str]:
    """A row for each page, and for the scrolling of `grid`."""
    with sync_playwright() as playwright:
        found = shutil.which("chromium")
        if found is None:
            return ["| there is no chromium | |"]
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        rows = [
            f"| {words}: first paint | {_first_paint(page, url + path):.0f} ms |" for words, path in pages
        ]
        if grid is not None:
            page.goto(url + grid, wait_until="load")
            frames = sorted(page.evaluate(_SCROLL))
            rows.append(
                f"| scrolling that grid, a frame | {statistics.median(frames):.1f} ms, "
                f"95th percentile {frames[int(len(frames) * 0.95)]:.1f} |"
            )
        browser.close()
    return rows


def _first_paint(page: Page, url: str) -> float:
    """Milliseconds from the start of the navigation, the median of several."""
    times: list[float] = []
    for _ in range(_LOADS):
        page.goto(url, wait_until="load")
        page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
        times.append(page.evaluate(_PAINTED))
    return statistics.median(times)
