"""What a batch leaves in the metrics, without a broker: batches of results as the loop hands them over."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from glue.errors import DataError, ServiceUnavailableError
from glue.identity import MERCHANT_HEADER
from glue.service.decode import DECODER
from glue.service.metrics import Metrics, WithAges
from glue.service.process import Produced, Result
from glue.transforms.chain import Chain, Failure
from glue.transforms.contract import Record

VALIDATE = "glue.transforms.validate:Validate"
VALUES = [0.0, 0.001, 0.005, 0.006, 0.01, 0.01, 0.3, 2.5, 29.9, 30.0, 31.0, 4000.0]  # whole milliseconds
NOW = 1_700_000_000_000


class Message:
    def __init__(self, merchant: str = "") -> None:
        self._headers = [(MERCHANT_HEADER, merchant.encode())] if merchant else None

    def topic(self) -> str:
        return "source"

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self._headers


def a_result(age: float = 0.0) -> Produced:
    return Produced("sink", "key", b"value", [], int((time.time() - age) * 1000))


def seen(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"millionx_glue_{name}", {"chain": "posts", **labels})


def observed(*results: Result) -> Metrics:
    metrics = Metrics("posts", ["source"])
    metrics.observe_results([Message() for _ in results], results)
    return metrics


def samples(registry: CollectorRegistry, name: str) -> dict[tuple[str, str], float]:
    return {(s.name.removeprefix(name), s.labels.get("le", "")): s.value
            for m in registry.collect() for s in m.samples
            if s.name.startswith(name) and not s.name.endswith("_created")}  # fmt: skip


def test_ages_at_once_are_what_a_histogram_makes_of_them_one_by_one() -> None:
    plain, metrics = CollectorRegistry(), Metrics("posts", ["source"])
    name = "millionx_glue_end_to_end_seconds"
    (family,) = [m for m in metrics.registry.collect() if m.name == name]
    bounds = [float(s.labels["le"]) for s in family.samples if s.name.endswith("_bucket")]
    one_by_one = Histogram("h", "h", buckets=bounds, registry=plain)
    assert samples(metrics.registry, name) == samples(plain, "h")
    for value in VALUES:
        one_by_one.observe(value)
    metrics.observe_ages([NOW - round(value * 1000) for value in VALUES], NOW)
    assert samples(metrics.registry, name) == pytest.approx(samples(plain, "h"))
    metrics.observe_ages([], NOW)
    assert samples(metrics.registry, name) == pytest.approx(samples(plain, "h"))


def test_records_are_valid_or_not_by_what_refused_them() -> None:
    metrics = observed(
        a_result(),
        None,
        Failure(DataError("scrub", "no"), "TRANSFORMATION", "glue.transforms.scrub:ScrubPII"),
        Failure(DataError("value", "no"), "VALUE_CONVERTER", "glue.avro:Encoder"),
        Failure(DataError("value", "no Avro"), "VALUE_CONVERTER", DECODER),
        Failure(DataError("Validate", "minLength"), "TRANSFORMATION", VALIDATE),
        Failure(ServiceUnavailableError("registry", "is down"), "VALUE_CONVERTER", DECODER),
    )
    assert seen(metrics, "valid_total") == 4
    assert seen(metrics, "invalid_total") == 2


def test_records_are_counted_by_merchant_and_who_is_not_declared_is_other() -> None:
    metrics = Metrics("posts", ["source"], ["a.example", "b.example"])
    names = ["a.example", "a.example", "b.example", "whoever", "someone", ""]
    made: list[Result] = [
        Produced("sink", "key", b"value", [(MERCHANT_HEADER, name.encode())] if name else [], None) for name in names
    ]
    refused = Failure(DataError("value", "no"), "VALUE_CONVERTER", DECODER)
    messages = [*map(Message, names), Message("b.example"), Message("x"), Message()]
    metrics.observe_results(messages, [*made, refused, refused, refused])

    def count(merchant: str, result: str) -> float | None:
        return seen(metrics, "merchant_records_total", merchant=merchant, result=result)

    assert [count(name, "produced") for name in ("a.example", "b.example", "other")] == [2, 1, 2]
    assert [count(name, "dead_letter") for name in ("a.example", "b.example", "other")] == [None, 1, 1]


def test_both_counters_are_there_before_the_first_record() -> None:
    metrics = Metrics("posts", ["source"])
    assert seen(metrics, "valid_total") == seen(metrics, "invalid_total") == 0
    assert seen(metrics, "end_to_end_seconds_count") == 0


def test_the_age_at_the_commit_of_what_was_produced() -> None:
    metrics = observed(a_result(7), a_result(7), a_result(400), a_result(-3), None)
    bucket = "end_to_end_seconds_bucket"
    assert seen(metrics, bucket, le="5.0") == 1  # a clock that is ahead makes no negative time
    assert seen(metrics, bucket, le="10.0") == 3
    assert seen(metrics, bucket, le="300.0") == 3
    assert seen(metrics, bucket, le="+Inf") == seen(metrics, "end_to_end_seconds_count") == 4


def a_post(number: int) -> Record:
    return Record("enriched", "key", {"content": f"winter shoes, size {number}"})


def test_embedding_is_counted_by_posts() -> None:
    embed = {"transforms.embed.type": "glue.transforms.embed:Embed", "transforms.embed.models": "minilm"}
    chain = Chain.from_config({"transforms": "embed", **embed})
    metrics = Metrics("posts", ["source"])
    try:
        metrics.observe_embedding(chain)
        outcomes = chain.run([a_post(number) for number in range(5)])
        assert all(isinstance(outcome, Record) for outcome in outcomes)
        labels = {"variant": "onnxruntime-fp32-cpu"}
        assert seen(metrics, "embedding_seconds_count", **labels) == 5
        assert (seen(metrics, "embedding_seconds_sum", **labels) or 0) > 0
        assert seen(metrics, "embedding_seconds_bucket", le="0.1", **labels) is not None
        empty = Record("enriched", "key", {"content": "  "})
        chain.run([empty])
        assert seen(metrics, "embedding_seconds_count", **labels) == 5
    finally:
        chain.close()


_WORKER = """
import time
from glue.service.metrics import Metrics
from glue.service.process import Produced
class Message:
    topic = staticmethod(lambda: "source")
