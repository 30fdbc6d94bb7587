"""The page in a real browser, on the real pipeline: what it shows, how it is used without a mouse, what it hides."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from glue.connect import ConnectClient
from glue.search.posts import PostSearch, wanted_of
from glue.settings import Settings, state_dir
from glue.topology.graph.model import build
from glue.topology.load import load
from tests.waiting import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SOON = 120_000  # milliseconds that a busy machine may take; nothing waits that long for nothing
expect.set_options(timeout=SOON)
FACEBOOK = "topic/source.social.facebook"
SCRUBBED = "topic/enriched.weaviate.vectors"


@pytest.fixture(scope="module")
def address(pipeline: Settings) -> str:
    """Where the local stack serves the page."""
    state = json.loads((state_dir() / "state.json").read_text())
    return f"http://127.0.0.1:{state['parts']['ui']['ports']['http']}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def opened(browser: Browser, address: str, width: int = 1280, height: int = 800, **options: Any) -> Iterator[Page]:
    """The page, drawn; whatever it logs as an error, or asks of another address, fails the test."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(SOON)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda one: None if one.url.startswith(address) else wrong.append(one.url))
    try:
        page.goto(address)
        expect(page.locator(".card[data-state]").first).to_be_visible()
        yield page
        assert wrong == []
    finally:
        context.close()


def card(page: Page, name: str) -> Any:
    return page.locator(f'.card[data-id="{name}"]')


def ingest(file: Path, line: dict[str, object]) -> None:
    file.write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "glue", "ingest", str(file), "--source", "facebook"]
    subprocess.run(command, check=True, capture_output=True)


def test_every_part_is_drawn_and_none_lies_on_another(pipeline: Settings, browser: Browser, address: str) -> None:
    nodes = build(load(pipeline)).nodes
    with opened(browser, address) as page:
        assert {one.get_attribute("data-id") for one in page.locator(".card").all()} == nodes.keys()
        boxes = [one.bounding_box() for one in page.locator(".card").all()]
        for index, one in enumerate(boxes):
            for other in boxes[index + 1 :]:
                apart_x = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
                assert apart_x or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        cut = page.evaluate(
            "[...document.querySelectorAll('.card .name, .card .word')]"
            ".filter((one) => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1)"
            ".filter((one) => getComputedStyle(one).display !== 'inline').map((one) => one.textContent)"
        )
        assert cut == [], "names and states can be read in full"
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280

        page.get_by_role("button", name="Table").click()
        expect(page.locator("#table tbody tr")).to_have_count(len(nodes))
        row = page.locator("#table tbody tr", has_text="weaviate-sink").first
        expect(row).to_contain_text("healthy")


def test_a_record_that_passes_is_shown_without_the_person(
    pipeline: Settings, browser: Browser, address: str, tmp_path: Path
) -> None:
    mark = f"juta{uuid4().hex[:8]}"
    person = f"person{uuid4().hex[:8]}"
    line = {"content": f"{mark} call 01711-222333 or {person}@example.com", "author_username": person, "likes": 3}
    with opened(browser, address) as page:
        bodies: list[str] = []
        page.on("response", lambda answer: bodies.append(answer.text()) if "/api/" in answer.url else None)
        ingest(tmp_path / "post.jsonl", line)
        card(page, FACEBOOK).click()  # encrypted there: the page has no key and needs none
        expect(page.locator("#panel h2")).to_have_text("source.social.facebook")
        raw = page.locator(".records li").first
        raw.locator("summary").click()
        expect(raw.locator("dd.masked").first).to_have_text("•••")
        expect(page.locator("#panel")).to_contain_text("PII_ID")
        assert not any(mark in body for body in bodies)
        card(page, SCRUBBED).click()
        record = page.locator(".records li", has_text=mark)
        expect(record).to_have_count(1)
        record.locator("summary").click()
        expect(record).to_contain_text("[PHONE]")
        expect(record).to_contain_text("[EMAIL]")
        assert any(mark in body for body in bodies), "the record did come by this way"
        for hidden in (person, "01711", "222333"):
            assert not [body for body in bodies if hidden in body], hidden
        assert person not in page.content()


