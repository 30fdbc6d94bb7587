"""Memory of a worker under a steady load."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from uuid import uuid4

import psutil
from bench_glue import ROOT
from bench_glue_load import encoded, fresh_topics
from bench_report import Row

from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.settings import get_settings

RATE = 2000  # records a second
_WARM = 0.2  # of the time, in which caches and arenas fill


def soak(seconds: float) -> list[Row]:
    """Resident memory of a worker that gets 2,000 records a second: after the warm-up, at the end, and the trend."""
    topics, producer = fresh_topics(), KafkaConfig.of(get_settings()).producer()
    values = [value for _, value in encoded(20_000)]
    count = int(RATE * seconds)
    command = [sys.executable, str(ROOT / "scripts" / "bench_glue_contender.py"), "glue exactly once"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_RUN": uuid4().hex[:8]}
    with subprocess.Popen(
        [*command, json.dumps(topics), str(count)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as worker:
        resident, sent, started = [], 0, time.monotonic()
        while sent < count and worker.poll() is None:
            due = min(count, int(RATE * (time.monotonic() - started)))
            for number in range(sent, due):
                producer.produce(topics["source"], values[number % len(values)], record_key("soak", number))
                producer.poll(0)
            sent = due
            resident.append((time.monotonic() - started, psutil.Process(worker.pid).memory_info().rss / 1e6))
            time.sleep(0.25)
        producer.flush(60)
        _, problems = worker.communicate(timeout=120)
        if worker.returncode:
            raise SystemExit(f"the worker failed:\n{problems.decode()[-3000:]}")
    warm = [(at, size) for at, size in resident if at > _WARM * seconds]
    slope, _ = statistics.linear_regression(*zip(*warm, strict=True))
    tenth = max(1, len(warm) // 10)
    first, last = (statistics.median(size for _, size in part) for part in (warm[:tenth], warm[-tenth:]))
    part = f"memory over {seconds / 60:g} minutes at {RATE:,} records/s"
    return [
        Row(part, "records", count, ""),
        Row(part, "resident after the warm-up", first, "MB"),
        Row(part, "resident at the end", last, "MB"),
        Row(part, "trend", slope * 60, "MB/minute"),
    ]
