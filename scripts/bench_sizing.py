"""What a worker does within a container's limits, and how large its records are.

    python scripts/bench_sizing.py [--cpu 0.5] [--memory 512] [--posts 100000] [--seconds 60] [--json FILE]

Needs root, control groups (version 1 or 2) and a Kafka and registry of its own (``mxctl local up --no-services`` in a
fresh ``MXCTL_STATE_DIR``). A worker of the chain ``posts``, then one of ``vectors``, runs as one process in a control
group with these limits, as a container does; the kernel kills it when it takes more memory. Seen on version 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from bench_glue_load import made_posts
from confluent_kafka.admin import NewTopic
from confluent_kafka.schema_registry import Schema

from glue.avro import Encoder, load_schema
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.registry import registry_client
from glue.settings import get_settings, project_root, state_dir

ROOT = project_root()
PORT = 18_099
CHAINS = ("posts", "vectors")
TOPICS = ("source.social.tiktok", "source.social.facebook")


class Group:
    """A control group with limits; what runs in it is started through ``enter``."""

    def __init__(self, cpu: float, megabytes: int) -> None:
        base = Path("/sys/fs/cgroup")
        name, size, quota = f"millionx-bench-{os.getpid()}", str(megabytes << 20), str(int(cpu * 100_000))
        self.v1 = (base / "memory").is_dir()
        self.folders = [base / part / name for part in ("memory", "cpu")] if self.v1 else [base / name]
        for folder in self.folders:
            folder.mkdir()
        self.memory = self.folders[0]
        if self.v1:
            (self.memory / "memory.limit_in_bytes").write_text(size)
            (self.folders[1] / "cpu.cfs_quota_us").write_text(quota)
        else:
            (self.memory / "memory.max").write_text(size)
            (self.memory / "cpu.max").write_text(f"{quota} 100000")

    def enter(self, *command: str) -> list[str]:
        """The command line that runs ``command`` inside."""
        moves = "; ".join(f"echo $$ > {folder / 'cgroup.procs'}" for folder in self.folders)
        return ["sh", "-c", f'{moves}; exec "$@"', "sh", *command]

    def peak_megabytes(self) -> int:
        """The most memory it held, with the pages of files that it read."""
        name = "memory.max_usage_in_bytes" if self.v1 else "memory.peak"
        return int((self.memory / name).read_text()) >> 20

    def close(self) -> None:
        for folder in self.folders:
            folder.rmdir()


def load(posts: int) -> None:
    """Topics and schemas as declared, and ``posts`` posts in the two source topics."""
    settings = get_settings()
    declared = json.loads((settings.config_dir / "topics.json").read_text())["topics"]
    admin = KafkaConfig.of(settings).admin()
    there = admin.list_topics(timeout=15).topics
    missing = [NewTopic(name, body["partitions"], 1) for name, body in declared.items() if name not in there]
    for future in (admin.create_topics(missing) if missing else {}).values():
        future.result(30)
    registry = registry_client(settings)
    subjects = json.loads((settings.config_dir / "subjects.json").read_text())["subjects"]
    ids = {}
    for name, entry in subjects.items():
        text = json.dumps(load_schema(settings.schemas_dir / entry["schema"]))
        ids[name] = registry.register_schema(name, Schema(text, "AVRO"))
    values = {}
    for topic in TOPICS:
        encode = Encoder(load_schema(settings.schemas_dir / "social_post.avsc"), ids[f"{topic}-value"])
        values[topic] = [encode(post) for post in made_posts(min(posts, 20_000))]
    producer = KafkaConfig.of(settings).producer()
    for number in range(posts):
        topic = TOPICS[number % 2]
        while True:
            try:
                producer.produce(topic, values[topic][number % len(values[topic])], record_key("bench", number))
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120):
        raise SystemExit("the load did not reach the broker")


def work(chain: str, group: Group, records: int, seconds: float) -> dict[str, Any]:
    """Let a worker of ``chain`` take ``records`` or work for ``seconds``; its speed and its memory."""
    service = [sys.executable, "-m", "glue", "transforms", "run", chain, "--workers", "1", "--port", str(PORT)]
    worker = subprocess.Popen(group.enter(*service), cwd=ROOT, stderr=subprocess.DEVNULL)
    first, began, done = 0.0, 0.0, 0.0
    try:
        while worker.poll() is None and done < records and (not began or time.monotonic() - began < seconds):
            time.sleep(0.25)
            if (now := _consumed(chain)) and not began:
                first, began = now, time.monotonic()
            done = max(done, now)
        took = time.monotonic() - began if began else 0.0
        if worker.poll() is not None:
            return {"killed": worker.returncode, "cgroup_mb": group.peak_megabytes()}
        status = Path(f"/proc/{worker.pid}/status").read_text()
        resident = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) >> 10
        speed = round((done - first) / took, 1) if took else 0.0
        return {"records": int(done), "per_second": speed, "rss_mb": resident, "cgroup_mb": group.peak_megabytes()}
    finally:
        worker.terminate()
        worker.wait(60)


def _consumed(chain: str) -> float:
    try:
        text = requests.get(f"http://127.0.0.1:{PORT}/metrics", timeout=5).text
    except requests.RequestException:
        return 0.0
    return sum(map(float, re.findall(rf'^millionx_glue_consumed_total{{chain="{chain}".*}} (\S+)$', text, re.M)))


def avro_bytes() -> dict[str, float]:
    """Mean bytes of a post as a message's value on each of its topics, before the producer compresses it."""
    from glue.transforms.contract import Record
    from glue.transforms.post import ToEnrichedPost

    shape, schemas = ToEnrichedPost(), get_settings().schemas_dir
    shape.configure({})
    posts = made_posts(2_000)
    safe = {"author_username_hash": f"k1:{'0' * 64}"}
    later = [shape.build(Record(topic=TOPICS[0], key=None, value=post), post | safe) for post in posts]
    names = {"embedding_models": ["e5@0123456789ab", "minilm@0123456789ab"], "embedding_variant": "onnx-fp32"}
    last = [{**post, **names, "vectors": {"e5": [0.1] * 384, "minilm": [0.1] * 384}} for post in later]
    found = {}
    for topic, file, values in (
        ("source.social.tiktok", "social_post.avsc", posts),
        ("enriched.weaviate.vectors", "enriched_post.avsc", later),
        ("sink.weaviate.vectors", "vector_post.avsc", last),
    ):
        encode = Encoder(load_schema(schemas / file), 1)
        found[topic] = round(sum(len(encode(value)) for value in values) / len(values), 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", type=float, default=0.5, help="cores")
    parser.add_argument("--memory", type=int, default=512, help="MiB")
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="at most, for each chain, from its first batch on")
    parser.add_argument("--cold", action="store_true", help="without a cached graph of the model")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only-sizes", action="store_true", help="no worker, no Kafka: bytes of records")
    options = parser.parse_args()
    report: dict[str, Any] = {"avro_bytes": avro_bytes()}
    if not options.only_sizes:
        report |= workers(options)
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


def workers(options: argparse.Namespace) -> dict[str, Any]:
    """Each worker within the limits."""
    if options.cold:
        os.environ["MXCTL_CACHE_DIR"] = str(cold := state_dir() / "bench-cache")
        shutil.rmtree(cold, ignore_errors=True)
    load(options.posts)
    report: dict[str, Any] = {"cpu": options.cpu, "memory_mb": options.memory}
    for chain in CHAINS:
        group = Group(options.cpu, options.memory)
        try:
            report[chain] = work(chain, group, options.posts, options.seconds)
        finally:
            group.close()
        print(f"{chain:<8} {report[chain]}", file=sys.stderr)
    return report


if __name__ == "__main__":
    sys.exit(main())
