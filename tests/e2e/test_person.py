"""A person in every way into the pipeline: found, disclosed, forgotten with kills in the middle, and never back."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from connectors.compliance import Desk
from connectors.shopify import ShopifyOptions
from connectors.webhook import make_app, signature
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import ProducerRecord, Sender
from glue.kafka.reads import TopicPartition, group_offsets, read_topics
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.topology.load import load
from tests.e2e.test_ingest import ingest
from tests.stores import ask
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.stack
OLD = "2026-01-05T10:00:00+06:00"


class Planted:
    """A person of the test's own, and how to ask ``mxctl`` about them."""

    def __init__(self) -> None:
        self.mark = uuid4().hex[:10]
        self.national = "17" + "".join(secrets.choice("0123456789") for _ in range(8))
        self.mail, self.handle = f"rahim.{self.mark}@example.com", f"rahim_{self.mark}"
        self.options = ["--phone", f"+880 {self.national}", "--mail", self.mail.upper(), "--handle", f"@{self.handle}"]

    def orders(self, **fields: Any) -> list[dict[str, Any]]:
        bengali = "".join(chr(0x9E6 + int(digit)) for digit in "0" + self.national)
        phones = ["0" + self.national, f"+880-{self.national[:4]} {self.national[4:]}", bengali, None]
        return [
            {
                "platform": "daraz", "order_id": f"{self.mark}-{number}", "line_id": "1", "product_id": "p-1",
                "product_name": "Premium Juta", "quantity": 1, "price": "1499.50", "ordered_at": OLD, "updated_at": OLD,
                "customer_phone": phone, "customer_email": self.mail, "customer_name": "Rahim Uddin", **fields,
            }
            for number, phone in enumerate(phones)
        ]  # fmt: skip

    def posts(self) -> list[dict[str, Any]]:
        own = {"content": f"amar notun juta {self.mark}", "author_username": f"@{self.handle}", "posted_at": OLD}
        other = {
            "content": f"{self.mark} kinte call 0{self.national[:5]} - {self.national[5:]} or ask @{self.handle}",
            "author_username": f"other{self.mark}", "posted_at": OLD,
        }  # fmt: skip
        return [own, other]


def mxctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glue", "person", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def found(person: Planted) -> dict[str, dict[str, Any]]:
    """What is found, by place."""
    done = mxctl("find", *person.options, "-o", "json")
    assert done.returncode == 0, done.stderr
    for text in (person.national, person.mail, person.handle):
        assert text not in (done.stdout + done.stderr).lower(), "nobody is named"
    return {one["place"]: one for one in json.loads(done.stdout)["places"]}


def in_use(places: dict[str, dict[str, Any]]) -> dict[str, int]:
    return {name: one["in_use"] for name, one in places.items() if one["in_use"]}


def killed_at(person: Planted, step: str) -> None:
    """Begin to forget, and end the process by SIGKILL in a step."""
    command = [sys.executable, "-m", "glue", "person", "forget", *person.options, "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        assert running.stderr is not None
        seen = []
        for line in running.stderr:
            seen.append(line)
            if line.rstrip().endswith(f": {step}"):
                running.send_signal(signal.SIGKILL)
                break
        assert running.wait() == -signal.SIGKILL, seen


def copies(settings: Settings, person: Planted) -> list[ProducerRecord]:
    """The records of the raw topics that were planted, as they are there."""
    raw = Pipeline.of(load(settings)).raw_topics
    kafka, found = KafkaConfig.of(settings), []
    keys = _keys(settings, person)
    for topic, message in read_topics(kafka, raw):
        if message.key() and message.key().decode() in keys:
            found.append(ProducerRecord(topic, message.key(), message.value(), message.headers() or []))
    return found


def _keys(settings: Settings, person: Planted) -> set[str]:
    from glue.person.places import Places
    from glue.rights.person import person as named

    who = named([person.national], [person.mail], [person.handle])
    return {key for one in Places(settings, who).topics() if one.kind == "raw topic" for key in one.keys}


def all_read(settings: Settings, person: Planted) -> None:
    """Wait until every chain has read all raw records of the person."""
    kafka, pipeline, last = KafkaConfig.of(settings), Pipeline.of(load(settings)), dict[TopicPartition, int]()
    keys = _keys(settings, person)
    for topic, message in read_topics(kafka, pipeline.raw_topics):
        if message.key() and message.key().decode() in keys:
            last[topic, message.partition()] = message.offset()

    def behind() -> list[tuple[str, TopicPartition]]:
        admin, waiting = kafka.admin(), []
        for chain in pipeline.chains.values():
            done = group_offsets(admin, chain.group)
            waiting += [
                (chain.name, one) for one, at in last.items() if one[0] in chain.reads and done.get(one, 0) <= at
            ]
        return waiting

    wait_for(behind, lambda left: not left, PATIENCE, "every copy is read")


def test_a_person_is_found_disclosed_forgotten_and_does_not_come_back(pipeline: Settings, tmp_path: Path) -> None:
    person = Planted()
    bad = person.orders(quantity=0)[0]  # set aside at the source, sealed
    for name, source, lines in (("o", "daraz", [*person.orders(), bad]), ("p", "facebook", person.posts())):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in lines), encoding="utf-8")
        code, result, errors = ingest(file, source)
        assert code == (1 if name == "o" else 0), (result, errors)

    before = found(person)
    assert {"raw topic", "topic", "store", "dead letters"} <= {one["kind"] for one in before.values()}, before
    stores = {name: one["in_use"] for name, one in before.items() if one["kind"] == "store"}
    assert sorted(stores.values()) == [1, 4], "one post of their own, four orders"
    raw = sum(one["in_use"] for one in before.values() if one["kind"] == "raw topic")
    assert raw == 6, "four orders, a post of their own, and another's that names them"

    shown = tmp_path / "held.json"
    done = mxctl("disclose", *person.options, "--out", str(shown))
    assert done.returncode == 0, done.stderr
    assert shown.stat().st_mode & 0o777 == 0o600
    held = shown.read_text(encoding="utf-8")
    assert person.mail in held and "Rahim Uddin" in held and f"other{person.mark}" not in held

    late = copies(pipeline, person)
    assert len(late) == 6
    for step in ("looking", "waiting for readers", "stores", "letters", "checking"):
        killed_at(person, step)
    receipt = tmp_path / "receipt.json"
    done = mxctl("forget", *person.options, "--yes", "--out", str(receipt))
    assert done.returncode == 0, done.stderr
    assert in_use(found(person)) == {}

    document = json.loads(receipt.read_text())
    erased = {one["place"]: one["erased"] for one in document["places"] if one["kind"] == "store"}
    assert erased == stores, "what was erased before the kills is told too"
    waiting = [one for one in document["places"] if one["left"]]
    assert waiting and all(one["until"] != "-" and one["why"] for one in waiting if one["kind"] != "checkpoints")
    for text in (person.national, person.mail, person.handle):
        assert text not in receipt.read_text().lower()
    assert mxctl("receipt", "verify", str(receipt)).returncode == 0
    document["places"][0]["left"] = 0
    receipt.write_text(json.dumps(document | {"orders": 7}))
    assert mxctl("receipt", "verify", str(receipt)).returncode == 1

    # A replay of all raw records, and a repair, bring nothing back.
    Sender(KafkaConfig.of(pipeline)).send(late)
    all_read(pipeline, person)
    command = [sys.executable, "-m", "glue", "audit", "--repair", "--yes", "-o", "json"]
    audit = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    stores_now = json.loads(audit.stdout)["stores"]
    assert sum(one["erased"] for one in stores_now) >= 4, audit.stdout[-2000:]
    assert in_use(found(person)) == {}

    # An order from after that day is new data.
    file = tmp_path / "new.jsonl"
    now = datetime.now(UTC).isoformat()
    new = {**person.orders()[0], "order_id": f"{person.mark}-new", "ordered_at": now, "updated_at": now}
    file.write_text(json.dumps(new), encoding="utf-8")
    code, result, errors = ingest(file, "daraz")
    assert code == 0, errors
    again = found(person)
    assert [one["in_use"] for one in again.values() if one["kind"] == "store"] == [1]


