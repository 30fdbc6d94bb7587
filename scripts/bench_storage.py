"""From produce to queryable: seconds (P50, P95) and records a second of both sinks, and where a record's time goes.

    python scripts/bench_storage.py [--only snowflake|weaviate|path] [--rate 20] [--seconds 20] [--burst 5000] [-o json]

    python scripts/bench_storage.py --only snowflake --variant declared --no-baseline --rate 500 --seconds 300
    python scripts/bench_storage.py --only path --kind orders --rate 300 --seconds 60 --burst 0 --set tasks.max=2

Needs the local stack (``mxctl local up``). Each row of a sink's table is the declared connector with other settings, on
a topic and a table or collection of its own, under a trickle and a burst. "connector defaults" (for Weaviate: ours
without the privacy gate) is the baseline to which the ratios of that run refer: on a noisy machine only ratios hold.
The path goes through the declared pipeline as it runs, so it leaves its records in the stores. The stores are asked
every 50 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench_storage_path import WAYS, path
from bench_storage_sinks import Change, Line, SnowflakeLine, WeaviateLine, measure

from glue.connect import ConnectClient
from glue.settings import Settings, get_settings

BASELINE = "connector defaults"
_SETTLED_S = 20  # until the tasks of a changed connector have their partitions
_LAG, _SINGLE = "snowflake.streaming.max.client.lag", "snowflake.streaming.enable.single.buffer"
_POLL = "consumer.override.max.poll.records"
VARIANTS: dict[str, tuple[type[Line], dict[str, Change]]] = {
    "snowflake": (
        SnowflakeLine,
        {
            BASELINE: {_LAG: None, _SINGLE: None},
            "declared": {},
            "without the gate": {"transforms": "ingested"},
            "lag 2 s": {_LAG: "2"},
            "lag 5 s": {_LAG: "5"},
            "two buffers, 1 s": {_SINGLE: "false", "buffer.flush.time": "1"},
            "two buffers, 100 rows": {_SINGLE: "false", "buffer.flush.time": "1", "buffer.count.records": "100"},
            "poll 100": {_POLL: "100"},
            "poll 5000": {_POLL: "5000"},
            "fetched each 0.25 s": {
                "consumer.override.fetch.min.bytes": "1000000",
                "consumer.override.fetch.max.wait.ms": "250",
            },
            "one task": {"tasks.max": "1"},
            "without columns": {"snowflake.enable.schematization": "false"},
        },
    ),
    "weaviate": (
        WeaviateLine,
        {
            BASELINE: {"transforms": None},
            "declared": {},
            "batch 10": {"batch.size": "10"},
            "batch 500": {"batch.size": "500"},
            "pool 4": {"pool.size": "4"},
            "poll 100": {_POLL: "100"},
            "poll 2000": {_POLL: "2000"},
            "one task": {"tasks.max": "1"},
        },
    ),
}


def sink(name: str, settings: Settings, trickle: tuple[int, float], burst: int, only: list[str]) -> dict[str, Any]:
    """Every variant of a sink, the baseline first."""
    line, variants = VARIANTS[name]
    found = {}
    for variant, change in variants.items():
        if only and variant not in only:
            continue
        found[variant] = measure(line, settings, change, trickle, burst)
        print(f"  {name}, {variant}: {json.dumps(found[variant])}", file=sys.stderr)
    return found


def whole(settings: Settings, kinds: list[str], trickle: tuple[int, float], burst: int) -> dict[str, Any]:
    """Each kind of record through the declared pipeline; a burst of posts is smaller, as embedding bounds it."""
    found = {}
    for kind in kinds:
        found[f"{kind}, trickle"] = path(kind, settings, *trickle)
        if burst and kind != "weather":
            count = burst if kind == "orders" else max(1, burst // 10)
            found[f"{kind}, burst of {count:,}"] = path(kind, settings, count, 0)
    return found


@contextmanager
def changed(settings: Settings, change: Change) -> Iterator[None]:
    """The declared connector of the warehouse with other settings, and as it was afterwards."""
    connect, name = ConnectClient.of(settings), SnowflakeLine.connector
    before = dict(connect.config(name))
    if change:
        connect.put_config(name, before | change)
        time.sleep(_SETTLED_S)
    try:
        yield
    finally:
        if change:
            connect.put_config(name, before)
            time.sleep(_SETTLED_S)


def show(report: dict[str, Any]) -> None:
    """The tables for people."""
    for name, variants in ((name, report[name]) for name in VARIANTS if name in report):
        base = variants.get(BASELINE) or next(iter(variants.values()))
        print(
            f"\n{name:<24}{'trickle P50':>12}{'P95':>8}{'P95 ratio':>11}{'burst/s':>9}{'ratio':>7}{'P95':>8}{'lost':>6}"
        )
        for variant, one in variants.items():
            calm, burst = one["trickle"], one["burst"]
            lost = calm["lost"] + burst["lost"]
            print(
                f"{variant:<24}{calm.get('p50', '-'):>12}{calm.get('p95', '-'):>8}"
                f"{_ratio(calm, base['trickle'], 'p95'):>11}{burst['per_second']:>9}"
                f"{_ratio(burst, base['burst'], 'per_second'):>7}{burst.get('p95', '-'):>8}{lost:>6}"
            )
    for kind, one in report.get("path", {}).items():
        print(
            f"\n{kind}: {one['per_second']}/s, P50 {one['whole'].get('p50')} s, P95 {one['whole'].get('p95')} s, "
            f"lost {one['lost']}, load {one['load']}, µs of the processor a record: {one['us_cpu']}; "
            f"of the sinks' tasks {one['us_of_tasks']}"
        )
        for stage, times in one["stages"].items():
            print(f"  {stage:<32} P50 {times.get('p50')}  P95 {times.get('p95')}")


def _ratio(one: dict[str, Any], base: dict[str, Any], name: str) -> str:
    return f"{one[name] / base[name]:.2f}x" if one.get(name) and base.get(name) else "-"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[*VARIANTS, "path"], action="append")
    parser.add_argument("--variant", action="append", default=[], help="only these rows, beside the baseline")
    parser.add_argument("--no-baseline", action="store_true", help="only these rows: ratios are to the first")
    parser.add_argument("--rate", type=float, default=20, help="records a second of the trickle")
    parser.add_argument("--seconds", type=float, default=20, help="length of the trickle")
    parser.add_argument("--burst", type=int, default=5_000, help="records at once; 0 for no burst on the path")
    parser.add_argument("--kind", choices=[*WAYS], action="append", help="only these on the path")
    parser.add_argument(
        "--set", action="append", default=[], help="NAME=VALUE of the warehouse's connector on the path"
    )
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    settings, trickle = get_settings(), (int(options.rate * options.seconds), options.rate)
    report: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count()}
    only = options.variant and [*options.variant, *([] if options.no_baseline else [BASELINE])]
    for name in options.only or [*VARIANTS, "path"]:
        if name == "path":
            with changed(settings, dict(one.split("=", 1) for one in options.set)):
                report["path"] = whole(settings, options.kind or [*WAYS], trickle, options.burst)
        else:
            report[name] = sink(name, settings, trickle, options.burst, only)
    if options.output == "json":
        print(json.dumps(report))
    else:
        show(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
