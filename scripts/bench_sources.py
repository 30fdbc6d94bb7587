"""Measures the producers against the sandbox: posts a minute, orders a second, memory, success under faults.

Usage: MXCTL_STATE_DIR=… python scripts/bench_sources.py [posts] [orders] [faulty]

A local stack must be up (its Kafka and registry are enough); one JSON object on stdout.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from connectors.config import SourceConfig, load_source
from connectors.runner import RunResult, run_once
from glue.kafka.config import KafkaConfig
from glue.registry import Schema, registry_client
from glue.settings import Settings, get_settings
from sandbox import control

SCHEMAS = {"tiktok": "social_post", "facebook": "social_post", "shopify": "market_order", "daraz": "market_order"}
QUICK = {"rate": {"per_second": 1000, "burst": 1000}}
Json = dict[str, Any]


def source(name: str, settings: Settings, address: str, options: Json | None = None, **change: Any) -> SourceConfig:
    """The source under a name and topics of its own."""
    own = f"bench-{name}-{uuid.uuid4().hex[:8]}"
    topics = [f"test.{own}", f"test.{own}.dead"]
    admin = KafkaConfig.of(settings).admin()
    for future in admin.create_topics([NewTopic(topic, 2, 1) for topic in topics]).values():
        future.result()
    schema = (settings.schemas_dir / f"{SCHEMAS[name]}.avsc").read_text()
    registry_client(settings).register_schema(f"{topics[0]}-value", Schema(schema, "AVRO"))
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
    """A thousand requests and more, a tenth of them answered with a fault; what Kafka has of the records in the end.

    A source that gives up runs again, as it would at its next interval, at most five times.
    """
    faults = ["server-error@0.04", "cut@0.03", "throttle@0.02", "html-instead-of-json@0.01"]
    quick = {"retry": {"base_seconds": 0.02, "cap_seconds": 0.2, "throttled_cap_seconds": 5}, **QUICK}
    names = ("shopify", "daraz", "facebook")
    tried, ok, runs, gave_up, wanted, missing, doubled = 0, 0, 0, 0, 0, 0, 0
    with sandbox("--orders", "1300", "--posts", "1300", "--bucket-leak", "1000", "--seed", "5") as address:
        for name in names:
            clean, _ = timed(source(name, settings, address, {"page_size": 5}, **quick), settings)
            expected = {key for keys in clean.keys.values() for key in keys}
            control.put_faults(control.Running(address, 0, ""), [f"{name}:{fault}" for fault in faults])
            config = source(name, settings, address, {"page_size": 5}, **quick)
            got: list[str] = []
            for _ in range(5):
                result = run_once(config.name, settings, config)
                got += [key for keys in result.keys.values() for key in keys]
                tried, ok, runs = tried + sum(result.attempts.values()), ok + result.attempts["ok"], runs + 1
                if result.outcome == "done":
                    break
                gave_up += 1
            control.put_faults(control.Running(address, 0, ""), [])
            wanted, missing = wanted + len(expected), missing + len(expected - set(got))
            doubled += len(got) - len(set(got))
    return {
        "requests": tried, "answered_with_a_fault": tried - ok, "runs": runs, "runs_that_gave_up": gave_up,
        "good_at_the_first_try": round(ok / tried, 4), "records": wanted, "missing": missing, "doubled": doubled,
        "records_in_the_end": round(1 - missing / wanted, 4),
    }  # fmt: skip


class Memory:
    """Peak resident memory of this process, and of its children (Chromium, its driver), sampled (MB)."""

    def __init__(self) -> None:
        self.own = self.children = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._end.wait(0.2):
            self.own = max(self.own, me.memory_info().rss >> 20)
            sizes = 0
            for child in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    # Shared pages count once for all processes of the browser together.
                    if "sandbox" not in child.cmdline():
                        sizes += child.memory_full_info().pss >> 20
            self.children = max(self.children, sizes)


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
        with Memory() as memory:
            found[name] = parts[name](settings)
        found[name]["peak_memory_mb"] = {"source": memory.own, "browser": memory.children}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
