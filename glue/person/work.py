"""Requests that are open, done one after another; and what is forgotten, erased again where it came back."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Gauge

from glue.errors import MillionXError, UsageError
from glue.kafka.config import KafkaConfig
from glue.kafka.reads import read, watermarks
from glue.person.forget import Erasure, Tell, lock
from glue.person.places import Places
from glue.privacy.keyring import load_keyring
from glue.rights.forgotten import HASHED
from glue.rights.person import FIELD, SHOP, Person
from glue.rights.requests import Request, Requests
from glue.settings import Settings
from glue.times import iso

_OPEN = Gauge("millionx_person_requests_open", "Requests of persons and shops that are not done.", ["kind"])
_OLDEST = Gauge("millionx_person_request_oldest_seconds", "Age of the oldest open request; 0: none is open.")
_LEFT = Gauge("millionx_person_request_left_seconds", "Time until the next open request must be done; 30 days: none.")
_BY_HAND = Gauge("millionx_person_requests_by_hand", "Requests after which a person has still to remove a shop's key.")
_LOOKED = Gauge("millionx_person_looked_timestamp_seconds", "When the requests were last read.")
_DONE = Counter("millionx_person_requests_done_total", "Requests that were done.", ["kind"])
_FAILED = Counter("millionx_person_requests_failed_total", "Attempts at a request that did not end.", ["kind"])
_KINDS = ("disclose", "forget")
for _kind in _KINDS:
    _DONE.labels(_kind), _FAILED.labels(_kind)  # start at 0, so that rate() sees the first


def observe(requests: Requests, settings: Settings) -> list[Request]:
    """The open requests, and the metrics about them; a key that a person had to remove is looked for again."""
    ring, now, left = load_keyring(settings.hash_keys_file), time.time(), 0
    for one in requests.all().values():
        if one.by_hand and not any(ring.merchants.get(shop) in ring.keys for shop in one.state["result"]["shops"]):
            requests.note(one, by_hand="")
        left += bool(one.by_hand)
    _BY_HAND.set(left)
    found = requests.open()
    for kind in _KINDS:
        _OPEN.labels(kind).set(sum(one.kind == kind for one in found))
    _OLDEST.set(max((now - one.at / 1000 for one in found), default=0))
    _LEFT.set(min((one.due / 1000 - now for one in found), default=settings.request_days * 86_400))
    _LOOKED.set(now)
    return found


def work(settings: Settings, out: Path, tell: Callable[[str], None]) -> list[tuple[Request, MillionXError | None]]:
    """Do every open request: disclosures go to files in ``out``, receipts too. One that fails stays open.

    Returns:
        each request with what kept it from being done.

    Raises:
        LockHeldError: another program works on them.
        ServiceUnavailableError: Kafka does not answer.
    """
    kafka, ring = KafkaConfig.of(settings), load_keyring(settings.hash_keys_file)
    requests = Requests(kafka, ring)
    results: list[tuple[Request, MillionXError | None]] = []
    if not observe(requests, settings):
        return results
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(kafka, settings):
        for one in requests.open():
            tell(f"{one.kind} {one.id}")
            try:
                do(settings, requests, one, out / f"{one.kind}-{one.id}.json", tell=tell)
                _DONE.labels(one.kind).inc()
                results.append((one, None))
            except MillionXError as error:
                _FAILED.labels(one.kind).inc()
                tell(f"{one.kind} {one.id}: {error}")
                results.append((one, error))
    observe(requests, settings)
    return results


def do(
    settings: Settings, requests: Requests, request: Request, file: Path | None, *, cut: bool = False,
    patience: float = 120.0, tell: Tell = lambda text: None,
) -> dict[str, Any]:  # fmt: skip
    """Do one request; what it made (a receipt, or where the disclosure lies) is in ``file`` too, for its owner only.

    Raises:
        MillionXError: as :meth:`glue.person.forget.Erasure.run`, or the file cannot be written.
    """
    assert request.person is not None  # noqa: S101 - the caller has looked
    if request.kind == "forget":
        made = Erasure(settings, requests, request, cut=cut, patience=patience, tell=tell).run()
        if file is not None:
            write(file, made, replace=True)
        return made
    found = disclosure(settings, request.person, tell)
    if file is not None:
        write(file, found, replace=True)
    result = {"file": str(file), "records": sum(one["count"] for one in found["held"])}
    requests.finish(request, result)
    return result


def disclosure(settings: Settings, who: Person, tell: Tell = lambda text: None) -> dict[str, Any]:
    """What is held of a person, readable."""
    held = [
        {
            "place": one.place,
            "kind": one.kind,
            "count": one.count,
            "until": iso(one.until),
            "could_not_be_read": one.unreadable,
            "values": one.values,
        }
        for one in Places(settings, who, tell, keep=True).all()
        if one.count or one.unreadable
    ]
    return {"made": datetime.now(UTC).isoformat(timespec="seconds"), "only_of_shop": who.shop, "held": held}


def write(file: Path, document: Any, *, replace: bool = False) -> None:
    """``document`` as JSON, readable by its owner only.

    Raises:
        UsageError: the file is there already, and is not to be replaced.
    """
    made = file.with_name(f".{file.name}.{os.getpid()}") if replace else file
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"file {file}", "it is there already", "name another, or remove it") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(document, out, indent=2, ensure_ascii=False)
        out.write("\n")
    if replace:
        made.replace(file)


def sweep(settings: Settings, tell: Tell = lambda text: None) -> dict[str, int]:
    """Erase again what is forgotten and has come back to a store: from a backup, or by a sink that was set back.

    Returns:
        rows and objects that were removed, by place.
    """
    places = Places(settings, Person(frozenset()), tell)
    known, removed = places.forgotten, defaultdict[str, int](int)
    if not known:
        return {}
    for topic in dict.fromkeys(target.topic for target in places.pipeline.targets):
        tell(f"topic {topic}")
        keys: set[str] = set()
        for batch in read(places.kafka, watermarks(places.kafka, [topic])):
            for message in batch:
                key = (message.key() or b"").decode("utf-8", "replace")
                if message.value() is not None and places.is_refused(known, topic, key, message.value()):
                    keys.add(key)
        for target in places.pipeline.targets if keys else ():
            if target.topic == topic:
                with places.client(target) as client:
                    removed[target.place] += client.delete(target, sorted(keys))
    for (shop, at), signed in known.groups().items():
        moment = datetime.fromtimestamp((at + 1) / 1000, UTC)
        for target, fields in places.hashed():
            if shop and FIELD[SHOP] not in fields:
                continue
            scope = {FIELD[SHOP]: [shop]} if shop else {}
            with places.client(target) as client:
                for name in (one for one in fields if one.endswith(HASHED)):
                    removed[target.place] += client.erase(target, {name: signed, **scope}, moment)
    return {place: count for place, count in removed.items() if count}


def work_every(
    settings: Settings, out: Path, every: timedelta, stop: threading.Event, tell: Callable[[str], None]
) -> None:
    """Work until stopped; a round that fails is told and tried again. What is forgotten is swept once a day."""
    swept = 0.0
    while not stop.is_set():
        try:
            work(settings, out, tell)
            if time.monotonic() - swept > 86_400 or not swept:
                for place, count in sweep(settings).items():
                    tell(f"{place}: {count} erased again")
                swept = time.monotonic()
        except MillionXError as error:
            tell(str(error))
        stop.wait(every.total_seconds())