def test_a_redaction_of_a_shop_s_customer_is_kept_worked_off_and_holds_when_a_sink_is_set_back(
    pipeline: Settings, tmp_path: Path
) -> None:
    person, other = Planted(), f"other-{uuid4().hex[:8]}"
    # The number is in another shop's order too, which is not meant.
    lines = [*person.orders(merchant_id=f"shop-{person.mark}"), *person.orders(merchant_id=other)[:1]]
    file = tmp_path / "o.jsonl"
    file.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in lines), encoding="utf-8")
    code, result, errors = ingest(file, "daraz")
    assert code == 0, (result, errors)
    table = next(one for one in Pipeline.of(load(pipeline)).targets if one.name == "orders")
    sent = [
        ProducerRecord(topic, message.key(), message.value(), message.headers() or [])
        for topic, message in read_topics(KafkaConfig.of(pipeline), [table.topic])
        if person.mark.encode() in (message.value() or b"")
    ]
    assert len(sent) == 5

    options = ShopifyOptions(base_url="https://x.example", token="t", webhook_secrets=["s"], shop_domain="x.example")
    body = {"shop_domain": "x.example", "customer": {"email": person.mail}, "orders_to_redact": [f"{person.mark}-3"]}
    app = make_app(None, "shopify", options, Desk(pipeline, options, f"shop-{person.mark}"))  # type: ignore[arg-type]
    data = json.dumps(body).encode()
    headers = {"X-Shopify-Hmac-Sha256": signature("s", data), "X-Shopify-Topic": "customers/redact",
               "X-Shopify-Shop-Domain": "x.example"}  # fmt: skip
    assert TestClient(app).post("/webhooks/shopify", content=data, headers=headers).status_code == 200
    for _, message in read_topics(KafkaConfig.of(pipeline), [pipeline.requests_topic]):
        assert person.mail.encode() not in (message.value() or b"")

    def shops() -> list[str]:
        return sorted(row[0] for row in ask("select merchant_id from millionx.raw_data.orders where order_id like %s",
                                            [f"{person.mark}-%"], pipeline).rows)  # fmt: skip

    assert len(shops()) == 5
    out = tmp_path / "out"
    done = mxctl("work", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert shops() == [other], "another shop's customer is another controller's"
    (receipt,) = out.glob("forget-*.json")
    assert json.loads(receipt.read_text())["asked_by"] == "customers/redact"
    assert mxctl("receipt", "verify", str(receipt)).returncode == 0
    request = receipt.stem.removeprefix("forget-")
    listed = {one["id"]: one for one in json.loads(mxctl("requests", "-o", "json").stdout)}
    assert listed[request]["state"] == "done"
    assert mxctl("work", "--out", str(out)).returncode == 0

    # A sink that is set back reads the same records of its topic again; the sweep finds them.
    Sender(KafkaConfig.of(pipeline)).send(sent)
    wait_for(shops, lambda found: len(found) == 6, PATIENCE, "the sink has stored them again")
    done = mxctl("sweep", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert set(shops()) == {other}
