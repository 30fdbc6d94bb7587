"""Who is forgotten: keyed pseudonyms in a compacted topic, consulted by whatever could bring a person back.

An entry is the keyed form of an identity (of a person, their pseudonym), of an order, of a shop, or of the key of a
record that was erased; under every key that there was at that time. Whoever was forgotten at a moment is so for what is
older: late copies, replays, later states of old orders. An order after that moment is new data, and passes.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from confluent_kafka import KafkaException

from glue.avro_types import BySchema
from glue.errors import DataError, MillionXError
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.reads import PartitionReader, partitions_of
from glue.kafka.topic_log import TopicLog
from glue.privacy.atrest import AtRest
from glue.privacy.identity import normalise
from glue.privacy.keyring import Keyring
from glue.privacy.tags import tag_of
from glue.rights.match import earliest
from glue.rights.person import FIELD, ORDER, SHOP, Person
from glue.settings import get_settings

log = logging.getLogger(__name__)
REFRESH = 1.0  # seconds after which a chain has read a new entry, as long as Kafka answers
_PAUSE, _ASKED_MS = 2.0, 2000
HASHED, _RECORD = "_hash", "record:"  # the end of names of fields with pseudonyms
LOG_CONFIG = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.bytes": "16777216",
              "max.compaction.lag.ms": "3600000"}  # fmt: skip


class Forgotten:
    """The list, as one program knows it. Reading and asking may be in different threads."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._people: dict[str, dict[str, int]] = {}  # signed identity -> shop or "" -> forgotten at (ms)
        self._records: set[str] = set()
        self._keys: frozenset[str] = frozenset()
        self._plan, self._at_rest = BySchema(_personal), AtRest(ring)
        self._signed = lru_cache(100_000)(self._sign)

    def __bool__(self) -> bool:
        return bool(self._people or self._records)

    def take(self, key: str, value: bytes | None) -> None:
        """One entry of the topic."""
        signed, _, shop = key.removeprefix(_RECORD).partition("@")
        if key.startswith(_RECORD):
            (self._records.discard if value is None else self._records.add)(signed)
        elif value is None:
            self._people.pop(signed, None)
        else:
            at = int(json.loads(value)["at"])
            for one in {signed, self._ring.present(signed)}:  # what chains make of it under a key that came later
                self._people.setdefault(one, {})[shop] = at
        key_id = signed.partition(":")[0]
        if key_id not in self._keys and key_id in self._ring.keys:
            self._keys |= {key_id}
            self._signed.cache_clear()

    def has_record(self, key: str) -> bool:
        """Whether the record of this key was erased."""
        return bool(self._records) and any(one in self._records for one in self._signed(_RECORD + key))

    def at(self, person: Person) -> int | None:
        """When all identities of a person were forgotten, in this scope or everywhere; None if one was not."""
        times = []
        for identity in person.identities:
            known = [self._people[one] for one in self._signed(identity) if one in self._people]
            times.append(
                max((at for shops in known for shop, at in shops.items() if shop in ("", person.shop)), default=0)
            )
        return min(times, default=0) or None

    def groups(self) -> dict[tuple[str, int], list[str]]:
        """The keyed identities by shop (empty: everywhere) and moment."""
        found: dict[tuple[str, int], list[str]] = {}
        for signed, shops in self._people.items():
            for shop, at in shops.items():
                found.setdefault((shop, at), []).append(signed)
        return found

    def refuses(self, topic: str, key: str | None, value: Mapping[str, Any] | None, schema: Any) -> bool:
        """Whether a record must not go on: it was erased, or it is of somebody forgotten and not newer than that.

        Of what is encrypted only the fields that name persons are opened; what does not open is for the chain to say.
        """
        if not self:
            return False
        if key is not None and self.has_record(key):
            return True
        if value is None or schema is None or not self._people:
            return False
        return self._is_old(value, self._of(topic, key, value, schema))

    def refuses_made(self, key: str | None, value: Mapping[str, Any] | None) -> bool:
        """As :meth:`refuses` of a record that a chain has made: its pseudonyms are there already, so this is cheap."""
        if not self:
            return False
        if key is not None and self.has_record(key):
            return True
        return value is not None and bool(self._people) and self._is_old(value, self._made(value))

    def _is_old(self, value: Mapping[str, Any], identities: Iterable[str]) -> bool:
        for signed in identities:
            for shop, at in self._people.get(signed, {}).items():
                if shop and value.get(FIELD[SHOP]) != shop:
                    continue
                born = earliest(value)
                if born is None or born <= at:
                    return True
        return False

    def _of(self, topic: str, key: str | None, value: Mapping[str, Any], schema: Any) -> Iterator[str]:
        named = {name: value.get(name) for name in self._plan(schema)}
        with suppress(DataError):
            named = self._at_rest.decrypt(topic, key, named, schema)
        for one in named.values():
            for text in one if isinstance(one, list) else (one,):
                if isinstance(text, str) and text and (identity := normalise(text)) is not None:
                    yield from self._signed(identity)
        yield from self._made(value)

    def _made(self, value: Mapping[str, Any]) -> Iterator[str]:
        """The pseudonyms in a record, its order, its shop."""
        for name, one in value.items():
            if isinstance(one, str) and name.endswith(HASHED):
                yield one
        for kind in (ORDER, SHOP):
            if one := value.get(FIELD[kind]):
                yield from self._signed(f"{kind}:{one}")

    def _sign(self, text: str) -> tuple[str, ...]:
        return tuple(self._ring.sign(text.encode(), key_id) for key_id in self._keys)


