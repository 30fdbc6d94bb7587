"""Everywhere a person's data can be: found in topics, dead letters, stores and caches, and how long it stays there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import redis

from glue.avro import Decoder
from glue.avro_types import to_json
from glue.deadletters.read import ERASED, Letter, read_letters
from glue.deadletters.replay import open_letter
from glue.errors import MillionXError
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.reads import read, watermarks
from glue.kafka.topics import read_topics
from glue.pipeline.routes import Pipeline
from glue.privacy.atrest import AtRest
from glue.privacy.keyring import Keyring, load_keyring
from glue.redis_client import open_redis
from glue.registry import registry_client
from glue.rights.forgotten import HASHED, Forgotten, read_forgotten
from glue.rights.match import Matcher, earliest
from glue.rights.person import FIELD, ORDER, SHOP, Person
from glue.settings import Settings
from glue.stores.contract import Conditions, StoreClient, Target
from glue.stores.registry import STORES
from glue.times import iso
from glue.topology.load import load

_WEEK_MS, _NEVER_MS = 604_800_000, 7_258_118_400_000  # the second is in 2200: Weaviate compares 64 bits of nanoseconds
_SCAN = 500
Progress = Callable[[str], None]


@dataclass
class Found:
    """What one place holds.

    Attributes:
        kind: ``raw topic``, ``topic``, ``dead letters``, ``store``, ``cache`` or ``checkpoints``.
        left: of ``count``, how many are out of use and only there until ``until`` (ms; 0: no such time).
        why: what ends them then.
        keys: the keys of the records, the ids of letters.
        last: offset of the last of them, by partition. newest: its time, milliseconds since the epoch.
        unreadable: records that could not be looked into.
        values: what is held, where it was asked for.
    """

    place: str
    kind: str
    count: int = 0
    left: int = 0
    until: int = 0
    why: str = ""
    unreadable: int = 0
    keys: set[str] = field(default_factory=set)
    last: dict[int, int] = field(default_factory=dict)
    newest: int = 0
    values: list[Any] = field(default_factory=list)

    @property
    def held(self) -> int:
        """How many are in use."""
        return self.count - self.left


class Places:
    """Looks for one person in everything that the declared state names.

    Args:
        keep: collect the values too.
        before: leave out what is newer, milliseconds since the epoch; 0: nothing is.

    Raises:
        ConfigError: there is no key file, without which nobody can be found.
    """

    def __init__(
        self, settings: Settings, who: Person, progress: Progress = lambda text: None, *, keep: bool = False,
        before: int = 0,
    ) -> None:  # fmt: skip
        self.settings, self.who, self.keep, self.before = settings, who, keep, before or _NEVER_MS
        self.ring: Keyring = load_keyring(settings.hash_keys_file)
        self.kafka = KafkaConfig.of(settings)
        self.declared = load(settings)
        self.pipeline = Pipeline.of(self.declared)
        self.match = Matcher(who, self.ring)
        self.decode, self._at_rest = Decoder(registry_client(settings)), AtRest(self.ring)
        self._progress, self._live = progress, dict[str, dict[str, str]]()

    def all(self) -> list[Found]:
        """Every place, those with nothing too."""
        return [*self.topics(), *self.letters(), *self.stores(), *self.caches()]

    @property
    def forgotten(self) -> Forgotten:
        """The list of the forgotten, now."""
        return read_forgotten(self.kafka, self.ring)

    def topics(self) -> list[Found]:
        """The topics of routes, and the sources' checkpoints."""
        raw = set(self.pipeline.raw_topics)
        names = dict.fromkeys(topic for route in self.pipeline.routes for topic in route.topics)
        kept, known = self.retention(names), self.forgotten
        found = [self._topic(name, "raw topic" if name in raw else "topic", kept.get(name), known) for name in names]
        return [*found, self._checkpoints()]

    def retention(self, topics: Iterable[str]) -> dict[str, int]:
        """How long a record stays at most, in ms: Kafka drops whole segments, and only after the next was begun."""
        return {
            name: -1 if (kept := int(config.get("retention.ms", _WEEK_MS))) < 0 or self.is_compacted(name)
            else kept + int(config.get("segment.ms", _WEEK_MS))
            for name, config in self._configs(topics).items()
        }  # fmt: skip

    def is_compacted(self, topic: str) -> bool:
        """Whether a tombstone removes the records of its key from the topic."""
        return "compact" in self._configs([topic]).get(topic, {}).get("cleanup.policy", "")

    def _configs(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        wanted = list(topics)
        if missing := [name for name in wanted if name not in self._live]:
            live = read_topics(self.kafka.admin(QUIET), missing)
            self._live |= {name: live[name].effective for name in missing if name in live}
        return {name: self._live[name] for name in wanted if name in self._live}

    def _topic(self, name: str, kind: str, kept: int | None, known: Forgotten) -> Found:
        self._progress(f"topic {name}")
        found, at = Found(name, kind), known.at(self.who) or 0
        for batch in read(self.kafka, watermarks(self.kafka, [name])):
            for message in batch:
                if message.value() is None:
                    continue
                key, time = (message.key() or b"").decode("utf-8", "replace"), message.timestamp()[1]
                try:
                    value, schema = self._read(name, key, message.value())
                except MillionXError:
                    found.unreadable += 1
                    continue
                born = earliest(value) or 0
                if born > self.before or not self.match.in_value(value, schema):
                    continue
                found.count += 1
                found.newest = max(found.newest, time)
                found.last[message.partition()] = message.offset()
                found.keys.add(key)
                # No chain takes it again, and no audit repairs it: it waits for the end of its time.
                found.left += at > 0 and (known.has_record(key) if kind == "topic" else born <= at)
                if self.keep:
                    held = to_json(self.match.part_of(value, schema))
                    found.values.append({"at": iso(time), "key": key, "value": held})
        if found.count and kept is not None and kept >= 0:
            found.until = found.newest + kept
        found.why = "retention of the topic; no chain takes it again" if found.left else ""
        return found

    def _read(self, topic: str, key: str, data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        value, schema = self.decode(data)
        return self._at_rest.decrypt(topic, key, value, schema), schema

    def is_refused(self, known: Forgotten, topic: str, key: str, data: bytes) -> bool:
        """Whether a record is of somebody forgotten; what cannot be read is of nobody."""
        try:
            return known.refuses(topic, key, *self._read(topic, key, data))
        except MillionXError:
            return False

    def _checkpoints(self) -> Found:
        found = Found(self.settings.checkpoints_topic, "checkpoints")
        for batch in read(self.kafka, watermarks(self.kafka, [found.place])):
            for message in batch:
                try:
                    cursor = json.loads(message.value() or b"{}").get("cursor")
                except (ValueError, AttributeError):
                    found.unreadable += 1
                    continue
                if self.match.in_native(cursor):
                    found.count += 1
        found.left, found.why = found.count, "the source's next checkpoint" if found.count else ""
        return found

    def letters(self) -> list[Found]:
        """Dead letters, opened with their keys."""
        there = {name for name, _ in watermarks(self.kafka, self.pipeline.dead_letters)}
        kept = self.retention(sorted(there))
        return [self._letters(name, kept[name]) for name in self.pipeline.dead_letters if name in there]

    def _letters(self, topic: str, kept: int) -> Found:
        self._progress(f"dead letters {topic}")
        found = Found(topic, "dead letters")
        for letter in read_letters(self.kafka, [topic]):
            value = self._opened(letter) if letter.timestamp <= self.before else ""
            if value is None:
                found.unreadable += 1
            elif self.match.in_native(value):
                found.count += 1
                found.left += letter.done == ERASED
                found.newest = max(found.newest, letter.timestamp)
                found.keys.add(letter.id)
                if self.keep and letter.done != ERASED:
                    found.values.append({"id": letter.id, "value": value})
        if found.count and kept >= 0:
            found.until = found.newest + kept
        found.why = "retention of the topic; sealed, and opened by no command" if found.left else ""
        return found

    def _opened(self, letter: Letter) -> Any:
        """The record in a letter as JSON, or as text; None if it cannot be opened."""
        try:
            original = open_letter(replace(letter, done=""), self.ring)  # also one that is closed for good
        except MillionXError:
            return None
        data = original.value or b""
        try:
            key = (original.key or b"").decode("utf-8", "replace")
            return to_json(self._read(original.topic, key, data)[0])
        except MillionXError:
            pass
        text = data.decode("utf-8", "replace")
        try:
            return json.loads(text)
        except ValueError:
            return text

    def hashed(self) -> Iterator[tuple[Target, list[str]]]:
        """Each target with its fields."""
        for target in self.pipeline.targets:
            subject = self.declared.subjects.get(f"{target.topic}-value")
            yield target, [one["name"] for one in subject.schema["fields"]] if subject else []

    def targets(self) -> Iterator[tuple[Target, Conditions]]:
        """What can hold the person, each with a condition that finds them there."""
        signed = self.who.pseudonyms(self.ring)
        for target, fields in self.hashed():
            scope = {FIELD[SHOP]: [self.who.shop]} if self.who.shop and FIELD[SHOP] in fields else {}
            if self.who.shop and not scope:
                continue
            if signed:
                yield from ((target, {name: signed, **scope}) for name in fields if name.endswith(HASHED))
            for kind in (ORDER, SHOP):
                if FIELD[kind] in fields and (values := self.who.of(kind)):
                    yield target, {**scope, FIELD[kind]: values}

    @property
    def moment(self) -> datetime:
        """Just after ``before``."""
        return datetime.fromtimestamp((self.before + 1) / 1000, UTC)

    def stores(self) -> list[Found]:
        """Rows and objects that are found by pseudonym, order or shop."""
        found: dict[str, Found] = {}
        for target, where in self.targets():
            self._progress(target.label)
            one = found.setdefault(target.place, Found(target.place, "store"))
            with self.client(target) as client:
                rows = client.matching(target, where, self.moment)
            new = [row for row in map(to_json, rows) if row not in one.values]  # two conditions may find the same
            one.values += new
            one.count += len(new)
        return list(found.values())

    def client(self, target: Target) -> StoreClient:
        """A connection to the store of a target; close it."""
        return STORES[target.store].open(self.settings, [target])

    def caches(self, erase: bool = False) -> list[Found]:
        """Redis: the catalogue's texts are looked through; vectors are kept under a hash of their scrubbed text."""
        self._progress("caches")
        found = Found("Redis", "cache")
        with open_redis(self.settings, 5) as cache:
            try:
                for key in cache.scan_iter(count=_SCAN):
                    name = key.decode("utf-8", "replace")
                    text = "" if name.startswith("vector:") else _cached(cache, key)
                    if self.match.in_text(name) or self.match.in_text(text):
                        found.count += 1
                        if erase:
                            cache.delete(key)
                        elif self.keep:
                            found.values.append({"key": name, "value": text})
            except redis.RedisError:
                found.unreadable, found.why = 1, "Redis does not answer"
        return [found]


def _cached(cache: Any, key: bytes) -> str:
    try:
        value = cache.get(key)
    except redis.ResponseError:  # another type than a string
        try:
            value = json.dumps({k.decode(): v.decode() for k, v in cache.hgetall(key).items()}).encode()
        except (redis.ResponseError, UnicodeDecodeError):
            value = b""
    return (value or b"").decode("utf-8", "replace")