metrics = Metrics("posts", ["source"])
for _ in range(2):
    metrics.observe_results([Message()] * 3, [Produced("sink", "k", b"v", [], int((time.time() - 7) * 1000))] * 3)
"""


def test_several_workers_are_one_sum(tmp_path: Path) -> None:
    for _ in range(2):
        environment: dict[str, Any] = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
        subprocess.run([sys.executable, "-c", _WORKER], env=environment, check=True)
    workers, registry = CollectorRegistry(), CollectorRegistry()
    MultiProcessCollector(workers, str(tmp_path))
    registry.register(WithAges(workers))

    def together(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"millionx_glue_{name}", {"chain": "posts", **labels})

    assert together("valid_total") == 12
    assert together("invalid_total") == 0
    assert together("end_to_end_seconds_count") == together("end_to_end_seconds_bucket", le="10.0") == 12
    assert together("end_to_end_seconds_bucket", le="5.0") == 0
    assert together("end_to_end_seconds_sum") == pytest.approx(12 * 7, abs=12 * 2)
    assert together("batch_records_sum") == 12


def test_every_metric_is_named_and_labelled_within_bounds() -> None:
    for family in Metrics("posts", ["source"]).registry.collect():
        assert family.name.startswith("millionx_glue_"), family.name
        assert family.documentation, family.name
        for sample in family.samples:
            known = {"chain", "topic", "reason", "entity", "transform", "part", "variant", "avro", "le"}
            assert set(sample.labels) <= known, json.dumps(sample.labels)
