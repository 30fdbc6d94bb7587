"""Requests: sealed while they are open, without a name when they are done, resumable in between."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from glue.errors import ConfigError
from glue.kafka.config import KafkaConfig
from glue.kafka.topic_log import Entry, TopicLog
from glue.person.forget import BY_HAND, Erasure
from glue.person.work import observe
from glue.privacy.keyfile import destroy_merchant
from glue.privacy.keyring import Keyring, load_keyring
from glue.rights.person import from_payload, person
from glue.rights.requests import DAY_MS, Requests
from glue.settings import Settings

RING = Keyring("k1", {"k1": b"1" * 32})
RAHIM = person(["01712345678"])


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes | None]:
    """The compacted topic as a dict."""
    kept: dict[str, bytes | None] = {}
    monkeypatch.setattr(TopicLog, "append", lambda _, key, value: kept.update({key: value}))
    monkeypatch.setattr(TopicLog, "read", lambda _: [Entry(0, 0, key, value) for key, value in kept.items()])
    return kept


def test_an_open_request_is_sealed_goes_on_and_names_nobody_when_done(topic: dict[str, bytes | None]) -> None:
    requests = Requests(KafkaConfig("nowhere:1"), RING)
    made = requests.put("r1", "forget", "mxctl", RAHIM, at=1000)
    assert made.due == 1000 + 30 * DAY_MS
    requests.note(made, step="stores", found={"t": 3})
    assert b"1712345678" not in b"".join(value or b"" for value in topic.values())
    (again,) = Requests(KafkaConfig("nowhere:1"), RING).open()
    assert (again.person, again.state["found"], again.summary()["state"]) == (RAHIM, {"t": 3}, "stores")
    requests.finish(again, {"receipt": 1})
    assert not requests.open() and b"sealed" not in (topic["request/r1"] or b"")
    assert requests.all()["r1"].done and requests.all()["r1"].person is None
    requests.begin_again(again)
    requests.put("r1", "forget", "mxctl", RAHIM)
    assert [one.state for one in requests.open()] == [{}]


def test_requests_are_counted_without_a_key_and_not_opened_with_another(topic: dict[str, bytes | None]) -> None:
    Requests(KafkaConfig("nowhere:1"), RING).put("r1", "disclose", "mxctl", RAHIM)
    (counted,) = Requests(KafkaConfig("nowhere:1"), None).all().values()
    assert not counted.done and counted.person is None
    with pytest.raises(ConfigError):
        Requests(KafkaConfig("nowhere:1"), Keyring("k2", {"k2": b"2" * 32})).all()


def test_a_key_that_a_person_must_remove_is_told_until_it_is_gone(
    topic: dict[str, bytes | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.json"
    keys = {name: base64.b64encode(name.encode() * 16).decode() for name in ("k1", "m1")}
    file.write_text(json.dumps({"active": "k1", "keys": keys, "merchants": {"dhaka.example": "m1"}}))
    settings, requests = Settings(hash_keys_file=file), Requests(KafkaConfig("nowhere:1"), load_keyring(file))
    who = from_payload({"shop_domain": "dhaka.example"})
    erasure = Erasure.__new__(Erasure)
    erasure._settings, erasure._who = settings, who
    with monkeypatch.context() as read_only:
        read_only.setattr("os.open", _refuse)
        fate = erasure._destroy_key()
    assert fate.startswith(BY_HAND) and fate.endswith(
        "mxctl keys merchant destroy dhaka.example, where the key file comes from"
    )

    made = requests.put("r1", "forget", "shop/redact", who)
    requests.note(made, by_hand=fate)
    requests.finish(made, {"shops": who.of("shop")})
    assert observe(requests, settings) == [] and requests.all()["r1"].summary()["state"] == "by hand"
    destroy_merchant(file, "dhaka.example")
    assert observe(requests, settings) == [] and requests.all()["r1"].summary()["state"] == "done"


def _refuse(*_: object) -> int:
    raise OSError(30, "Read-only file system")
