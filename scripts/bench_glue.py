"""The glue service's speed, every figure a ratio inside one run.

    python scripts/bench_glue.py [--records 60000] [--rounds 3] [--quix-python PYTHON] [--json FILE]

Needs a Kafka and a registry (``mxctl local up``). Each contender works through the same records in a process of its
own, in turns, round by round; the time runs from its first record to its last commit, and the median of the rounds
counts. ``--quix-python`` names an interpreter that has quixstreams (extra ``bench``) and this project's dependencies.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from bench_glue_load import prepare
from bench_glue_parts import parts_table

ROOT = Path(__file__).resolve().parent.parent
OURS = ("passthrough", "glue at least once", "glue exactly once")
QUIX = ("quixstreams at least once", "quixstreams exactly once")
RATIOS = (
    ("glue exactly once", "passthrough", None),
    ("glue at least once", "quixstreams at least once", 3.0),
    ("glue exactly once", "quixstreams exactly once", 2.0),
    ("glue exactly once", "quixstreams at least once", None),
)


def contend(name: str, python: str, topics: dict[str, str], records: int) -> float:
    """Seconds that a contender needs, in a process of its own."""
    command = [python, str(ROOT / "scripts" / "bench_glue_contender.py"), name, json.dumps(topics), str(records)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_RUN": uuid4().hex[:8]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quix-python", default=os.environ.get("QUIX_PYTHON", ""))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only-parts", action="store_true", help="no Kafka: codecs, scrubbing, embedding")
    options = parser.parse_args()
    report: dict[str, object] = {"parts": parts_table()}
    if not options.only_parts:
        topics = prepare(options.records)
        seconds: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for name in OURS + (QUIX if options.quix_python else ()):
                python = options.quix_python if name in QUIX else sys.executable
                seconds.setdefault(name, []).append(contend(name, python, topics, options.records))
                print(f"  {name}: {options.records / seconds[name][-1]:,.0f} records/s", file=sys.stderr)
        rates = {name: options.records / statistics.median(times) for name, times in seconds.items()}
        ratios = [(a, b, rates[a] / rates[b], aim) for a, b, aim in RATIOS if a in rates and b in rates]
        report |= {
            "records_per_second": rates,
            "ratios": [{"a": a, "b": b, "ratio": ratio, "aim": aim} for a, b, ratio, aim in ratios],
        }
        print(f"{'contender':<28} {'records/s (median)':>20}")
        for name, rate in rates.items():
            print(f"{name:<28} {rate:>20,.0f}")
        for a, b, ratio, aim in ratios:
            verdict = "" if aim is None else f"   aim {aim:.0f}x: {'reached' if ratio >= aim else 'missed'}"
            print(f"{a} / {b}: {ratio:.2f}x{verdict}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
