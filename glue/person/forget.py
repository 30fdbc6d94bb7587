"""Erasing a person: each step can be stopped and done again, and what is done is kept in the topic of the requests.

The person is entered in the list of the forgotten before anything is erased, so that from then on no chain takes a late
or repeated copy. What chains and sinks had in hand at that moment is waited for, erased with the rest, and looked for
again until nothing is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from glue.deadletters.delete import reach
from glue.deadletters.read import read_letters
from glue.deadletters.replay import erase as erase_letters
from glue.errors import ConfigError, ServiceUnavailableError
from glue.identity import ERASURE
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.lock import Lock
from glue.kafka.produce import ProducerRecord, Sender
from glue.kafka.reads import group_offsets
from glue.kafka.topics import delete_records
from glue.person.places import Found, Places
from glue.person.receipt import receipt
from glue.privacy.keyfile import destroy_merchant
from glue.rights.forgotten import REFRESH, add_person, add_records
from glue.rights.person import SHOP
from glue.rights.requests import Request, Requests
from glue.settings import Settings

_SETTLED = 5 * REFRESH  # seconds until every chain has read the list, and finished what it had in hand
_ROUNDS, _PAUSE = 10, 0.5
BY_HAND = "NOT destroyed,"  # how the fate of a shop's key begins where a person has to remove it
Tell = Callable[[str], None]


def lock(kafka: KafkaConfig, settings: Settings, wait: float = 30.0) -> Lock:
    """One program works on requests at a time; the topic of the requests must be there."""
    return Lock(kafka, ERASURE, settings.requests_topic, what="requests of persons", wait=wait, ttl=10)


class Erasure:
    """One request to be forgotten. Run it again after it was stopped at any point.

    Args:
        cut: also delete the records of raw topics and dead letters up to the last of the person, and with them what
            others have before it, as far as every reader has read them.
        patience: seconds to wait for chains and sinks to read what they have before them.
        tell: gets each step, in words.
    """

    def __init__(
        self, settings: Settings, requests: Requests, request: Request, *, cut: bool = False, patience: float = 120.0,
        tell: Tell = lambda text: None,
    ) -> None:  # fmt: skip
        assert request.person is not None  # noqa: S101 - the caller has looked
        self._settings, self._requests, self._request, self._who = settings, requests, request, request.person
        self._cut, self._patience, self._tell = cut, patience, tell
        if "from" not in request.state:
            requests.note(request, step="begun", **{"from": int(time.time() * 1000)})
        self._from = int(request.state["from"])
        self.places = Places(settings, self._who, before=self._from)

    def run(self) -> dict[str, Any]:
        """Erase, and return the signed receipt.

        Raises:
            ServiceError, ServiceUnavailableError: something does not answer, refuses, or does not come on; run it
                again, nothing is lost.
        """
        places, request = self.places, self._request
        self._tell("listing")
        add_person(places.kafka, places.ring, self._who, self._from)
        listed = time.monotonic()
        if "found" not in request.state:
            self._tell("looking")
            found = {one.place: one.count for one in places.all() if one.count}
            self._requests.note(request, step="listed", found=found)
        time.sleep(max(0.0, _SETTLED - (time.monotonic() - listed)))
        for _ in range(_ROUNDS):
            self._once()
            self._tell("checking")
            after = places.all()
            if not any(one.held for one in after):
                break
        else:
            left = ", ".join(one.place for one in after if one.held)
            fix = "mxctl local status; run it again"
            raise ServiceUnavailableError("forget", f"records keep coming to {left}", fix)
        if self._cut:
            self._tell("cutting")
            self._delete_records(after)
            after = places.all()
        key = self._destroy_key()
        made = receipt(places.ring, request, self._who, request.state["found"], after, places.pipeline.targets, key)
        if key.startswith(BY_HAND):
            self._requests.note(request, by_hand=key)
        self._requests.finish(request, made)
        return made

    def _once(self) -> None:
        places, request = self.places, self._request
        self._tell("topics")
        topics = [one for one in places.topics() if one.kind == "topic" and one.count]
        add_records(places.kafka, places.ring, {key for one in topics for key in one.keys}, self._from)
        self._bury(topics)
        self._requests.note(request, step="topics")
        self._tell("waiting for readers")
        for one in topics:
            self._until_read(one)
        self._requests.note(request, step="read")
        self._tell("stores")
        keys = {one.place: one.keys for one in topics}
        for target, where in places.targets():
            with places.client(target) as client:
                client.erase(target, where, places.moment)
        for target in places.pipeline.targets:
            if found := keys.get(target.topic):
                with places.client(target) as client:
                    client.delete(target, sorted(found))
        self._requests.note(request, step="stores")
        self._tell("letters")
        ids = {name for one in places.letters() for name in one.keys}
        for topic in sorted({name.rsplit("/", 2)[0] for name in ids}):
            erase_letters([one for one in read_letters(places.kafka, [topic]) if one.id in ids], places.kafka)
        self._requests.note(request, step="letters")
        self._tell("caches")
        places.caches(erase=True)
        self._requests.note(request, step="caches")

    def _bury(self, topics: Iterable[Found]) -> None:
        """A tombstone for each key, where a sink takes it or the topic is compacted."""
        deleting = {target.topic for target in self.places.pipeline.targets if target.deletes}
        graves = [
            ProducerRecord(one.place, key.encode(), None)
            for one in topics
            if one.place in deleting or self.places.is_compacted(one.place)
            for key in sorted(one.keys)
        ]
        if graves:
            Sender(self.places.kafka, {"client.id": "mxctl-person"}, patience=30.0).send(graves)

    def _until_read(self, found: Found) -> None:
        """Wait until chains and sinks that read the topic are past the person's records."""
        admin, until = self.places.kafka.admin(QUIET), time.monotonic() + self._patience
        for part in self.places.pipeline.readers(found.place):
            while waiting := self._before(admin, part.group, found):
                if time.monotonic() > until:
                    why = f"{part.name} has not read partitions {waiting} of {found.place} to the end of what to erase"
                    raise ServiceUnavailableError("forget", why, "start it, then run this again: it goes on from here")
                time.sleep(_PAUSE)

    @staticmethod
    def _before(admin: Any, group: str, found: Found) -> list[int]:
        """Partitions in which a group has not come to the last record; a group that never began is nowhere."""
        done = {number: at for (topic, number), at in group_offsets(admin, group).items() if topic == found.place}
        return [number for number, last in found.last.items() if done and done.get(number, 0) <= last]

    def _delete_records(self, after: Iterable[Found]) -> None:
        wanted: dict[tuple[str, int], int] = {}
        for one in after:
            if one.kind == "dead letters":
                wanted |= reach(read_letters(self.places.kafka, [one.place]), one.keys)
            elif one.kind in ("raw topic", "topic") and not self.places.is_compacted(one.place):
                self._until_read(one)
                wanted |= {(one.place, number): last for number, last in one.last.items()}
        delete_records(self.places.kafka.admin(QUIET), wanted)

    def _destroy_key(self) -> str:
        """What became of the shop's own key, where all of a shop is erased."""
        shops, file = self._who.of(SHOP), self._settings.hash_keys_file
        if not shops or file is None:
            return ""
        try:
            gone = [key for shop in shops if (key := destroy_merchant(file, shop))]
        except ConfigError as error:
            return (
                f"{BY_HAND} {error.why}: mxctl keys merchant destroy {' '.join(shops)}, where the key file comes from"
            )
        return f"destroyed: {', '.join(gone)}; restart what has read the key file" if gone else "it had none"
