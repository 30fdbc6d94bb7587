"""A broker that denies by default: a listener that asks for passwords, and Kafka's own authorizer."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glue.kafka.config import KafkaConfig
from glue.local.kafka import Kafka
from glue.local.part import Part, Site
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.local.state import State

PASSWORD = "hush-4711"
_LISTENER = "listener.name.sasl_plaintext"
AUTHORIZER = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


class Guarded(Kafka):
    """Who is not logged in may do anything, so that the tests may; of the others each only what an ACL allows."""

    ports = (*Kafka.ports, "sasl")  # type: ignore[assignment]

    def __init__(self, users: Iterable[str]) -> None:
        super().__init__()
        self._users = tuple(users)

    def _config(self, site: Site, name: str, data: Path) -> Path:
        file, sasl = super()._config(site, name, data), site.address(self.name, "sasl")
        text = file.read_text().replace("listeners=PLAINTEXT:", f"listeners=SASL_PLAINTEXT://{sasl},PLAINTEXT:")
        text = text.replace("map=", "map=SASL_PLAINTEXT:SASL_PLAINTEXT,")
        users = " ".join(f'user_{user}="{PASSWORD}"' for user in self._users)
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        text += f"\n{_LISTENER}.sasl.enabled.mechanisms=PLAIN\n"
        text += f"{_LISTENER}.plain.sasl.jaas.config={module} required {users};\n{AUTHORIZER}"
        file.write_text(text)
        return file


@contextmanager
def guarded_broker(
    folder: Path, users: Iterable[str] = (), parts: Callable[[], list[Part]] = list
) -> Iterator[tuple[KafkaConfig, str]]:
    """The broker as its administrator reaches it, and the address where programs log in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MXCTL_STATE_DIR", str(folder))
        local = Stack(folder, Reporter(quiet=True), [Guarded(users), *parts()])
        try:
            kafka = local.up(services=False).kafka
            ports = State(folder / "state.json").part("kafka").ports
            yield KafkaConfig(str(kafka)), f"127.0.0.1:{ports['sasl']}"
        finally:
            gc.collect()  # a client of a failed operation is in a cycle with its error, and would ask on for its broker
            local.down()


def logged_in(address: str, user: str) -> KafkaConfig:
    """The broker as one program reaches it."""
    login = {"sasl.mechanisms": "PLAIN", "sasl.username": user, "sasl.password": PASSWORD}
    return KafkaConfig(address, {"security.protocol": "SASL_PLAINTEXT", **login})
