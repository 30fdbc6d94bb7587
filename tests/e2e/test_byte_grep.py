"""A person is planted in every input, and looked for, by bytes, in all that the pipeline wrote or answers."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
import requests

from glue.avro import encoder_for_subject
from glue.identity import record_key
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import ProducerRecord, Sender
from glue.kafka.reads import read_topics
from glue.registry import registry_client
from glue.settings import Settings, state_dir
from glue.stores.weaviate.client import document_id
from tests.stores import ask
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
RAW = ("source.social.facebook", "source.market.shopify")
_HTTP = {"http", "metrics"}
_LETTERS = "bcdfghjkmnpqrstvwz"


class Person:
    """Made up, and new in each run, so that what is found is what was planted."""

    def __init__(self) -> None:
        pick = random.SystemRandom()
        letters = "".join(pick.choice(_LETTERS) for _ in range(9))
        digits = "".join(pick.choice("123456789") for _ in range(8))
        self.phone = f"017{digits}"
        self.mail, self.handle, self.name = f"no.{letters}@example.com", f"h_{letters}", f"Rahim {letters.title()}"
        self.house, self.nid = (
            f"{digits[:5]}/{letters[0].upper()}",
            "19" + "".join(pick.choice("13579") for _ in range(15)),
        )
        self.sought = {
            "phone": self.phone[1:], "mail": f"no.{letters}", "handle": self.handle, "name": letters.title(),
            "house": self.house, "nid": self.nid,
        }  # fmt: skip

    def text(self) -> str:
        return (
            f"দাম কত? Call {self.phone} or {self.mail}, @{self.handle}, my name is {self.name}, "
            f"House {self.house}, Road 4, Sector 9, Uttara, Dhaka. NID {self.nid}. facebook.com/{self.handle}"
        )

    def patterns(self) -> dict[bytes, str]:
        """Each detail in the forms in which bytes may hold it."""
        found: dict[bytes, str] = {}
        for kind, text in self.sought.items():
            forms = [text.encode(), text.lower().encode(), text.encode("utf-16-le"), text.encode("utf-16-be")]
            forms += [text.encode().hex().encode(), text.translate(_BENGALI).encode()]
            for shift in range(3):  # base64 at each of the three places where it may begin, without what it shares
                encoded = base64.b64encode(b"\0" * shift + text.encode())
                forms.append(encoded[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6])
            found |= dict.fromkeys(forms, kind)
        return found


_BENGALI = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def _mxctl(*arguments: str) -> bytes:
    done = subprocess.run([sys.executable, "-m", "glue", *arguments], capture_output=True, timeout=300, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode()[-2000:]
    return done.stdout + done.stderr


def _typed(person: Person, folder: Path, mark: str) -> list[tuple[str, Path, int]]:
    """What people type, in every field that takes a text: the source, the file, and how many of its lines are bad."""
    post = {
        "post_id": f"p-{mark}",
        "content": person.text(),
        "author_username": person.handle,
        "url": f"https://example.com/@{person.handle}/1",
        "hashtags": [person.phone, f"@{person.handle}"],  # a bare handle is a word like others: known to remain
        "product_mentions": [f"shoes of {person.phone}"],
        "product_ids": [person.phone],
    }
    order = {
        "order_id": f"o-{mark}",
        "line_id": "1",
        "product_id": "p-1",
        "product_name": f"Saree for {person.phone}",
        "quantity": 1,
        "price": 10,
        "ordered_at": "2026-11-01T10:00:00Z",
        "customer_name": person.name,
        "customer_phone": person.phone,
        "customer_email": person.mail,
        "note": person.text(),
        "sku": person.phone,
        "category": f"for {person.mail}",
        "shipping_city": f"House {person.house}, Road 4, Uttara",
    }
    bad_posts: list[Any] = [{**post, "likes": -1}, {**post, "content": None}, {"content": [person.text()]}]
    posts = folder / f"posts of {person.phone} {person.name}.jsonl"
    _write(posts, [post, {"content": person.text()}, {**post, "post_id": person.phone}, *bad_posts])
    with posts.open("a") as more:
        more.write('{"content": "' + person.phone)
    bad_orders: list[Any] = [{**order, "quantity": person.phone + "x"}, {**order, "ordered_at": person.text()}]
    orders = folder / f"{person.phone}.jsonl"
    named = {"order_id": person.phone, "line_id": person.mail, "product_id": person.phone}
    _write(orders, [order, {**order, **named}, *bad_orders])
    return [("facebook", posts, len(bad_posts) + 1), ("shopify", orders, len(bad_orders))]


def _write(file: Path, lines: list[Any]) -> None:
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")


def _injected(person: Person, settings: Settings, mark: str) -> list[ProducerRecord]:
    """What somebody with access writes straight to a raw topic: headers, a key, records that are damaged or clear."""
    encode = encoder_for_subject(registry_client(settings), f"{RAW[0]}-value")
    counts = dict.fromkeys(("likes", "comments", "shares", "engagement_count", "posted_at", "collected_at"), 0)
    texts = {name: [person.phone] for name in ("hashtags", "product_mentions", "product_ids")}
    own = {"post_id": f"i-{mark}", "platform": "facebook", "content": person.text(), "author_username": person.handle}
    value = {**own, **texts, **counts, "url": None}
    text, phone = person.text().encode(), person.phone.encode()
    good, key = encode(value), record_key("facebook", mark).encode()
    headers: list[tuple[str, bytes | None]] = [("note", text), ("millionx.note", phone), ("tracestate", phone)]
    bad = [good[:60], b"\0\0\0\0\1" + text, text, encode({**value, "likes": -1})]
    return [
        ProducerRecord(RAW[0], key, good, headers),
        ProducerRecord(RAW[0], phone, good, headers),
        *(ProducerRecord(RAW[0], person.mail.encode(), one, headers) for one in bad),
    ]


def _outputs(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of everything that was written or is answered."""
    folder = state_dir()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix not in (".jar", ".jsa", ".lst", ".part"):
            yield f"file {file.relative_to(folder)}", file.read_bytes().rstrip(b"\0")  # index files are mostly empty
    kafka = KafkaConfig.of(settings)
    topics = sorted(kafka.admin({}).list_topics(timeout=30).topics)  # as records: their batches are compressed on disk
    for topic, message in read_topics(kafka, topics, committed=False):
        headers = b"\n".join(name.encode() + b"=" + (value or b"") for name, value in message.headers() or [])
        yield f"topic {topic}", b"\n".join((message.key() or b"", message.value() or b"", headers))
    parts = json.loads((folder / "state.json").read_text())["parts"]
    ports = [
        (name, port)
        for name, part in parts.items()
        for kind, port in part["ports"].items()
        if kind in ("http", "metrics")
    ]
    for name, port in ports:
        for path in ("", "metrics", "health", "api/state", *(f"api/records/{topic}" for topic in RAW)):
            try:
                yield f"http {name} /{path}", requests.get(f"http://127.0.0.1:{port}/{path}", timeout=30).content
            except requests.RequestException:
                continue  # a part that does not speak HTTP here
    yield "weaviate", requests.get(f"{settings.weaviate}/v1/objects?limit=10000", timeout=60).content
    store = redis.Redis.from_url(settings.redis)
    for key in store.scan_iter():
        value = store.get(key) if store.type(key) == b"string" else b""
        yield "redis", b"\n".join((key, store.dump(key) or b"", value or b""))  # type: ignore[arg-type]
    for table in ("ORDERS", "PRICE_HISTORY"):
        yield f"table {table}", repr(ask(f"select * from MILLIONX.RAW_DATA.{table}", (), settings).rows).encode()
    for line in ("plan", "history", "dlq list --state all", "dlq show --state all --contents", "doctor", "keys list"):
        yield f"mxctl {line}", _mxctl(*line.split())


