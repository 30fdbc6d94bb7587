"""Who holds a lease, asked of a broker that does not know its groups yet."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors import lease
from glue.errors import ServiceUnavailableError


class Broker:
    """Answers each question for a group with the next of ``codes`` as its error; the last one stays."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.asked = 0

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> dict[str, Future[Any]]:
        code = self.codes[min(self.asked, len(self.codes) - 1)]
        self.asked += 1
        answer: Future[Any] = Future()
        answer.set_exception(KafkaException(KafkaError(code)))
        return dict.fromkeys(groups, answer)


@pytest.mark.parametrize(
    "code",
    [KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR],
)
def test_a_young_broker_is_waited_for(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease.time, "sleep", lambda _: None)
    broker = Broker(code, code, KafkaError.GROUP_ID_NOT_FOUND)
    assert lease.holder(broker, "connectors.lease.x") is None  # type: ignore[arg-type]
    assert broker.asked == 3


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_PATIENCE", 0.0)
    with pytest.raises(ServiceUnavailableError, match="COORDINATOR_NOT_AVAILABLE"):
        lease.holder(Broker(KafkaError.COORDINATOR_NOT_AVAILABLE), "connectors.lease.x")  # type: ignore[arg-type]


def test_other_failures_are_told_at_once_by_name() -> None:
    broker = Broker(KafkaError.GROUP_AUTHORIZATION_FAILED)
    with pytest.raises(ServiceUnavailableError, match="GROUP_AUTHORIZATION_FAILED"):
        lease.holder(broker, "connectors.lease.x")  # type: ignore[arg-type]
    assert broker.asked == 1
