"""Deleting letters: Kafka removes what a partition holds up to an offset, so only what no open letter lies before.

From then on no client can read them. The bytes leave the brokers' disks with their segment, which ends within the
topic's ``segment.ms``; what was copied elsewhere (a mirror, a backup) stays there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from glue.deadletters.read import Letter, read_letters
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.topics import delete_records


def reach(letters: Iterable[Letter], ids: Collection[str]) -> dict[tuple[str, int], int]:
    """By topic and partition, the last letter of ``ids`` that can go: it is closed, and so is every one before it.

    Args:
        letters: all of the topics, in the order of their positions.
    """
    last: dict[tuple[str, int], int] = {}
    blocked: set[tuple[str, int]] = set()
    for letter in letters:
        topic, number, offset = letter.place
        if not letter.done:
            blocked.add((topic, number))
        elif letter.id in ids and (topic, number) not in blocked:
            last[topic, number] = offset
    return last


def delete(kafka: KafkaConfig, ids: Collection[str], *, dry_run: bool = False) -> tuple[list[str], list[str]]:
    """Delete these letters, and with them every one before them, as far as :func:`reach` lets.

    Args:
        dry_run: say what would go if all of ``ids`` were closed, and delete nothing.

    Returns:
        The ids that are gone, and those of ``ids`` that stay, as an open letter lies before them.

    Raises:
        ServiceError: Kafka refuses, for instance for lack of DELETE on the topic.
        ServiceUnavailableError: Kafka does not answer; run it again.
    """
    letters = read_letters(kafka, sorted({name.rsplit("/", 2)[0] for name in ids}))
    if dry_run:
        letters = [replace(one, done=one.done or "discarded") if one.id in ids else one for one in letters]
    last = reach(letters, ids)
    if not dry_run:
        delete_records(kafka.admin(QUIET), last)
    places = {one.id: one.place for one in letters}
    gone = [name for name, (topic, number, offset) in places.items() if offset <= last.get((topic, number), -1)]
    return gone, sorted(set(ids) - set(gone))