def _letters(settings: Settings) -> list[Any]:
    return [message for _, message in read_topics(KafkaConfig.of(settings), ["dead-letters-social"])]


def test_no_byte_of_a_person_is_left_anywhere(pipeline: Settings, tmp_path: Path) -> None:
    mark, typed, injected = uuid4().hex[:10], Person(), Person()
    said = []
    for source, file, bad in _typed(typed, tmp_path, mark):
        told = _mxctl("ingest", str(file), "--source", source, "--wait", "-o", "json")
        assert json.JSONDecoder().raw_decode(told.decode())[0]["dead_letters"] == bad, told
        said.append(("mxctl ingest", told.replace(str(file).encode(), b"FILE")))  # as the user named it
    before = len(_letters(pipeline))
    injected_records = _injected(injected, pipeline, mark)
    Sender(KafkaConfig.of(pipeline)).send(injected_records)
    wait_for(lambda: len(_letters(pipeline)) - before, lambda more: more >= len(injected_records) - 1)
    good = f"{pipeline.weaviate}/v1/objects/SocialPost/{document_id((injected_records[0].key or b'').decode())}"
    wait_for(lambda: requests.get(good, timeout=30).ok, what="the good one in its collection")

    found: set[str] = set()
    bytes_seen = 0
    theirs, ours = injected.patterns(), typed.patterns()
    for name, data in [*said, *_outputs(pipeline)]:
        bytes_seen += len(data)
        is_raw = name.startswith((f"topic {RAW[0]}", f"file kafka/data/{RAW[0]}-"))
        for patterns, who in ((ours, "typed"), ({} if is_raw else theirs, "injected")):
            found |= {f"{who} {kind} in {name}" for pattern, kind in patterns.items() if pattern in data}
    assert bytes_seen > 1_000_000
    assert not found, "\n".join(sorted(found))
