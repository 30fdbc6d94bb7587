"""Three brokers under load, between which the network fails: two, or one and both others, no longer hear each other.

Clients reach all of them all the time. What brokers say to one another goes through :class:`Links`; what they say
to a broker that is cut off is neither answered nor refused, and arrives when the cut is mended, as with TCP. Load and
check by key are those of ``flow``.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from glue.kafka.config import KafkaConfig
from glue.local.kafka import Kafka, brokers
from glue.local.part import Part, Site
from glue.local.ports import LOOPBACK
from glue.local.process import Launch
from glue.local.report import Reporter
from glue.local.size import Size
from glue.local.stack import PARTS, Stack
from tests.glue.local.flow import SINK, Flow
from tests.glue.local.test_brokers import active_controller, survive, three_brokers
from tests.waiting import wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
CUT_S = 60  # twice as long as a copy may lag behind (replica.lag.time.max.ms), and more than any session
BETWEEN, CONTROLLER = "mtls", "controller"  # ports of a broker for the others; the first is free on an open stack


class Links:
    """Carries the connections between brokers, and stops carrying where it is cut.

    From broker M to broker N they go by the address ``127.0.M.N``: each broker has a file of hosts of its own.
    """

    def __init__(self, count: int) -> None:
        self.numbers = range(1, count + 1)
        self._loop, self._lock = asyncio.new_event_loop(), threading.Lock()
        self._whole = {frozenset({m, n}): asyncio.Event() for m in self.numbers for n in self.numbers}
        for event in self._whole.values():
            event.set()
        self._ports: dict[tuple[int, str], int] = {}
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def address(self, site: Site, broker: Kafka, port: str) -> str:
        """Where others reach this port of a broker."""
        with self._lock:
            if (broker.number, port) not in self._ports:
                serve = self._serve(broker.number, site.port(broker.name, port))
                self._ports[broker.number, port] = asyncio.run_coroutine_threadsafe(serve, self._loop).result(30)
            return f"{_host(broker.number)}:{self._ports[broker.number, port]}"

    async def _serve(self, broker: int, port: int) -> int:
        ours = 0
        for other in self.numbers:
            carry = partial(self._carry, port, self._whole[frozenset({other, broker})])
            server = await asyncio.start_server(carry, f"127.0.{other}.{broker}", ours)
            ours = server.sockets[0].getsockname()[1]
        return ours

    @staticmethod
    async def _carry(
        port: int, whole: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            await whole.wait()
            there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
            await asyncio.gather(_pump(whole, reader, there_writer), _pump(whole, there_reader, writer))

    @contextlib.contextmanager
    def cut(self, one: int, others: Iterable[int]) -> Iterator[None]:
        """Nothing passes between this broker and those meanwhile."""
        cut = [self._whole[frozenset({one, other})] for other in others]
        for event in cut:
            self._loop.call_soon_threadsafe(event.clear)
        try:
            yield
        finally:
            for event in cut:
                self._loop.call_soon_threadsafe(event.set)


def _host(broker: int) -> str:
    return f"broker-{broker}"


async def _pump(whole: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            await whole.wait()
            writer.write(data)
            await writer.drain()
        await whole.wait()  # the end is not heard either


class Linked(Kafka):
    """A broker that the others reach through ``links``, and clients as ever."""

    def __init__(self, links: Links, number: int = 1) -> None:
        super().__init__(number)
        self.links = links

    def copies(self, size: Size) -> tuple[Part, ...]:
        return tuple(Linked(self.links, one.number) for one in brokers(size))

    def _config(self, site: Site, name: str, data: Path) -> Path:
        file, at = super()._config(site, name, data), partial(site.address, self.name)
        linked = partial(self.links.address, site)
        voters = ",".join(f"{one.number}@{linked(one, CONTROLLER)}" for one in brokers(site.size))
        own = f"BETWEEN://{linked(self, BETWEEN)},CONTROLLER://{linked(self, CONTROLLER)}"
        lines = {  # of a key that is there twice, Java takes the last
            "listeners": f"PLAINTEXT://{at('broker')},BETWEEN://{at(BETWEEN)},CONTROLLER://{at(CONTROLLER)}",
            "advertised.listeners": f"PLAINTEXT://{at('broker')},{own}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,BETWEEN:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "BETWEEN",
            "controller.quorum.voters": voters,
        }
        with file.open("a") as text:
            text.writelines(f"{key}={value}\n" for key, value in lines.items())
        hosts = [f"127.0.{self.number}.{other} {_host(other)}\n" for other in self.links.numbers]
        self._hosts(site).write_text("".join(hosts))
        return file

    def _hosts(self, site: Site) -> Path:
        return site.folder(self.name) / "hosts"

    def launch(self, site: Site) -> Launch:
        plain = super().launch(site)
        java, *options = plain.argv
        return replace(plain, argv=[java, f"-Djdk.net.hosts.file={self._hosts(site)}", *options])


@pytest.fixture(scope="module")
def links() -> Iterator[Links]:
    found = Links(3)
    yield found
    found.end()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, links: Links) -> Iterator[Path]:
    with three_brokers(tmp_path_factory, parts=(Linked(links), *PARTS[1:])) as folder:
        yield folder


def cut(links: Links, alone: bool, leads: bool, root: Path, flow: Flow) -> None:
    """Cut a broker off, from one other or from both (``alone``); it is the active controller, or none of them is."""
    site, leader = Stack(root, Reporter(quiet=True)).site(), active_controller(root)
    rest = [one for one in brokers(site.size) if one.name != leader]
    first = [one for one in brokers(site.size) if one.name == leader]
    one, *others = [*first, *rest] if leads else [*rest, *first]
    others = others if alone else others[:1]
    apart = {one.number} if alone else {one.number, others[0].number}
    with links.cut(one.number, [other.number for other in others]):
        until = time.monotonic() + CUT_S
        wait_for(lambda: _behind(flow) & apart, seconds=CUT_S, what=f"copies of {apart} behind")
        reached = KafkaConfig(site.address(one.name, "broker")).admin()
        assert SINK in reached.list_topics(timeout=30).topics, "clients reach it"
        time.sleep(max(0.0, until - time.monotonic()))


def _behind(flow: Flow) -> set[int]:
    """Numbers of brokers with a copy behind, as one of them knows it; a new client may ask another one."""
    topics = KafkaConfig.of(flow.settings).admin({"log_level": 0}).list_topics(timeout=30).topics.values()
    return {one for topic in topics for each in topic.partitions.values() for one in {*each.replicas} - {*each.isrs}}


FAULTS = {
    "two brokers are cut from each other": (False, False),
    "a broker is cut from the active controller": (False, True),
    "a broker is cut from both others": (True, False),
    "the active controller is cut from both others": (True, True),
}


def test_a_cut_between_brokers_loses_doubles_and_mixes_nothing(root: Path, links: Links) -> None:
    survive(root, {f"{name} for {CUT_S} s": partial(cut, links, *how) for name, how in FAULTS.items()})
