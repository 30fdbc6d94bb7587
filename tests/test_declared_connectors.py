"""What every declared sink must have, because nothing else would tell that it is missing."""

import json
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[1] / "connect-config"
FILES = sorted((CONFIG / "connectors").glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_sink_reads_only_what_was_committed(file):
    config = json.loads(file.read_text(encoding="utf-8"))["config"]
    # Producers and the glue service write in transactions; an aborted one must not reach a store.
    assert config["consumer.override.isolation.level"] == "read_committed"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_sink_puts_what_it_refuses_aside_with_its_reason(file):
    config = json.loads(file.read_text(encoding="utf-8"))["config"]
    assert config["errors.tolerance"] == "all"
    assert config["errors.deadletterqueue.topic.name"].startswith("dead-letters-")
    assert config["errors.deadletterqueue.context.headers.enable"] == "true"
    assert config["errors.log.include.messages"] == "false", "a log must not hold records"


DAY_MS = 86_400_000


def test_what_holds_persons_is_gone_a_day_after_its_retention():
    topics = json.loads((CONFIG / "topics.json").read_text(encoding="utf-8"))["topics"]
    kept = {
        name: topic["config"]
        for name, topic in topics.items()
        if name.startswith(("source.", "dead-letters")) and topic["config"].get("cleanup.policy") != "compact"
    }
    assert len(kept) >= 6
    for name, config in kept.items():
        # Kafka removes whole segments, by the newest record in each; the one that is written to ends by this.
        assert int(config.get("segment.ms", 7 * DAY_MS)) <= DAY_MS, name
