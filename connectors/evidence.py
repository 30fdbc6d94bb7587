"""What a page looked like that could not be read: its HTML and a screenshot, without what people wrote in it.

Whoever corrects selectors needs elements, classes and their order, not the posts: every letter and digit of texts and
of attributes that may hold a person becomes an x before anything is written.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from glue.files import write_private

if TYPE_CHECKING:
    from playwright.sync_api import Page

log = logging.getLogger(__name__)
_KEPT = 20  # pages of a source; older ones go
# The attributes that stay are those by which selectors find their elements; what runs is left out whole.
_MASKED = r"""() => {
  const copy = document.documentElement.cloneNode(true);
  const masked = (text) => text.replace(/[\p{L}\p{N}\p{M}]/gu, "x");
  const kept = /^(class|id|role|type|rel|name|lang|dir)$/;
  const ours = /^(data-e2e|data-testid|data-sigil|data-ad-preview)$/;
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    for (const { name, value } of [...element.attributes]) {
      if (!(kept.test(name) || ours.test(name)) || /\d{5}|@/.test(value)) element.setAttribute(name, masked(value));
    }
    for (const node of [...element.childNodes]) {
      if (node.nodeType === Node.TEXT_NODE) node.textContent = masked(node.textContent);
      else if (node.nodeType !== Node.ELEMENT_NODE) node.remove();
    }
    if (element.tagName === "SCRIPT" || element.tagName === "TEMPLATE") element.replaceChildren();
  }
  return "<!doctype html>" + copy.outerHTML;
}"""


def keep(page: Page, folder: Path, reason: str) -> str:
    """Save the page for whoever fixes it, for its owner only; returns the text for the error message."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{reason}"
    try:
        html = str(page.evaluate(_MASKED))
        write_private(kept.with_suffix(".html"), html.encode("utf-8", "replace"))
        page.set_content(html, timeout=15_000)
        write_private(kept.with_suffix(".png"), page.screenshot(timeout=15_000))
    except Exception as error:  # evidence helps; its lack must not hide the cause
        log.warning("evidence %s could not be kept whole (%s)", kept.name, type(error).__name__)
    for old in sorted(folder.glob("*.html"))[:-_KEPT]:
        old.unlink(missing_ok=True)
        old.with_suffix(".png").unlink(missing_ok=True)
    return f"see {kept}.html and .png"
