import os
import subprocess
import sys
from pathlib import Path

import pytest

from glue.audit.watch import Tally
from glue.demo.run import sandboxed
from glue.demo.summary import describe, summarise
from glue.settings import Settings
from glue.stores.contract import Target

ADDRESS = "http://127.0.0.1:4999"


def target(topic: str, place: str, store: str = "snowflake") -> Target:
    return Target("sink", "X", topic, place, store, f"{store.title()} {place}")


POSTS, ORDERS, PRICES = target("v", "Post", "weaviate"), target("o", "ORDERS"), target("p", "PRICES")


def finished_tally() -> Tally:
    return Tally(
        produced={"tiktok": {"a": 1.0, "b": 1.0}, "daraz": {"o": 1.0}},
        waiting={POSTS: {"b": 1.0}, ORDERS: {}, PRICES: {}},
        stored={POSTS: {"a"}, ORDERS: {"o"}, PRICES: {"p"}},
        dead={"x"},
        latencies=[100.0, 200.0, 300.0],
        duplicates=2,
        held={POSTS: 1, ORDERS: 30, PRICES: 1},
    )


def test_the_json_has_the_promised_shape_and_counts_what_is_lost():
    assert summarise(finished_tally()).as_json() == {
        "produced": {"tiktok": 2, "daraz": 1},
        "stored": {"post": 1, "orders": 1, "prices": 1},
        "dead_letters": 1,
        "lost": 1,
        "duplicates": 2,
        "latency_ms": {"p50": 200, "p95": 290},
    }


def test_nothing_stored_has_no_latency_rather_than_zero():
    assert summarise(Tally()).as_json()["latency_ms"] == {"p50": None, "p95": None}


def test_the_text_names_what_a_person_asks_first():
    text = summarise(finished_tally()).as_text()
    assert "Produced      1 daraz, 2 tiktok" in text
    assert "Stored        1 in Weaviate Post, 1 in Snowflake ORDERS, 1 in Snowflake PRICES" in text
    assert "In all        1 in Weaviate Post, 30 in Snowflake ORDERS, 1 in Snowflake PRICES, earlier runs" in text
    assert "Lost          1" in text
    assert "half within 0.2 s, 95 % within 0.3 s" in text
    assert describe(finished_tally()).startswith("produced 3 · stored: Weaviate Post 1/2, Snowflake ORDERS 1/1")


def test_the_sources_of_a_demo_are_those_that_the_profile_points_at_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MILLIONX_KEY", "k")
    (tmp_path / "sources").mkdir()
    common = '"topic": "t", "dead_letters": "d", "class": "x.y:Z"'
    for name, options in {
        "made": '{"base_url": "${setting:sandbox}/daraz", "key": "${env:MILLIONX_KEY}"}',
        "real": '{"base_url": "https://api.example.com"}',
        "secret": '{"key": "${env:MILLIONX_ABSENT}"}',
    }.items():
        (tmp_path / "sources" / f"{name}.json").write_text(f'{{{common}, "options": {options}}}')
    assert sandboxed(Settings(config_dir=tmp_path), ADDRESS) == (["made"], ["real", "secret"])
    assert sandboxed(Settings(), ADDRESS)[1] == [], "all that this project declares"


def test_without_a_browser_a_demo_ends_before_it_starts_anything(tmp_path: Path):
    hidden = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "MXCTL_STATE_DIR": str(tmp_path / "s")}
    command = [sys.executable, "-m", "glue", "demo"]
    done = subprocess.run(command, env=os.environ | hidden, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Error: browser\n" in done.stderr and "playwright install chromium" in done.stderr
    assert not (tmp_path / "s").exists()
