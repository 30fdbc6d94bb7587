"""A real Prometheus on the real pipeline: every panel shows something, every rule can be computed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from glue.demo.run import made_world
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.settings import Settings, state_dir
from tests.waiting import wait_for

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import show_panels

pytestmark = pytest.mark.stack
UNSEEN = (
    "millionx_webhook_",  # no receiver runs here
    "millionx_person_",  # nor what works off requests of persons
    "millionx_glue_degraded_total",  # it begins with the first post that Redis did not help
)


@pytest.fixture
def prometheus(pipeline: Settings) -> Iterator[str]:
    """Address of a Prometheus that watches the pipeline; it goes away with the test."""
    stack = Stack(state_dir(), Reporter(quiet=True))
    stack.up(extras=["monitoring"])
    try:
        yield show_panels.local_prometheus()
    finally:
        stack.dismiss(["monitoring"])


def mxctl(*arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "glue", *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def traffic(folder: Path) -> None:
    """Good and bad posts and orders, one with personal data, and two sources against the made vendors."""
    posts, orders, mark = folder / "posts.jsonl", folder / "orders.csv", uuid4().hex[:10]
    lines = [{"content": f"winter bag {mark} {n}, call 01711-222333 or a.b@example.com"} for n in range(40)]
    posts.write_text("\n".join(json.dumps(line) for line in [*lines, {"content": "meh"}]))
    orders.write_text(
        "order_id,line_id,product_id,title,quantity,price,ordered_at\n"
        f"{mark},1,p-1,Premium Juta,2,1499.50,2026-11-01T10:00:00+06:00\n"
    )
    assert mxctl("ingest", str(posts), "--source", "facebook") == 1, "one post is too short"
    assert mxctl("ingest", str(orders), "--source", "daraz") == 0
    with made_world(posts=20, orders=20, seed=7):
        assert mxctl("run", "shopify") == 0
        assert mxctl("run", "weather") == 0


def test_every_panel_and_every_rule_has_data_from_the_real_parts(prometheus: str, tmp_path: Path) -> None:
    jobs = {"kafka", "connect", "registry", "weaviate", "redis", "glue", "sources", "canary"}

    def answering() -> set[str]:
        return {labels["job"] for labels, value in show_panels.ask(prometheus, "up") if value == 1}

    assert wait_for(answering, lambda found: found >= jobs) == jobs

    traffic(tmp_path)

    def silent() -> list[str]:
        wanted = [*show_panels.panel_queries(), *show_panels.rules("record")]
        return [f"{q.where}: {q.what}: {q.expr}" for q in wanted if not show_panels.finite(ask(q.expr))]

    def ask(expr: str) -> show_panels.Series:
        return show_panels.ask(prometheus, expr)

    assert wait_for(silent, lambda found: not found) == []

    # An alert that is silent has no series, and a panel may show a zero for what never was: their parts must be there.
    for query in (*show_panels.rules("alert"), *show_panels.panel_queries()):
        ask(query.expr)
        for part in operands(query.expr):
            assert part.startswith(UNSEEN) or ask(part), f"{query.what}: nothing is known of {part}"

    values = {labels["source"]: value for labels, value in ask("sum by (source) (millionx_source_records_total)")}
    assert values["shopify"] > 0 and values["weather"] > 0, "runs that ended long ago are counted"

    def phones() -> float:
        return ask('sum(millionx_glue_redacted_total{entity="PHONE"})')[0][1]

    assert wait_for(phones, lambda found: found >= 40) >= 40


def operands(expr: str) -> list[str]:
    """The selectors in an expression, without their time ranges."""
    plain = re.sub(r"absent\([^)]*\)", "", expr)
    return [
        found
        for found in re.findall(r"[a-z_:][a-z0-9_:]*(?:\{[^}]*\})?", plain)
        if found.startswith(("millionx", "kafka_", "jvm_", "redis_", "weaviate_", "object_count", "process_", "up{"))
    ]
