"""Measures the producers against the sandbox: posts a minute, orders a second, memory, success under faults.

Usage: MXCTL_STATE_DIR=… python scripts/bench_sources.py   (a local stack must be up; one JSON object on stdout)
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from connectors.config import SourceConfig, load_source
from connectors.runner import RunResult, run_once
from glue.clients.kafka import admin_client
from glue.clients.registry import Schema, registry_client
from glue.settings import Settings, get_settings
from sandbox import control

SCHEMAS = {"tiktok": "social_post", "facebook": "social_post", "shopify": "market_order", "daraz": "market_order"}
QUICK = {"rate": {"per_second": 1000, "burst": 1000}}
Json = dict[str, Any]


def source(name: str, settings: Settings, address: str, options: Json | None = None, **change: Any) -> SourceConfig:
    """The source under a name and topics of its own."""
    own = f"bench-{name}-{uuid.uuid4().hex[:8]}"
    topics = [f"test.{own}", f"test.{own}.dead"]
    admin = admin_client(settings.kafka)
    for future in admin.create_topics([NewTopic(topic, 2, 1) for topic in topics]).values():
        future.result()
    schema = (settings.schemas_dir / f"{SCHEMAS[name]}.avsc").read_text()
    registry_client(settings.registry).register_schema(f"{topics[0]}-value", Schema(schema, "AVRO"))
    config = load_source(name, settings.model_copy(update={"profile": "local", "sandbox": address}))
    made = config.model_dump(by_alias=True) | {"topic": topics[0], "dead_letters": topics[1]} | change
    made["options"] = config.options | (options or {})
    return SourceConfig.model_validate(made).model_copy(update={"name": own})


def timed(config: SourceConfig, settings: Settings) -> tuple[RunResult, float]:
    """One run and its seconds."""
    started = time.monotonic()
    return run_once(config.name, settings, config).check(), time.monotonic() - started


def posts(settings: Settings) -> Json:
    """Both scraped sites at 300 ms a request, at the committed politeness for TikTok."""
    found: Json = {}
    with sandbox("--posts", "150", "--latency", "0.3") as address:
        polite = load_source("tiktok", settings.model_copy(update={"profile": "prod"}), resolve=False).rate.model_dump()
        result, seconds = timed(source("tiktok", settings, address, rate=polite), settings)
        count = sum(result.records.values())
        found["tiktok"] = {"posts": count, "seconds": round(seconds, 1), "per_minute": round(count / seconds * 60)}
        scraped = source("facebook", settings, address, {"token": None})
        result, seconds = timed(scraped, settings)
        count = sum(result.records.values())
        found["facebook_pages"] = {
            "posts": count,
            "seconds": round(seconds, 1),
            "per_minute": round(count / seconds * 60),
        }
    return found


def orders(settings: Settings) -> Json:
    """10,000 orders of each shop without latency."""
    found: Json = {}
    with sandbox("--orders", "10000", "--bucket-leak", "1000") as address:
        for shop in ("shopify", "daraz"):
            result, seconds = timed(source(shop, settings, address, **QUICK), settings)
            lines = sum(result.records.values())
            found[shop] = {
                "orders": 10_000, "records": lines, "seconds": round(seconds, 1),
                "orders_per_second": round(10_000 / seconds), "records_per_second": round(lines / seconds),
            }  # fmt: skip
    return found


def faulty(settings: Settings) -> Json:
    """A thousand requests, a tenth of them answered with a fault; each call may be tried again."""
    faults = ["server-error@0.04", "cut@0.03", "daraz:throttle@0.02", "shopify:html-instead-of-json@0.01",
              "daraz:html-instead-of-json@0.01", "shopify:throttle@0.02"]  # fmt: skip
    arguments = [part for fault in faults for part in ("--fault", fault)]
    retry = {"base_seconds": 0.02, "cap_seconds": 0.2}
    calls = tries = complete = runs = 0
    with sandbox("--orders", "200", "--bucket-leak", "1000", *arguments) as address:
        while tries < 1000:
            shop = ("shopify", "daraz")[runs % 2]
            config = source(shop, settings, address, {"page_size": 5}, retry=retry, **QUICK)
            result = run_once(config.name, settings, config)
            runs += 1
            tries += sum(result.attempts.values())
            calls += result.attempts["ok"]
            complete += result.outcome == "done"
    return {"requests": tries, "faulty": tries - calls, "calls": calls, "runs": runs, "runs_complete": complete,
            "success_first_try": round(calls / tries, 4), "success_in_the_end": complete / runs}  # fmt: skip


class sandbox:  # noqa: N801 - used as a context manager only
    """A sandbox with these arguments, as long as the block lasts; its address."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> str:
        return control.up(Path(self._folder.name), self._arguments).address

    def __exit__(self, *_: object) -> None:
        control.down(Path(self._folder.name))
        self._folder.cleanup()


def main() -> None:
    """Measure all, or the parts named on the command line."""
    settings = get_settings()
    parts = {"orders": orders, "faulty": faulty, "posts": posts}
    found: Json = {}
    for name in sys.argv[1:] or list(parts):
        found[name] = parts[name](settings)
        found[name]["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
