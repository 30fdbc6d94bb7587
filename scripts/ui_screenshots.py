"""Pictures of `mxctl ui` for docs/ui.md, from the running local stack while `mxctl demo` sends records through it.

    mxctl local up && .venv/bin/python scripts/ui_screenshots.py

The machine needs a font of Bengali (Debian: fonts-beng-extra). Made data only: the vendors are the sandbox's. A dead
letter is made on purpose, so that its display can be seen.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from glue.settings import state_dir

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"
TOPIC = '.card[data-id="topic/source.social.facebook"]'
DEAD = '.card[data-id="dead letters/dead-letters-social"]'
MINUTE = 60_000  # milliseconds


def address() -> str:
    """Where the local stack serves the page."""
    state = json.loads((state_dir() / "state.json").read_text())
    return f"http://127.0.0.1:{state['parts']['ui']['ports']['http']}/"


def bad_line() -> None:
    """One post that is too short: a dead letter."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "posts.jsonl"
        file.write_text('{"content": "meh"}\n')
        command = [sys.executable, "-m", "glue", "ingest", str(file), "--source", "facebook"]
        subprocess.run(command, capture_output=True, check=False)  # its exit code tells of the bad line


def opened(browser: Browser, width: int, height: int, scheme: str) -> Page:
    """The page, drawn."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address())
    expect(page.locator(".card[data-state]").first).to_be_visible(timeout=MINUTE)
    return page


def take(page: Page, name: str) -> None:
    """One picture, and its size, since the repository should stay small."""
    file = OUT / f"{name}.png"
    page.screenshot(path=str(file), animations="allow")
    print(f"{file.relative_to(OUT.parent.parent)}: {file.stat().st_size // 1000} kB")


def main() -> None:
    """Send traffic, wait until it flows, take the pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    bad_line()
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    command = [sys.executable, "-m", "glue", "demo", "--posts", "400", "--orders", "400", "--keep"]
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        light = opened(browser, 1280, 800, "light")
        dark = opened(browser, 1280, 800, "dark")
        narrow = opened(browser, 390, 844, "light")
        try:
            # Lines that move, and not only the first of them.
            expect(light.locator(".moving.on").nth(5)).to_be_attached(timeout=5 * MINUTE)
            take(light, "ui-light")
            dark.locator(TOPIC).click()
            expect(dark.locator(".records li").first).to_be_visible(timeout=MINUTE)
            dark.locator(".records li summary").first.click()
            take(dark, "ui-dark-records")
            take(narrow, "ui-narrow")
            light.locator(DEAD).click()
            expect(light.locator("#panel .sections")).to_contain_text("Causes", timeout=MINUTE)
            expect(light.locator(".records li").first).to_be_visible(timeout=MINUTE)
            take(light, "ui-dead-letters")
            demo.wait()  # its posts are stored
            light.keyboard.press("Escape")
            light.keyboard.press("/")
            light.keyboard.type("shiter juta")
            light.keyboard.press("Enter")
            expect(light.locator("#found-posts .content").nth(2)).to_be_visible(timeout=MINUTE)
            take(light, "ui-search")
        finally:
            browser.close()
            demo.wait()


if __name__ == "__main__":
    main()