def _personal(schema: Mapping[str, Any]) -> list[str]:
    """The fields of a schema that name persons."""
    return [field["name"] for field in schema["fields"] if tag_of(field) == "PII_ID"]


def forgotten_log(kafka: KafkaConfig) -> TopicLog:
    """The topic of the list: the setting ``MXCTL_FORGOTTEN_TOPIC``; while it is not there, nobody is forgotten."""
    return TopicLog(kafka, get_settings().forgotten_topic, LOG_CONFIG)


def read_forgotten(kafka: KafkaConfig, ring: Keyring) -> Forgotten:
    """The list as it is now.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    found = Forgotten(ring)
    for entry in forgotten_log(kafka).read():
        found.take(entry.key, entry.value)
    return found


def add_person(kafka: KafkaConfig, ring: Keyring, person: Person, at: int) -> int:
    """Enter every identity of a person under every key; how many entries were written."""
    topic, value = forgotten_log(kafka), json.dumps({"at": at}).encode()
    scope = f"@{person.shop}" if person.shop else ""
    entries = [one for signed in person.signed(ring).values() for one in signed]
    topic.append_all((one + scope, value) for one in entries)
    return len(entries)


def add_records(kafka: KafkaConfig, ring: Keyring, keys: Iterable[str], at: int) -> None:
    """Enter the keys of records that are about to be erased."""
    topic, value = forgotten_log(kafka), json.dumps({"at": at}).encode()
    topic.append_all((_RECORD + ring.sign((_RECORD + key).encode()), value) for key in keys)


class Watch:
    """Keeps a list up to date in a thread of its own. Start it, and close it."""

    def __init__(self, kafka: KafkaConfig, ring: Keyring) -> None:
        self._kafka, self._ring, self._topic = kafka, ring, get_settings().forgotten_topic
        self.known = Forgotten(ring)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="forgotten", daemon=True)

    def start(self) -> None:
        """Read the whole list, then follow it.

        Raises:
            ServiceUnavailableError: Kafka does not answer, so that nobody can say who is forgotten.
        """
        for entry in forgotten_log(self._kafka).read():
            self.known.take(entry.key, entry.value)
        self._thread.start()

    def _follow(self) -> None:
        position = 0
        while not self._stop.is_set():
            try:
                there = partitions_of(self._kafka.admin(QUIET), [self._topic])
                if there:
                    with PartitionReader(self._kafka, dict.fromkeys(there, position), wait_ms=_ASKED_MS) as reader:
                        while not self._stop.is_set():
                            for one in reader.poll(REFRESH):
                                self.known.take((one.key() or b"").decode("utf-8", "replace"), one.value())
                            position = max(reader.position.values())
            except (KafkaException, MillionXError) as error:
                log.warning("the list of the forgotten cannot be followed now: %s", type(error).__name__)
            self._stop.wait(_PAUSE)

    def close(self) -> None:
        """Follow it no more."""
        self._stop.set()