def test_it_can_be_used_with_the_keyboard_alone(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the topology")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        first = page.evaluate("document.activeElement.dataset.id")
        assert first.startswith("source/"), first
        page.keyboard.press("ArrowRight")
        topic = page.evaluate("document.activeElement.dataset.id")
        assert topic.startswith("topic/source."), topic
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.dataset.id") not in (first, topic)
        page.keyboard.press("ArrowUp")
        assert page.evaluate("document.activeElement.dataset.id") == topic
        page.keyboard.press("Enter")
        expect(page.locator("#panel h2")).to_be_focused()
        expect(page.locator("#panel h2")).to_have_text(topic.removeprefix("topic/"))
        page.keyboard.press("Escape")
        expect(page.locator("#panel")).to_be_hidden()
        assert page.evaluate("document.activeElement.dataset.id") == topic


def test_posts_in_three_scripts_are_found_from_the_keyboard_and_explained(
    pipeline: Settings, browser: Browser, address: str, tmp_path: Path
) -> None:
    far = 5_000_000_000 + int(uuid4().hex[:6], 16) * 100  # an engagement that no other post has
    texts = {
        "bn": "শীতের জুতা কিনলাম, খুব আরাম, ফোন ০১৭১১২২২৩৩৩",
        "bn-Latn": "shiter juta kinlam bhai khub aram",
        "en": "new winter shoes arrived in the shop",
    }
    recipe = "the recipe of my grandmother's biryani"
    for number, text in enumerate([*texts.values(), recipe]):
        ingest(tmp_path / f"{number}.jsonl", {"content": text, "likes": far + number})
    with PostSearch(pipeline) as search:
        wait_for(lambda: len(search.ask("shoes", wanted_of(min_engagement=far)).posts) == 4)
    with opened(browser, address, reduced_motion="reduce", bypass_csp=True) as page:
        page.keyboard.press("/")
        expect(page.locator("#search-text")).to_be_focused()
        page.keyboard.type("warm shoes for winter")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # opens the filters
        page.get_by_label("Engagement at least").fill(str(far))
        page.keyboard.press("Enter")
        expect(page.locator("#found-title")).to_have_text("4 posts, the best first")
        expect(page.locator("#found-title")).to_be_focused()
        posts = page.locator("#found-posts .content")
        assert {one.get_attribute("lang") for one in posts.all()[:3]} == texts.keys()
        expect(posts.last).to_have_text(recipe)
        expect(page.locator("#found")).to_contain_text("শীতের জুতা কিনলাম")
        expect(page.locator("#found")).to_contain_text("shiter juta kinlam")
        expect(page.locator("#found")).not_to_contain_text("২২২৩৩৩")
        expect(page.locator("#found-how")).to_contain_text("intfloat/multilingual-e5-small (e5@")
        expect(page.locator("#found-how")).to_contain_text(re.compile("language: en, words: warm .*shoe winter"))
        expect(page.locator("#found-posts .why").first).to_contain_text("words ")
        told = [(one["id"], one["impact"]) for one in Axe().run(page).response["violations"]]
        assert told == []
        page.locator("select[name=language]").select_option("bn")
        page.locator("#search-text").press("Enter")
        expect(page.locator("#found-title")).to_have_text("1 post, the best first")
        page.locator("input[name=product]").fill("nobody sells this")
        page.keyboard.press("Enter")
        expect(page.locator("#found-title")).to_have_text("No post found")
        page.keyboard.press("Escape")
        expect(page.locator("#found")).to_be_hidden()
        expect(page.locator("#search-text")).to_be_focused()


@contextmanager
def own_page(**env: str) -> Iterator[str]:
    """Another `mxctl ui`, with other settings."""
    command = [sys.executable, "-m", "glue", "ui"]
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_failed_connector_is_told_with_its_cause(
    pipeline: Settings, browser: Browser, address: str, tmp_path: Path
) -> None:
    name = f"broken-{uuid4().hex[:6]}"
    ingest(tmp_path / "post.jsonl", {"content": "something to stumble over"})
    body = json.loads((pipeline.config_dir / "connectors" / "weaviate-sink.json").read_text())
    body["name"] = name
    body["config"] = {k: v for k, v in body["config"].items() if not k.startswith(("transforms", "errors"))}
    body["config"] |= {
        "tasks.max": "1",
        "topics": "source.social.facebook",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "weaviate.api.key": "not-to-be-seen",
    }
    config_dir = tmp_path / "connect-config"
    shutil.copytree(pipeline.config_dir, config_dir)
    (config_dir / "connectors" / f"{name}.json").write_text(json.dumps(body))
    connect = ConnectClient.of(pipeline)
    connect.put_config(name, body["config"])
    try:
        with (
            own_page(MXCTL_CONFIG_DIR=str(config_dir), MXCTL_STATE_DIR=str(state_dir())) as mine,
            opened(browser, mine) as page,
        ):
            broken = card(page, f"connector/{name}")
            expect(broken).to_have_attribute("data-state", "fail")
            expect(broken).to_contain_text("failed")
            expect(page.locator("#news")).to_contain_text(f"{name}: task 0 failed")
            broken.click()
            expect(page.locator("#panel .alert").first).to_contain_text("task 0 failed: ")
            expect(page.locator("#panel .alert").first).not_to_contain_text(
                "Tolerance exceeded"
            )  # not the deepest cause
            expect(page.locator("#panel")).to_contain_text(f"mxctl connectors restart {name} --failed")
            expect(page.locator("#panel")).to_contain_text("weaviate.api.key")
            assert "not-to-be-seen" not in page.content()
            assert "not-to-be-seen" not in requests.get(f"{mine}api/node/connector/{name}", timeout=30).text
    finally:
        connect.delete(name)


def test_a_service_that_is_away_is_said_and_the_rest_goes_on(pipeline: Settings, browser: Browser) -> None:
    away = {"MXCTL_CONNECT": "http://127.0.0.1:9", "MXCTL_REGISTRY": "http://127.0.0.1:9"}
    with own_page(**away, MXCTL_STATE_DIR=str(state_dir())) as mine, opened(browser, mine) as page:
        expect(page.locator("#news")).to_contain_text("Kafka Connect does not answer")
        sink = card(page, "connector/weaviate-sink")
        expect(sink).to_have_attribute("data-state", "unknown")
        expect(sink).to_contain_text("Kafka Connect does not answer")
        expect(card(page, FACEBOOK)).to_contain_text("Schema Registry does not answer")
        expect(card(page, "chain/posts")).to_have_attribute("data-state", "ok")
        card(page, FACEBOOK).click()
        expect(page.locator("#panel .facts")).to_contain_text("Held at most")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_barrier_that_axe_finds_in_any_view(browser: Browser, address: str, width: int, scheme: str) -> None:
    with opened(browser, address, width, 844, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True) as page:
        found = Axe().run(page).response["violations"]
        page.get_by_role("button", name="Table").click()
        found += Axe().run(page).response["violations"]
        page.get_by_role("button", name="dead-letters-social").first.click()
        expect(page.locator("#panel .sections")).to_contain_text("Causes")
        found += Axe().run(page).response["violations"]
        told = [(one["id"], one["impact"], [node["html"][:120] for node in one["nodes"]]) for one in found]
        assert told == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_theme_follows_the_system_until_one_is_chosen_and_motion_can_be_off(browser: Browser, address: str) -> None:
    def background(page: Page) -> int:
        text = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in text.removeprefix("rgb(").removesuffix(")").split(","))

    with opened(browser, address, color_scheme="dark", reduced_motion="reduce") as page:
        assert background(page) < 200
        button = page.locator("#theme")
        button.click()
        expect(button).to_have_text("Theme: light")
        assert background(page) > 600
        page.reload()
        expect(button).to_have_text("Theme: light")
        assert background(page) > 600
        expect(page.locator(".moving").first).to_be_attached()
        # In one step: the next look at the rates would switch it off again.
        animation = (
            "() => { const line = document.querySelector('.moving'); line.classList.add('on');"
            " return getComputedStyle(line).animationName; }"
        )
        assert page.evaluate(animation) == "none"
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(animation) == "flow"
