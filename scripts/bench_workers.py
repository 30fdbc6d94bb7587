"""Several workers over eight partitions: records a second, the processor of each part, and what a model says of it.

    python scripts/bench_workers.py [--workers 1 2 4 8] [--records 200000] [--rounds 3] [--target 100000] [-o json]

Needs the local stack's Kafka and registry. The backlog comes when every worker has its partitions. A worker is
pinned to a core, and workers share cores where there are fewer. The rate is that of the commits between a fifth and
nine tenths of the backlog. The model is the utilisation law: a record asks D seconds of processor of each part, so
n workers on C cores shared with the broker reach at most min(n / D(worker), C / sum of D). D comes from the run of
one worker; what other programs use is taken off C.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
from bench_glue import ROOT
from bench_glue_load import encoded, fill, fresh_topics
from confluent_kafka import ConsumerGroupState, TopicPartition

from glue.kafka.config import KafkaConfig
from glue.settings import get_settings

PARTITIONS = 8
_FROM, _TO = 0.2, 0.9  # of the backlog


def broker() -> psutil.Process:
    """The process that listens where Kafka is."""
    port = urlsplit(f"//{get_settings().kafka}").port
    (pid,) = {one.pid for one in psutil.net_connections("tcp") if one.status == "LISTEN" and one.laddr[1] == port}
    return psutil.Process(pid)


def spent(processes: list[psutil.Process]) -> float:
    """Seconds of processor time."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def busy() -> float:
    """Seconds of processor time of everything on this machine."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def once(values: list[bytes], workers: int, records: int) -> dict[str, float]:
    """One group of ``workers``, all with their partitions before the backlog comes; processor time is us a record."""
    run, cores, topics = uuid4().hex[:8], os.cpu_count() or 1, fresh_topics(PARTITIONS)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_RUN": run}
    program = [sys.executable, str(ROOT / "scripts" / "bench_glue_contender.py")]
    started = [
        subprocess.Popen([*program, f"worker {number}", json.dumps(topics), "0"], env=environment)
        for number in range(workers)
    ]
    looking = KafkaConfig.of(get_settings()).consumer(f"millionx-bench{run}")
    places = [TopicPartition(topics["source"], number) for number in range(PARTITIONS)]
    try:
        ours, theirs = [psutil.Process(one.pid) for one in started], [broker()]
        for number, one in enumerate(ours):
            one.cpu_affinity([number % cores])
        _joined(f"millionx-bench{run}", workers)
        for process in started:  # until it is all there
            process.send_signal(signal.SIGSTOP)
        fill(topics, values, records)
        for process in started:
            process.send_signal(signal.SIGCONT)
        marks: list[tuple[float, int, float, float, float]] = []
        while len(marks) < 2 or marks[-1][1] < _TO * records:
            if any(one.poll() is not None for one in started):
                raise SystemExit("a worker ended")
            time.sleep(0.1)
            done = sum(max(0, place.offset) for place in looking.committed(places, timeout=10))
            if done >= _FROM * records and (not marks or done > marks[-1][1]):
                marks.append((time.perf_counter(), done, spent(ours), spent(theirs), busy()))
    finally:
        looking.close()
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(60)
    took, count, *used = (last - first for first, last in zip(marks[0], marks[-1], strict=True))
    worker, kafka, machine = (one / count * 1e6 for one in used)
    return {
        "per_second": count / took,
        "worker": worker,
        "broker": kafka,
        "others": max(0.0, machine - worker - kafka),
        "machine": used[2] / took / cores,
    }


def _joined(group: str, workers: int) -> None:
    admin, until = KafkaConfig.of(get_settings()).admin(), time.monotonic() + 120
    while time.monotonic() < until:
        found = admin.describe_consumer_groups([group])[group].result(10)
        members = [one for one in found.members if one.assignment and one.assignment.topic_partitions]
        if found.state == ConsumerGroupState.STABLE and len(members) == workers:
            return
        time.sleep(0.2)
    raise SystemExit("the workers did not share the partitions")


def model(one: dict[str, float], workers: int, cores: float) -> float:
    """Records a second by the utilisation law, of the demands that one worker showed."""
    return min(min(workers, cores) / one["worker"], cores / (one["worker"] + one["broker"])) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--target", type=int, default=100_000, help="records a second to ask the model for")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    values = [value for _, value in encoded(20_000)]
    found: dict[int, list[dict[str, float]]] = {count: [] for count in options.workers}
    for number in range(options.rounds):
        for count in found if number % 2 == 0 else reversed(found):
            found[count].append(once(values, count, options.records))
            print(f"  {count} workers: {found[count][-1]}", file=sys.stderr)
    median = {
        count: {key: statistics.median(one[key] for one in many) for key in many[0]} for count, many in found.items()
    }
    one, cores = median[min(median)], os.cpu_count() or 1
    report: dict[str, Any] = {"cores": cores, "load": os.getloadavg()[0], "measured": median}
    report["target"] = {
        "worker cores": math.ceil(options.target * one["worker"] / 1e6),
        "broker cores": math.ceil(options.target * one["broker"] / 1e6),
    }
    for count, figures in median.items():
        # what others took was not there to take
        free = cores - figures["others"] * figures["per_second"] / 1e6
        figures["model"] = model(one, count, free)
    if options.output == "json":
        print(json.dumps(report))
        return 0
    print(f"{cores} cores, load {report['load']:.1f}; us of processor a record")
    print(f"{'workers':>8}{'records/s':>11}{'model':>9}{'worker':>8}{'broker':>8}{'others':>8}{'machine':>9}")
    for count, figures in median.items():
        print(
            f"{count:>8}{figures['per_second']:>11,.0f}{figures['model']:>9,.0f}{figures['worker']:>8.0f}"
            f"{figures['broker']:>8.0f}{figures['others']:>8.0f}{figures['machine']:>9.0%}"
        )
    print(f"{options.target:,}/s: {report['target']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
