"""What the service needs goes away and comes back: records wait, and none is lost, doubled or disordered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from glue.avro import load_schema
from glue.kafka.config import KafkaConfig
from glue.kafka.lock import members
from glue.service.worker import Worker
from glue.settings import get_settings
from tests.playground import PARTITIONS, Cable, Playground, a_post
from tests.waiting import wait_for

pytestmark = pytest.mark.stack
SCHEMAS = Path(__file__).parents[3] / "schemas"


def assert_whole(play: Playground) -> None:
    """Every key that was sent came out once, in the order in which it was sent, in each partition."""
    output = play.read(play.output)
    assert sorted(message.key().decode() for message in output) == sorted(play.sent)
    for partition in {message.partition() for message in output}:
        likes = [play.value(message)["likes"] for message in output if message.partition() == partition]
        assert likes == sorted(likes)


def test_records_wait_while_redis_is_down_and_go_on_when_it_is_back(play: Playground) -> None:
    cable = Cable(urlsplit(play.settings.redis).port or 0)
    cable.cut()
    for number in range(300):
        play.send(number, product_ids=[f"p{number % 7}"] if number >= 100 else [])
    play.flush()
    settings = {
        "transforms.enrich.on.outage": "hold",
        "transforms.enrich.redis.url": f"redis://127.0.0.1:{cable.port}/0",
        "transforms.enrich.retry.seconds": "0",
        "errors.retry.timeout": "-1",
        "errors.retry.delay.max.ms": "300",
    }
    with play.working(**settings) as worker:
        wait_for(lambda: worker.health.held)
        assert not worker.health.ready()
        assert worker.health.alive()
        assert play.keys(play.dead) == []
        cable.mend()
        play.until(300)
        assert wait_for(worker.health.ready)
    assert_whole(play)


def test_a_bounded_wait_ends_in_dead_letters(play: Playground) -> None:
    cable = Cable(1)
    cable.cut()
    play.send(1, product_ids=["p1"])
    play.send(2)
    play.flush()
    settings = {
        "transforms.enrich.on.outage": "hold",
        "transforms.enrich.redis.url": f"redis://127.0.0.1:{cable.port}/0",
        "transforms.enrich.retry.seconds": "0",
        "errors.retry.timeout": "500",
    }
    with play.working(**settings):
        output, dead = play.until(2)
    assert (output, dead) == ([play.key(2)], [play.key(1)])


@pytest.fixture
def registry_cable(play: Playground, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cable]:
    address = urlsplit(play.settings.registry)
    cable = Cable(address.port or 0)
    monkeypatch.setenv("MXCTL_REGISTRY", f"http://127.0.0.1:{cable.port}{address.path}")
    get_settings.cache_clear()
    yield cable
    get_settings.cache_clear()


def test_records_wait_while_the_registry_is_down(play: Playground, registry_cable: Cable) -> None:
    for number in range(100):
        play.send(number)
    play.flush()
    with play.working(errors__retry__timeout="-1", errors__retry__delay__max__ms="300") as worker:
        play.until(100)
        registry_cable.cut()
        newer = load_schema(SCHEMAS / "social_post.avsc")
        fields = [*newer["fields"], {"name": "extra", "type": "long", "default": 0}]
        encode = play.register(play.source, {**newer, "fields": fields})
        for number in range(100, 200):
            play.send(number, value=encode(a_post(number) | {"extra": 1}))
        play.flush()
        wait_for(lambda: worker.health.held)
        registry_cable.mend()
        play.until(200)
    assert play.keys(play.dead) == []
    assert_whole(play)


def test_a_start_without_registry_waits_for_it(play: Playground, registry_cable: Cable) -> None:
    registry_cable.cut()
    play.send(1)
    play.flush()
    with play.working() as worker:
        worker.ended.wait(3)
        assert not worker.ended.is_set()
        registry_cable.mend()
        assert play.until(1)[0] == [play.key(1)]


def test_partitions_move_while_records_are_held_and_nobody_does_them_twice(play: Playground) -> None:
    """One worker holds records of all partitions; another joins and takes half of them; then Redis is back."""
    cable = Cable(urlsplit(play.settings.redis).port or 0)
    cable.cut()
    for number in range(400):
        play.send(number, product_ids=["p1"])
    play.flush()
    settings = {
        "transforms.enrich.on.outage": "hold",
        "transforms.enrich.redis.url": f"redis://127.0.0.1:{cable.port}/0",
        "transforms.enrich.retry.seconds": "0",
        "errors.retry.timeout": "-1",
        "errors.retry.delay.max.ms": "300",
    }
    with play.working("a", **settings) as first:
        assert wait_for(lambda: first.health.held)
        with play.working("b", **settings) as second:
            assert wait_for(lambda: second.health.held)
            cable.mend()
            play.until(400)
    assert_whole(play)


def test_who_stops_leaves_its_partitions_to_the_others_at_once(play: Playground) -> None:
    """Sessions are longer than a test waits, so that nothing moves because one ended."""
    settings = {"session.timeout.ms": "300000"}
    admin = KafkaConfig.of(play.settings).admin()

    def owners() -> int:
        return sum(bool(one.assignment.topic_partitions) for one in members(admin, f"millionx-{play.name}"))

    with play.working("a", **settings):
        with play.working("b", **settings):
            wait_for(owners, lambda count: count == 2)
            for number in range(200):
                play.send(number)
            play.flush()
        for number in range(200, 400):
            play.send(number)
        play.flush()
        play.until(400)
        assert owners() == 1
    assert_whole(play)


def test_a_consumer_that_was_fenced_is_replaced(play: Playground) -> None:
    """After a pause of the broker a member can be fenced by what it asked for itself before: nobody else is there."""
    with play.working() as worker:
        assert wait_for(lambda: worker.health.assigned)
        twin = worker._consumer()
        twin.subscribe([play.source])
        wait_for(lambda: twin.poll(0.1) or twin.assignment())
        twin.close()
        seen, labels = worker.metrics.registry.get_sample_value, {"chain": play.name}
        wait_for(lambda: seen("millionx_glue_client_restarts_total", labels))
        for number in range(100):
            play.send(number)
        play.flush()
        play.until(100)
    assert_whole(play)


def test_who_comes_back_in_the_midst_of_a_rebalance_leaves_no_partition_without_an_owner(play: Playground) -> None:
    """The first is stuck while the second joins, and comes back under its name before it gave anything up."""
    first, second = (Worker(play.chain(session__timeout__ms="30000"), name) for name in "ab")
    alone = first._consumer()
    alone.subscribe([play.source])
    wait_for(lambda: alone.poll(0.1) or alone.assignment())
    other = second._consumer()
    other.subscribe([play.source])
    for _ in range(50):
        other.poll(0.1)
    again = first._consumer()  # as after a SIGKILL, the one before has said nothing
    again.subscribe([play.source])

    def owned() -> int:
        for member in (again, other):
            member.poll(0.1)
        return len(again.assignment()) + len(other.assignment())

    try:
        wait_for(owned, lambda count: count == PARTITIONS)
    finally:
        for member in (alone, again, other):
            member.poll(0)  # a rebalance that waits is served first: librdkafka can hang when it closes over one
            member.close()


def test_degraded_records_say_so(play: Playground) -> None:
    play.send(1, product_ids=["p1"])
    play.flush()
    with play.working(transforms__enrich__redis__url="redis://127.0.0.1:1/0") as worker:
        play.until(1)
        samples = {s.name: s.value for m in worker.metrics.registry.collect() for s in m.samples if s.labels}
    (message,) = play.read(play.output)
    assert dict(message.headers())["millionx.degraded"] == b"EnrichProducts"
    assert samples["millionx_glue_degraded_total"] == 1
