"""The loop of the glue service against raw passthrough and quixstreams: each contender works through the same records
in a process of its own, in turns, round by round; the time runs from its first record to its last commit, and the
median of the rounds counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from bench_glue_load import prepare
from bench_report import Row

ROOT = Path(__file__).resolve().parent.parent
OURS = ("passthrough", "glue at least once", "glue exactly once")
QUIX = ("quixstreams at least once", "quixstreams exactly once", "quixstreams at least once, our codecs")
RATIOS = (
    ("glue exactly once", "passthrough", None),
    ("glue at least once", "quixstreams at least once", 3.0),
    ("glue exactly once", "quixstreams exactly once", 2.0),
    ("glue exactly once", "quixstreams at least once", None),
    ("glue at least once", "quixstreams at least once, our codecs", None),
)
_AIM = 10_000  # records a second


def contend(name: str, python: str, topics: dict[str, str], records: int) -> float:
    """Seconds that a contender needs, in a process of its own."""
    command = [python, str(ROOT / "scripts" / "bench_glue_contender.py"), name, json.dumps(topics), str(records)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_RUN": uuid4().hex[:8]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


def loop(records: int, rounds: int, quix_python: str) -> list[Row]:
    """Records a second of each contender, and their ratios; ``quix_python`` is an interpreter that has quixstreams."""
    topics = prepare(records)
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in OURS + (QUIX if quix_python else ()):
            python = quix_python if name in QUIX else sys.executable
            seconds.setdefault(name, []).append(contend(name, python, topics, records))
            print(f"  {name}: {records / seconds[name][-1]:,.0f} records/s", file=sys.stderr)
    rates = {name: records / statistics.median(times) for name, times in seconds.items()}
    rows = [
        Row("loop", name, rate, "records/s", _AIM if name == "glue exactly once" else None)
        for name, rate in rates.items()
    ]
    for a, b, aim in RATIOS:
        if a in rates and b in rates:  # of each round, because a noisy moment is noisy for both
            ratio = statistics.median(theirs / ours for ours, theirs in zip(seconds[a], seconds[b], strict=True))
            rows.append(Row("loop", f"{a} / {b}", ratio, aim=aim))
    return rows
