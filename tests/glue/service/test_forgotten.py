"""A chain drops what is of somebody forgotten: what it makes of their records, and what it would set aside of them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from glue.errors import DataError
from glue.privacy.identity import pseudonym
from glue.privacy.keyring import Keyring
from glue.rights.forgotten import Forgotten as Known
from glue.rights.person import person
from glue.service.metrics import Metrics
from glue.service.process import Forgotten, Processor, Produced
from glue.transforms.chain import Chain, Failure, Step
from glue.transforms.contract import Record, Transform, TransformConfig

RING = Keyring("k1", {"k1": b"1" * 32})
SCHEMA = {
    "type": "record", "name": "Sale",
    "fields": [{"name": "phone", "type": "string", "confluent:tags": ["PII_ID"]}, {"name": "at", "type": "string"}],
}  # fmt: skip
SAFE = {"type": "record", "name": "Sale", "fields": []}
OLD, NEW = "2026-01-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"


class Hash(Transform[TransformConfig]):
    def apply(self, record: Record) -> Record:
        value = dict(record.value or {})
        phone = value.pop("phone")
        if phone == "bad" or value["at"] == "":
            raise DataError("Hash", "refused")
        record.value, record.schema = {**value, "phone_hash": pseudonym(RING, phone)}, SAFE
        return record


def message(phone: str, at: str = OLD) -> Any:
    value = json.dumps({"phone": phone, "at": at}).encode()
    return SimpleNamespace(
        key=lambda: b"k", value=lambda: value, topic=lambda: "raw", headers=lambda: [], timestamp=lambda: (1, 5),
        partition=lambda: 0, offset=lambda: 0,
    )  # fmt: skip


@pytest.fixture
def results() -> list[Any]:
    known = Known(RING)
    for signed in person(["01712345678"]).pseudonyms(RING):
        known.take(signed, b'{"at": 1772323200000}')  # 2026-03-01
    hashing = Step("hash", Hash(), None, False)
    config: Any = SimpleNamespace(headers_pass=[], output_topic="out")
    read: Any = lambda topic, data: (json.loads(data), SCHEMA)  # noqa: E731
    process = Processor("sales", Chain([hashing]), read, lambda value: json.dumps(value).encode(), config, known)  # type: ignore[arg-type]
    given = [message("01712345678"), message("01712345678", NEW), message("01812345678"), message("01712345678", ""),
             message("bad")]  # fmt: skip
    return process(given)


def test_what_is_theirs_is_dropped_and_so_is_what_would_have_become_a_letter(results: list[Any]) -> None:
    assert [type(one) for one in results] == [Forgotten, Produced, Produced, Forgotten, Failure]


def test_it_is_counted_as_what_it_is(results: list[Any]) -> None:
    metrics = Metrics("sales", ["raw"])
    metrics.observe_results([message("x")] * len(results), results)
    names = ("forgotten", "dropped")
    counts = [metrics.registry.get_sample_value(f"millionx_glue_{one}_total", {"chain": "sales"}) for one in names]
    assert counts == [2, 0]
