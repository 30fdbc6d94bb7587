"""Where sink connectors stand: offsets, lag, and setting them back or forth. Source: KIP-875, Connect 3.6 and later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from glue.connect import ConnectNotFoundError
from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.kafka.reads import OffsetSpec, TopicPartition, lag, must_answer, offsets, watermarks
from glue.times import parse_time, split_list
from glue.topology.services import Services


@dataclass(frozen=True)
class Standing:
    """One partition: the next offset the connector will read (None: none committed), and the partition's ends."""

    topic: str
    partition: int
    offset: int | None
    first: int
    end: int

    @property
    def lag(self) -> int:
        """Records that are still to be read."""
        return lag((self.first, self.end), self.offset)


def standings(services: Services, name: str) -> list[Standing]:
    """Where a sink connector stands in every partition it has committed for.

    Raises:
        ConnectNotFoundError: there is no such connector.
        ServiceError: it is a source; its offsets are its own affair.
    """
    found: dict[TopicPartition, int] = {}
    for entry in services.connect.offsets(name):
        partition, offset = entry.get("partition") or {}, entry.get("offset") or {}
        if "kafka_topic" not in partition:
            why = "it is a source: its offsets mean something to its plugin alone"
            raise ServiceError(f"connector {name}", why, "mxctl offsets get -o json shows them")
        found[str(partition["kafka_topic"]), int(partition["kafka_partition"])] = int(offset.get("kafka_offset", 0))
    topics = {topic for topic, _ in found} | set(split_list(services.connect.config(name).get("topics", "")))
    ends = watermarks(services.kafka, sorted(topics))
    partitions = sorted(found.keys() | ends.keys())
    return [Standing(t, p, found.get((t, p)), *ends.get((t, p), (0, 0))) for t, p in partitions]


def lag_of(services: Services, name: str) -> int | None:
    """Records that a sink has not read yet; None where it is unknown."""
    try:
        return sum(one.lag for one in standings(services, name))
    except (ServiceError, ServiceUnavailableError, ConnectNotFoundError):
        return None


def plan_offsets(
    services: Services,
    name: str,
    *,
    topics: Iterable[str] = (),
    partition: int | None = None,
    to: str,
) -> list[tuple[Standing, int]]:
    """Where each chosen partition would stand.

    Args:
        topics: only these; all that the connector reads otherwise.
        partition: only this one of each topic.
        to: ``earliest``, ``latest``, an offset, ``+n`` or ``-n`` from where it stands, or an ISO 8601 time.

    Raises:
        UsageError: ``to`` is none of these, or nothing is chosen.
    """
    wanted = set(topics)
    partitions = [
        one
        for one in standings(services, name)
        if (not wanted or one.topic in wanted) and partition in (None, one.partition)
    ]
    if not partitions:
        raise UsageError(f"offsets of {name}", "no such topic or partition", f"mxctl offsets get {name} lists them")
    times = _at_time(services, partitions, to) if _is_time(to) else {}
    return [(one, _target(one, to, times)) for one in partitions]


def _target(one: Standing, to: str, times: dict[TopicPartition, int]) -> int:
    here = one.offset if one.offset is not None else one.first
    if to == "earliest":
        goal = one.first
    elif to == "latest":
        goal = one.end
    elif times:
        goal = times[one.topic, one.partition]
    elif to[:1] in "+-" and to[1:].isdigit():
        goal = here + int(to)
    elif to.isdigit():
        goal = int(to)
    else:
        fix = "earliest, latest, an offset, +n, -n, a time, or how long ago: 2h"
        raise UsageError("--to", f"{to!r} is not a position", fix)
    return min(max(goal, one.first), one.end)


def _is_time(text: str) -> bool:
    return (text[:4].isdigit() and text[4:5] == "-") or (text[:1].isdigit() and text[-1:].isalpha())


def _at_time(services: Services, partitions: list[Standing], text: str) -> dict[TopicPartition, int]:
    try:
        stamp = int(parse_time(text).timestamp() * 1000)
    except ValueError as error:
        raise UsageError("--to", str(error), "e.g. 2026-01-31T08:00:00+06:00, or 2h for two hours ago") from None
    wanted = [(one.topic, one.partition) for one in partitions]
    with must_answer("offsets"):
        found = offsets(services.admin, wanted, OffsetSpec.for_timestamp(stamp))
    ends = {(one.topic, one.partition): one.end for one in partitions}
    return {partition: at.offset if at.offset >= 0 else ends[partition] for partition, at in found.items()}


def set_offsets(services: Services, name: str, goals: list[tuple[Standing, int]]) -> str:
    """Write new offsets of a STOPPED connector; Connect's message.

    Raises:
        ServiceError: it is not stopped, or Connect refused.
    """
    _stopped(services, name)
    body = [
        {"partition": {"kafka_topic": at.topic, "kafka_partition": at.partition}, "offset": {"kafka_offset": goal}}
        for at, goal in goals
    ]
    return services.connect.alter_offsets(name, body)


def reset_offsets(services: Services, name: str) -> str:
    """Forget all offsets of a STOPPED connector; Connect's message."""
    _stopped(services, name)
    return services.connect.reset_offsets(name)


def _stopped(services: Services, name: str) -> None:
    state = services.connect.status(name)["connector"].get("state")
    if state != "STOPPED":
        why = f"the connector is {state}, and Connect alters offsets only of one that is STOPPED"
        fix = f"pass --stop (stops it, and resumes it afterwards), or run: mxctl connectors stop {name}"
        raise ServiceError(f"offsets of {name}", why, fix)
