"""What the two scraped sites have in common: pages rendered by JavaScript, block pages, login walls."""

from __future__ import annotations

import json

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.made_data import Json
from sandbox.world import World

_PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>%(title)s</title>
<style>body{font-family:sans-serif}.card{min-height:220px;border:1px solid #ccc;margin:8px}</style></head>
<body><div id="app">Loading…</div><script>
const SETTINGS = %(settings)s;
const app = document.getElementById("app");
let cursor = 0, busy = false, done = false;
function fill(template, post) {
  return template.replace(/\\{(\\w+)\\}/g, (_, name) => {
    const text = document.createElement("i");
    text.textContent = post[name] ?? "";
    return text.innerHTML.replaceAll('"', "&quot;");
  });
}
async function more() {
  if (busy || done) return;
  busy = true;
  const answer = await fetch(SETTINGS.feed + "&cursor=" + cursor);
  const body = answer.ok ? await answer.text() : "";
  busy = false;
  if (cursor === 0) app.innerHTML = "";
  if (!body) { done = true; return; }
  const found = JSON.parse(body);
  cursor = found.cursor; done = !found.has_more;
  for (const post of found.posts) {
    const card = document.createElement("div");
    card.innerHTML = fill(SETTINGS.template, post);
    app.appendChild(card.firstElementChild);
  }
  if (!app.children.length) app.innerHTML = SETTINGS.nothing;
  if (window.innerHeight >= document.body.scrollHeight) more();
}
window.addEventListener("scroll", () => {
  if (window.innerHeight + window.scrollY > document.body.scrollHeight - 400) more();
});
setTimeout(more, SETTINGS.delay);
</script></body></html>"""

_CAPTCHA = """<!doctype html><html><head><title>Security Check</title></head><body>
<div id="captcha-verify-container" class="captcha_verify_container"><h1>Drag the slider to fit the puzzle</h1></div>
</body></html>"""


def page(title: str, feed: str, template: str, nothing: str, delay_ms: int = 50) -> HTMLResponse:
    """A page that fetches ``feed`` and renders each post with ``template`` ({name} is replaced, escaped)."""
    settings: Json = {"feed": feed, "template": template, "nothing": nothing, "delay": delay_ms}
    return HTMLResponse(_PAGE % {"title": title, "settings": json.dumps(settings).replace("<", "\\u003c")})


def wall(world: World, vendor: str, login: str) -> Response | None:
    """What stands before the page, if something does."""
    faults = world.faults
    if faults.has(vendor, "throttle"):
        return HTMLResponse("<html><body>Too many requests</body></html>", 429, {"Retry-After": "1"})
    if faults.has(vendor, "block-page"):
        return HTMLResponse(_CAPTCHA)
    if faults.has(vendor, "login-wall"):
        return RedirectResponse(login)
    return None


def login_page() -> HTMLResponse:
    """A login form."""
    return HTMLResponse(
        '<!doctype html><html><head><title>Log in</title></head><body><form id="login_form">'
        '<input name="email"><input name="pass" type="password"><button>Log in</button></form></body></html>'
    )
