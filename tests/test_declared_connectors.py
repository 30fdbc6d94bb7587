"""What every declared sink must have, because nothing else would tell that it is missing."""

import json
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[1] / "connect-config"
FILES = sorted((CONFIG / "connectors").glob("*.json"))


def test_nothing_reaches_a_store_past_the_gate():
    sinks = [json.loads(file.read_text(encoding="utf-8"))["config"] for file in FILES]
    postgres = json.loads((CONFIG / "profiles" / "postgres.json").read_text(encoding="utf-8"))["connectors"]
    for config in [*sinks, postgres["postgres-sink"]["config"]]:
        before, _, _ = f",{config['transforms']},".partition(",gate,")
        assert before in ("", ",dropped"), f"these see a record before the gate does: {before}"
        assert config["transforms.gate.class"] == "glue.transforms.scrub:ScrubPII"
        assert config["transforms.gate.again"] == "true", "what is tagged as scrubbed is what stands on a sink topic"
        assert config["transforms.gate.python.schemas"], "without its tags, a gate can not tell a name from a text"


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
